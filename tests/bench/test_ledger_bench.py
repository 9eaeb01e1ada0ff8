"""The ledger's bench runs and counts right; nothing here asserts a speed."""

import json

from jaxcrypt.bench import __main__ as bench
from jaxcrypt.bench import ledger
from jaxcrypt.errors import ExitCode


def test_a_small_run_tells_every_number(tmp_path, capsys):
    out = tmp_path / "numbers.json"
    command = ["ledger", "--entries", "40", "--batch", "16", "--folder", str(tmp_path), "--json", str(out)]
    assert bench.main(command) == ExitCode.OK
    told = json.loads(out.read_text())
    assert (told["entries"], told["batch"]) == (40, 16)
    assert told["proof_hashes"] == 6  # a leaf of the full tree of 32, beside it 8 and 1
    assert told["appends_a_second"] > 0
    assert 5_000 < told["proof_bytes"] < 10_000
    assert "verification_ms" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"numbers.json"}


def test_entries_are_appended_once_each(tmp_path):
    facts = ledger.measure(tmp_path, 7, 3)
    assert facts["single_appends_a_second"] > 0
    with ledger.log.opened(tmp_path / "log") as opened:
        assert opened.head.size == 8
        assert opened.names.all() == sorted([*(f"name{number}" for number in range(7)), "somebody"])
