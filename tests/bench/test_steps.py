"""Results of the step benchmark side by side."""

import json

import pytest

from jaxcrypt.bench import __main__ as bench
from jaxcrypt.bench import steps
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import ExitCode
from jaxcrypt.evaluation import documented


def row(rate, mfu=None, memory=None, took=2.0):
    return {
        "images_per_second": [rate, rate + 10, rate - 10],
        "images_per_cpu_second": [rate**0.5],
        "mfu": mfu,
        "memory_bytes": memory,
        "compile_seconds": took,
    }


def run(path, machine="a GPU", **more):
    facts = {
        "bench": "step", "command": "python -m jaxcrypt.bench step …", "commit": "c0ffee",
        "versions": {"jax": "1"}, "machine": {"device": machine, "cores": 2}, "config": "net", "batch": 8,
        "flops": 1, "system": "net",
        "rows": {
            "jax float32": row(100.0, 0.05, 3 * 2**20),
            "jax bfloat16, remat": row(300.0, 0.15, 2 * 2**20),
            "torch eager float32": row(50.0, 0.025, 4 * 2**20),
            "torch eager bfloat16": row(200.0, 0.1, 3 * 2**20),
            "torch.compile bfloat16": row(600.0, 0.3, 3 * 2**20, 31.0),
        },
    } | more  # fmt: skip
    path.write_text(json.dumps(facts))
    return str(path)


def test_ratios_are_over_the_same_precision(tmp_path, capsys):
    wide = "python -m jaxcrypt.bench step --config configs/net.py '--config.model.widths=(256, 512)'"
    around = {"input_wait": 0.0123, "checkpoint_stall_seconds": 0.25}
    files = [run(tmp_path / "a.json", around=around), run(tmp_path / "b.json", command=wide)]
    target = tmp_path / "all.json"
    assert cli.entry(bench.main, ["steps", *files, "--json", str(target)]) == 0
    _, _, *lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "| `net`, 8 | float32 | 100 | 2.00 |  | 5.0% | 2.5% | 3 | 4 | 2 s |  | 1.2%, 250 ms |",
        "| `net`, 8 | bfloat16, remat | 300 | 1.50 | 0.50 | 15.0% | 30.0% | 2 | 3 | 2 s | 31 s |  |",
    ]
    assert lines[2].startswith("| `net` (256, 512), 8 | float32")
    facts = json.loads(target.read_text())
    assert documented.read(target) == facts
    text = documented.renewed("<!-- results: all -->\n<!-- end of results -->", tmp_path)
    assert steps.table(facts) in text
    assert "2 cores, a GPU, commit c0ffee" in text


def test_rates_by_cpu_time(tmp_path, capsys):
    assert cli.entry(bench.main, ["steps", run(tmp_path / "a.json"), "--by", "cpu"]) == 0
    head, _, first, *_ = capsys.readouterr().out.splitlines()
    assert "JAX, images per CPU second" in head
    assert first.startswith("| `net`, 8 | float32 | 10 | 1.41 |")


def test_results_of_two_machines_are_refused(tmp_path, capsys):
    files = [run(tmp_path / "a.json"), run(tmp_path / "b.json", "another")]
    assert cli.entry(bench.main, ["steps", *files]) != 0
    assert "results of one machine only" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{}", '{"bench": "speed", "rows": {"a": 1}}', "[]"])
def test_what_is_no_result_is_refused(tmp_path, capsys, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    assert cli.entry(bench.main, ["steps", str(path)]) == ExitCode.BAD_INPUT
    assert "x.json: not what bench step --json wrote" in capsys.readouterr().err
