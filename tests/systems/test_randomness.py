"""Every use of randomness in a loss has a stream of its own."""

import importlib
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.functional.rng import streams
from jaxcrypt.systems.catalog import build
from jaxcrypt.systems.cyclegan import channel, losses
from tests.likeness import shrunk

CONFIGS = sorted(path.stem for path in Path("configs").glob("*.py"))


def _phases(name):
    config = importlib.import_module(f"configs.{name}").get_config()
    if "system" not in config:
        return {}, None
    shares = config.model.get("shares")
    config.model = shrunk(config.model)
    if shares:  # every rate draws
        config.model.shares = shares
    system = build(config.system, config)
    batch = system.batch(config)
    made = jax.eval_shape(lambda: system.init(jax.random.key(0), _zeros(batch)))
    return {phase: p for stage in system.stages for phase, p in stage.phases.items()}, (*made, batch)


def _zeros(batch):
    return {name: jnp.zeros(x.shape, x.dtype) for name, x in batch.items()}


@pytest.mark.parametrize("name", [c for c in CONFIGS if c != "attacks"])
def test_no_loss_uses_one_rng_twice(name):
    phases, args = _phases(name)
    rng = jax.eval_shape(lambda: jax.random.key(0))
    with jax.debug_key_reuse(True):
        for phase in phases.values():
            jax.eval_shape(jax.jit(phase.loss), *args, rng)


def test_extra_noise_of_cyclegan_does_not_follow_the_damage(monkeypatch):
    """A flat cipher shows its damage: noise of some level, or none that counts (JPEG keeps what is flat)."""
    count, drawn = 2400, {}

    def distorted(cipher, rng, share):
        arrived = channel_distorted(cipher, rng, share)
        drawn["damage"] = np.std(np.asarray(arrived - cipher), axis=(1, 2, 3))
        return arrived

    def receive(nets, params, sent, subkey, arrived, rng, dimmed):
        drawn["extra"] = np.asarray(extra_levels(streams(rng, "levels", "noise")[0], (count,), dimmed))
        return jnp.zeros((count, 8, 8, 3))

    channel_distorted = jax.jit(channel.distorted, static_argnums=2)
    extra_levels = jax.jit(losses.extra_levels, static_argnums=(1, 2))
    monkeypatch.setattr(channel, "distorted", distorted)
    monkeypatch.setattr(losses, "receive", receive)
    monkeypatch.setattr(losses, "send", lambda nets, params, photo, *_: _Sent(photo * 0 + 128.0))
    monkeypatch.setattr(losses, "wrong_key", lambda nets, params, sent, subkey: sent.cipher)
    loss = losses.decrypting(_Nets(), losses.Weights(damaged=0.6, dimmed=0.5), (1, 0, 0))
    loss({"critic_photo": {}}, {}, {"image": jnp.zeros((count, 8, 8, 3), jnp.uint8)}, jax.random.key(0))
    noisy, more = drawn["damage"] > 0.5, drawn["extra"] > 0
    assert 0.2 < noisy.mean() < 0.4
    for group in (noisy, ~noisy):  # 0.3 of each, give or take five standard deviations
        assert abs(more[group].mean() - 0.3) < 5 * (0.3 * 0.7 / group.sum()) ** 0.5
    both = noisy & more
    assert abs(np.corrcoef(drawn["damage"][both], np.log(drawn["extra"][both]))[0, 1]) < 5 / both.sum() ** 0.5


class _Sent:
    def __init__(self, cipher):
        self.cipher = cipher

    def first(self):
        return _Sent(self.cipher[:1])


class _Nets:
    class critic_photo:
        @staticmethod
        def apply(params, x):
            return jnp.zeros(())


def test_streams_are_named_once():
    rng = jax.random.key(3)
    one, two = streams(rng, "level", "noise")
    assert jax.random.key_data(streams(rng, "noise")[0]).tolist() == jax.random.key_data(two).tolist()
    assert jax.random.key_data(one).tolist() != jax.random.key_data(two).tolist()
    with pytest.raises(ValueError, match="level"):
        streams(rng, "level", "level")
