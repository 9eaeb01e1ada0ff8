"""Pictures and measures that several test modules share."""

from pathlib import Path

import numpy as np
from PIL import Image


def picture(shape, seed=0):
    """A smooth picture with an edge, as faces have them; grey or colour."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]] / 64
    waves = [np.sin(x * a + y * b + c) for a, b, c in rng.uniform(-4, 4, (shape[2], 3))]
    made = np.stack(waves, -1) * 40 + 128 + 30 * (x > 0.5)[..., None]
    return made.astype(np.uint8)


def psnr(a, b):
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def photo(path: Path, size=(48, 40), mode="RGB", **options) -> Path:
    """A small picture with shapes, a gradient and some grain."""
    width, height = size
    y, x = np.mgrid[:height, :width]
    grain = np.random.default_rng(width * height).normal(0, 6, (height, width, 3))
    planes = np.stack([255 * x / width, 255 * y / height, 128 + 90 * np.sin(x / 5) * np.cos(y / 7)], axis=-1)
    pixels = np.clip(planes + grain, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).convert(mode).save(path, **options)
    return path


def ramps(path: Path, size=(24, 20), mode="RGB", **options) -> Path:
    """A small picture of ramps, in the alpha channel too."""
    y, x = np.mgrid[: size[1], : size[0]]
    planes = np.stack([9 * x, 11 * y, 5 * (x + y), 255 - 8 * x], axis=-1).clip(0, 255).astype(np.uint8)
    Image.fromarray(planes).convert(mode).save(path, **options)
    return path


def waves(shape=(40, 56, 3)):
    """A smooth picture, uint8 of any shape."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    planes = [128 + 90 * np.sin(x / 9 + c) * np.cos(y / (7 + c)) for c in range(shape[2])]
    return np.stack(planes, axis=-1).astype(np.uint8)


def parameters(net, *inputs, seed=1):
    """Parameters of a net away from its start, where many are zero; no initialiser is compiled for them.

    Kernels have the scale of their inputs, the scales of norms lie about 1 and all else about 0.
    """
    import jax

    rng = np.random.default_rng(seed)

    def draw(path, leaf):
        made = rng.standard_normal(leaf.shape).astype(leaf.dtype)
        if path[-1].key == "kernel":
            return made / np.sqrt(max(leaf.size // leaf.shape[-1], 1)).astype(leaf.dtype)
        return 0.1 * made + (path[-1].key == "scale")

    shapes = jax.eval_shape(net.init, jax.random.key(0), *inputs)["params"]
    return jax.tree_util.tree_map_with_path(draw, shapes)
