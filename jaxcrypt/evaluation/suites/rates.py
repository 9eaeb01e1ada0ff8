"""The CycleGAN cipher at all, a half and a quarter of a picture's bytes, beside what needs no net.

  python -m jaxcrypt.evaluation.suites.rates --data DIR [--data DIR2] [--weights NAME_OR_PATH] [--limit N]

Every picture (centre 256×256, RGB) is encrypted under a key of its own, the cipher goes through an 8-bit PNG,
and what decryption gives, rounded to 8 bits, is compared with the picture. No row may spend more bytes than
the rate allows, cipher, digits and step counts together; ``mixing`` does, by its pilots, and the table says
so. A few numbers for the whole picture (mean and spread) are in the header of all mixed rows and are not
counted; of sealed codecs the whole file and 100 bytes for authenticated encryption are. Rows:

  cyclegan          the System; and the same with its nets zeroed: all digits 8, no slopes, no denoiser
  mixing, 4:2:0     keyed mixing of the samples, at half of the bytes with colour differences of half size
  linear            the same transform, one set of scales for all pictures, mixing, Wiener's estimate: the
                    nets zeroed, but without digits and step counts, whose bytes hold coefficients
  local scales      that with the scales of each block and octave sent besides, by a rule instead of a net
  AVIF, JPEG 2000   the best file that fits, sealed: no damage is survived, and the rate must hold

Then what wrong keys decrypt, past the key check and with the true side information: its PSNR beside that of
flat pictures, and the correlation of 8×8 block means with the photo's. What a wrong key gives is noise that
has one law at every place, so its correlation must not stand out among those of its own shifts by whole
blocks of the transform, wrapped around: p is the share of shifts with at least as much.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

from jaxcrypt.cli import command as cli
from jaxcrypt.errors import usage
from jaxcrypt.evaluation import netless
from jaxcrypt.evaluation.netless import Made
from jaxcrypt.evaluation.suites.damage import SIDE, load_pictures, psnr
from jaxcrypt.functional.block_transform import BLOCK
from jaxcrypt.metrics import chance
from jaxcrypt.metrics import cipher as statistics
from jaxcrypt.metrics.image import ssim
from jaxcrypt.metrics.sensitivity import flip_bit
from jaxcrypt.pictures.files import encode_png, load_picture
from jaxcrypt.record import Sealed
from jaxcrypt.sealing import cipher as sealing
from jaxcrypt.systems.catalog import build
from jaxcrypt.systems.cyclegan.code import RATES

NAMES = {rate: "1" if rate == 1 else f"1/{rate}" for rate in RATES}
PARTS = ("rates", "keys")
MARGIN = 0.3  # dB above a flat picture that a wrong key may have
_SEED = 5


class Cipher(NamedTuple):
    """A System under measurement."""

    system: object
    variables: dict

    def encrypt(self, picture: np.ndarray, key: bytes, options: tuple) -> tuple[np.ndarray, dict]:
        """The cipher picture after an 8-bit PNG, and its side information."""
        [made] = self._with(options).encrypt([picture], [key])
        return load_picture(encode_png(made.pixels)).pixels, made.side

    def decrypt(self, cipher, side, key: bytes, options: tuple, shape) -> np.ndarray:
        """uint8 ``[H, W, 3]``."""
        [found] = self._with(options).decrypt([Sealed(cipher, side)], [key], shape)
        return found.pictures[0]

    def _with(self, options: tuple) -> sealing.Cipher:
        return sealing.Cipher(self.system, self.variables, options)

    def both(self, picture: np.ndarray, key: bytes, options: tuple = ()) -> Made:
        """There and back."""
        cipher, side = self.encrypt(picture, key, options)
        spent = cipher.nbytes + sum(side[name].nbytes for name in ("digits", "beyond") if name in side)
        return Made(self.decrypt(cipher, side, key, options, picture.shape), spent)


class Row(NamedTuple):
    """``make(picture, rate, key)`` at the ``rates`` that it has."""

    make: Callable[[np.ndarray, int, bytes], Made]
    rates: tuple[int, ...] = RATES


def zeroed(variables: dict) -> dict:
    """The weights with every net at zero; of the encoder the scales of all pictures stay."""
    nothing = functools.partial(jax.tree.map, np.zeros_like)
    params = dict(variables["params"])
    params |= {net: nothing(params[net]) for net in ("denoiser", "context")}
    encoder = params["encoder"]
    params["encoder"] = encoder | {part: nothing(encoder[part]) for part in ("slope", "leave")}
    return variables | {"params": params}


def table_rows(cipher: Cipher) -> dict[str, Row]:
    """The rows of the table by name."""
    profile = netless.trained_profile(cipher.variables["params"])
    bare = Cipher(cipher.system, zeroed(cipher.variables))
    mixing = Cipher(build("mixing"), {})
    return {
        "cyclegan": Row(lambda x, rate, key: cipher.both(x, key, (("rate", rate),))),
        "cyclegan, nets zeroed": Row(lambda x, rate, key: bare.both(x, key, (("rate", rate),))),
        "mixing": Row(lambda x, rate, key: mixing.both(x, key), (1,)),
        "4:2:0 and mixing": Row(lambda x, rate, key: netless.subsampled(x, key), (2,)),
        "linear and mixing": Row(lambda x, rate, key: netless.linear(x, rate, profile, key)),
        "local scales and mixing": Row(lambda x, rate, key: netless.adapted(x, rate, profile, key)),
        "AVIF 4:4:4, sealed": Row(lambda x, rate, key: netless.sealed_avif(x, rate, ("4:4:4",))),
        "AVIF, sealed": Row(lambda x, rate, key: netless.sealed_avif(x, rate, netless.SUBSAMPLINGS)),
        "JPEG 2000, sealed": Row(lambda x, rate, key: netless.sealed_jpeg2000(x, rate)),
    }


@functools.partial(jax.jit, static_argnames="data_range")
def _ssim(image, reference, data_range):
    return ssim(image, reference, data_range)[0]


def measure(pictures: dict[str, np.ndarray], rows: dict[str, Row], tell=lambda line: None) -> dict:
    """``{row: {rate: {"psnr": […], "ssim": […], "share": […]}}}``, a value for each picture; ``share`` is
    what was spent of the bytes that the rate allows."""
    found = {
        name: {r: {value: [] for value in ("psnr", "ssim", "share")} for r in row.rates}
        for name, row in rows.items()
    }
    for number, (file, picture) in enumerate(pictures.items()):
        key = np.random.default_rng((_SEED, number)).bytes(32)
        for name, row in rows.items():
            for rate in row.rates:
                made = row.make(picture, rate, key)
                values = found[name][rate]
                values["psnr"].append(psnr(made.picture, picture))
                values["ssim"].append(float(_ssim(made.picture[None], picture[None], 255)))
                values["share"].append(made.bytes * rate / picture.nbytes)
            tell(f"{file}: {name}: " + ", ".join(f"{v['psnr'][-1]:.2f}" for v in found[name].values()))
    return found


def markdown(found: dict) -> str:
    """Mean (lowest) PSNR and mean SSIM as a table."""
    lines = [
        "| | " + " | ".join(f"{NAMES[rate]} of the bytes" for rate in RATES) + " | of them spent |",
        "|---|" + "---|" * (len(RATES) + 1),
    ]
    for name, by_rate in found.items():
        cells = [_cell(by_rate[rate]) if rate in by_rate else "" for rate in RATES]
        spent = max(max(values["share"]) for values in by_rate.values())
        lines.append(f"| {name} | {' | '.join(cells)} | {100 * spent:.2f}% |")
    return "\n".join(lines)


def _cell(values: dict[str, list[float]]) -> str:
    exact = sum(value == 99 for value in values["psnr"])
    words = f"{np.mean(values['psnr']):.2f} ({min(values['psnr']):.1f}), {np.mean(values['ssim']):.4f}"
    return words + (f", {exact} exact" if exact else "")


def codecs_better(found: dict) -> str:
    """Where a sealed codec is better than the cipher, in sentences."""
    lines = ["1 of the bytes: authenticated encryption of the pixels themselves is exact, 28 bytes longer."]
    for rate in RATES:
        ours = np.array(found["cyclegan"][rate]["psnr"])
        for name in ("AVIF, sealed", "JPEG 2000, sealed"):
            theirs = np.array(found[name][rate]["psnr"])
            exact, better = np.sum(theirs == 99), np.sum(theirs > ours)
            words = f"{NAMES[rate]} of the bytes: {name}: better for {better} of {len(ours)} pictures"
            lines.append(
                words + (f", exact for {exact}." if exact else f", {np.mean(theirs - ours):+.2f} dB.")
            )
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------ wrong keys


def shifted_p(seen: np.ndarray, photo: np.ndarray) -> float:
    """p of the correlation of block means among all shifts by 16 pixels (see above).

    Args:
      seen, photo: uint8 ``[H, W, C]``, sides multiples of 16; no p below 0.01 on fewer than 101 blocks.

    Returns:
      NaN where ``seen`` is flat: it tells nothing.
    """
    first, second = (np.asarray(statistics.block_means(x[None]))[0] for x in (seen, photo))
    first, second = (x - x.mean(axis=(0, 1)) for x in (first, second))
    if not np.any(np.abs(first) > 1e-6):
        return float("nan")
    product = np.fft.fft2(first, axes=(0, 1)) * np.conj(np.fft.fft2(second, axes=(0, 1)))
    step = BLOCK // statistics.BLOCK
    likeness = np.abs(np.fft.ifft2(product, axes=(0, 1)).real.sum(axis=-1))[::step, ::step]
    return float(np.mean(likeness >= likeness[0, 0] * (1 - 1e-9)))


def wrong_keys(cipher: Cipher, pictures: dict[str, np.ndarray], tell=lambda line: None) -> dict:
    """``{(key, rate): {"psnr", "flat", "colour", "p"}}``, lists by picture: PSNR of what the key gives, of
    the picture's mean over all samples, and of its mean colour (which the side information holds)."""
    found: dict = {}
    for number, (file, picture) in enumerate(pictures.items()):
        rng = np.random.default_rng((_SEED, number))
        key, stranger = rng.bytes(32), rng.bytes(32)
        flat = np.full_like(picture, np.rint(picture.mean()))
        colour = np.broadcast_to(np.rint(picture.mean(axis=(0, 1))), picture.shape)
        for rate in RATES:
            options = (("rate", rate),)
            sealed, side = cipher.encrypt(picture, key, options)
            for name, wrong in (("wrong key", stranger), ("one bit flipped", flip_bit(key, 101 * number))):
                seen = cipher.decrypt(sealed, side, wrong, options, picture.shape)
                values = found.setdefault((name, rate), {v: [] for v in ("psnr", "flat", "colour", "p")})
                values["psnr"].append(psnr(seen, picture))
                values["flat"].append(psnr(flat, picture))
                values["colour"].append(psnr(colour, picture))
                values["p"].append(shifted_p(seen, picture))
        tell(f"{file}: wrong keys: " + ", ".join(f"{v['psnr'][-1]:.2f}" for v in found.values()))
    return found


def keys_markdown(found: dict) -> str:
    """Mean PSNR, how it compares with flat pictures, and block means against chance."""
    lines = [
        "| key | of the bytes | PSNR | flat mean | mean colour | over both by 0.3 dB | block means out | p |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (name, rate), values in found.items():
        got = np.array(values["psnr"])
        over = np.sum(got > np.maximum(values["flat"], values["colour"]) + MARGIN)
        pooled = chance.pool(values["p"])
        means = " | ".join(f"{np.mean(values[v]):.2f}" for v in ("psnr", "flat", "colour"))
        lines.append(
            f"| {name} | {NAMES[rate]} | {means} | {over} of {len(got)} "
            f"| {pooled.outside} of {pooled.count} | {pooled.p:.2g} |"
        )
    return "\n".join(lines)


# ---------------------------------------------------------------------------------------------- command


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return cli.entry(_main, argv)


def _main(argv: Sequence[str] | None) -> int:
    parser = cli.Parser(prog="python -m jaxcrypt.evaluation.suites.rates", description=__doc__)
    parser.add_argument("--data", type=Path, action="append", required=True, help="folder of pictures")
    parser.add_argument("--weights", default="cyclegan", help="zoo entry or training folder (%(default)s)")
    parser.add_argument("--limit", type=int, help="only the first so many pictures of each folder")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what is measured (all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every single value")
    args = parser.parse_args(argv)
    pictures = {
        f"{folder.name}/{name}": picture
        for folder in args.data
        for name, picture in load_pictures(folder, args.limit).items()
    }
    cipher = _load(args.weights)
    tell = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
    saved = {}
    print(f"{len(pictures)} pictures, centre {SIDE}×{SIDE}; mean (lowest) PSNR in dB, mean SSIM\n")
    if "rates" in args.parts:
        saved["rates"] = measure(pictures, table_rows(cipher), tell)
        print(markdown(saved["rates"]) + "\n\n" + codecs_better(saved["rates"]) + "\n")
    if "keys" in args.parts:
        found = wrong_keys(cipher, pictures, tell)
        saved["keys"] = {f"{name}, {NAMES[rate]}": values for (name, rate), values in found.items()}
        print(keys_markdown(found))
    if args.json:
        args.json.write_text(json.dumps(saved | {"pictures": list(pictures)}, indent=1), encoding="utf-8")
    return 0


def _load(weights: str) -> Cipher:
    from jaxcrypt import zoo

    system, variables, entry = zoo.load(weights)
    if entry["system"] != "cyclegan":
        raise usage(f"--weights {weights}: weights of {entry['system']}, not of cyclegan")
    return Cipher(system, variables)


if __name__ == "__main__":
    sys.exit(main())
