"""The iterator: order, epochs, hosts, restoring, padding, mixing, pairs drawn at random."""

import itertools
import json

import numpy as np
import pytest
from data_pictures import numbers, save, spec

from jaxcrypt.data import pipeline
from jaxcrypt.errors import Refusal


def take(batches, count):
    """The numbers of the next ``count`` batches, in one list."""
    return list(itertools.chain.from_iterable(numbers(next(batches)) for _ in range(count)))


def test_each_epoch_holds_every_picture_once_in_another_order(settings, numbered):
    batches = pipeline(settings(path=str(numbered(12)), flip=False), spec(4), split="train", seed=3)
    epochs = [take(batches, 3) for _ in range(3)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_arrays_are_those_of_the_spec(settings, numbered):
    wanted = spec(5, (6, 4), image=1)
    batch = next(pipeline(settings(path=str(numbered(3))), wanted, split="train"))
    assert list(batch) == ["image"]
    assert batch["image"].shape == (5, 6, 4, 1)
    assert batch["image"].dtype == np.uint8


def test_the_seed_alone_decides_order_and_cuts(settings, numbered, rng):
    root = numbered(0)
    for number in range(10):
        save(root / f"{number}.png", rng.integers(0, 256, (12, 12, 3), np.uint8))
    config = settings(path=str(root))
    first, again, other = (
        [next(batches)["image"] for _ in range(4)]
        for batches in (pipeline(config, spec(4), split="train", seed=seed) for seed in (1, 1, 2))
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("options", [{}, {"threads": 1, "buffer": 1}, {"in_memory": True}])
def test_state_goes_on_exactly_in_the_middle_of_an_epoch(settings, numbered, rng, options):
    root = numbered(0)
    for number in range(7):
        save(root / f"{number}.png", rng.integers(0, 256, (11, 10, 3), np.uint8))
    config = settings(path=str(root), **options)
    make = lambda: pipeline(config, spec(3), split="train", seed=5)  # noqa: E731
    straight = make()
    for _ in range(4):
        next(straight)
    state = json.loads(json.dumps(straight.get_state()))
    resumed = make()
    resumed.set_state(state)
    for _ in range(6):
        assert np.array_equal(next(straight)["image"], next(resumed)["image"])


def test_state_over_other_pictures_is_said(settings, numbered, caplog):
    root = numbered(6)
    config = settings(path=str(root))
    state = pipeline(config, spec(2), split="train").get_state()
    save(root / "new.png", np.zeros((8, 8, 3), np.uint8))
    pipeline(config, spec(2), split="train").set_state(state)
    assert "not those of the checkpoint" in caplog.text


@pytest.mark.parametrize("hosts", [2, 4])
def test_hosts_share_each_global_batch_in_order(settings, numbered, hosts):
    config = settings(path=str(numbered(16)))
    alone = pipeline(config, spec(8), split="train", seed=2)
    shares = [
        pipeline(config, spec(8 // hosts), split="train", seed=2, process_index=index, process_count=hosts)
        for index in range(hosts)
    ]
    for _ in range(4):
        together = list(itertools.chain.from_iterable(numbers(next(share)) for share in shares))
        assert together == numbers(next(alone))
    assert len(set(together)) == 8


def test_evaluation_runs_once_by_name_and_masks_the_padding(settings, numbered):
    config = settings(path=str(numbered(4)), test_path=str(numbered(11, folder="test")))
    batches = list(pipeline(config, spec(4), split="test"))
    assert [batch["valid"].tolist() for batch in batches] == [[True] * 4, [True] * 4, [True] * 3 + [False]]
    seen = [n for batch in batches for n, v in zip(numbers(batch), batch["valid"], strict=True) if v]
    assert seen == list(range(11))
    assert not batches[-1]["image"][3].any()


def test_hosts_evaluate_equally_many_batches_and_every_picture_once(settings, numbered):
    config = settings(path=str(numbered(4)), test_path=str(numbered(9, folder="test")))
    shares = [
        list(pipeline(config, spec(4), split="test", process_index=index, process_count=2))
        for index in range(2)
    ]
    assert [len(share) for share in shares] == [2, 2]
    seen = [n for share in shares for b in share for n, v in zip(numbers(b), b["valid"], strict=True) if v]
    assert sorted(seen) == list(range(9))


def test_training_never_holds_a_picture_set_aside(settings, numbered):
    config = settings(path=str(numbered(12)), validation={"file": "", "fraction": 0.0, "last": 3})
    train = take(pipeline(config, spec(3), split="train"), 6)
    assert set(train) == set(range(9))
    batch = next(pipeline(config, spec(3), split="validation"))
    assert numbers(batch) == [9, 10, 11]


def test_no_validation_pictures_is_refused(settings, numbered):
    config = settings(path=str(numbered(3)))
    with pytest.raises(Refusal, match=r"set config\.data\.validation"):
        pipeline(config, spec(2), split="validation")
    with pytest.raises(Refusal, match=r"config\.data\.test_path"):
        pipeline(config, spec(2), split="test")


def test_sources_are_mixed_by_weight(settings, numbered):
    one, two = numbered(5), numbered(0, folder="two")
    for number in range(7):
        save(two / f"{number}.png", np.full((8, 8, 3), 100 + number, np.uint8))
    config = settings(mix={"one": {"path": str(one), "weight": 3}, "two": {"path": str(two), "weight": 1.0}})
    drawn = np.array(take(pipeline(config, spec(4), split="train"), 30))
    assert np.mean(drawn < 100) == pytest.approx(0.75, abs=0.02)
    assert set(drawn[drawn < 100]) == set(range(5))
    assert set(drawn[drawn >= 100]) == set(range(100, 107))


def test_a_mix_is_validated_on_what_its_sources_set_aside(settings, numbered):
    one, two = numbered(5), numbered(6, folder="two")
    config = settings(
        mix={"one": {"path": str(one)}, "two": {"path": str(two), "validation": {"last": 2}}},
    )
    assert [numbers(batch) for batch in pipeline(config, spec(2), split="validation")] == [[4, 5]]


def test_secrets_are_other_pictures_than_the_cover(settings, numbered):
    config = settings(path=str(numbered(6)))
    batches = pipeline(config, spec(4, cover=3, secrets=(3, 3)), split="train", seed=1)
    drawn = set()
    for batch in itertools.islice(batches, 20):
        assert batch["secrets"].shape == (4, 3, 8, 8, 3)
        for cover, secrets in zip(numbers(batch, "cover"), numbers(batch, "secrets"), strict=True):
            assert len({cover, *secrets}) == 4
            drawn.add((cover, *secrets))
    assert len(drawn) > 60


def test_secrets_of_evaluation_do_not_depend_on_the_training_seed(settings, numbered):
    config = settings(path=str(numbered(4)), test_path=str(numbered(9, folder="test")))
    wanted = spec(9, cover=3, secrets=(1, 3))
    drawn = [numbers(next(pipeline(config, wanted, split="test", seed=s)), "secrets") for s in (0, 1)]
    assert drawn[0] == drawn[1]
    config.pair_seed = 7
    assert numbers(next(pipeline(config, wanted, split="test")), "secrets") != drawn[0]


def test_secrets_and_keys_may_come_from_elsewhere(settings, numbered):
    covers, secrets = numbered(3), numbered(0, folder="secrets")
    for number in range(4):
        save(secrets / f"{number}.png", np.full((30, 20, 3), 200 + number, np.uint8))
    config = settings(path=str(covers), others={"path": str(secrets)}, validation={"last": 1})
    wanted = spec(3, cover=3, secrets=(2, 3), key_image=3)
    for split in ("train", "validation"):
        batch = next(pipeline(config, wanted, split=split))
        real = batch.get("valid", np.ones(3, bool))
        assert (batch["cover"][real][..., 0] < 3).all()
        assert (batch["secrets"][real] >= 200).all()
        assert (batch["key_image"][real] >= 200).all()


def test_too_few_pictures_for_the_secrets_is_refused(settings, numbered):
    with pytest.raises(Refusal, match="too few to draw 3 secrets"):
        pipeline(settings(path=str(numbered(3))), spec(2, cover=3, secrets=(3, 3)), split="train")


def test_names_that_no_source_brings_are_refused(settings, numbered):
    config = settings(path=str(numbered(3)))
    with pytest.raises(Refusal, match="the batch wants colour"):
        pipeline(config, spec(2, image=3, colour=3), split="train")
    with pytest.raises(Refusal, match="no labels"):
        next(pipeline(config, spec(2, image=3, labels=40), split="train"))


@pytest.mark.slow
def test_workers_give_the_same_batches(settings, numbered):
    """From a state on that threads left, and leaving the same one."""
    config = settings(path=str(numbered(10, (12, 12))))
    plain = pipeline(config, spec(4), split="train", seed=4)
    next(plain)
    config.workers = 2
    working = pipeline(config, spec(4), split="train", seed=4)
    working.set_state(json.loads(json.dumps(plain.get_state())))
    for _ in range(3):
        assert np.array_equal(next(plain)["image"], next(working)["image"])
    assert working.get_state() == plain.get_state()
