"""The torch twins compute what the Systems compute: the same losses and gradients for the same weights."""

import pytest

from jaxcrypt.bench import contest, entrants
from jaxcrypt.errors import Refusal
from jaxcrypt.systems import catalog
from tests.likeness import NAMES, config_of, shrunk

pytest.importorskip("torch", reason="the yardstick of the step benchmark, extra bench")

SAME_NETS = {"cyclegan_decryptor", "dcgan_light", "stego_networks_robust", "stego_three"}


def small(name):
    config = config_of(name)
    config.model = shrunk(config.model)
    config.train.batch_size = 4
    if config.system == "dcgan":  # the twin plays the plain game
        config.model.legible = config.model.discriminator.dropout = 0.0
    entrants.plain_adam(config)
    return config


@pytest.mark.parametrize("name", sorted(set(NAMES) - SAME_NETS))
def test_losses_and_gradients_are_those_of_jax(name, capsys):
    config = small(name)
    subject, twin = entrants.subject_of(catalog.build(config.system, config), config)
    entrants.compare(subject, twin)  # refuses what differs by more than rounding
    told = capsys.readouterr().out
    assert told.count("loss differs by") == len(subject.stage.phases)
    nets = {net for phase in subject.stage.phases.values() for net in phase.nets}
    assert all(f"gradient of {net} differs by" in told for net in nets)


def test_a_twin_that_differs_is_refused():
    config = small("stego_networks")
    subject, twin = entrants.subject_of(catalog.build(config.system, config), config)
    config.model.beta = 1.01  # of the twin alone: its losses are made now
    with pytest.raises(Refusal, match="phase stego: loss differs by"):
        entrants.compare(subject, twin)


def test_steps_of_both_train():
    config = small("stego_networks")
    subject, twin = entrants.subject_of(catalog.build(config.system, config), config)
    entry = entrants.Entry("torch", "float32", False, "cpu", 60)
    ((_, torch_step),) = entrants.of_torch(entry, subject, twin)
    both = {"jax": contest.jax_step(subject, "float32"), "torch": torch_step}
    for one in both.values():
        one.warm_up(beside=False)
        assert one.compile_seconds > 0
    rates = contest.measure(both, config.train.batch_size, 2, 0.01)
    for values in rates.values():
        assert len(values.by_clock) == len(values.by_cpu) == 2
        assert min(values.by_clock + values.by_cpu) > 0
    assert contest.flops(subject) > 1e6
