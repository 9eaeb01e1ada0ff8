"""Learned attacks: Systems over the frozen outputs of their victim, trained by the one train step.

With pairs (c_i, x_i) of cipher pictures and photos and the mean photo m, a net f is trained on

    mean |m + f(c_i) - x_i|^2

and, since a net that learned nothing should say so, its answer is m + a f(c), with a in [0, 1] fitted to
a tenth of the pairs that it was not trained on. What it gains is its PSNR less that of m, on photos never
seen.

* known plaintext: pairs under one key, each with its own nonce, as an adversary collects them;
* ciphertext only: pairs that the adversary makes with keys of his own, since the algorithm is public; then
  ciphers under a key that he never saw. A System trained against such an adversary calls it Eve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxcrypt.attacks.reader import Reader
from jaxcrypt.attacks.significance import cosines
from jaxcrypt.attacks.victim import Victim
from jaxcrypt.metrics import image as quality
from jaxcrypt.record import Phase, Sealed, Stage, System
from jaxcrypt.training import state as states
from jaxcrypt.training.defaults import complete
from jaxcrypt.training.loop import check_finite
from jaxcrypt.training.optimizer import optimizers
from jaxcrypt.training.step import StepOptions, make_step

_NET = "reader"
_HELD_OUT = 10  # one pair in so many
_CHUNK = 256
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Pairs:
    """Cipher pictures and their photos: uint8 ``[N, H', W', C']`` and ``[N, H, W, C]``."""

    ciphers: np.ndarray
    photos: np.ndarray

    def __getitem__(self, which: Any) -> Pairs:
        return Pairs(self.ciphers[which], self.photos[which])

    def __len__(self) -> int:
        return len(self.photos)


@dataclass(frozen=True)
class Found:
    """What one run of an attack found.

    Attributes:
      psnr, baseline: mean PSNR of the attack and of the mean photo, in dB.
      likeness: ``s_ij`` of outputs and photos, see :mod:`jaxcrypt.attacks.significance`.
    """

    psnr: float
    baseline: float
    likeness: np.ndarray

    @property
    def gain(self) -> float:
        return self.psnr - self.baseline


def build(victim: Victim, config: ConfigDict, shape: Shape, cipher_shape: Shape) -> System:
    """The attack on ``victim`` as a System: it encrypts as its victim does, and decrypts without a key.

    Args:
      config: as ``configs/attacks.py`` has it for one attack, over the training defaults.
      shape, cipher_shape: ``(H, W, C)`` and ``(H', W', C')``.
    """
    net = Reader(shape=tuple(shape), **config.model)

    def read(params, extra, cipher):
        return extra[_NET]["mean"] + net.apply({"params": params[_NET]}, cipher)

    def init(rng, batch):
        # The mean photo is no parameter: it is put there from the pairs, and stays.
        mean = jnp.zeros(shape, jnp.float32)
        return {_NET: net.init(rng, batch["cipher"])["params"]}, {_NET: {"mean": mean}}

    def batch(config):
        shapes = {"cipher": cipher_shape, "image": shape}
        count = config.train.batch_size
        return {name: jax.ShapeDtypeStruct((count, *sides), jnp.uint8) for name, sides in shapes.items()}

    def loss(params, extra, batch, rng):
        error = read(params, extra, batch["cipher"]) - batch["image"].astype(jnp.float32) / 255
        value = jnp.mean(jnp.square(error.astype(jnp.float32)))
        return value, (extra, {"psnr": -10 * jnp.log10(value)})

    def decrypt(variables, sealed, inputs, subkey, options):
        seen = read(variables["params"], variables["extra"], sealed.pixels)
        return {"image": jnp.round(255 * jnp.clip(seen, 0, 1)).astype(jnp.uint8), "estimate": seen}

    def outputs(variables, batch, rng):
        seen = read(variables["params"], variables["extra"], batch["cipher"])
        pictures = {name: batch[name].astype(jnp.float32) / 255 for name in ("image", "cipher")}
        return pictures | {"decrypted": jnp.clip(seen, 0, 1)}

    stage = Stage({"read": Phase((_NET,), loss)}, config.train.steps)
    return System(init, batch, (stage,), victim.system.encrypt, decrypt, outputs)


class Attack:
    """A learned attack, compiled once for all its runs.

    Args:
      victim, config, shape, cipher_shape: as :func:`build` takes them; ``config`` without the defaults.
    """

    def __init__(self, victim: Victim, config: Mapping[str, Any], shape: Shape, cipher_shape: Shape):
        self._config = complete(config)
        self.system = build(victim, self._config, shape, cipher_shape)
        (stage,) = self.system.stages
        rules = optimizers(self._config, stage)
        spec = self.system.batch(self._config)

        def start(seed, mean):
            params, extra = states.init_arrays(self.system.init, spec, seed)
            extra = {net: {**arrays, "mean": mean} for net, arrays in extra.items()}
            return states.create(params, extra, stage, rules, ())

        self._start = jax.jit(start)
        self._step = jax.jit(make_step(stage, rules, StepOptions()), donate_argnums=0)
        self._read = jax.jit(
            lambda v, cipher: self.system.decrypt(v, Sealed(cipher), {}, None, ())["estimate"]
        )

    def train(self, pairs: Pairs, mean: np.ndarray, seed: int) -> dict[str, Any]:
        """The variables after the attack's stage on ``pairs``, whose mean photo is ``mean``."""
        steps, size = self.system.stages[0].steps, self._config.train.batch_size
        random = np.random.default_rng([seed, 2])
        state = self._start(seed, mean)
        for _ in range(steps):
            chosen = pairs[random.integers(0, len(pairs), size)]
            state, metrics = self._step(state, {"cipher": chosen.ciphers, "image": chosen.photos})
        check_finite(steps, metrics, {})
        return states.variables(state)

    def run(self, known: Pairs, judged: Pairs, seed: int) -> Found:
        """Train on ``known`` and judge on ``judged``."""
        mean = known.photos.mean(axis=0, dtype=np.float64).astype(np.float32) / 255
        held = np.arange(len(known)) % _HELD_OUT == 0
        variables = self.train(known[~held], mean, seed)
        answers = self._answers(variables, judged.ciphers) - mean
        trust = _trust(self._answers(variables, known[held].ciphers) - mean, known[held].photos / 255 - mean)
        photos = judged.photos.astype(np.float32) / 255
        return Found(
            psnr=_psnr(mean + trust * answers, photos),
            baseline=_psnr(np.broadcast_to(mean, photos.shape), photos),
            likeness=cosines(answers, photos),
        )

    def _answers(self, variables: dict[str, Any], ciphers: np.ndarray) -> np.ndarray:
        """The net's answers, in chunks of one length, so that it is compiled once."""
        padded = np.resize(ciphers, (-(-len(ciphers) // _CHUNK) * _CHUNK, *ciphers.shape[1:]))
        parts = [
            np.asarray(self._read(variables, padded[i : i + _CHUNK])) for i in range(0, len(padded), _CHUNK)
        ]
        return np.concatenate(parts)[: len(ciphers)]


def _trust(answers: np.ndarray, truth: np.ndarray) -> float:
    """The factor a in [0, 1] with the least mean |a f - x|^2 on pairs that the net was not trained on."""
    power = float(np.sum(answers * answers))
    return float(np.clip(np.sum(answers * truth) / power, 0, 1)) if power > 0 else 0.0


def _psnr(images: np.ndarray, photos: np.ndarray) -> float:
    """Mean over pictures of the PSNR in dB after rounding to 8 bits; [0, 1]."""
    return quality.mean(quality.psnr(images, photos)).psnr
