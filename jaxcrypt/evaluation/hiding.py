"""Pictures that hide pictures, as an evaluation makes and reads them: pairs, keys, PNG in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np

from jaxcrypt.evaluation.pictures import draw
from jaxcrypt.evaluation.subject import Subject, through_png
from jaxcrypt.metrics import image as metrics
from jaxcrypt.record import Sealed


def order(count: int, seed: int) -> np.ndarray:
    """The cycle that pairs pictures, int ``[count]``: picture i hides ``order[i]``, then what that one
    hides."""
    cycle = np.random.default_rng([seed, 5]).permutation(count)
    following = np.empty(count, int)
    following[cycle] = np.roll(cycle, -1)
    return following


def secrets_of(covers: np.ndarray, index: int, count: int, following: np.ndarray) -> np.ndarray:
    """What picture ``index`` hides, uint8 ``[count, H, W, 3]``."""
    secrets = []
    for _ in range(count):
        index = following[index]
        secrets.append(covers[index])
    return np.stack(secrets)


@dataclass(frozen=True)
class Hider:
    """A System that hides pictures, as pairs of pictures and numbers go through it.

    Attributes:
      subject: the System, hiding as its users do.
      unkeyed: the same hiding without the key, where it has such an option: what strangers try.
    """

    subject: Subject
    unkeyed: Subject | None = None

    @property
    def seed(self) -> int:
        """All keys and pairs follow from it."""
        return self.subject.seed

    @property
    def secrets(self) -> int:
        """How many pictures a cover takes."""
        return self.subject.secrets

    @property
    def parameters(self) -> int:
        """Of all nets together."""
        leaves = jax.tree.leaves(self.subject.cipher.variables["params"])
        return sum(int(np.size(leaf)) for leaf in leaves)

    def key(self, index: int) -> bytes:
        """Picture ``index``'s subkey; those below 0 are wrong for all."""
        return draw(self.seed, self.subject.name, str(index))

    def hide(
        self, cover: np.ndarray, secrets: Sequence[np.ndarray], index: int, keyed: bool = True
    ) -> Sealed:
        """The stego picture, through a PNG."""
        given = {"cover": cover, "secrets": list(secrets[1:])}
        (sealed,) = self._under(keyed).given(given).encrypt([secrets[0]], [self.key(index)])
        return through_png(sealed)

    def reveal(self, stego: Sealed, key: bytes, keyed: bool = True) -> np.ndarray:
        """All secrets, uint8 ``[S, H, W, 3]``."""
        (outcome,) = self._under(keyed).decrypt([stego], [key], stego.pixels.shape)
        return np.stack(outcome.pictures)

    def _under(self, keyed: bool) -> Subject:
        return self.subject if keyed or self.unkeyed is None else self.unkeyed


def alike(pictures: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """PSNR and SSIM: means over uint8 ``[N, H, W, 3]``."""
    similar = np.asarray(metrics.ssim(pictures, wanted, 255.0))
    return metrics.mean(metrics.psnr(pictures, wanted)).psnr, float(similar.mean())
