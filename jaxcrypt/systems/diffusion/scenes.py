"""The net over regions of host pictures: windows around the region, any channels, any size.

Only the surroundings that the net sees in practice are taken along; windows overlap by more than that, so no
seams show. Grey planes, alpha among them, go in as three equal planes, as in training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.functional.diffusion import descent
from jaxcrypt.functional.levels import to_levels, unit
from jaxcrypt.models.unet import ResUNet
from jaxcrypt.systems.diffusion.estimate import Scene, sample
from jaxcrypt.systems.drivers.regions import Region
from jaxcrypt.systems.drivers.windows import spans, widened

_UNIT = 32  # sides of windows are multiples of this: few shapes, few programs
_WINDOW, _REACH = 10, 1  # units: windows of 320 pixels that share 64
_SIZES = (3, 6, _WINDOW)  # units: of windows that hold a region by themselves
_GROUPS = {1: [[0]], 2: [[0], [1]], 3: [[0, 1, 2]], 4: [[0, 1, 2], [3]]}


@cache
def _program(net: ResUNet, steps: int):
    """The jitted sampling, compiled once for each shape of window in the life of the process."""

    def run(params, scene, ratios):
        return sample(net, params, scene, [ratios[i] for i in range(steps)])[1]

    return jax.jit(run)


class Sampler:
    """The net, ready for the regions of one picture.

    Args:
      key_image: float32 ``[K, K, 3]`` in [-1, 1]; zeros for none.
      steps: of the deterministic sampling.
      schedule: whose timesteps the sampling takes.
    """

    def __init__(self, net: ResUNet, params, key_image: np.ndarray, steps: int, schedule: str):
        self._net, self._params = net, jax.tree.map(jnp.asarray, params)
        self._key_image, self._steps, self._schedule = key_image, steps, schedule

    def denoiser(
        self, region: Region, received: np.ndarray
    ) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """``(samples [n], levels [n]) -> samples`` of a region, in grey levels, in one step.

        Args:
          received: uint8 ``[H, W, C]``, whose samples outside the region are the open surroundings.
        """
        return lambda samples, levels: self._sampled(region, received, samples, levels, 1)[0]

    def stages(self, region: Region, received: np.ndarray, samples, levels) -> Sequence[np.ndarray]:
        """The estimates ``[n]`` of the region after each step of sampling, in order."""
        return self._sampled(region, received, samples, levels, self._steps)

    def _sampled(self, region: Region, received: np.ndarray, samples, levels, steps: int):
        noisy = region.put(received, np.asarray(samples, np.float32))
        plane = np.asarray(levels, np.float32).reshape(-1, region.channels).mean(axis=1)
        sigma = np.zeros(region.mask.shape, np.float32)
        sigma[region.mask] = plane
        ratios = self._ratios(float(plane.mean()), steps)
        made = [noisy.copy() for _ in range(steps)]
        for group in _GROUPS[region.channels]:
            planes = noisy[..., group]
            for picture, estimate in zip(made, self._colour(region, planes, sigma, ratios), strict=True):
                picture[..., group] = estimate
        return [region.take(picture) for picture in made]

    def _ratios(self, level: float, steps: int) -> np.ndarray:
        """Noise levels of the steps over the first."""
        first = max(level / 127.5, 1e-6)
        return (descent(self._schedule, first, steps)[:-1] / first).astype(np.float32)

    def _colour(self, region: Region, planes: np.ndarray, sigma: np.ndarray, ratios: np.ndarray):
        """The estimates of one colour picture or one plane, ``[H, W, 1 or 3]`` each."""
        rows, columns = box(region)
        count = planes.shape[2]
        picture, level, mask = (
            _cut(x, rows, columns)
            for x in (unit(np.repeat(planes, 3 // count, axis=2)),
                      (sigma / np.float32(127.5))[..., None], region.mask[..., None].astype(np.float32))
        )  # fmt: skip
        run, made = _program(self._net, len(ratios)), [picture.copy() for _ in ratios]
        for seen, kept, inner in _windows(mask[..., 0]):
            scene = Scene(picture[seen][None], level[seen][None, ..., 0], mask[seen][None, ..., 0],
                          self._key_image[None])  # fmt: skip
            for whole, estimate in zip(made, run(self._params, scene, ratios), strict=True):
                whole[kept] = np.asarray(estimate)[0][inner]
        height, width = region.mask.shape
        for whole in made:
            full = unit(planes)
            part = whole[: height - rows.start, : width - columns.start]
            part = part.mean(axis=2, keepdims=True) if count == 1 else part
            full[rows, columns] = part
            yield to_levels(full)


def box(region: Region) -> tuple[slice, slice]:
    """Rows and columns of the region and of what the net sees of its surroundings, in whole units.

    Lengths are few, and of figures that are about as wide as high equal, beyond the border where need be.
    """
    ends, totals = [], [-(-side // _UNIT) for side in region.mask.shape]
    for axis, total in zip((1, 0), totals, strict=True):
        inside = np.flatnonzero(region.mask.any(axis=axis))
        first, stop = max(0, inside[0] // _UNIT - _REACH), min(total, inside[-1] // _UNIT + 1 + _REACH)
        ends.append(widened(first, stop, total, _SIZES))
    longest = max(stop - first for first, stop in ends)
    sides = []
    for (first, stop), total in zip(ends, totals, strict=True):
        alike = longest <= _WINDOW and 2 * (stop - first) >= longest
        first, stop = widened(first, stop, total, (longest,)) if alike else (first, stop)
        sides.append(slice(first * _UNIT, stop * _UNIT))
    return sides[0], sides[1]


def _cut(picture: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
    """``[H, W, C]`` in ``rows`` and ``columns``; what lies beyond the border is its last row or column."""
    part = picture[rows, columns]
    missing = ((0, rows.stop - rows.start - part.shape[0]), (0, columns.stop - columns.start - part.shape[1]))
    return np.pad(part, (*missing, (0, 0)), mode="edge")


def _windows(mask: np.ndarray):
    """``(seen, kept, inner)`` slices of windows with any of the region; ``inner`` of one is ``kept``."""
    for r in spans(mask.shape[0] // _UNIT, _WINDOW, _REACH):
        for c in spans(mask.shape[1] // _UNIT, _WINDOW, _REACH):
            seen = tuple(slice(s.first * _UNIT, (s.first + s.size) * _UNIT) for s in (r, c))
            kept = tuple(slice(s.start * _UNIT, s.stop * _UNIT) for s in (r, c))
            inner = tuple(slice((s.start - s.first) * _UNIT, (s.stop - s.first) * _UNIT) for s in (r, c))
            if mask[kept].any():
                yield seen, kept, inner
