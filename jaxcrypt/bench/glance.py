"""Time to open the thumbnails of sealed pictures, what they cost in the header, and how close they are."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from jaxcrypt.bench import results
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import ExitCode
from jaxcrypt.pictures import folders, thumbnails
from jaxcrypt.pictures.files import load_picture, read_file
from jaxcrypt.sealing.glance import glance, small_picture
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.seal import Sealer

_KEY = "a passphrase for this measurement only"


def main(argv: Sequence[str]) -> int:
    """``bench glance``; returns its exit code."""
    parser = cli.Parser(prog="python -m jaxcrypt.bench glance", description=__doc__)
    parser.add_argument("--data", metavar="DIR", required=True, help="a folder of pictures")
    parser.add_argument("--limit", type=int, metavar="N", help="the first so many of them")
    parser.add_argument("--enlarge", type=int, default=1, metavar="N", help="each side so many times (1)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the numbers there")
    args = parser.parse_args(argv)
    facts = measure(folders.find(args.data, limit=args.limit), max(1, args.enlarge))
    for name, value in facts.items():
        print(f"{name.replace('_', ' ')}: {value:g}")
    results.write(args.json, "glance", argv, facts)
    return ExitCode.OK


def measure(paths: Sequence[Path], enlarge: int = 1) -> dict[str, Any]:
    """Medians over the pictures; times are CPU milliseconds, Argon2id once before them.

    ``enlarge`` repeats every pixel so many times in both directions before sealing.
    """
    keys, rows = Keys(passphrase=_KEY), []
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            pixels = load_picture(path).pixels.repeat(enlarge, 0).repeat(enlarge, 1)
            rows.append(_one(pixels, read_file(path), keys, Path(folder)))
    names = list(rows[0])
    return {"pictures": len(rows), **{name: median(row[name] for row in rows) for name in names}}


def _one(pixels: np.ndarray, data: bytes, keys: Keys, folder: Path) -> dict[str, float]:
    from jaxcrypt.pictures.files import encode_png

    if load_picture(data, "the picture").pixels.shape != pixels.shape:
        data = encode_png(pixels)
    headers, paths = {}, {}
    for thumbnail in (False, True):
        sealer = Sealer(keys, thumbnail=thumbnail)
        (made,) = sealer.seal([sealer.read(data)])
        headers[thumbnail], paths[thumbnail] = len(made.header), folder / f"{thumbnail}.png"
        with paths[thumbnail].open("wb") as file:
            made.write(file)
    glance(paths[True], keys)  # derives the key
    shown = glance(paths[True], keys).thumbnail
    error = np.square(shown.astype(np.float64) - thumbnails.shrink(pixels)).mean()
    return {
        "megapixels": pixels.shape[0] * pixels.shape[1] / 1e6,
        "sealed_bytes": paths[True].stat().st_size,
        "header_bytes": headers[True],
        "header_bytes_without": headers[False],
        "psnr": float(10 * np.log10(255**2 / error)),
        "make_ms": _cpu(lambda: thumbnails.encode(pixels)),
        "open_ms": _cpu(lambda: glance(paths[True], keys)),
        "from_file_ms": _cpu(lambda: small_picture(glance(paths[False], keys), keys)),
    }


def _cpu(call: Callable[[], Any]) -> float:
    before = time.process_time()
    call()
    return (time.process_time() - before) * 1e3
