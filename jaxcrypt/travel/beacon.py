"""Where a carrier begins, and how large it is shown: a public pattern in the mean chroma of its
macroblocks.

The means of Cb repeat every 32 macroblocks, those of Cr every 31, so that both together name one place
in 15,872 pixels. A part of a picture is found by the means of its 16×16 squares, at every offset and at
scales from 1/2 to 4: each plane is folded by its period and correlated with the pattern.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise, product

import numpy as np

from jaxcrypt.travel import streams
from jaxcrypt.travel.planes import SIDE

PERIODS = (32, 31)
PLACES = np.array([256, 320])  # the mean of Cb and of Cr in a macroblock
_WHOLE = (1.0, 2.0, 3.0, 4.0)
_FINE = 0.0125  # between neighbouring scales that are tried
_SCALES = np.exp(np.arange(np.log(0.5) - _FINE, np.log(2) + _FINE, _FINE))
_WINDOW = 32  # macroblocks across that are looked at first
_MIDDLE = 1072  # pixels that hold one more than those at twice their size
# What is tried by turns: pixels that are averaged to one, and scales.
_TRIED = (1, _WHOLE[:1]), (2, _WHOLE[1:]), (1, tuple(_SCALES))
_PHASES = 8, 5  # offsets a macroblock that are tried, along each side: at whole scales, and at others
_CLEAR = 0.55  # correlation beyond which no other scale is tried
_CERTAIN = 13.0  # both planes' peaks in standard deviations; chance reaches 10


@dataclass(frozen=True)
class Place:
    """A received picture in its carrier: pixel (y, x) of it is (y / scale + top, x / scale + left) there.

    ``certainty`` is how far the pattern stands out, in standard deviations; ``match`` its correlation.
    """

    top: float
    left: float
    down: float = 1.0
    across: float = 1.0
    certainty: float = 0.0
    match: float = 0.0


def signs(rows: int, columns: int) -> np.ndarray:
    """int8 [rows, columns, 2]: signs of the means of Cb and Cr."""
    return np.stack([_pattern(period)[_fold(rows, columns, period)] for period in PERIODS], -1)


@cache
def _pattern(period: int) -> np.ndarray:
    return streams.signs(f"beacon {period}", (period, period))


def _fold(rows: int, columns: int, period: int):
    return np.ix_(np.arange(rows) % period, np.arange(columns) % period)


def find(chroma: np.ndarray) -> Place | None:
    """The place of a received picture, or None where no pattern is found.

    Args:
      chroma: Cb and Cr, float32 [H, W, 2].
    """
    best = Place(0, 0)
    for level, scales in _TRIED:
        best = max(best, *_in_middle(chroma, level, scales), key=lambda place: place.certainty)
        if best.certainty > _CERTAIN and best.match > _CLEAR:
            break
    return _refined(_integral(chroma), best) if best.certainty > _CERTAIN else None


def _in_middle(chroma: np.ndarray, level: int, scales: Sequence[float]) -> Iterator[Place]:
    """The best offset at each scale, by the middle of the picture, of which ``level`` pixels are one."""
    first = [max(0, (side - _MIDDLE * level) // 2) for side in chroma.shape[:2]]
    cut = chroma[first[0] :, first[1] :][: _MIDDLE * level, : _MIDDLE * level]
    if level > 1:
        rows, columns = (side // level for side in cut.shape[:2])
        cut = cut[: rows * level, : columns * level].reshape(rows, level, columns, level, 2).mean(axis=(1, 3))
    sums = _integral(cut)
    for scale in scales:
        place = _at_scale(sums, scale / level, _PHASES[scale not in _WHOLE])
        top, left = (start - f / scale for start, f in zip((place.top, place.left), first, strict=True))
        yield replace(place, top=top, left=left, down=scale, across=scale)


def _integral(chroma: np.ndarray) -> np.ndarray:
    """Sums over all that is above and left, float64 [H + 1, W + 1, 2]."""
    sums = np.zeros((chroma.shape[0] + 1, chroma.shape[1] + 1, 2))
    np.cumsum(chroma, axis=1, out=sums[1:, 1:])
    for above, row in pairwise(sums):  # whole rows; numpy would go down each column
        row += above
    return sums


def _means(sums: np.ndarray, tops: np.ndarray, lefts: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    """Means over rectangles at real places: [rows, columns, 2]."""
    total = _at(sums, tops + size[0], lefts + size[1]) - _at(sums, tops, lefts + size[1])
    return (total - _at(sums, tops + size[0], lefts) + _at(sums, tops, lefts)) / (size[0] * size[1])


def _at(sums: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Bilinear in the integral image."""
    y, x = (np.clip(at, 0, side - 1) for at, side in zip((rows, columns), sums.shape, strict=False))
    i, j = (np.minimum(at.astype(int), side - 2) for at, side in zip((y, x), sums.shape, strict=False))
    u, v = (y - i)[:, None, None], (x - j)[None, :, None]
    first, second = i[:, None], i[:, None] + 1  # the corners alone: whole rows of a photo would be copied
    left, right = j, j + 1
    top = sums[first, left] * (1 - v) + sums[first, right] * v
    return top * (1 - u) + (sums[second, left] * (1 - v) + sums[second, right] * v) * u


def _at_scale(sums: np.ndarray, scale: float, phases: int) -> Place:
    """The best offset at one scale, by the middle of the picture, tried at ``phases`` places a macroblock."""
    size, sides = SIDE * scale, np.array(sums.shape[:2]) - 1
    counts = np.minimum((sides / size).astype(int) - 1, _WINDOW)
    if counts.min() < 3:
        return Place(0, 0)
    starts = (sides - (counts + 1) * size) / 2
    tops, lefts = (  # [phases, count + 1]: where squares begin and end
        start + size / phases * np.arange(phases)[:, None] + size * np.arange(count + 1)
        for start, count in zip(starts, counts, strict=True)
    )
    corners = _at(sums, tops.reshape(-1), lefts.reshape(-1)).reshape(*tops.shape, *lefts.shape, 2)
    totals = np.diff(np.diff(corners, axis=1), axis=3).transpose(4, 0, 2, 1, 3)
    means = totals.reshape(2, phases * phases, *counts) / size**2
    peaks, rows, columns = _peaks(means)
    first = int(np.argmax(peaks))
    v, u = divmod(first, phases)
    top = _joined(*rows[:, first]) * SIDE - tops[v, 0] / scale
    left = _joined(*columns[:, first]) * SIDE - lefts[u, 0] / scale
    match = float(peaks[first]) / 2 / np.sqrt(counts.prod())
    return Place(top, left, certainty=float(peaks[first]), match=match)


def _peaks(means: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How far both planes' correlations stand out at each offset, and where in their periods.

    Args:
      means: [2, offsets, rows, columns], no more than once the longer period.

    Returns:
      [offsets], and int [2, offsets] of rows and of columns.
    """
    total, places = np.zeros(means.shape[1]), []
    for values, period in zip(means, PERIODS, strict=True):
        values = values - np.median(values, axis=(1, 2), keepdims=True)
        spread = np.sqrt(np.mean(values**2, axis=(1, 2), keepdims=True)) + 1e-6
        values = np.clip(values, -2 * spread, 2 * spread)
        norm = np.sqrt(np.sum(values**2, axis=(1, 2))) + 1e-6
        match = np.fft.irfft2(
            np.conj(np.fft.rfft2(_folded(values, period))) * _spectrum(period), (period,) * 2
        )
        flat = match.reshape(len(match), -1)
        place = flat.argmax(axis=1)
        total += flat[np.arange(len(flat)), place] / norm
        places.append(np.unravel_index(place, (period, period)))
    rows, columns = np.stack(places, 1)
    return total, rows, columns


def _folded(values: np.ndarray, period: int) -> np.ndarray:
    """[n, rows, columns] summed by their places modulo a period that they exceed once at most."""
    folded = np.zeros((len(values), period, period))
    for down in (values[:, :period], values[:, period:]):
        for part in (down[:, :, :period], down[:, :, period:]):
            folded[:, : part.shape[1], : part.shape[2]] += part
    return folded


@cache
def _spectrum(period: int) -> np.ndarray:
    return np.fft.rfft2(_pattern(period))


def _joined(first: int, second: int) -> int:
    """The place that is ``first`` modulo 32 and ``second`` modulo 31 (Chinese remainders)."""
    period, other = PERIODS
    return first + period * ((second - first) * pow(period, -1, other) % other)


def _score(sums: np.ndarray, place: Place) -> float:
    """Mean correlation of the whole macroblocks' means with their signs."""
    first, count = [], []
    for start, scale, side in zip(
        (place.top, place.left), (place.down, place.across), np.array(sums.shape[:2]) - 1, strict=True
    ):
        first.append(int(np.ceil(start / SIDE - 0.02)))
        count.append(int((start + side / scale) / SIDE + 0.02) - first[-1])
    if min(count) < 1:
        return 0.0
    tops = ((first[0] + np.arange(count[0])) * SIDE - place.top) * place.down
    lefts = ((first[1] + np.arange(count[1])) * SIDE - place.left) * place.across
    means = _means(sums, tops, lefts, (SIDE * place.down, SIDE * place.across))
    expected = np.stack(
        [
            _pattern(period)[
                np.ix_(*((f + np.arange(n)) % period for f, n in zip(first, count, strict=True)))
            ]
            for period in PERIODS
        ],
        -1,
    )
    return float(np.mean(np.clip(means, -60, 60) * expected))


def _refined(sums: np.ndarray, place: Place) -> Place:
    """Offsets to a pixel of the received picture; to a fraction where its scale is no whole number, which is
    refined with them."""
    if place.down in _WHOLE:
        pixel = 1 / place.down
        snapped = replace(place, top=round(place.top / pixel) * pixel, left=round(place.left / pixel) * pixel)
        place = _climbed(sums, snapped, (2.0, 1.0, pixel), fixed=True)
        if _is_whole(sums, place):
            return place
    return _climbed(sums, place, (2.0, 1.0, 0.5, 0.25), fixed=False)


def _climbed(sums: np.ndarray, place: Place, steps: tuple[float, ...], fixed: bool) -> Place:
    """The best place that single steps lead to, each kind in turn, ever finer."""
    sides, best = np.array(sums.shape[:2]) - 1, _score(sums, place)
    for step in steps:
        for _ in range(4):
            before = best
            for change in _changes(place, step, sides, fixed):
                score = _score(sums, change)
                if score > best:
                    place, best = change, score
            if best == before:
                break
    return place


def _is_whole(sums: np.ndarray, place: Place) -> bool:
    """Whether a slightly different scale fits no better."""
    own = _score(sums, place)
    return all(_score(sums, other) <= own for other in _stretched(place, 4.0, np.array(sums.shape[:2]) - 1))


def around(place: Place, sides: tuple[int, ...]) -> Iterator[Place]:
    """The place, those a pixel of the received picture away, and where its scale is no whole number the
    scales beside it."""
    down, across = 1 / place.down, 1 / place.across
    moves = sorted(product((0, -1, 1), repeat=2), key=lambda move: abs(move[0]) + abs(move[1]))
    for down_by, across_by in moves:
        yield replace(place, top=place.top + down_by * down, left=place.left + across_by * across)
    if place.down not in _WHOLE:
        yield from _stretched(place, 1.0, np.array(sides))


def near(place: Place, step: float, sides: tuple[int, ...]) -> list[Place]:
    """Places of a picture of those sides that are a step away; scales change only where they are not 1."""
    return list(_changes(place, step, np.array(sides), place.down == place.across == 1))


def _changes(place: Place, step: float, sides: np.ndarray, fixed: bool):
    for move in (-step, step):
        yield replace(place, top=place.top + move)
        yield replace(place, left=place.left + move)
    if not fixed:
        yield from _stretched(place, step, sides)


def _stretched(place: Place, step: float, sides: np.ndarray):
    """Other scales, by which the picture's far side moves a step while its middle stays."""
    for move in (-step, step):
        down = 1 / (1 / place.down + move / sides[0])
        across = 1 / (1 / place.across + move / sides[1])
        top, left = place.top - move / 2, place.left - move / 2
        yield replace(place, down=down, top=top)
        yield replace(place, across=across, left=left)
        yield replace(place, down=down, top=top, across=across, left=left)
