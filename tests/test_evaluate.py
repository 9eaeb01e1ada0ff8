"""The evaluate command: suites by name, results in files, and what it refuses."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import evaluate
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import ExitCode
from jaxcrypt.evaluation import circumstances, randomness, report, setting
from jaxcrypt.evaluation.suites import SUITES
from jaxcrypt.systems import catalog
from tests.evaluation.subjects import SHAPE, Xor, smooth_pictures, toy

ROOT = Path(__file__).parent.parent


@pytest.fixture
def folder(tmp_path):
    data = tmp_path / "photos"
    (data / "inner").mkdir(parents=True)
    for index, picture in enumerate(smooth_pictures(4)):
        kind = ("png", "bmp", "tif", "webp")[index]
        options = {"lossless": True} if kind == "webp" else {}
        Image.fromarray(picture.pixels).save(
            data / ("inner" if index == 3 else "") / f"{index}.{kind}", **options
        )
    Image.new("RGB", SHAPE[1::-1], (9, 9, 9)).save(data / "flat.png")
    return data


@pytest.fixture
def xor(monkeypatch):
    """Every System is a toy."""
    monkeypatch.setattr(
        setting.subject, "load", lambda name, weights, options, seed: Xor(name, toy().cipher, seed)
    )


def test_the_command_end_to_end(folder, tmp_path, capsys):
    output = tmp_path / "results"
    argv = ["ciphers", "--data", str(folder), "--output", str(output), "--seed", "3", "--device", "cpu"]
    assert cli.entry(evaluate.main, argv) == ExitCode.OK
    printed = capsys.readouterr().out
    assert f"{catalog.DEFAULT}: 5 pictures, whole, seed 3" in printed
    assert "lossless: yes, 5 of 5 came back bit for bit" in printed
    facts = json.loads((output / "ciphers.json").read_text())
    assert facts["suite"] == "ciphers"
    assert facts["command"] == f"python -m jaxcrypt.evaluate {' '.join(argv)}"
    assert facts["setting"]["systems"] == [catalog.DEFAULT]
    assert {"python", "jax", "numpy"} <= set(facts["versions"])
    assert facts["machine"]["device"]
    assert facts["machine"]["cores"] >= 1
    assert len(facts["rows"]) == 5
    flat = next(row for row in facts["rows"] if row["picture"] == "flat.png")
    assert flat["values"]["block"] is None  # nothing correlates with a flat picture
    assert flat["values"]["right_psnr"] == "exact"
    assert facts["summary"]["statistics"]["block"]["count"] == 4
    assert (output / "ciphers.md").read_text() in printed
    with Image.open(output / "ciphers.png") as sheet:
        assert min(sheet.size) > 300


def test_the_commit_is_told():
    told = subprocess.run(
        ["git", "-C", ROOT, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True
    )
    if told.returncode:
        pytest.skip("not a checkout")
    assert circumstances.commit().removesuffix("-dirty") == told.stdout.strip()


def test_an_installed_package_is_traced_to_the_checkout_that_it_came_from(tmp_path):
    installed, source = (tmp_path / folder / "jaxcrypt" for folder in ("site-packages", "a checkout"))
    for package in (installed, source):
        (package / "room").mkdir(parents=True)
        (package / "room" / "module.py").write_text("x = 1\n")
    told = json.dumps({"dir_info": {}, "url": source.parent.as_uri()})
    assert "%20" in told
    assert circumstances.installed_from(installed, told) == source
    assert circumstances.installed_from(source, told) is None  # that is itself
    (source / "room" / "further.py").write_text("")
    assert circumstances.installed_from(installed, told) == source
    for changed in ("x = 2\n", None):  # another commit's, or gone: nobody knows which commit runs
        path = source / "room" / "module.py"
        path.write_text(changed) if changed else path.unlink()
        assert circumstances.installed_from(installed, told) is None
    for other in (
        None,
        "",
        "[]",
        "no JSON",
        '{"url": "https://example.com/jaxcrypt"}',
        '{"url": "file:///no"}',
    ):
        assert circumstances.installed_from(installed, other) is None


def test_tables_are_made_of_the_files_again(folder, tmp_path, capsys, xor):
    argv = ["--data", str(folder), "--crop", "24", "--limit", "2", "--output", str(tmp_path)]
    assert cli.entry(evaluate.main, ["ciphers", *argv]) == ExitCode.OK
    assert cli.entry(evaluate.main, ["damage", *argv, "--damage", "noise=8"]) == ExitCode.OK
    capsys.readouterr()
    files = [tmp_path / "ciphers.json", tmp_path / "damage.json"]
    assert cli.entry(evaluate.main, ["table", *map(str, files)]) == ExitCode.OK
    printed = capsys.readouterr().out
    for file in files:
        assert file.with_suffix(".md").read_text() in printed
    assert "`python -m jaxcrypt.evaluate damage --data" in printed
    assert cli.entry(evaluate.main, ["table", str(files[0]), str(files[0])]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert [cell.strip() for cell in lines[3].split("|")[1:-1]] == ["", *["logistic, 2 pictures"] * 2]
    assert [cell.strip() for cell in lines[5].split("|")[1:-1]][1:] == ["exact", "exact"]
    (tmp_path / "other.json").write_text("{}")
    for name in ("other.json", "ciphers.md", "missing.json"):
        assert cli.entry(evaluate.main, ["table", str(tmp_path / name)]) == ExitCode.BAD_INPUT
        assert "not what a suite of evaluate wrote" in capsys.readouterr().err


def test_crop_and_limit(folder, tmp_path, capsys, caplog, xor):
    argv = ["ciphers", "--data", str(folder), "--output", str(tmp_path / "r"), "--crop", "24", "--limit", "2"]
    with caplog.at_level(logging.INFO):
        assert cli.entry(evaluate.main, argv) == ExitCode.OK
    facts = json.loads((tmp_path / "r" / "ciphers.json").read_text())
    assert [row["shape"] for row in facts["rows"]] == [[24, 24, 3]] * 2
    assert "measured 2 of 2" in caplog.text


def test_nist_on_request(folder, tmp_path, capsys, monkeypatch, xor):
    monkeypatch.setattr(randomness, "SEQUENCES", 2)
    argv = ["ciphers", "--data", str(folder), "--output", str(tmp_path / "r"), "--limit", "2", "--nist"]
    assert cli.entry(evaluate.main, argv) == ExitCode.OK
    printed = capsys.readouterr().out
    assert "SP 800-22 on 2 sequences: flat 0, " in printed
    assert "non-overlapping template" in printed
    proportions = json.loads((tmp_path / "r" / "ciphers.json").read_text())["sp800_22"]["proportions"]
    assert proportions["frequency"]["applicable"] == 2
    assert len([name for name in proportions if name.startswith("non-overlapping")]) == 148


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["ciphers"], "arguments are required: --data"),
        (["ciphers", "--data", "nowhere"], "--data nowhere: not a folder"),
        (["ciphers", "--data", "{empty}"], "no pictures in this folder"),
        (
            ["ciphers", "--data", "{photos}", "--system", "logstic"],
            "--system logstic: unknown; did you mean logistic?",
        ),
        (["ciphers", "--data", "{photos}", "--crop", "0"], "--crop: 0: must be a whole number from 1"),
        (["ciphers", "--data", "{photos}", "--limit", "x"], "--limit: x: must be a whole number from 1"),
        (["faces", "--data", "{photos}", "--batch", "0"], "--batch: 0: must be a whole number from 1"),
        (["faces", "--data", "{photos}", "--count", "-5"], "--count: -5: must be a whole number from 0"),
        (["ciphers", "--data", "{photos}", "--crop", "41"], "0.png: 40×48 is smaller than --crop 41"),
        (["ciphers", "--data", "{photos}", "--sistem", "mixing"], "unrecognized arguments: --sistem mixing"),
        (["ciphers", "{photos}"], "arguments are required: --data"),
        (["ciphers", "--data", "{photos}", "--option", "rate"], "--option rate: must be NAME=CHOICE"),
        (
            ["ciphers", "--data", "{photos}", "--option", "rate=2"],
            "--system logistic has no such option; it has none",
        ),
        (
            ["rates", "--data", "{photos}", "--system", "cyclegan", "--option", "rate=3"],
            "--rate 3: choose one of 1, 1/2, 1/4",
        ),
        (["ciphers", "--data", "{photos}", "--system", "stego"], "measures one that makes cipher pictures"),
        (["ciphers", "--data", "{photos}", *["--system", "mixing"] * 2], "measures one at a time"),
        (["hiding", "--data", "{photos}"], "--system NAME is needed: one that hides pictures"),
        (["hiding", "--data", "{photos}", "--system", "mixing"], "measures one that hides pictures"),
        (["damage", "--data", "{photos}", "--crop", "24", "--damage", "rain=1"], "--damage rain=1: unknown"),
        (
            ["damage", "--data", "{photos}", "--crop", "24", "--vary", "rate"],
            "--system logistic has no such option",
        ),
        (
            ["damage", "--data", "{photos}", "--system", "mixing", "--system", "logistic", "--weights", "x"],
            "--weights and --option go with one --system",
        ),
        (["checkpoints"], "arguments are required: --workdir"),
        (["checkpoints", "--workdir", "w", "--data", "{photos}"], "unrecognized arguments: --data"),
        (["checkpoints", "--workdir", "w", "--system", "mixing"], "unrecognized arguments: --system"),
        (["checkpoints", "--workdir", "w", "--weights", "x"], "unrecognized arguments: --weights"),
        (["checkpoints", "--workdir", "w", "--crop", "64"], "unrecognized arguments: --crop"),
        (["checkpoints", "--workdir", "{empty}"], "not the --workdir of a training run"),
        (["cyphers"], "cyphers: no suite; choose one of ciphers, attacks"),
    ],
)
def test_refusals_are_one_line(folder, tmp_path, capsys, options, says, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    argv = [option.format(empty=tmp_path / "empty", photos=folder) for option in options]
    assert cli.entry(evaluate.main, argv) in (ExitCode.USAGE, ExitCode.BAD_INPUT)
    message = capsys.readouterr().err.strip().splitlines()
    assert len(message) == 1
    assert message[0].startswith("jaxcrypt: ")
    assert says in message[0]


@pytest.mark.parametrize(
    ("argv", "suite"),
    [
        (["--system", "mixing", "--data", "x"], "ciphers"),
        (["--attacks", "--system=mixing", "--data=x"], "attacks"),
        (["--workdir", "w", "--watch"], "checkpoints"),
        (["--watch", "--workdir=w"], "checkpoints"),
    ],
)
def test_the_old_spellings_name_the_new_one(argv, suite, capsys):
    assert cli.entry(evaluate.main, argv) == ExitCode.USAGE
    assert f"python -m jaxcrypt.evaluate {suite} …" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("module", "now"),
    [
        ("evaluation_damage", "evaluate damage"),
        ("evaluation_rates", "evaluate rates"),
        ("evaluation_stego", "evaluate hiding"),
        ("evaluation_codecs", "evaluate codecs"),
        ("bench_step", "bench step"),
    ],
)
def test_modules_that_moved_name_the_new_command(module, now):
    done = subprocess.run(
        [sys.executable, "-m", f"jaxcrypt.{module}", "--data", "x"], capture_output=True, text=True
    )
    assert done.returncode == ExitCode.USAGE
    assert done.stderr == f"jaxcrypt: python -m jaxcrypt.{module} is now: python -m jaxcrypt.{now}\n"


def test_help_lists_the_suites_and_each_its_flags(capsys):
    assert evaluate.main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in SUITES)
    systems, pictures = ("system", "weights", "option"), ("data", "crop", "limit", "seed")
    for name, suite in SUITES.items():
        with pytest.raises(SystemExit) as stop:
            evaluate.main([name, "--help"])
        assert not stop.value.code
        printed = capsys.readouterr().out
        wanted = {"device", "output", *(pictures if suite.pictures else ())}
        wanted |= set(systems) if suite.pictures and suite.systems else set()
        offered = {flag for flag in (*systems, *pictures, "device", "output") if f"--{flag} " in printed}
        assert offered == wanted, name


def test_help_needs_no_jax():
    program = (
        "import sys\nfrom jaxcrypt import evaluate\n"
        "try: evaluate.main(['damage', '--help'])\nexcept SystemExit: pass\n"
        "assert not {'jax', 'matplotlib', 'scipy'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_a_terminal_that_knows_few_letters_is_no_error(folder, tmp_path, warm):
    argv = ["ciphers", "--data", str(folder), "--crop", "24", "--limit", "1", "--output", str(tmp_path / "ж")]
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([warm, "jaxcrypt.evaluate", *argv], capture_output=True, env=env, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert b"centre 24" in done.stdout


def test_names_that_are_no_text_are_no_error(folder, tmp_path, xor, capsys):
    odd = folder / "caf\udce9\u202e.png"
    try:
        (folder / "0.png").rename(odd)
    except OSError:
        pytest.skip("this file system takes no such names")
    argv = ["ciphers", "--data", str(folder), "--limit", "5", "--output", str(tmp_path / "r")]
    assert cli.entry(evaluate.main, argv) == ExitCode.OK
    names = [row["picture"] for row in json.loads((tmp_path / "r" / "ciphers.json").read_text())["rows"]]
    assert odd.name in names


def test_numbers_are_strict_json_and_come_back():
    facts = {"a": [np.float32(1.5), float("inf"), float("nan")], "b": {"c": np.int64(3), "d": np.arange(2)}}
    read = json.loads(report.to_json(facts))
    assert read == {"a": [1.5, "exact", None], "b": {"c": 3, "d": [0, 1]}}
    assert report.numbers(read["a"])[:2].tolist() == [1.5, float("inf")]
    assert np.isnan(report.numbers(read["a"])[2])


def test_real_photos_through_the_default_system(real_data, tmp_path, capsys):
    argv = [
        "ciphers",
        "--data",
        str(real_data / "eval" / "kodak24"),
        "--crop",
        "64",
        "--output",
        str(tmp_path),
    ]
    assert cli.entry(evaluate.main, argv) == ExitCode.OK
    summary = json.loads((tmp_path / "ciphers.json").read_text())["summary"]
    assert summary["quality"]["exact"] == 24
    assert all(test["by_chance"] for test in summary["statistics"].values())
