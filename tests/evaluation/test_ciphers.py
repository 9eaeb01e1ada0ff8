"""The statistics of cipher pictures: sound, weak and lossy ciphers, and what only looks like a leak."""

from dataclasses import dataclass

import numpy as np
import pytest

from jaxcrypt.evaluation import measured, randomness
from jaxcrypt.evaluation.pictures import draw
from jaxcrypt.evaluation.suites import ciphers
from jaxcrypt.metrics import chance, sensitivity
from jaxcrypt.record import Outcome, Sealed
from tests.evaluation.subjects import SHAPE, Xor, smooth_pictures, toy

SETTING = {"crop": None, "seed": 1}


def summary_of(subject, count: int = 20) -> dict:
    return ciphers.summarise(measured.measure(subject, smooth_pictures(count))[0])


def table_of(summary: dict, count: int = 20) -> str:
    return ciphers.table({"summary": summary, "pictures": count, "system": "toy", "setting": SETTING})


def by_chance(summary: dict) -> dict[str, bool]:
    return {name: test["by_chance"] for name, test in summary["statistics"].items()}


@pytest.fixture(scope="module")
def sound():
    return summary_of(toy())


def test_a_keyed_xor_passes_all_but_diffusion(sound):
    failed = [name for name, fine in by_chance(sound).items() if not fine]
    assert failed == ["subkey_npcr", "subkey_uaci"]
    assert sound["statistics"]["subkey_npcr"]["outside"] == 20
    quality = sound["quality"]
    assert quality["exact"] == 20
    for key in ("wrong", "flipped"):
        assert quality[key]["above_flat"] == 0
        assert quality[key]["closer_than_side"]["by_chance"]
    lines = table_of(sound).splitlines()
    assert next(line for line in lines if "right key" in line).split(" | ")[1].strip() == "exact"
    assert table_of(sound).count("NOT CHANCE") == 2


def test_a_cipher_without_nonce_is_caught():
    summary = summary_of(toy(keyed=False))
    fine = by_chance(summary)
    for name in (
        "nonce_npcr",
        "key_npcr",
        "key_uaci",
        "wrong_correlation",
        "flipped_correlation",
        "wrong_block",
    ):
        assert not fine[name], name
    assert fine["chi_square"]
    assert summary["quality"]["wrong"]["ssim"] == pytest.approx(1)
    assert not summary["quality"]["wrong"]["closer_than_side"]["by_chance"]
    assert np.isinf(summary["quality"]["wrong"]["psnr"])
    assert "| wrong key" in table_of(summary)


@dataclass(frozen=True)
class WithMeans(Xor):
    """Its side information is the mean of each half: decoding gives little noise around those."""

    def encrypt(self, pictures, subkeys):
        halves = [[half.mean() for half in np.split(p.astype(float), 2)] for p in pictures]
        sealed = super().encrypt(pictures, subkeys)
        return [Sealed(one.pixels, {"means": np.array(m)}) for one, m in zip(sealed, halves, strict=True)]

    def decrypt(self, sealed, subkeys, shape, lost=None):
        outcomes = super().decrypt(sealed, subkeys, shape)
        means = [np.repeat(one.side["means"], shape[0] // 2)[:, None, None] for one in sealed]
        return [
            Outcome([np.clip(m + (o.pictures[0].astype(float) - 128) / 32, 0, 255).astype(np.uint8)])
            for m, o in zip(means, outcomes, strict=True)
        ]


@dataclass(frozen=True)
class Dreaming(Xor):
    """Its decoder draws smooth pictures around one that all photos resemble, whatever comes in."""

    def decrypt(self, sealed, subkeys, shape, lost=None):
        outcomes = super().decrypt(sealed, subkeys, shape)
        common = np.mean([picture.pixels for picture in smooth_pictures(20)], axis=0)
        plain = {picture.pixels.tobytes(): picture for picture in smooth_pictures(20)}
        drawn = []
        for outcome in outcomes:
            noise = outcome.pictures[0].astype(float)
            if noise.astype(np.uint8).tobytes() in plain:
                drawn.append(outcome)
                continue
            for axis in (0, 1):
                noise = sum(np.roll(noise, shift, axis) for shift in range(9)) / 9
            seen = common + 6 * (noise - noise.mean())
            drawn.append(Outcome([np.clip(seen, 0, 255).astype(np.uint8)]))
        return drawn


@pytest.mark.parametrize("kind", [WithMeans, Dreaming])
def test_what_random_ciphers_give_too_is_no_leak(kind):
    """The null is what the same decoder makes of random pixels; white pictures would be a false alarm."""
    rows, _ = measured.measure(toy(kind), smooth_pictures(20))
    summary = ciphers.summarise(rows)
    for key in ("wrong", "flipped"):
        assert by_chance(summary)[f"{key}_correlation"]
        assert by_chance(summary)[f"{key}_block"]
        assert summary["quality"][key]["closer_than_side"]["by_chance"]
        seen = [row.values[f"{key}_correlation"] for row in rows]
        assert not chance.pool(chance.correlation_p(seen, int(np.prod(SHAPE)))).by_chance


@dataclass(frozen=True)
class Leaking(Dreaming):
    """Any key shows the photo beneath what the decoder draws; random pixels show nothing of it."""

    def decrypt(self, sealed, subkeys, shape, lost=None):
        outcomes = super().decrypt(sealed, subkeys, shape)
        keyless = Xor("toy", self.cipher, self.seed, keyed=False)
        shown = keyless.decrypt(sealed, subkeys, shape)
        return [
            Outcome([np.clip(0.3 * o.pictures[0] + 0.7 * s.pictures[0], 0, 255).astype(np.uint8)])
            for o, s in zip(outcomes, shown, strict=True)
        ]

    def encrypt(self, pictures, subkeys):
        return Xor("toy", self.cipher, self.seed, keyed=False).encrypt(pictures, subkeys)


def test_a_leak_through_such_a_decoder_is_still_caught():
    fine = by_chance(summary_of(toy(Leaking)))
    assert not fine["wrong_correlation"]
    assert not fine["wrong_block"]


def test_no_cipher_at_all_is_caught():
    class Plain(Xor):
        def encrypt(self, pictures, subkeys):
            return [Sealed(picture) for picture in pictures]

    fine = by_chance(summary_of(toy(Plain)))
    assert not any(fine[name] for name in ("chi_square", "entropy", "horizontal", "vertical", "block"))


def test_what_is_lossy_is_not_called_lossless():
    summary = summary_of(toy(loss=2))
    assert summary["quality"]["exact"] == 0
    assert 40 < summary["quality"]["right"]["psnr"] < 46
    assert "lossless: no" in table_of(summary)


def test_runs_repeat_and_seeds_differ():
    pictures = [picture.pixels for picture in smooth_pictures(2)]
    subjects = [Xor("toy", toy().cipher, seed) for seed in (1, 1, 2)]
    first, again, other = (subject.subkeys(pictures) for subject in subjects)
    assert first == again
    assert len({*first, *other}) == 4
    assert draw(0, "a", "b") != draw(0, "b", "a")


def test_one_sample_is_changed_by_one_bit():
    plain = np.stack([picture.pixels for picture in smooth_pictures(3)])
    changed = measured.changed_pictures(toy(), ["a", "b", "c"], plain)
    assert ((changed ^ plain) != 0).sum(axis=(1, 2, 3)).tolist() == [1, 1, 1]
    assert (changed ^ plain).max() == 1


def test_flipping_a_bit():
    key = bytes(32)
    assert sensitivity.flip_bit(key, 9) == b"\0\2" + bytes(30)
    assert sensitivity.flip_bit(sensitivity.flip_bit(key, 255), 255) == key


def test_random_bits_come_from_flat_pictures_too():
    sequences = list(randomness.sequences(toy(), smooth_pictures(2)))
    names = [name for name, _ in sequences]
    assert len(names) == 10
    assert sum(name.startswith("flat") for name in names) == 5
    assert all(bits.shape == (1_000_000,) and bits.max() == 1 for _, bits in sequences)
    assert abs(sequences[0][1].mean() - 0.5) < 0.003
    assert len({bits.tobytes() for _, bits in sequences}) == 10
    assert SHAPE[0] * SHAPE[1] * 3 * 8 < 1_000_000  # small pictures are taken several times
