"""SP 800-22 on cipher bytes: ten sequences of 10^6 bits, every other one from flat pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from jaxcrypt.evaluation.pictures import Named, draw
from jaxcrypt.evaluation.subject import Subject
from jaxcrypt.metrics.sp800_22 import MIN_BITS

SEQUENCES = 10
PICTURES = SEQUENCES // 2
FLAT_LEVELS = (0, 255, 128, 1, 77)
_FLAT_SIDE = 208  # its RGB picture has a little more than 10^6 bits


def sources(pictures: Sequence[Named]) -> list[Named]:
    """Flat pictures and the given ones in turn; the given ones again where they are few."""
    chosen = []
    for i in range(SEQUENCES):
        if i % 2:
            chosen.append(pictures[i // 2 % len(pictures)])
        else:
            level = FLAT_LEVELS[i // 2]
            channels = pictures[0].pixels.shape[2]
            flat = np.full((_FLAT_SIDE, _FLAT_SIDE, channels), level, np.uint8)
            chosen.append(Named(f"flat {level}", flat))
    return chosen


def sequences(subject: Subject, pictures: Sequence[Named]) -> Iterator[tuple[str, np.ndarray]]:
    """Name and bits, uint8 ``[10^6]``, of each sequence; small pictures are taken again, with new keys."""
    for number, source in enumerate(sources(pictures)):
        pieces, size, part = [], 0, 0
        while 8 * size < MIN_BITS:
            key = draw(subject.seed, f"sequence {number}.{part}", source.name)
            (sealed,) = subject.encrypt([source.pixels], [key])
            pieces.append(sealed.pixels.reshape(-1))
            size, part = size + sealed.pixels.size, part + 1
        yield source.name, np.unpackbits(np.concatenate(pieces))[:MIN_BITS]
