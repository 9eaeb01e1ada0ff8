"""The benchmarks' own parts; no test asserts a speed."""

import json
import sys
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from jaxcrypt.bench import __main__ as bench
from jaxcrypt.bench import agreement, growth, memory, peers, speed
from jaxcrypt.cli import command as cli
from jaxcrypt.declared import Entry
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures.files import load_picture
from jaxcrypt.record import Phase


def test_every_row_alternates_with_the_yardstick():
    calls = []
    work = {name: (10**6, lambda name=name: calls.append(name)) for name in ("a", "b", speed.REFERENCE)}
    figures = speed.measure(work, 2)
    one_round = ["a", speed.REFERENCE, "b", speed.REFERENCE, speed.REFERENCE]
    assert calls == ["a", "b", speed.REFERENCE, *one_round, *one_round]
    assert list(figures) == list(work)
    assert all(row["megabytes_per_second"] > 0 for row in figures.values())
    assert figures[speed.REFERENCE]["ratio"] == 1


def test_ratios_are_medians_of_pairs(monkeypatch):
    """A slow spell that meets a row and its yardstick alike leaves the ratio as it is."""
    clock = iter([2.0, 1.0, 1.0, 20.0, 10.0, 10.0, 4.0, 2.0, 2.0])
    monkeypatch.setattr(speed, "_seconds", lambda call: next(clock))
    figures = speed.measure({"a": (100, int), speed.REFERENCE: (100, int)}, 3)
    assert figures["a"]["ratio"] == 0.5
    assert figures["a"]["megabytes_per_second"] == pytest.approx(100 / 2 / 1e6)


def test_the_table_shows_speed_and_ratio():
    text = speed.table({"x": {"megabytes_per_second": 50.0, "ratio": 0.5}})
    assert [cell.strip() for cell in text.splitlines()[-1].split("|")[1:-1]] == ["x", "50.00", "0.5000"]


def test_systems_without_weights_are_found_by_what_they_are():
    assert {"logistic", "mixing"} <= set(speed.unlearned())
    assert not {"denoiser", "stego", "autoencoder"} & set(speed.unlearned())


def test_loop_cipher_undoes_itself():
    data = bytes(range(100))
    cipher = speed.loop_cipher(data, 0.3, 3.99)
    assert cipher != data
    assert speed.loop_cipher(cipher, 0.3, 3.99) == data


@pytest.mark.parametrize("side", [4, 7])
def test_the_made_picture_is_read(tmp_path, side):
    memory.write_bmp(tmp_path / "a.bmp", side)
    assert load_picture(tmp_path / "a.bmp").pixels.shape == (side, side, 3)


@pytest.mark.parametrize("size", ["-1", "0", "nan", "101"])
def test_memory_of_a_size_that_cannot_be_is_refused(size):
    with pytest.raises(Refusal, match="--megapixels"):
        memory.main(["--megapixels", size])


def test_peak_memory_of_a_small_picture(tmp_path, capsys):
    argv = ["memory", "--megapixels", "0.001", "--json", str(tmp_path / "m.json")]
    assert cli.entry(bench.main, argv) == 0
    facts = json.loads((tmp_path / "m.json").read_text())
    assert facts["side"] == 32
    assert all(50 < facts["peak_memory_mib"][verb] < 4096 for verb in ("encrypt", "decrypt"))
    assert facts["command"] == f"python -m jaxcrypt.bench {' '.join(argv)}"
    assert facts["machine"]["cores"]
    assert "32×32 RGB" in capsys.readouterr().out


def test_growth_is_the_slope_between_sizes(monkeypatch, tmp_path, capsys):
    def costs(system, side, pixels_only):
        assert pixels_only
        return {verb: memory.Cost(50.0 * side, 2e-6 * side**2, 1.0) for verb in ("encrypt", "decrypt")}

    monkeypatch.setattr(memory, "costs", costs)
    files = ["--json", str(tmp_path / "g.json"), "--plot", str(tmp_path / "g.png")]
    assert bench.main(["growth", "--megapixels", "0.01,1,4", *files]) == ExitCode.OK
    assert "logistic, encrypt: grows as pixels^1.00 in time, ^0.50 in memory" in capsys.readouterr().out
    facts = json.loads((tmp_path / "g.json").read_text())["systems"]["logistic"]
    assert facts["exponents"]["decrypt"] == pytest.approx({"cpu": 1.0, "peak": 0.5})
    assert [row["side"] for row in facts["costs"]] == [100, 100, 1000, 1000, 2000, 2000]
    assert load_picture(tmp_path / "g.png").pixels.ndim == 3
    table = growth.table(json.loads((tmp_path / "g.json").read_text())).splitlines()
    assert table[0].count("|") == table[-1].count("|") == 7
    assert "| 0.01 megapixels | 1 megapixels | 4 megapixels |" in table[0]
    assert table[-1].endswith("| 8.0 s, 100000 MiB | 1.00 | 0.50 |")


@pytest.mark.parametrize("sizes", ["", "4", "4,4", "0,1", "1,101", "a,b"])
def test_growth_wants_two_sizes(sizes):
    with pytest.raises(Refusal, match="--megapixels"):
        bench.main(["growth", "--megapixels", sizes])


def test_peers_are_measured_or_said_to_be_missing():
    there = peers.contestants(48)
    for size, work in there.values():
        assert size in (48 * 48, 48 * 48 * 3)
        work()
    assert len(there) + len(peers.missing()) == 4


def test_a_bench_is_named_first(capsys):
    assert cli.entry(bench.main, ["--quick"]) == ExitCode.USAGE
    assert "python -m jaxcrypt.bench speed" in capsys.readouterr().err
    assert bench.main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"jaxcrypt.bench {name}" in printed for name in bench.BENCHES)


@pytest.mark.slow
def test_quick_run_prints_and_writes_everything(tmp_path, capsys):
    assert cli.entry(bench.main, ["speed", "--quick", "--json", str(tmp_path / "b.json")]) == 0
    rows = json.loads((tmp_path / "b.json").read_text())["rows"]
    printed = capsys.readouterr().out
    for name in ("logistic, encrypt", "mixing, decrypt", "AES-256-GCM", "Python loop over pixels"):
        assert name in printed
        assert rows[name]["megabytes_per_second"] > 0


def test_tolerance_follows_from_the_sums_lengths():
    small, large = ({"image": np.zeros((n, 8, 8, 1))} for n in (4, 64))
    one, two = {"a": np.zeros((3, 3))}, {"a": np.zeros((3, 3)), "b": np.zeros((3, 3)), "bias": np.zeros(3)}
    assert agreement.tolerance(one, large) == pytest.approx(4 * agreement.tolerance(one, small))
    assert agreement.tolerance(two, small) == pytest.approx(2 * agreement.tolerance(one, small))
    assert agreement.tolerance(one, {"image": np.zeros((4, 64, 64, 1))}) < 1e-4


def test_implementations_that_differ_are_refused(monkeypatch, capsys):
    stage = SimpleNamespace(phases={"net": Phase(("net",), None)})
    params, batch = {"net": {"w": jnp.ones((2, 2))}}, {"image": np.zeros((4, 8, 8, 1))}
    told = {"loss": 1e-9, "gradient of net": 1e-9}
    monkeypatch.setattr(agreement, "differences", lambda *_: told)
    agreement.agree(stage, {"net": None}, params, {}, batch, batch)
    assert "gradient of net differs by 1.0e-09" in capsys.readouterr().out
    for off in (0.01, float("nan")):
        told["gradient of net"] = off
        with pytest.raises(Refusal, match="gradient of net differs by"):
            agreement.agree(stage, {"net": None}, params, {}, batch, batch)


def test_without_torch_jax_runs_alone(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    config = "tests/training/toy_config.py"
    target = tmp_path / "s.json"
    argv = ["step", "--config", config, "--rounds", "1", "--seconds", "0.01", "--json", str(target)]
    monkeypatch.setattr(sys, "argv", ["bench", *argv])
    from jaxcrypt.systems import catalog

    monkeypatch.setitem(catalog._ENTRIES, "toy", Entry("toy", "tests.training.toys", "a toy"))
    assert cli.entry(bench.main, argv) == 0
    printed = capsys.readouterr().out
    assert "torch is missing: JAX runs alone" in printed
    assert list(json.loads(target.read_text())["rows"]) == ["jax float32"]
