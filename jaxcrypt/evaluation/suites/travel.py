"""Files in pixels: of how many pictures header and file come back after each way.

Every picture, as a JPEG of quality 90 with 4:2:0 chroma, is sealed into the pixels of another, which
goes each of the ways; key and received file alone then open it. *Found* counts headers that were found
whole, *exact* files that came back byte for byte.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PIL import Image

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.evaluation.plots import bars
from jaxcrypt.evaluation.report import Result, markdown
from jaxcrypt.evaluation.setting import Setting, progress
from jaxcrypt.sealing.carried import find
from jaxcrypt.sealing.direct import seal
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.unseal import unseal

_PHOTO = 90
_LIBJPEGS = ("6b", "turbo210", "mozjpeg403", "9e")
_PARTS = {"photo": (0.0, 0.0, 1.0, 1.0), "third": (0.21, 0.18, 0.787, 0.757)}  # a third of the area
Way = Callable[[Image.Image], bytes]


def run(setting: Setting) -> Result:
    """All pictures through all ways."""
    quality, times = setting.own.get("way", 75), setting.own.get("pixels")
    inner = setting.own.get("inner_quality")
    chosen = _chosen(quality, setting.own.get("only") or [])
    counts = {name: {"found": 0, "exact": 0, "bits": 0.0} for name in chosen}
    taken, left_out = [], []
    pictures = setting.colour_pictures()
    for (picture,) in progress(([one] for one in pictures), len(pictures), "sent"):
        photo = _jpeg(Image.fromarray(picture.pixels), _PHOTO)
        keys = Keys(passphrase=None, key_file=_key(setting.seed))
        how = {"options": {"robust": "exact", "survives": quality}, "pixels": times, "inner_quality": inner}
        try:
            made = seal(photo, keys, name=f"{picture.name}.jpg", **how)
        except Refusal as refusal:
            left_out.append(f"{picture.name}: {refusal}")
            continue
        carrier = Image.open(io.BytesIO(made)).convert("RGB")
        area = picture.pixels.shape[0] * picture.pixels.shape[1]
        taken.append(carrier.width * carrier.height / area)
        for name, way in chosen.items():
            _count(counts[name], way(carrier), keys, photo if inner is None else None, area)
    facts = {"pictures": len(taken), "times": taken, "left_out": left_out, "ways": counts, "way": quality}
    return Result(facts, bars({name: {"exact": row["exact"]} for name, row in counts.items()}, "files"))


def _count(row: dict[str, float], received: bytes, keys: Keys, photo: bytes | None, area: int) -> None:
    """One received picture: whether its header is found, and its file exact."""
    row["bits"] += 8 * len(received) / area
    try:
        header = find(received, "received") is not None
        files = unseal(received, keys, name="received").files if header else []
    except Refusal:
        row["found"] += header
        return
    row["found"] += header
    row["exact"] += bool(files) and (photo is None or files[0][1] == photo)


def table(facts: Mapping[str, Any]) -> str:
    """Counts of each way as Markdown."""
    count, times = facts["pictures"], facts["times"]
    lines = [f"files made for JPEG {facts['way']}: {count} pictures"]
    if times:
        lines[0] += f", at {min(times):.2f} to {max(times):.2f} times the photo's pixels"
    if facts["left_out"]:
        lines.append(f"{len(facts['left_out'])} did not fit")
    rows = [
        [name, f"{row['found']}/{count}", f"{row['exact']}/{count}", f"{row['bits'] / max(count, 1):.1f}"]
        for name, row in facts["ways"].items()
    ]
    head = ["way", "header found and opened", "exact file", "bits on the way, a pixel of the photo"]
    return "\n\n".join([*lines, markdown(head, rows)])


def _chosen(quality: int, only: list[str]) -> dict[str, Way]:
    ways = {name: way for name, way in _ways(quality).items() if not only or any(o in name for o in only)}
    if not ways:
        raise usage(f"--only {', '.join(only)}: no way has that in its name")
    return ways


def _ways(quality: int) -> dict[str, Way]:
    ways: dict[str, Way] = {"none": lambda image: _saved(image, "PNG")}
    for step in sorted({95, 90, 80, 75, 60, 50, 30, quality}, reverse=True):
        ways[f"JPEG {step}, 4:2:0, Pillow"] = lambda image, step=step: _jpeg(image, step)
    ways[f"JPEG {quality}, 4:4:4, Pillow"] = lambda image: _jpeg(image, quality, 0)
    for version in _LIBJPEGS if _has_jpeglib() else ():
        ways[f"JPEG {quality}, 4:2:0, {version}"] = lambda image, version=version: _libjpeg(
            image, version, quality
        )
    ways["WebP 80"] = lambda image: _saved(image, "WEBP", quality=80)
    ways["a third of it, JPEG 80"] = lambda image: _jpeg(_cut(image), 80)
    ways["×2, JPEG 80"] = lambda image: _jpeg(_resized(image, 2.0), 80)
    ways["×0.7 by Lanczos, JPEG 80"] = lambda image: _jpeg(_resized(image, 0.7), 80)
    ways["×0.5 by Lanczos, JPEG 80"] = lambda image: _jpeg(_resized(image, 0.5), 80)
    return ways


def _has_jpeglib() -> bool:
    from importlib import util

    return util.find_spec("jpeglib") is not None


def _saved(image: Image.Image, kind: str, **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def _jpeg(image: Image.Image, quality: int, subsampling: int = 2) -> bytes:
    return _saved(image, "JPEG", quality=quality, subsampling=subsampling)


def _libjpeg(image: Image.Image, version: str, quality: int) -> bytes:
    """By one of the libjpegs that the extra ``jpeg`` brings, in a file since it writes nowhere else."""
    import tempfile
    from pathlib import Path

    import jpeglib

    with tempfile.TemporaryDirectory() as folder, jpeglib.version(version):
        picture = jpeglib.from_spatial(np.asarray(image))
        picture.samp_factor = ((2, 2), (1, 1), (1, 1))
        picture.write_spatial(f"{folder}/x.jpg", qt=quality)
        return Path(folder, "x.jpg").read_bytes()


def _cut(image: Image.Image) -> Image.Image:
    left, top, right, bottom = _PARTS["third"]
    return image.crop(
        (
            int(left * image.width) | 1,
            int(top * image.height) | 1,
            int(right * image.width),
            int(bottom * image.height),
        )
    )


def _resized(image: Image.Image, scale: float) -> Image.Image:
    kind = Image.Resampling.NEAREST if scale == round(scale) else Image.Resampling.LANCZOS
    return image.resize((round(image.width * scale), round(image.height * scale)), kind)


def _key(seed: int) -> bytes:
    """A key file that follows from the seed."""
    from jaxcrypt.crypto.sources import Kind, Source, encode_key_file

    return encode_key_file(Source(Kind.KEY_FILE, np.random.default_rng(seed).bytes(32))).encode()
