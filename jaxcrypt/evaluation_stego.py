"""Hidden pictures measured: the cover, the secrets, what is left after JPEG, and what strangers see.

  python -m jaxcrypt.evaluation_stego --data DIR [--data DIR2] [--weights stego] [--unkeyed]
  python -m jaxcrypt.evaluation_stego --data DIR --detect DIR3

Covers are the centres of the pictures of --data, 256x256; each hides the next ones of an order that --seed
draws. Everything is measured on the 8-bit RGB picture that was written as PNG and read again. --detect
trains two detectors of hidden pictures on the centres of another folder's pictures and prints how often
they are right on --data.
"""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt import cli, runtime

_SHOWN = 4


def _jpeg(quality: int) -> Callable:
    return lambda stego, rng: _through(stego, "JPEG", quality=quality)


def _noise(stego: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.clip(np.round(stego + rng.normal(0, 4, stego.shape)), 0, 255).astype(np.uint8)


def _blur(stego: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from PIL import Image, ImageFilter

    return np.asarray(Image.fromarray(stego).filter(ImageFilter.GaussianBlur(0.6)))


def _resize(stego: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from PIL import Image

    height, width, _ = stego.shape
    smaller = Image.fromarray(stego).resize((width * 3 // 4, height * 3 // 4), Image.Resampling.BICUBIC)
    return np.asarray(smaller.resize((width, height), Image.Resampling.BICUBIC))


def _crop(stego: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A border of a sixteenth is lost: grey."""
    edge = stego.shape[0] // 16
    out = np.full_like(stego, 128)
    out[edge:-edge, edge:-edge] = stego[edge:-edge, edge:-edge]
    return out


def _dropout(stego: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One pixel in fifty is lost: that of its left neighbour."""
    lost = rng.random(stego.shape[:2]) < 0.02
    return np.where(lost[..., None], np.roll(stego, 1, axis=1), stego)


DAMAGE = {
    **{f"JPEG {quality}": _jpeg(quality) for quality in (95, 75, 50)},
    "noise of 4 grey levels": _noise,
    "blur of 0.6 pixels": _blur,
    "resizing to 3/4 and back": _resize,
    "a border lost": _crop,
    "one pixel in 50 lost": _dropout,
}


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    args = _parser().parse_args(argv)
    from jaxcrypt.evaluation.pictures import find_pictures

    paths = find_pictures(args.data, args.limit)
    runtime.start(args.device)
    from jaxcrypt import loading

    loaded = loading.load("stego", args.weights)
    hider = Hider(loaded, args.seed, not args.unkeyed)
    covers = centres(paths, args.size)
    stegos, rows = measure(hider, covers)
    summary = {name: float(_typical(name)([row[name] for row in rows])) for name in rows[0]}
    summary |= {"parameters": hider.parameters, "pictures": len(covers)}
    if args.detect:
        summary |= detect(hider, centres(find_pictures(args.detect, args.limit), args.size), covers, stegos)
    keyed = "unkeyed" if args.unkeyed else "keyed"
    shape = f"{len(covers)} pictures of {args.size}x{args.size}"
    print(f"{args.weights}, {keyed}: {hider.secrets} in one, {shape}")
    for name, value in summary.items():
        print(f"{name:44}{value:>12.4f}" if isinstance(value, float) else f"{name:44}{value:>12}")
    if args.output:
        args.output.mkdir(parents=True, exist_ok=True)
        facts = {"weights": args.weights, "keyed": not args.unkeyed, "seed": args.seed, "summary": summary}
        (args.output / "stego.json").write_text(json.dumps(facts | {"rows": rows}, indent=1))
        (args.output / "sheet.png").write_bytes(sheet(hider, covers, stegos))
    return 0


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="python -m jaxcrypt.evaluation_stego", description=__doc__)
    parser.add_argument("--data", action="append", required=True, help="a folder, never trained on")
    parser.add_argument("--weights", default="stego", help="zoo entry, weights file or training run")
    parser.add_argument("--unkeyed", action="store_true", help="hide without a key, readable to all")
    parser.add_argument("--detect", action="append", help="a folder of pictures to train detectors on")
    parser.add_argument("--size", type=int, default=256, help="side of the square pictures")
    parser.add_argument("--limit", type=int, help="only the first so many pictures of each folder")
    parser.add_argument("--seed", type=int, default=0, help="pairs and keys follow from it")
    parser.add_argument("--output", type=Path, help="folder for stego.json and sheet.png")
    parser.add_argument("--device", choices=runtime.DEVICES, default="auto")
    return parser


def _typical(name: str) -> Callable:
    """Means; of times the median, since the first call compiles."""
    return np.median if name.startswith("seconds") else np.mean


def centres(paths: Sequence[Path], size: int) -> np.ndarray:
    """The centres of pictures as RGB, uint8 ``[N, size, size, 3]``."""
    from jaxcrypt.evaluation.pictures import centre
    from jaxcrypt.imaging import load_picture

    pictures = [centre(load_picture(path).pixels, size, str(path)) for path in paths]
    return np.stack([np.repeat(p, 3, axis=2) if p.shape[2] == 1 else p[..., :3] for p in pictures])


def order(count: int, seed: int) -> np.ndarray:
    """The cycle that pairs pictures, int ``[count]``: picture i hides ``order[i]``, then what that one
    hides."""
    cycle = np.random.default_rng([seed, 5]).permutation(count)
    following = np.empty(count, int)
    following[cycle] = np.roll(cycle, -1)
    return following


@dataclass(frozen=True)
class Hider:
    """The System with its weights, as pairs of pictures and numbers go through it."""

    loaded: Any
    seed: int
    keyed: bool

    @property
    def secrets(self) -> int:
        return self.loaded.system.tiles.secrets

    @property
    def parameters(self) -> int:
        import jax

        return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(self.loaded.variables["params"]))

    def key(self, index: int) -> bytes:
        from jaxcrypt.evaluation.pictures import draw

        return draw(self.seed, "stego", str(index))

    def hide(self, cover: np.ndarray, secrets: Sequence[np.ndarray], index: int):
        """The stego picture, through a PNG, and its side."""
        driver = self.loaded.system.tiles.given({"cover": cover, "secrets": secrets[1:]})
        options = (("keyed", self.keyed),)
        [(stego, side)] = driver.encrypt_pictures(
            self.loaded.variables, [secrets[0]], [self.key(index)], options
        )
        return _through(stego, "PNG"), side

    def reveal(self, stego: np.ndarray, side: Any, key: bytes, keyed: bool = True) -> np.ndarray:
        """All secrets, uint8 ``[S, H, W, 3]``."""
        options = (("keyed", self.keyed and keyed),)
        [found] = self.loaded.system.tiles.decrypt_pictures(
            self.loaded.variables, [stego], [side], [key], options, stego.shape
        )
        return np.stack([found["image"], *(found[f"image{i}"] for i in range(2, self.secrets + 1))])


def secrets_of(covers: np.ndarray, index: int, count: int, following: np.ndarray) -> np.ndarray:
    """What picture ``index`` hides, uint8 ``[count, H, W, 3]``."""
    found = []
    for _ in range(count):
        index = following[index]
        found.append(covers[index])
    return np.stack(found)


def measure(hider: Hider, covers: np.ndarray) -> tuple[np.ndarray, list[dict[str, float]]]:
    """The stego pictures, and every picture's numbers."""
    following, rows, stegos = order(len(covers), hider.seed), [], []
    for index, cover in enumerate(covers):
        secrets = secrets_of(covers, index, hider.secrets, following)
        start = time.perf_counter()
        stego, side = hider.hide(cover, secrets, index)
        hidden = time.perf_counter()
        found = hider.reveal(stego, side, hider.key(index))
        row = _quality("cover", stego[None], cover[None]) | _quality("secret", found, secrets)
        row |= {"seconds to hide": hidden - start, "seconds to reveal": time.perf_counter() - hidden}
        rng = np.random.default_rng([hider.seed, index])
        for name, damage in DAMAGE.items():
            damaged = hider.reveal(damage(stego, rng), side, hider.key(index))
            row[f"secret PSNR after {name}"] = _quality("", damaged, secrets)[" PSNR"]
        rows.append(row | _strangers(hider, stego, side, secrets, covers, index))
        stegos.append(stego)
    return np.stack(stegos), rows


def _strangers(hider, stego, side, secrets, covers, index) -> dict[str, float]:
    """SSIM with the secrets of what comes out without the right key, beside that of unrelated pictures."""
    from jaxcrypt.attacks.steganalysis import reassemble

    wrong = hider.reveal(stego, side, hider.key(-1 - index))
    without = hider.reveal(stego, side, hider.key(index), keyed=False)
    jigsaw = np.stack([reassemble(picture) for picture in without])
    unrelated = secrets_of(covers, index, 2 * len(secrets), order(len(covers), hider.seed))[len(secrets) :]
    guesses = {"wrong key": wrong, "no key": without, "no key, jigsaw": jigsaw}
    guesses["unrelated pictures"] = unrelated
    return {f"{name}: SSIM": _quality("", guess, secrets)[" SSIM"] for name, guess in guesses.items()}


def _quality(name: str, found: np.ndarray, wanted: np.ndarray) -> dict[str, float]:
    from jaxcrypt.metrics.image import psnr, ssim

    measured = {"PSNR": psnr(found, wanted, 255.0), "SSIM": ssim(found, wanted, 255.0)}
    return {f"{name} {kind}": float(np.mean(np.minimum(values, 99.0))) for kind, values in measured.items()}


def _through(pixels: np.ndarray, kind: str, **options: Any) -> np.ndarray:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return np.asarray(Image.open(buffer))


def detect(hider: Hider, training: np.ndarray, covers: np.ndarray, stegos: np.ndarray) -> dict[str, float]:
    """How often the detectors are right on ``covers`` and ``stegos``, trained on pairs made of
    ``training``."""
    from jaxcrypt.attacks import steganalysis

    following = order(len(training), hider.seed)
    made = [
        hider.hide(cover, secrets_of(training, i, hider.secrets, following), i)[0]
        for i, cover in enumerate(training)
    ]
    clean, full = np.concatenate([training, covers]), np.concatenate([np.stack(made), stegos])
    return {
        "SPAM features, linear: accuracy": steganalysis.linear_accuracy(clean, full, len(training)),
        "small CNN: accuracy": steganalysis.network_accuracy(clean, full, len(training)),
    }


def sheet(hider: Hider, covers: np.ndarray, stegos: np.ndarray) -> bytes:
    """A PNG, one row a picture: cover, stego, change x10, then each secret, revealed, with a wrong key, by
    jigsaw."""
    from jaxcrypt.attacks.steganalysis import amplified, reassemble
    from jaxcrypt.imaging import encode_png

    following, lines = order(len(covers), hider.seed), []
    for index in range(min(_SHOWN, len(covers))):
        secrets = secrets_of(covers, index, hider.secrets, following)
        stego, side = hider.hide(covers[index], secrets, index)
        line = [covers[index], stego, amplified(stego, covers[index])]
        views = [hider.reveal(stego, side, hider.key(i)) for i in (index, -1 - index)]
        without = hider.reveal(stego, side, hider.key(index), keyed=False)
        for i, secret in enumerate(secrets):
            line += [secret, views[0][i], views[1][i], without[i], reassemble(without[i])]
        lines.append(np.concatenate(line, axis=1))
    return encode_png(np.concatenate(lines))


def run() -> None:
    """The console script and ``python -m``: exits with the command's code, a refusal being one line."""
    sys.exit(cli.entry(main))


if __name__ == "__main__":
    run()
