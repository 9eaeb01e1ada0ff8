"""The evaluate command on small pictures: sound, weak and lossy Systems, and what it refuses."""

import dataclasses
import json
import logging

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jaxcrypt import evaluate
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import ExitCode
from jaxcrypt.evaluation import randomness, report
from jaxcrypt.evaluation.pictures import Named, draw, find_pictures
from jaxcrypt.evaluation.suites import ciphers
from jaxcrypt.metrics import sensitivity
from jaxcrypt.record import Sealed, System
from jaxcrypt.sealing import cipher as sealing
from jaxcrypt.systems import catalog
from jaxcrypt.systems.drivers.whole import driven

SHAPE = (48, 40, 3)


def keystream(subkey, shape, keyed: bool):
    seed = jnp.bitwise_xor.reduce(subkey * jnp.arange(1, 16, 2, dtype=jnp.uint32)) if keyed else jnp.uint32(5)
    return jax.random.bits(jax.random.key(seed), shape, jnp.uint8)


def toy(keyed: bool = True, loss: int = 0) -> System:
    """XOR with random bytes: of the key, or always the same; ``loss`` low bits are dropped first."""

    def apply(image, subkey):
        return jax.vmap(lambda x, key: x ^ keystream(key, x.shape, keyed))(image, subkey)

    def encrypt(variables, inputs, subkey, options):
        return Sealed(apply(inputs["image"] >> loss << loss, subkey))

    def decrypt(variables, sealed, inputs, subkey, options):
        return {"image": apply(sealed.pixels, subkey)}

    nothing = dict.fromkeys(("init", "batch", "outputs"), lambda *_: {})
    return driven(System(stages=(), encrypt=encrypt, decrypt=decrypt, **nothing))


def smooth_pictures(count: int) -> list[Named]:
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    rng = np.random.default_rng(3)
    made = []
    for i in range(count):
        waves = [np.sin(x / a + y / b + c) for a, b, c in rng.uniform(3, 9, (3, 3))]
        made.append(Named(f"{i}.png", (127 + 120 * np.stack(waves, axis=-1)).astype(np.uint8)))
    return made


def summary_of(system: System, count: int = 20) -> dict:
    subject = ciphers.Subject("toy", sealing.Cipher(system), seed=1)
    return report.summarise(ciphers.measure(subject, smooth_pictures(count))[0])


def by_chance(summary: dict) -> dict[str, bool]:
    return {name: test["by_chance"] for name, test in summary["statistics"].items()}


@pytest.fixture(scope="module")
def sound():
    return summary_of(toy())


def test_a_keyed_xor_passes_all_but_diffusion(sound):
    assert [name for name, fine in by_chance(sound).items() if not fine] == [
        "diffusion_npcr",
        "diffusion_uaci",
    ]
    assert sound["statistics"]["diffusion_npcr"]["outside"] == 20
    quality = sound["quality"]
    assert quality["exact"] == 20
    for key in ("wrong", "flipped"):
        assert quality[key]["above_flat"] == 0
        assert quality[key]["closer_than_side"]["by_chance"]
    assert "exact" in report.table("toy", sound)
    assert report.table("toy", sound).count("NOT CHANCE") == 2


def test_a_cipher_without_nonce_is_found():
    summary = summary_of(toy(keyed=False))
    fine = by_chance(summary)
    for name in ("nonce_npcr", "key_npcr", "key_uaci", "wrong_correlation", "flipped_correlation"):
        assert not fine[name], name
    assert fine["chi_square"]
    assert summary["quality"]["wrong"]["ssim"] == pytest.approx(1)
    assert not summary["quality"]["wrong"]["closer_than_side"]["by_chance"]
    assert np.isnan(summary["quality"]["wrong"]["psnr"])  # infinite on every picture


def test_side_information_that_is_a_small_picture_is_told_from_a_leak():
    """A wrong key gives noise around the true mean of each half: that much the side information tells."""
    system = toy()

    def means(image):
        return jnp.stack([half.mean(axis=(1, 2, 3)) for half in jnp.split(image, 2, axis=1)], axis=1)

    def encrypt(variables, inputs, subkey, options):
        sealed = system.encrypt(variables, inputs, subkey, options)
        return Sealed(sealed.pixels, {"means": means(inputs["image"].astype(jnp.float32))})

    def decrypt(variables, sealed, inputs, subkey, options):
        noise = system.decrypt(variables, sealed, inputs, subkey, options)["image"]
        centres = jnp.repeat(sealed.side["means"], SHAPE[0] // 2, axis=1)[..., None, None]
        return {"image": jnp.clip(centres + (noise.astype(jnp.float32) - 128) / 8, 0, 255).astype(jnp.uint8)}

    summary = summary_of(driven(dataclasses.replace(system, encrypt=encrypt, decrypt=decrypt)))
    assert not by_chance(summary)["wrong_correlation"]
    assert summary["quality"]["wrong"]["closer_than_side"]["by_chance"]
    assert summary["quality"]["flipped"]["closer_than_side"]["by_chance"]


def test_no_cipher_at_all_is_found():
    system = toy()
    plain = dataclasses.replace(system, encrypt=lambda v, inputs, s, o: Sealed(inputs["image"]))
    fine = by_chance(summary_of(driven(plain)))
    assert not any(fine[name] for name in ("chi_square", "entropy", "horizontal", "vertical", "block"))


def test_what_is_lossy_is_not_called_lossless():
    summary = summary_of(toy(loss=2))
    assert summary["quality"]["exact"] == 0
    assert 40 < summary["quality"]["right"]["psnr"] < 46
    assert "lossless: no" in report.table("toy", summary)


def test_runs_repeat_and_seeds_differ():
    pictures = smooth_pictures(2)
    subjects = [ciphers.Subject("toy", sealing.Cipher(toy()), seed) for seed in (1, 1, 2)]
    first, again, other = (subject.subkeys([p.pixels for p in pictures]) for subject in subjects)
    assert first == again
    assert len({*first, *other}) == 4
    assert draw(0, "a", "b") != draw(0, "b", "a")


def test_one_sample_is_changed_by_one_bit():
    subject = ciphers.Subject("toy", sealing.Cipher(toy()))
    plain = np.stack([picture.pixels for picture in smooth_pictures(3)])
    changed = ciphers.changed_pictures(subject, ["a", "b", "c"], plain)
    assert ((changed ^ plain) != 0).sum(axis=(1, 2, 3)).tolist() == [1, 1, 1]
    assert (changed ^ plain).max() == 1


def test_flipping_a_bit():
    key = bytes(32)
    assert sensitivity.flip_bit(key, 9) == b"\0\2" + bytes(30)
    assert sensitivity.flip_bit(sensitivity.flip_bit(key, 255), 255) == key


def test_random_bits_come_from_flat_pictures_too():
    subject = ciphers.Subject("toy", sealing.Cipher(toy()))
    found = list(randomness.sequences(subject, smooth_pictures(2)))
    names = [name for name, _ in found]
    assert len(names) == 10
    assert sum(name.startswith("flat") for name in names) == 5
    assert all(bits.shape == (1_000_000,) and bits.max() == 1 for _, bits in found)
    assert abs(found[0][1].mean() - 0.5) < 0.003
    assert len({bits.tobytes() for _, bits in found}) == 10


@pytest.fixture
def folder(tmp_path):
    data = tmp_path / "photos"
    data.mkdir()
    for picture in smooth_pictures(4):
        Image.fromarray(picture.pixels).save(data / picture.name)
    Image.new("RGB", SHAPE[1::-1], (9, 9, 9)).save(data / "flat.png")
    return data


def test_the_command_end_to_end(folder, tmp_path, capsys):
    output = tmp_path / "results"
    argv = ["--data", str(folder), "--output", str(output), "--seed", "3", "--device", "cpu"]
    assert cli.entry(evaluate.main, argv) == ExitCode.OK
    printed = capsys.readouterr().out
    assert "logistic: 5 pictures, whole, seed 3" in printed
    assert "lossless: yes, 5 of 5 came back bit for bit" in printed
    facts = json.loads((output / "evaluation.json").read_text())
    assert len(facts["pictures"]) == 5
    assert facts["versions"]["jax"] == jax.__version__
    assert facts["hardware"]["device"]
    flat = next(row for row in facts["pictures"] if row["picture"] == "flat.png")
    assert flat["values"]["block"] is None  # nothing correlates with a flat picture
    assert flat["values"]["right_psnr"] is None
    assert facts["summary"]["statistics"]["block"]["count"] == 4
    with Image.open(output / "sheet.png") as sheet:
        assert min(sheet.size) > 300
        assert len(sheet.convert("RGB").getcolors(1 << 24)) > 1000


def test_crop_and_limit(folder, tmp_path, capsys, caplog, monkeypatch):
    monkeypatch.setattr(sealing, "load", lambda name, weights: sealing.Cipher(toy()))
    argv = ["--data", str(folder), "--output", str(tmp_path / "r"), "--crop", "24", "--limit", "2"]
    with caplog.at_level(logging.INFO):
        assert cli.entry(evaluate.main, argv) == ExitCode.OK
    facts = json.loads((tmp_path / "r" / "evaluation.json").read_text())
    assert [row["shape"] for row in facts["pictures"]] == [[24, 24, 3]] * 2
    assert "measured 2 of 2" in caplog.text


def test_nist_on_request(folder, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(randomness, "SEQUENCES", 2)
    monkeypatch.setattr(sealing, "load", lambda name, weights: sealing.Cipher(toy()))
    argv = ["--data", str(folder), "--output", str(tmp_path / "r"), "--limit", "2", "--nist"]
    assert cli.entry(evaluate.main, argv) == ExitCode.OK
    printed = capsys.readouterr().out
    assert "SP 800-22 on 2 sequences: flat 0, " in printed
    assert "non-overlapping template" in printed
    proportions = json.loads((tmp_path / "r" / "evaluation.json").read_text())["sp800_22"]["proportions"]
    assert proportions["frequency"]["applicable"] == 2
    assert len([name for name in proportions if name.startswith("non-overlapping")]) == 148


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "--data FOLDER is needed"),
        (["--data", "nowhere"], "--data nowhere: not a folder"),
        (["--data", "{empty}"], "no pictures in this folder"),
        (["--data", "{photos}", "--system", "rot13"], "--system rot13: unknown; choose one of"),
        (["--data", "{photos}", "--crop", "0"], "crop=0"),
        (["--data", "{photos}", "--crop", "41"], "0.png: 40×48 is smaller than --crop 41"),
        (["--data", "{photos}", "--sistem", "mixing"], "Did you mean: system"),
        (["{photos}"], "not an option"),
        (["--data", "{photos}", "--watch"], "--watch goes with --workdir"),
        (["--workdir", "w", "--data", "{photos}"], "leave out --data"),
        (["--data", "{photos}", "--option", "rate=half"], "--option rate=half: must be NAME=NUMBER"),
        (["--data", "{photos}", "--option", "rate=2"], "--option rate=2: this System has no such option"),
    ],
)
def test_refusals_are_one_line(folder, tmp_path, capsys, options, says):
    (tmp_path / "empty").mkdir()
    argv = [option.format(empty=tmp_path / "empty", photos=folder) for option in options]
    assert cli.entry(evaluate.main, argv) in (ExitCode.USAGE, ExitCode.BAD_INPUT)
    message = capsys.readouterr().err.strip().splitlines()
    assert len(message) == 1
    assert message[0].startswith("jaxcrypt: ")
    assert says in message[0]


def test_help_names_every_option(capsys):
    with pytest.raises(SystemExit) as stop:
        evaluate.main(["--help"])
    assert not stop.value.code
    printed = capsys.readouterr().out
    for option in ("system", "data", "output", "crop", "limit", "seed", "nist", "workdir", "watch"):
        assert f"--{option}" in printed or f"--[no]{option}" in printed
    assert all(name in printed for name in catalog.NAMES)


def test_folders_are_searched_by_name(folder):
    assert [path.name for path in find_pictures([str(folder)], 2)] == ["0.png", "1.png"]


def test_real_photos_through_the_default_system(real_data, tmp_path, capsys):
    argv = ["--data", str(real_data / "eval" / "kodak24"), "--crop", "64", "--output", str(tmp_path)]
    assert cli.entry(evaluate.main, argv) == ExitCode.OK
    summary = json.loads((tmp_path / "evaluation.json").read_text())["summary"]
    assert summary["quality"]["exact"] == 24
    assert all(by_chance(summary).values())
