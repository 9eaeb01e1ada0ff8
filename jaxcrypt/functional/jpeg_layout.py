"""A layout of mixed symbols that JPEG with 4:2:0 chroma, what most programs write, does not destroy.

The cipher picture is grey: 4:2:0 keeps luma whole and would throw away three quarters of the rest. Symbols
are DCT coefficients of its 8×8 blocks, those that JPEG's luminance table (ITU-T T.81, Annex K) rounds least;
so the finer the JPEG the less is lost, and the coarsest coefficients carry nothing at all. To make room, a
photo goes in as Y at full and two colour differences at half resolution (and alpha, at half), at strength 1
all of that at four fifths of the size. Strength s: the cipher picture has at most s times the photo's
pixels.

One coefficient of each block is a pilot that the key decides. Correlating them finds the blocks again after
the picture was cropped or shifted, wherever the cut was.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional import jpeg

STRENGTHS = (1, 2, 3)
SPREAD = 48.0  # standard deviation of the cipher's pixels: 1% reach past black or white
CHROMA_GAIN = 2.0  # colour differences are small and count for four pixels each
ORDER = np.argsort(jpeg.LUMA, kind="stable")
PILOT = 3  # place of the pilot in ORDER
_PILOT_SHARE = 1 / 96
_SHRINK = {1: 0.8}


@dataclass(frozen=True)
class Plan:
    """How a photo of one shape is laid out.

    Attributes:
      planes: ``(h, w)`` of Y, or of Y, Cb, Cr, and last of alpha where the photo has it.
      grid: rows and columns of 8×8 blocks of the cipher picture.
      carried: symbols in each block.
    """

    shape: tuple[int, int, int]
    planes: tuple[tuple[int, int], ...]
    grid: tuple[int, int]
    carried: int

    @property
    def samples(self) -> int:
        return sum(h * w for h, w in self.planes)

    @property
    def symbols(self) -> int:
        return self.grid[0] * self.grid[1] * self.carried

    @property
    def cipher_shape(self) -> tuple[int, int, int]:
        return self.grid[0] * 8, self.grid[1] * 8, 1

    @property
    def amplitude(self) -> float:
        """Standard deviation of a coefficient."""
        return SPREAD * (64 / (self.carried + 1)) ** 0.5

    @property
    def carriers(self) -> np.ndarray:
        """Places in a block, 0 to 63, of its symbols."""
        return np.delete(ORDER[: self.carried + 1], PILOT)


def plan(shape: tuple[int, int, int], strength: int) -> Plan | None:
    """The layout of photos of that shape, or None where they are too small for one."""
    height, width, channels = shape
    shrink = _SHRINK.get(strength, 1.0)
    full = max(1, round(height * shrink)), max(1, round(width * shrink))
    half = -(-full[0] // 2), -(-full[1] // 2)
    planes = (full,) + (half,) * (2 * (channels > 2) + (channels % 2 == 0))
    tall = height >= width
    grid = (height // 8, strength * width // 8) if tall else (strength * height // 8, width // 8)
    count = grid[0] * grid[1]
    if count < 4:
        return None
    samples = sum(h * w for h, w in planes)
    carried = -(-int(np.ceil(samples * (1 + _PILOT_SHARE))) // count)
    return Plan(shape, planes, grid, carried) if PILOT < carried < 64 else None


def _resize(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return plane if plane.shape == shape else np.asarray(jax.image.resize(plane, shape, "lanczos3"))


def to_samples(picture: np.ndarray, layout: Plan) -> np.ndarray:
    """uint8 [H, W, C] to its planes' samples, float32 [n], grey levels."""
    x = picture.astype(np.float32)
    planes = [x[..., 0]]
    if x.shape[2] > 2:
        ycc = x[..., :3] @ jpeg.TO_YCC.T
        planes = [ycc[..., 0], *(128 + CHROMA_GAIN * ycc[..., i] for i in (1, 2))]
    if x.shape[2] % 2 == 0:
        planes.append(x[..., -1])
    resized = [_resize(plane, shape) for plane, shape in zip(planes, layout.planes, strict=True)]
    return np.concatenate([plane.reshape(-1) for plane in resized])


def split(samples: np.ndarray, layout: Plan) -> list[np.ndarray]:
    """float32 [n] to the planes, ``[h, w]`` each."""
    ends = np.cumsum([h * w for h, w in layout.planes])
    parts = np.split(samples, ends[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, layout.planes, strict=True)]


def to_picture(samples: np.ndarray, layout: Plan) -> np.ndarray:
    """The inverse of :func:`to_samples`, uint8, less what the resolutions lose."""
    height, width, channels = layout.shape
    planes = [_resize(plane, (height, width)) for plane in split(samples, layout)]
    colours = planes[:1]
    if channels > 2:
        ycc = np.stack([planes[0], *((p - 128) / CHROMA_GAIN for p in planes[1:3])], -1)
        colours = list(np.moveaxis(ycc @ np.linalg.inv(jpeg.TO_YCC).T, -1, 0))
    if channels % 2 == 0:
        colours.append(planes[-1])
    return np.clip(np.rint(np.stack(colours, -1)), 0, 255).astype(np.uint8)


def lay_out(symbols: np.ndarray, pilots: np.ndarray, layout: Plan) -> np.ndarray:
    """Standard normal symbols [m] and pilots [blocks] to the cipher picture, uint8 [H', W', 1]."""
    coefficients = np.zeros((layout.grid[0] * layout.grid[1], 1, 64), np.float32)
    coefficients[:, 0, layout.carriers] = layout.amplitude * symbols.reshape(-1, layout.carried)
    coefficients[:, 0, ORDER[PILOT]] = layout.amplitude * pilots
    pixels = jpeg.unblocks(jnp.asarray(coefficients), layout.cipher_shape)
    return np.clip(np.rint(np.asarray(pixels) + 128), 0, 255).astype(np.uint8)


def coefficients(pixels: np.ndarray) -> np.ndarray:
    """uint8 [H', W', 1], whole blocks, to DCT coefficients, float32 [blocks, 64]."""
    return np.asarray(jpeg.blocks(jnp.asarray(pixels, jnp.float32) - 128.0))[:, 0]


def _pilot_map(pixels: np.ndarray) -> np.ndarray:
    """float32 [H, W]: the pilot's coefficient of the 8×8 block that starts at each place (cyclic)."""
    row, column = divmod(int(ORDER[PILOT]), 8)
    wave = np.zeros(pixels.shape, np.float32)
    unit = np.zeros((1, 1, 64), np.float32)
    unit[0, 0, 8 * row + column] = 1
    wave[:8, :8] = np.asarray(jpeg.unblocks(jnp.asarray(unit), (8, 8, 1)))[..., 0]
    spectrum = np.fft.rfft2(pixels) * np.conj(np.fft.rfft2(wave))
    return np.fft.irfft2(spectrum, s=pixels.shape).astype(np.float32)


def find_offset(pixels: np.ndarray, pilots: np.ndarray, grid: tuple[int, int]) -> tuple[int, int] | None:
    """Where in the cipher picture a part of it lies.

    Args:
      pixels: float32 [h, w], centred on 0, no larger than the cipher picture; pilots: [blocks]; grid: of
        blocks.

    Returns:
      ``(y, x)`` of the part's first pixel in the cipher picture, or None where no place stands out.
    """
    sides = grid[0] * 8, grid[1] * 8
    here = np.zeros(sides, np.float32)
    here[: pixels.shape[0], : pixels.shape[1]] = pixels
    comb = np.zeros(sides, np.float32)
    comb[::8, ::8] = pilots.reshape(grid)
    match = np.fft.irfft2(np.conj(np.fft.rfft2(_pilot_map(here))) * np.fft.rfft2(comb), s=sides)
    best = np.unravel_index(np.argmax(match), sides)
    # Over all places chance reaches sqrt(2 log(places)) standard deviations, here 4 to 5.5.
    if match[best] < 6.5 * np.sqrt(np.mean(match**2)):
        return None
    return int(best[0]), int(best[1])
