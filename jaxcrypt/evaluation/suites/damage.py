"""Decode cipher pictures that suffered: the recovery table, measured on real pictures.

  python -m jaxcrypt.evaluation.suites.damage --data DIR [--weights NAME_OR_PATH] [--limit N] [--bm3d]
  [--json FILE]

Every picture of DIR (centre 256×256, RGB) is encrypted under a key of its own, damaged, and decoded with
the header at hand, as ``decrypt --recover`` does: by ``mixing``, by the Systems that --weights
names (``denoiser``, ``cyclegan``), with --bm3d by un-mixing and BM3D (the bm3d package; not for commercial
use), and in the robust layout at strengths 1 to 3. Beside them what undoes ordinary ciphers: ``logistic``,
and AES-256-GCM, which returns nothing at all once a bit has changed.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from jaxcrypt.cli import command as cli

SIDE = 256
_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
_SEED = 5


def _jpeg(quality: int, subsampling: int) -> Callable:
    def suffer(cipher: np.ndarray, rng: np.random.Generator):
        from PIL import Image

        file = io.BytesIO()
        picture = Image.fromarray(cipher[..., 0] if cipher.shape[2] == 1 else cipher).convert("RGB")
        picture.save(file, "JPEG", quality=quality, subsampling=subsampling)
        return np.asarray(Image.open(file)), None

    return suffer


def _noise(sigma: float) -> Callable:
    def suffer(cipher: np.ndarray, rng: np.random.Generator):
        noisy = cipher + sigma * rng.standard_normal(cipher.shape)
        return np.clip(np.rint(noisy), 0, 255).astype(np.uint8), None

    return suffer


def _lose(share: float, block: int) -> Callable:
    def suffer(cipher: np.ndarray, rng: np.random.Generator):
        height, width, _ = cipher.shape
        gone = rng.random((-(-height // block), -(-width // block))) < share
        lost = np.kron(gone, np.ones((block, block), bool))[:height, :width]
        return np.where(lost[..., None], 0, cipher).astype(np.uint8), lost

    return suffer


DAMAGES: dict[str, Callable] = {
    "nothing": lambda cipher, rng: (cipher, None),
    "JPEG 90, 4:4:4": _jpeg(90, 0),
    "JPEG 75, 4:4:4": _jpeg(75, 0),
    "JPEG 50, 4:4:4": _jpeg(50, 0),
    "noise, sigma 8": _noise(8.0),
    "10% of 16x16 blocks lost": _lose(0.1, 16),
}
ROBUST: dict[str, Callable] = {
    "nothing": DAMAGES["nothing"],
    "JPEG 90, 4:2:0": _jpeg(90, 2),
    "JPEG 75, 4:2:0": _jpeg(75, 2),
}


def psnr(found: np.ndarray | None, picture: np.ndarray) -> float:
    """Decibel, of uint8 pictures over all channels; 99 where they are equal, 0 where nothing came back."""
    if found is None:
        return 0.0
    error = np.mean((found.astype(np.float64) - picture) ** 2)
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def load_pictures(folder: Path, limit: int | None = None) -> dict[str, np.ndarray]:
    """Centre crops, uint8 [256, 256, 3], by file name.

    Raises:
      Refusal: no picture there, or one that is too small.
    """
    from jaxcrypt.errors import usage
    from jaxcrypt.pictures.files import load_picture

    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in _PICTURES)[:limit]
    if not paths:
        raise usage(f"--data {folder}: no pictures there")
    found = {}
    for path in paths:
        pixels = load_picture(path).pixels[..., :3]
        top, left = (pixels.shape[0] - SIDE) // 2, (pixels.shape[1] - SIDE) // 2
        if top < 0 or left < 0:
            raise usage(f"{path}: smaller than {SIDE}×{SIDE}")
        crop = pixels[top : top + SIDE, left : left + SIDE]
        found[path.name] = np.ascontiguousarray(np.broadcast_to(crop, (SIDE, SIDE, 3)))
    return found


class Decoder:
    """One System with its options, from a picture to what comes back."""

    def __init__(self, system, variables, options: tuple = ()):
        self.system, self.variables, self.options = system, variables, options
        self.seconds = 0.0

    def __call__(self, picture: np.ndarray, number: int, suffer: Callable) -> np.ndarray:
        from jaxcrypt.record import Sealed
        from jaxcrypt.sealing.cipher import Cipher

        system = Cipher(self.system, self.variables, self.options)
        rng = np.random.default_rng((_SEED, number))
        key = rng.bytes(32)
        [made] = system.encrypt([picture], [key])
        received, lost = suffer(made.pixels, rng)
        start = time.perf_counter()
        gaps = None if lost is None else [lost]
        [found] = system.decrypt([Sealed(received, made.side)], [key], picture.shape, gaps)
        self.seconds += time.perf_counter() - start
        return self.finish(found)

    def finish(self, found) -> np.ndarray:
        """The picture of an :class:`~jaxcrypt.record.Outcome`."""
        return found.pictures[0]


class AesGcm(Decoder):
    """AES-256-GCM of the pixels, the tag kept safe: all or nothing."""

    def __init__(self):
        super().__init__(None, {})

    def __call__(self, picture: np.ndarray, number: int, suffer: Callable) -> np.ndarray | None:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        rng = np.random.default_rng((_SEED, number))
        aes, nonce = AESGCM(rng.bytes(32)), bytes(12)
        sealed = aes.encrypt(nonce, picture.tobytes(), None)
        cipher = np.frombuffer(sealed[: picture.size], np.uint8).reshape(picture.shape)
        received, _ = suffer(cipher, rng)
        try:
            opened = aes.decrypt(nonce, received.tobytes() + sealed[picture.size :], None)
        except InvalidTag:
            return None
        return np.frombuffer(opened, np.uint8).reshape(picture.shape)


class Bm3d(Decoder):
    """Mixing, then BM3D told the level that the pilots measured."""

    def finish(self, found) -> np.ndarray:
        import bm3d

        clean = bm3d.bm3d_rgb(found.pictures[0] / 255, found.noise / 255)
        return np.clip(np.rint(clean * 255), 0, 255).astype(np.uint8)


def decoders(weights: Sequence[str], bm3d: bool) -> tuple[dict[str, Decoder], dict[str, Decoder]]:
    """Those of the table of :data:`DAMAGES`, and those of :data:`ROBUST`; ``weights``: of Systems that have
    the option ``robust``, ``denoiser`` and ``cyclegan``.

    Raises:
      Refusal: weights of another System.
    """
    from jaxcrypt import zoo
    from jaxcrypt.errors import usage
    from jaxcrypt.functional.robust import STRENGTHS
    from jaxcrypt.systems.catalog import build

    plain = {
        "AES-256-GCM": AesGcm(),
        "logistic": Decoder(build("logistic"), {}),
        "mixing": Decoder(build("mixing"), {}),
    }
    if bm3d:
        plain["mixing + BM3D"] = Bm3d(build("mixing"), {})
    sturdy = {}
    for given in weights:
        system, variables, entry = zoo.load(given)
        if "robust" not in {option.name for option in system.options}:
            raise usage(f"--weights {given}: {entry['system']} has no robust layout")
        name = entry["system"]
        plain[name] = Decoder(system, variables, (("robust", 0),))
        sturdy |= {f"{name} --robust {s}": Decoder(system, variables, (("robust", s),)) for s in STRENGTHS}
    return plain, sturdy


def measure(
    pictures: dict[str, np.ndarray],
    using: dict[str, Decoder],
    damages: dict[str, Callable],
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, dict[str, list[float]]]:
    """PSNR of every picture, ``{damage: {decoder: [dB, …]}}``."""
    table = {damage: {name: [] for name in using} for damage in damages}
    for number, (file, picture) in enumerate(pictures.items()):
        for damage, suffer in damages.items():
            for name, decode in using.items():
                table[damage][name].append(psnr(decode(picture, number, suffer), picture))
            row = ", ".join(f"{name} {values[-1]:.2f}" for name, values in table[damage].items())
            tell(f"{file}: {damage}: {row}")
    return table


def markdown(table: dict[str, dict[str, list[float]]]) -> str:
    """Mean (lowest) PSNR as a table."""
    names = list(next(iter(table.values())))
    lines = ["| cipher picture suffered | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for damage, row in table.items():
        cells = (f"{np.mean(v):.2f} ({min(v):.1f})" if any(v) else "nothing" for v in row.values())
        lines.append(f"| {damage} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return cli.entry(_main, argv)


def _main(argv: Sequence[str] | None) -> int:
    parser = cli.Parser(prog="python -m jaxcrypt.evaluation.suites.damage", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures of 256×256 and more")
    parser.add_argument(
        "--weights",
        action="append",
        help="zoo entry or training folder of denoiser or cyclegan, any number of them (denoiser)",
    )
    parser.add_argument("--limit", type=int, help="only the first so many pictures")
    parser.add_argument("--bm3d", action="store_true", help="a row for BM3D (needs the bm3d package)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save every single PSNR")
    args = parser.parse_args(argv)
    pictures = load_pictures(args.data, args.limit)
    plain, sturdy = decoders(args.weights or ["denoiser"], args.bm3d)
    tell = lambda line: print(line, file=sys.stderr, flush=True)  # noqa: E731
    tables = measure(pictures, plain, DAMAGES, tell), measure(pictures, sturdy, ROBUST, tell)
    print(f"PSNR in dB, mean (lowest) of {len(pictures)} pictures, centre {SIDE}×{SIDE}\n")
    print("\n\n".join(markdown(table) for table in tables))
    for name, decoder in (plain | sturdy).items():
        print(f"{name}: {decoder.seconds:.0f} s decoding", file=sys.stderr)
    if args.json:
        args.json.write_text(json.dumps(tables, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
