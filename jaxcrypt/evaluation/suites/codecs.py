"""The autoencoder beside PCA and image codecs at the same bytes, and under a wrong key.

  python -m jaxcrypt.evaluation.suites.codecs --data DIR --train DIR [--weights autoencoder] [--size 64]
  python -m jaxcrypt.evaluation.suites.codecs --data DIR --colour

Every picture of --data (64x64, or its centre) is encrypted to a cipher picture, which is written as an 8-bit
PNG, read again and decrypted. The PSNR is that of the 8-bit picture that comes back, averaged over pictures.
Beside it, with as many bytes for each picture as the cipher picture has pixels' bytes:

  PCA    so many components, fitted on the pictures of --train, one byte each over the range they have there
  WebP, JPEG, AVIF    Pillow's encoder at the highest quality whose file fits, headers included

PCA is for grey pictures only. A codec gives bits to the parts of a picture that need them and codes them
without redundancy, so the size of its file tells something of the picture; the autoencoder spends the same
bits everywhere. A codec's file is not encrypted either.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxcrypt import runtime
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import usage

_CHUNK = 64
_BEYOND = 5  # qualities above the last that fits that are tried
CODECS = {"WebP": {"method": 6}, "JPEG": {"optimize": True}, "AVIF": {"speed": 8}}


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    args = _parser().parse_args(argv)
    if not (args.train or args.colour):
        raise usage("--train FOLDER is needed: the pictures that PCA is fitted on")
    runtime.start(args.device)
    from jaxcrypt import zoo

    system, variables, _ = zoo.load(args.weights)
    pictures = read_folder(args.data, args.size, args.colour, args.limit)
    opened, wrong, count = through_cipher(system, variables, pictures)
    rows = {"autoencoder": opened}
    if not args.colour:
        rows[f"PCA, {count} x 8 bits"] = pca(read_folder(args.train, args.size, False), pictures, count)
    rows |= {name: codec(name, pictures, count) for name in args.codecs}
    table = {name: psnr(pictures, made) for name, made in rows.items()}
    _print(table, pictures, count)
    secrecy = wrong_key(pictures, wrong)
    for name, value in secrecy.items():
        print(f"{name:44} {value:.4f}")
    if args.json:
        args.json.write_text(json.dumps({"bytes": count, "psnr": table, "ssim": secrecy}, indent=1))
    return 0


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="python -m jaxcrypt.evaluation.suites.codecs", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of pictures never trained on")
    parser.add_argument("--train", type=Path, help="folder of pictures that PCA is fitted on")
    parser.add_argument("--weights", default="autoencoder", help="zoo entry, weights file or training run")
    parser.add_argument("--colour", action="store_true", help="RGB; without it, grey")
    parser.add_argument("--size", type=int, default=64, help="side of the square pictures")
    parser.add_argument("--limit", type=int, help="only the first so many pictures of --data")
    parser.add_argument("--codecs", nargs="*", choices=CODECS, default=list(CODECS), help="which to compare")
    parser.add_argument("--json", type=Path, help="write the numbers there, too")
    parser.add_argument("--device", choices=runtime.DEVICES, default="auto")
    return parser


def read_folder(folder: Path, size: int, colour: bool, limit: int | None = None) -> np.ndarray:
    """The centres of a folder's pictures: uint8 ``[N, size, size, C]``; smaller pictures are refused."""
    from PIL import Image

    from jaxcrypt.pictures.files import SUFFIXES

    paths = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES)[:limit]
    if not paths:
        raise usage(f"{folder}: no pictures in it")
    found = []
    for path in paths:
        with Image.open(path) as image:
            left, top = (image.width - size) // 2, (image.height - size) // 2
            if min(left, top) < 0:
                raise usage(f"{path}: smaller than --size {size}")
            image = image.convert("RGB" if colour else "L").crop((left, top, left + size, top + size))
            found.append(np.asarray(image).reshape(size, size, -1))
    return np.stack(found)


def through_cipher(system, variables, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """What comes back with the right key, what with a wrong one, and the bytes of a cipher picture."""
    from jaxcrypt.record import Sealed
    from jaxcrypt.sealing.cipher import Cipher

    cipher, opened, wrong = Cipher(system, variables), [], []
    count = 0
    for start in range(0, len(pictures), _CHUNK):
        chunk = list(pictures[start : start + _CHUNK])
        keys = [np.random.default_rng([start, i]).bytes(32) for i in range(len(chunk))]
        made = [Sealed(_through_png(one.pixels), one.side) for one in cipher.encrypt(chunk, keys)]
        count = made[0].pixels.nbytes
        for keep, own in ((opened, keys), (wrong, [bytes([key[0] ^ 1]) + key[1:] for key in keys])):
            keep += [one.pictures[0] for one in cipher.decrypt(made, own, pictures.shape[1:])]
    return np.stack(opened), np.stack(wrong), count


def _through_png(pixels: np.ndarray) -> np.ndarray:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
    return np.asarray(Image.open(buffer)).reshape(pixels.shape)


def pca(train: np.ndarray, pictures: np.ndarray, count: int) -> np.ndarray:
    """``count`` principal components of ``train``, each rounded to 256 levels over its range in ``train``."""
    flat = train.reshape(len(train), -1).astype(np.float32)
    mean = flat.mean(0)
    flat -= mean
    _, vectors = np.linalg.eigh(flat.T @ flat)
    basis = vectors[:, ::-1][:, :count]
    known = flat @ basis
    low, step = known.min(0), np.ptp(known, axis=0) / 255
    found = (pictures.reshape(len(pictures), -1) - mean) @ basis
    found = np.clip(np.round((found - low) / step), 0, 255) * step + low
    return np.clip(np.round(found @ basis.T + mean), 0, 255).astype(np.uint8).reshape(pictures.shape)


def codec(name: str, pictures: np.ndarray, count: int) -> np.ndarray:
    """Each picture at the highest quality of a codec whose file has at most ``count`` bytes."""
    return np.stack([_best_fit(name, picture, count) for picture in pictures])


def _best_fit(name: str, picture: np.ndarray, count: int) -> np.ndarray:
    from PIL import Image

    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)

    def file_at(quality: int) -> io.BytesIO | None:
        buffer = io.BytesIO()
        image.save(buffer, name, quality=quality, **CODECS[name])
        return buffer if buffer.tell() <= count else None

    low, high, best = 0, 101, file_at(0)
    if best is None:
        raise usage(f"{name}: does not fit {count} bytes at any quality")
    while high - low > 1:
        quality = (low + high) // 2
        found = file_at(quality)
        low, high, best = (quality, high, found) if found else (low, quality, best)
    # Files do not always grow with the quality: one a little higher may fit after all.
    for quality in range(low + 2, min(low + _BEYOND, 100) + 1):
        best = file_at(quality) or best
    return np.asarray(Image.open(best).convert(image.mode)).reshape(picture.shape)


def psnr(pictures: np.ndarray, made: np.ndarray) -> float:
    """Mean over pictures of the PSNR in dB, all channels together."""
    error = np.square(pictures.astype(np.float32) - made).reshape(len(pictures), -1).mean(1)
    return float(np.mean(10 * np.log10(255**2 / np.maximum(error, 1e-6))))


def wrong_key(pictures: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """SSIM, mean over pictures: of a face and what a wrong key makes of it, and of two different faces."""
    from jaxcrypt.metrics.image import ssim

    def mean(first, second):
        parts = [
            np.asarray(
                ssim(first[i : i + _CHUNK] / np.float32(255), second[i : i + _CHUNK] / np.float32(255))
            )
            for i in range(0, len(first), _CHUNK)
        ]
        return float(np.concatenate(parts).mean())

    return {
        "SSIM, picture and wrong key": mean(pictures, wrong),
        "SSIM, picture and the next picture": mean(pictures, np.roll(pictures, 1, axis=0)),
    }


def _print(table: dict[str, float], pictures: np.ndarray, count: int) -> None:
    shape = "x".join(str(n) for n in pictures.shape[1:])
    print(f"{len(pictures)} pictures of {shape}, {count} bytes each; PSNR after 8 bits, mean, dB")
    for name, value in table.items():
        print(f"  {name:24} {value:6.2f}")
    for name in CODECS:
        gap = table.get(name, 0.0) - table["autoencoder"]
        if gap > 0:
            print(f"{name} is {gap:.2f} dB better: it puts its bits where they count")


def run() -> None:
    """The console script and ``python -m``: exits with the command's code, a refusal being one line."""
    sys.exit(cli.entry(main))


if __name__ == "__main__":
    run()
