"""What drivers share: keys as words, cores, and checks of what a header says before anything works with it.

Whoever holds a key can seal nonsense in a genuine header. What no encryption gives is refused here on purpose
(as damaged or tampered); so anything else that a driver raises is a bug, and shows as one.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms

from jaxcrypt.errors import Refusal, tampered
from jaxcrypt.functional.purposes import Purpose
from jaxcrypt.record import Sealed, Shape

_LARGE = 1e6  # beyond every mean, spread and level of samples
_MOST = 64  # times a cipher picture's samples that a plain one may have: more would only cost memory


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def words(subkey: bytes) -> np.ndarray:
    """A System's 32-byte subkey as uint32 ``[8]``."""
    return np.frombuffer(subkey, "<u4").astype(np.uint32)


def draw(subkey: np.ndarray, purpose: Purpose, index: int, words: int) -> np.ndarray:
    """uint32 ``[words]`` of a stream by OpenSSL, lane by lane as :func:`jaxcrypt.functional.keyed.draw`
    has it."""
    stream = blocks(subkey, [0, int(purpose), index, 0], -(-words // 16))
    return stream.T.reshape(-1)[:words]


def blocks(key: np.ndarray, start: Sequence[int] | np.ndarray, count: int) -> np.ndarray:
    """ChaCha20 (RFC 8439): uint32 ``[count, 16]`` from the block that ``start``, counter and nonce, names."""
    algorithm = algorithms.ChaCha20(key.astype("<u4").tobytes(), np.asarray(start, "<u4").tobytes())
    stream = Cipher(algorithm, mode=None).encryptor().update(bytes(64 * count))
    return np.frombuffer(stream, "<u4").astype(np.uint32, copy=False).reshape(count, 16)


def check_channels(shape: Shape, channels: Sequence[int]) -> None:
    """Refuse a plain picture whose channel count is none of ``channels``."""
    if shape[2] not in channels:
        takes = " or ".join(map(str, channels))
        raise Refusal(f"this System takes pictures of {takes} channels, not {shape[2]} channels")


def misfit(reason: str) -> Refusal:
    """The refusal of a header that no encryption gives."""
    return tampered(f"its header does not fit the picture ({reason}): damaged or tampered")


def side_array(
    side: Mapping[str, Any],
    name: str,
    shape: tuple[int, ...],
    dtype: Any,
    low: float = -np.inf,
    high: float = np.inf,
) -> np.ndarray:
    """The array ``name`` of a header's side information.

    Raises:
      Refusal: it is missing, has another shape or type, or a value that is no number in ``[low, high]``.
    """
    if name not in side:
        raise misfit(f"no {name}")
    array = np.asarray(side[name])
    if array.shape != shape or array.dtype != np.dtype(dtype):
        raise misfit(f"{name} is {array.dtype}{list(array.shape)}, not {np.dtype(dtype)}{list(shape)}")
    if array.dtype.kind == "f" and not ((array >= low) & (array <= high) & np.isfinite(array)).all():
        raise misfit(f"{name} has impossible values")
    return array


def statistic(side: Mapping[str, Any], name: str, count: int) -> np.ndarray:
    """As :func:`side_array`: float32 ``[count]`` of a size that statistics of pictures have.

    Larger ones would overflow on the way, and become no numbers.
    """
    return side_array(side, name, (count,), np.float32, -_LARGE, _LARGE)


def check_sealed(sealed: Sequence[Sealed], shape: Shape, channels: Sequence[int] = ()) -> None:
    """Refuse plain shapes and cipher pictures that nothing could have been.

    Args:
      shape: ``(H, W, C)`` of the plain pictures, as a header says.
      channels: the counts that C may have; empty for any.
    """
    if len(shape) != 3 or min(shape) < 1 or (channels and shape[2] not in channels):
        raise misfit(f"a picture of shape {tuple(shape)}")
    for one in sealed:
        if one.pixels.ndim != 3 or one.pixels.dtype != np.uint8 or not one.pixels.size:
            raise misfit(f"a cipher picture of shape {one.pixels.shape}")
        if shape[0] * shape[1] * shape[2] > _MOST * max(one.pixels.size, 1 << 12):
            raise misfit(f"{shape[1]}×{shape[0]} behind {one.pixels.shape[1]}×{one.pixels.shape[0]}")


def check_shape(pixels: np.ndarray, wanted: tuple[int, ...]) -> None:
    """Refuse a cipher picture of another shape than the plain one's leads to."""
    if pixels.shape != tuple(wanted):
        raise misfit(f"a cipher picture of shape {pixels.shape}, not {tuple(wanted)}")


def share(progress: Callable[[float], None] | None, index: int, count: int) -> Callable[[float], None] | None:
    """The progress of item ``index`` of ``count`` as a part of the whole."""
    return None if progress is None else lambda done: progress((index + done) / count)


def shares(progress: Callable[[float], None] | None, count: int) -> list[Callable[[float], None] | None]:
    """The progress of each of ``count`` items that are worked on side by side."""
    done, lock = [0.0] * count, threading.Lock()

    def one(index: int, share: float) -> None:
        with lock:
            done[index] = share
            progress(sum(done) / count)

    return [None if progress is None else functools.partial(one, index) for index in range(count)]
