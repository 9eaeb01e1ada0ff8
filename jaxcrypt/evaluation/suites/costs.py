"""What encryption costs: bytes of the sealed picture, seconds a megapixel, and what its pixels give back.

Every picture, as the PNG file of its RGB samples, is sealed by :func:`jaxcrypt.seal` under a key file: with
the file, and ``pixels_only``, whose pixels are then decoded by :func:`jaxcrypt.unseal`. Bytes are of whole
sealed files. Seconds are those of the two calls without the file, PNG writing and reading in them; a picture
of each shape goes through once before, so that nothing is compiled meanwhile. The reference is the file under
AES-256-GCM (NIST SP 800-38D): 28 bytes more than the file, and no picture.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxcrypt.crypto.sources import Kind, Source, encode_key_file
from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation.pictures import Named, draw
from jaxcrypt.evaluation.plots import bars
from jaxcrypt.evaluation.report import Result, markdown, numbers
from jaxcrypt.evaluation.setting import Setting, digests, progress, title
from jaxcrypt.evaluation.subject import Subject
from jaxcrypt.metrics.image import mean, psnr
from jaxcrypt.pictures.files import encode_png
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.seal import Sealer
from jaxcrypt.sealing.unseal import Opener

REFERENCE = "AES-256-GCM of the file"
_FIELDS = ("bytes", "pixels_only", "psnr", "seal", "unseal")


def run(setting: Setting) -> Result:
    """Every picture by every System, and what the reference makes of it."""
    named, subjects = setting.colour_pictures(), setting.subjects()
    files = [encode_png(picture.pixels) for picture in named]
    values = {REFERENCE: _reference(named, files)}
    refused: dict[str, str] = {}
    jobs = [(subject, index) for subject in subjects for index in range(len(named))]
    shapes: set[tuple[str, tuple[int, ...]]] = set()
    for [(subject, index)] in progress(([job] for job in jobs), len(jobs), "measured"):
        row = values.setdefault(subject.label, {field: [] for field in _FIELDS})
        try:
            once = _Once(subject, setting.weights, named[index], files[index], files[index - 1])
            if (subject.label, named[index].pixels.shape) not in shapes:
                once.measure()
                shapes.add((subject.label, named[index].pixels.shape))
            for field, value in once.measure().items():
                row[field].append(value)
        except Refusal as refusal:
            refused[f"{subject.label}: {named[index].name}"] = str(refusal)
    megapixels = [picture.pixels[..., 0].size / 1e6 for picture in named]
    facts = {"pictures": len(named), "names": [picture.name for picture in named], "values": values}
    facts |= {"megapixels": megapixels, "refused": refused, "digests": digests(subjects)}
    return Result(facts, plot(facts))


def _reference(named: Sequence[Named], files: Sequence[bytes]) -> dict[str, list[float]]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    row: dict[str, list[float]] = {field: [] for field in _FIELDS}
    for picture, file in zip(named, files, strict=True):
        cipher, nonce = AESGCM(draw(0, "reference", picture.name)), bytes(12)
        start = time.perf_counter()
        sealed = cipher.encrypt(nonce, file, None)
        middle = time.perf_counter()
        cipher.decrypt(nonce, sealed, None)
        scale = picture.pixels[..., 0].size / 1e6
        row["bytes"].append((len(nonce) + len(sealed)) / len(file))
        row["seal"].append((middle - start) / scale)
        row["unseal"].append((time.perf_counter() - middle) / scale)
    return row


class _Once:
    """One picture by one System; ``other`` is what it is hidden in, where the System hides pictures."""

    def __init__(self, subject: Subject, weights: str | None, picture: Named, file: bytes, other: bytes):
        required = [given for given in subject.cipher.system.inputs if given.required]
        self._weights = weights
        self._how = {
            "weights": weights,
            "options": subject.chosen,
            "inputs": {given.name: other for given in required},
        }
        secret = Source(Kind.KEY_FILE, draw(subject.seed, "costs", picture.name))
        self._keys = Keys(key_file=encode_key_file(secret).encode())
        self._name, self._picture, self._file = subject.name, picture, file

    def measure(self) -> dict[str, float]:
        """Bytes as multiples of the file's, seconds a megapixel, PSNR in dB (NaN: another shape)."""
        scale = self._picture.pixels[..., 0].size / 1e6
        whole, _ = self._seal(pixels_only=False)
        bare, sealing = self._seal(pixels_only=True)
        start = time.perf_counter()
        opened = Opener(self._keys, from_pixels=True, weights=self._weights).open(bare, self._picture.name)
        opening = time.perf_counter() - start
        back = opened.pictures[0]
        same = back.shape == self._picture.pixels.shape
        quality = float(psnr(back, self._picture.pixels)) if same else float("nan")
        sizes = {"bytes": len(whole) / len(self._file), "pixels_only": len(bare) / len(self._file)}
        return {**sizes, "psnr": quality, "seal": sealing / scale, "unseal": opening / scale}

    def _seal(self, pixels_only: bool) -> tuple[bytes, float]:
        sealer = Sealer(self._keys, self._name, pixels_only=pixels_only, **self._how)
        start, file = time.perf_counter(), io.BytesIO()
        (picture,) = sealer.seal([sealer.read(self._file, "photo.png")])
        picture.write(file)
        return file.getvalue(), time.perf_counter() - start


def table(facts: Mapping[str, Any]) -> str:
    """Medians over pictures as Markdown."""
    rows = [[name, *_cells(row)] for name, row in facts["values"].items()]
    head = [
        "",
        "sealed, × the PNG",
        "pixels only, ×",
        "they give back, dB",
        "seal, s/MP",
        "unseal, s/MP",
    ]
    parts = [title(facts, ["bytes and seconds, medians"]), markdown(head, rows)]
    parts += [f"Refused: {name} ({why})." for name, why in facts["refused"].items()]
    return "\n\n".join(parts)


def _cells(row: Mapping[str, Any]) -> list[str]:
    quality = numbers(row["psnr"])
    known = quality[~np.isnan(quality)]
    words = mean(known).words if known.size else ""
    sizes = [_median(row[field], ".2f") for field in ("bytes", "pixels_only")]
    return [*sizes, words, *(_median(row[field], ".3g") for field in ("seal", "unseal"))]


def _median(values: Sequence[float], form: str) -> str:
    return format(statistics.median(values), form) if values else ""


def plot(facts: Mapping[str, Any]) -> bytes:
    """Bars of the median seconds a megapixel, both ways."""
    ways = {"seal": "sealing", "unseal": "what the pixels give back"}
    groups = {
        words: {name: statistics.median(row[way]) for name, row in facts["values"].items() if row[way]}
        for way, words in ways.items()
    }
    return bars(groups, "seconds a megapixel")
