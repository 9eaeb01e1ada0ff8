"""Macroblocks between RGB and the DCT coefficients that a JPEG with 4:2:0 chroma quantises.

A macroblock is 16×16 pixels: four 8×8 blocks of luma, and one each of Cb and Cr at half the resolution;
its 384 coefficients (orthonormal DCT, grey levels) stand in the order luma top left, top right, bottom
left, bottom right, Cb, Cr, 64 each, row by row.

Encoders halve chroma in two ways: libjpeg-turbo, mozjpeg and libjpeg 6b average 2×2 pixels, later
libjpegs may keep the low half of a 16×16 DCT. :data:`_UP` makes chroma from which both read the same:
to the low frequency k comes so much of its alias 16 − k that the average's loss, cos(kπ/32), is made
good.
"""

from __future__ import annotations

import numpy as np

SIDE = 16
COEFFICIENTS = 384
LUMA, CHROMA = slice(0, 256), slice(256, 384)
TO_YCC = np.array(
    [[0.299, 0.587, 0.114], [-0.168735892, -0.331264108, 0.5], [0.5, -0.418687589, -0.081312411]], np.float32
)
_TO_RGB = np.linalg.inv(TO_YCC.astype(np.float64)).astype(np.float32)


def _basis(size: int) -> np.ndarray:
    place = np.arange(size)
    basis = np.sqrt(2 / size) * np.cos(np.pi * (2 * place[None] + 1) * place[:, None] / (2 * size))
    basis[0] /= np.sqrt(2)
    return basis


def _doubling() -> np.ndarray:
    wide, up = _basis(SIDE), np.zeros((SIDE, 8))
    for k in range(8):
        up[:, k] = np.sqrt(2) * wide[k]
        if k:
            up[:, k] += np.sqrt(2) * np.tan(np.pi * k / 64) * wide[SIDE - k] * _ALIAS
    return up


_ALIAS = -1.0  # the average of frequency 16 − k is that of −k
_DCT = _basis(8).astype(np.float32)
_UP = _doubling().astype(np.float32)
_HALVE = np.kron(np.eye(8), np.full((1, 2), 0.5)).astype(np.float32)


def to_planes(pixels: np.ndarray) -> np.ndarray:
    """RGB [..., 3] in 0..255 to Y − 128, Cb, Cr, float32 [..., 3]."""
    return (pixels.astype(np.float32) - 128) @ TO_YCC.T


def synthesise(coefficients: np.ndarray) -> np.ndarray:
    """float32 [n, 384] to RGB macroblocks, float32 [n, 16, 16, 3], which may leave 0..255."""
    count = len(coefficients)
    luma = coefficients[:, LUMA].reshape(count, 2, 2, 8, 8)
    luma = (_DCT.T @ luma @ _DCT).transpose(0, 1, 3, 2, 4).reshape(count, SIDE, SIDE)
    chroma = _UP @ coefficients[:, CHROMA].reshape(count, 2, 8, 8) @ _UP.T
    return np.stack([luma, chroma[:, 0], chroma[:, 1]], -1) @ _TO_RGB.T + np.float32(128)


def analyse(blocks: np.ndarray) -> np.ndarray:
    """The inverse of :func:`synthesise`, chroma averaged."""
    planes = to_planes(blocks)
    chroma = _HALVE @ np.moveaxis(planes[..., 1:], -1, 1) @ _HALVE.T
    return _join(planes[..., 0], chroma)


def _join(luma: np.ndarray, chroma: np.ndarray) -> np.ndarray:
    """Macroblocks of luma [n, 16, 16] and halved chroma [n, 2, 8, 8] to coefficients [n, 384]."""
    count = len(luma)
    luma = _DCT @ luma.reshape(count, 2, 8, 2, 8).transpose(0, 1, 3, 2, 4) @ _DCT.T
    chroma = _DCT @ chroma @ _DCT.T
    return np.concatenate([luma.reshape(count, 256), chroma.reshape(count, 128)], axis=1)


def cut(plane: np.ndarray, side: int = SIDE) -> np.ndarray:
    """[H, W, …], whole blocks, to blocks [n, side, side, …], row by row."""
    rows, columns = plane.shape[0] // side, plane.shape[1] // side
    cells = plane.reshape(rows, side, columns, side, *plane.shape[2:])
    return cells.swapaxes(1, 2).reshape(rows * columns, side, side, *plane.shape[2:])


def lay(blocks: np.ndarray, columns: int) -> np.ndarray:
    """The inverse of :func:`cut`."""
    side = blocks.shape[1]
    cells = blocks.reshape(-1, columns, *blocks.shape[1:]).swapaxes(1, 2)
    return cells.reshape(cells.shape[0] * side, columns * side, *blocks.shape[3:])


def coefficients(planes: np.ndarray, smoothed: bool) -> np.ndarray:
    """What a received picture's macroblocks hold.

    Args:
      planes: Y − 128, Cb, Cr, float32 [H, W, 3], whole macroblocks.
      smoothed: whether chroma was doubled by libjpeg's triangle filter, as nearly every decoder does; that is
        undone.

    Returns:
      float32 [macroblocks, 384].
    """
    height, width, _ = planes.shape
    halves = []
    for plane in np.moveaxis(planes[..., 1:], -1, 0):
        half = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
        halves.append(cut(_sharpened(half) if smoothed else half, 8))
    return _join(cut(planes[..., 0]), np.stack(halves, 1))


def _sharpened(half: np.ndarray) -> np.ndarray:
    """Undo (1/8, 3/4, 1/8) along both axes: 2×2 means of what the triangle filter made of ``half``."""
    from scipy.linalg import solve_banded

    for _ in range(2):
        half = half.T
        bands = np.full((3, len(half)), 0.125, np.float32)
        bands[1] = 0.75
        bands[1, [0, -1]] = 0.875
        half = solve_banded((1, 1), bands, half).astype(np.float32)
    return half
