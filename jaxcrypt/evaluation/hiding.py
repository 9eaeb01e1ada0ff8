"""Pictures that hide pictures, as an evaluation makes and reads them: pairs, keys, PNG in between."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.evaluation.pictures import centre, draw
from jaxcrypt.pictures.files import load_picture
from jaxcrypt.record import Sealed
from jaxcrypt.sealing.cipher import Cipher


def centres(paths: Sequence[Path], size: int) -> np.ndarray:
    """The centres of pictures as RGB, uint8 ``[N, size, size, 3]``."""
    pictures = [centre(load_picture(path).pixels, size, str(path)) for path in paths]
    return np.stack([np.repeat(p, 3, axis=2) if p.shape[2] == 1 else p[..., :3] for p in pictures])


def order(count: int, seed: int) -> np.ndarray:
    """The cycle that pairs pictures, int ``[count]``: picture i hides ``order[i]``, then what that one
    hides."""
    cycle = np.random.default_rng([seed, 5]).permutation(count)
    following = np.empty(count, int)
    following[cycle] = np.roll(cycle, -1)
    return following


def secrets_of(covers: np.ndarray, index: int, count: int, following: np.ndarray) -> np.ndarray:
    """What picture ``index`` hides, uint8 ``[count, H, W, 3]``."""
    found = []
    for _ in range(count):
        index = following[index]
        found.append(covers[index])
    return np.stack(found)


def through(pixels: np.ndarray, kind: str, **options: Any) -> np.ndarray:
    """uint8 ``[H, W, 3]`` as it comes back from a file of a picture format."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return np.asarray(Image.open(buffer))


@dataclass(frozen=True)
class Hider:
    """The System with its weights, as pairs of pictures and numbers go through it."""

    loaded: Cipher
    seed: int

    @property
    def secrets(self) -> int:
        return self.loaded.system.driver.secrets

    @property
    def parameters(self) -> int:
        import jax

        return sum(int(np.size(leaf)) for leaf in jax.tree.leaves(self.loaded.variables["params"]))

    def key(self, index: int) -> bytes:
        """Picture ``index``'s subkey; those below 0 are wrong for all."""
        return draw(self.seed, "stego", str(index))

    def hide(self, cover: np.ndarray, secrets: Sequence[np.ndarray], index: int, keyed: bool = True):
        """The stego picture, through a PNG, and its side."""
        cipher = self._with(keyed).given({"cover": cover, "secrets": secrets[1:]})
        [made] = cipher.encrypt([secrets[0]], [self.key(index)])
        return through(made.pixels, "PNG"), made.side

    def reveal(self, stego: np.ndarray, side: Any, key: bytes, keyed: bool = True) -> np.ndarray:
        """All secrets, uint8 ``[S, H, W, 3]``."""
        [found] = self._with(keyed).decrypt([Sealed(stego, side)], [key], stego.shape)
        return np.stack(found.pictures)

    @property
    def keyed(self) -> bool:
        """Whether pictures are hidden with the key."""
        return dict(self.loaded.options)["keyed"]

    def _with(self, keyed: bool) -> Cipher:
        return self.loaded.chosen("keyed", self.keyed and keyed)


def quality(found: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """PSNR, 99 dB where exact, and SSIM: means over uint8 ``[N, H, W, 3]``."""
    from jaxcrypt.metrics.image import psnr, ssim

    return tuple(float(np.mean(np.minimum(f(found, wanted, 255.0), 99.0))) for f in (psnr, ssim))
