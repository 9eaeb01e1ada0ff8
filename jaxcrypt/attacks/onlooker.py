"""Whoever guesses a hidden region: a net for its open surroundings, and one that sees its cipher besides.

A crop has its region in the middle. First the *guess* is learned: a UNet fills in the region x from its
surroundings s, as inpainting does. Then, the guess left as it is, the *correction* is learned by another
UNet, which sees surroundings, guess and cipher c, and by the net of the other learned attacks
(:mod:`jaxcrypt.attacks.reader`), which reads the cipher alone:

    mean |guess(s) - x|^2,        mean |guess(s) + correction(s, guess(s), c) - x|^2.

What a cipher is worth is what a correction gains that was learned with ciphers over one that was learned with
blanks in their place: same nets, pairs and steps. The statistics that decoding needs travel encrypted, so
scale and mean of the region are to be guessed from what is around.
"""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from jaxcrypt.attacks.reader import Reader, features
from jaxcrypt.functional.rng import streams
from jaxcrypt.models.unet import ResUNet
from jaxcrypt.record import Phase, Stage
from jaxcrypt.training import state as states
from jaxcrypt.training.defaults import complete
from jaxcrypt.training.loop import check_finite
from jaxcrypt.training.optimizer import optimizers
from jaxcrypt.training.step import StepOptions, make_step

GUESS, CORRECTION = "guess", "correction"
CHUNK = 256
_KEY = 8  # side of the key image that the UNet wants: there is none
Box = tuple[slice, slice]


def middle(side: int, region: int) -> Box:
    """Rows and columns of a square of ``region`` pixels in the middle of one of ``side``."""
    first = (side - region) // 2
    return slice(first, first + region), slice(first, first + region)


def _unet(fields: Any, name: str) -> ResUNet:
    given = {key: tuple(x) if isinstance(x, list | tuple) else x for key, x in dict(fields).items()}
    return ResUNet(**given, name=name)


class Guess(nn.Module):
    """The region from its surroundings. ``unet``: fields of :class:`ResUNet`; ``region``: its side."""

    unet: Any
    region: int

    @nn.compact
    def __call__(self, opened: jax.Array) -> jax.Array:
        """The region, float32 ``[B, h, w, 3]``, of :func:`opened_of`, ``[B, H, W, 4]``; all in [-1, 1]."""
        return _run(_unet(self.unet, "unet"), opened, opened)[:, *middle(opened.shape[1], self.region)]


class Correction(nn.Module):
    """What a guess lacks. ``unet``: fields of :class:`ResUNet`; ``reader``: of :class:`Reader`."""

    unet: Any
    reader: Any

    @nn.compact
    def __call__(self, opened: jax.Array, guess: jax.Array, cipher: jax.Array) -> jax.Array:
        """What to add to a guess, float32 ``[B, h, w, 3]``, zero at the start.

        Args:
          opened: as :class:`Guess` sees it; guess: its answer; cipher: uint8 ``[B, h, w, 3]``.
        """
        box = middle(opened.shape[1], guess.shape[1])
        read = Reader(shape=guess.shape[1:], **self.reader, name="reader")(cipher)
        seen = jnp.concatenate([_placed(opened, x) for x in (guess, read)] + [opened], axis=-1)
        received = jnp.concatenate([_placed(opened, features(cipher)), opened], axis=-1)
        return read + _run(_unet(self.unet, "unet"), seen, received)[:, *box]


def _run(net: ResUNet, seen: jax.Array, received: jax.Array) -> jax.Array:
    count = seen.shape[0]
    made = net(seen, received, jnp.ones((count, 2)), jnp.zeros((count, _KEY, _KEY, 3)))
    return made.astype(jnp.float32)


def _placed(opened: jax.Array, inside: jax.Array) -> jax.Array:
    """What belongs to the region at its place, zeros around: ``[B, h, w, C]`` to ``[B, H, W, C]``."""
    whole = jnp.zeros((*opened.shape[:3], inside.shape[-1]), inside.dtype)
    return whole.at[:, *middle(opened.shape[1], inside.shape[1])].set(inside)


def opened_of(image: jax.Array, region: int) -> jax.Array:
    """uint8 ``[B, H, W, 3]`` as its surroundings, the region grey, and the mask: float32 ``[B, H, W, 4]``."""
    box = middle(image.shape[1], region)
    picture = (jnp.asarray(image, jnp.float32) / 127.5 - 1).at[:, *box].set(0.0)
    mask = jnp.zeros((*image.shape[:3], 1)).at[:, *box].set(1.0)
    return jnp.concatenate([picture, mask], axis=-1)


class Onlooker:
    """Both nets, compiled once for all the runs of an adversary.

    Args:
      config: ``surroundings`` of :mod:`jaxcrypt.attacks.budget`: ``side``, ``region``, ``model``, and the
        sections ``train`` and ``optimizer`` over the trainer's defaults.
    """

    def __init__(self, config: ConfigDict):
        self._region, self._batch = config.region, config.train.batch_size
        self._guess = Guess(config.model.unet.to_dict(), config.region)
        self._correction = Correction(config.model.unet.to_dict(), config.model.reader.to_dict())
        shared = complete({"train": config.train.to_dict(), "optimizer": config.optimizer.to_dict()})
        options = StepOptions(precision=shared.train.precision)
        self._stages = {name: self._stage(name, shared.train.steps) for name in (GUESS, CORRECTION)}
        self._rules = {name: optimizers(shared, stage) for name, stage in self._stages.items()}
        steps = {name: make_step(self._stages[name], self._rules[name], options) for name in self._stages}
        self._steps = {name: jax.jit(step, donate_argnums=0) for name, step in steps.items()}
        self._read = jax.jit(self._both)
        self._init = jax.jit(self._start)

    def _stage(self, name: str, steps: int) -> Stage:
        def loss(params, extra, batch, rng):
            image, box = batch["image"], middle(batch["image"].shape[1], self._region)
            truth = jnp.asarray(image[:, *box], jnp.float32) / 127.5 - 1
            if name == GUESS:
                answer = self._guess.apply({"params": params[GUESS]}, opened_of(image, self._region))
            else:
                answer = sum(self._both(params, image, batch["cipher"]))
            value = jnp.mean(jnp.square(answer - truth)) / 4
            return value, (extra, {"psnr": -10 * jnp.log10(value)})

        return Stage({name: Phase((name,), loss)}, steps)

    def _both(self, params, image: jax.Array, cipher: jax.Array) -> tuple[jax.Array, jax.Array]:
        opened = opened_of(image, self._region)
        first = self._guess.apply({"params": params[GUESS]}, opened)
        return first, self._correction.apply({"params": params[CORRECTION]}, opened, first, cipher)

    def _start(self, rng: jax.Array, image: jax.Array, cipher: jax.Array) -> dict[str, Any]:
        guess_rng, correction_rng = streams(rng, GUESS, CORRECTION)
        opened = opened_of(image, self._region)
        inside = jnp.zeros((*cipher.shape[:3], 3))
        made = {GUESS: self._guess.init(guess_rng, opened)}
        made[CORRECTION] = self._correction.init(correction_rng, opened, inside, cipher)
        return {name: one["params"] for name, one in made.items()}

    def start(self, photos: np.ndarray, seed: int) -> dict[str, Any]:
        """Parameters of both nets, the guess learned on ``photos``, uint8 ``[N, H, W, 3]``."""
        blank = np.zeros((2, self._region, self._region, 3), np.uint8)
        params = self._init(jax.random.key(seed), photos[:2], blank)
        return self._learn(GUESS, params, {"image": photos}, seed)

    def correct(self, params: dict[str, Any], photos: np.ndarray, ciphers: np.ndarray, seed: int):
        """The same with the correction learned on ``photos`` and ``ciphers``, uint8 ``[N, h, w, 3]``."""
        return self._learn(CORRECTION, params, {"image": photos, "cipher": ciphers}, seed)

    def _learn(self, name: str, params: dict[str, Any], pairs: dict[str, np.ndarray], seed: int):
        stage, random = self._stages[name], np.random.default_rng([seed, 2])
        # The step gives its state's memory away, and others start from these parameters too.
        own, extra = jax.tree.map(jnp.copy, params), {net: {} for net in params}
        state = states.create(own, extra, stage, self._rules[name], ())
        for _ in range(stage.steps):
            which = random.integers(0, len(pairs["image"]), self._batch)
            state, metrics = self._steps[name](state, {key: x[which] for key, x in pairs.items()})
        check_finite(stage.steps, metrics, {})
        return state.params

    def answers(self, params, photos: np.ndarray, ciphers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Guess and correction, float32 ``[N, h, w, 3]`` in units of [-1, 1], in chunks of one length."""
        count, parts = len(photos), []
        for start in range(0, count, CHUNK):
            which = np.arange(start, start + CHUNK) % count
            parts.append(jax.tree.map(np.asarray, self._read(params, photos[which], ciphers[which])))
        first, more = (np.concatenate(several)[:count] for several in zip(*parts, strict=True))
        return first, more
