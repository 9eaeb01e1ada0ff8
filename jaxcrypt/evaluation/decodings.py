"""Messages in generated pictures, each found again by itself: also by another device than made the pictures.

A generator that computes otherwise at the receiver's is what published generative steganography fails by. A
message, its key and so its pictures follow from the seed alone: what one machine made, another is tried on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation.pictures import draw
from jaxcrypt.evaluation.report import markdown
from jaxcrypt.evaluation.subject import Subject

_LENGTH = 32  # bytes of a message


def made(subject: Subject, numbers: range, seed: int) -> np.ndarray:
    """The pictures of the messages of these numbers, uint8 ``[N, H, W, 3]``, as many for each."""
    carry, options = subject.cipher.system.prior.carry, subject.cipher.options
    z = [carry(_message(seed, number), _key(seed, number), options) for number in numbers]
    return subject.cipher.system.prior.generate(subject.cipher.variables, np.concatenate(z))


def each(subject: Subject) -> int:
    """How many pictures a message takes."""
    return len(subject.cipher.system.prior.carry(_message(0, 0), _key(0, 0), subject.cipher.options))


def found(subject: Subject, pictures: np.ndarray, numbers: range, seed: int, batch: int) -> dict[str, Any]:
    """How many of the messages come back from their pictures, read ``batch`` at a time, and what it took:
    bytes that were wrong before correction, of all; and the largest share of its redundancy that one took."""
    prior, size = subject.cipher.system.prior, len(pictures) // len(numbers)
    reading = prior.read(subject.cipher.variables, pictures, batch=batch)
    right, mended, total, worst = 0, 0, 0, 0.0
    for place, number in enumerate(numbers):
        part = slice(place * size, (place + 1) * size)
        key, wanted = _key(seed, number), _message(seed, number)
        try:
            one = prior.find(reading.z[part], reading.sigma[part], key, subject.cipher.options)
        except Refusal:
            continue
        right += one.data == wanted
        mended, total, worst = mended + one.mended, total + one.total, max(worst, one.worst)
    facts = {
        "messages": len(numbers),
        "first": numbers.start,
        "pictures": len(pictures),
        "right": right,
        "batch": batch,
    }
    return facts | {"mended": mended, "coded": total, "worst": worst}


def _message(seed: int, number: int) -> bytes:
    return draw(seed, "short message", str(number))[:_LENGTH]


def _key(seed: int, number: int) -> bytes:
    return draw(seed, "key of a short message", str(number))[:32]


def table(facts: Mapping[str, Any]) -> str:
    """Markdown: how many messages came back."""
    head = [
        "messages, each decoded by itself",
        "found",
        "bytes wrong before correction",
        "redundancy taken, at most",
    ]
    wrong, worst = f"{facts['mended']} of {facts['coded']}", f"{100 * facts['worst']:.0f}%"
    row = [f"{facts['messages']} in {facts['pictures']} pictures, read {facts['batch']} together"]
    return markdown(head, [[*row, str(facts["right"]), wrong, worst]])
