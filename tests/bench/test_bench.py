"""The benchmark's own parts; no test asserts a speed."""

import json

import pytest

from jaxcrypt.bench import speed as bench
from jaxcrypt.cli import command as cli
from jaxcrypt.pictures.files import load_picture


def test_measure_takes_the_best_round():
    calls = []
    figures = bench.measure({"a": (10**6, lambda: calls.append("a")), "b": (1, lambda: calls.append("b"))}, 2)
    assert calls == ["a", "b"] * 3
    assert list(figures) == ["a", "b"]
    assert all(speed > 0 for speed in figures.values())


def test_table_shows_both_ratios():
    text = bench.table({"x": 50.0, "AES-256-GCM": 100.0, "Python loop over pixels": 2.0})
    row = next(line for line in text.splitlines() if line.startswith("x "))
    assert row.split() == ["x", "50.00", "0.500", "25.0"]


def test_loop_cipher_undoes_itself():
    data = bytes(range(100))
    cipher = bench.loop_cipher(data, 0.3, 3.99)
    assert cipher != data
    assert bench.loop_cipher(cipher, 0.3, 3.99) == data


@pytest.mark.parametrize("side", [4, 7])
def test_the_made_picture_is_read(tmp_path, side):
    bench._write_bmp(tmp_path / "a.bmp", side)
    assert load_picture(tmp_path / "a.bmp").pixels.shape == (side, side, 3)


def test_peak_memory_of_a_small_picture(tmp_path):
    assert 50 < bench.peak_memory(32) < 4096


@pytest.mark.slow
def test_quick_run_prints_and_writes_everything(tmp_path, capsys):
    assert cli.entry(bench.main, ["--quick", "--json", str(tmp_path / "b.json")]) == 0
    figures = json.loads((tmp_path / "b.json").read_text())["megabytes_per_second"]
    printed = capsys.readouterr().out
    for name in (
        "logistic, encrypt",
        "mixing, decrypt",
        "AES-256-GCM",
        "Python loop over pixels",
        "PNG of noise, jaxcrypt",
    ):
        assert name in printed
        assert figures[name] > 0
