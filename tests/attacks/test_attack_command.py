"""``evaluate attacks``."""

import json

import pytest

from jaxcrypt import evaluate
from jaxcrypt.errors import Refusal

BUDGET = """
from jaxcrypt.attacks.budget import quick_config

def get_config():
    config = quick_config()
    config.side, config.photos, config.judged = 40, 12, 24
    for learned in (config.known_plaintext, config.ciphertext_only):
        learned.pairs, learned.train.steps = (100,), 20
    return config
"""


def test_the_table_of_a_system(tmp_path, known, judged, capsys):
    (tmp_path / "budget.py").write_text(BUDGET)
    arguments = ["attacks", "--system=mixing", f"--data={judged[0].parent}", f"--known={known[0].parent}"]
    assert not evaluate.main(
        [*arguments, f"--budget={tmp_path / 'budget.py'}", f"--output={tmp_path / 'out'}"]
    )
    printed = capsys.readouterr().out
    facts = json.loads((tmp_path / "out" / "attacks.json").read_text())
    names = {row["attack"] for row in facts["rows"]}
    assert {
        "known plaintext",
        "ciphertext only (Eve)",
        "wrong passphrase",
        "statistics",
        "block means",
    } <= names
    assert all(name in printed for name in names)
    assert facts["budget"]["judged"] == 24
    assert (tmp_path / "out" / "attacks.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out" / "attacks.md").read_text() in printed + "\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["attacks"], "--data"),
        (["attacks", "--data=nowhere"], "--data nowhere"),
        (["attacks", "--nist", "--data=x"], "--nist"),
        (["attacks", "--system=stego_x", "--data=x"], "stego_x"),
        (["attacks", "--system=stego", "--data=x"], "cipher pictures"),
    ],
)
def test_refusals(arguments, words):
    with pytest.raises(Refusal, match=words):
        evaluate.main(arguments)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("x = 1", "has no get_config"), ("def get_config():\n    return {}['a']", "'a'"), ("(", "never closed")],
)
def test_a_budget_that_cannot_be_read_is_one_line(tmp_path, judged, text, reason):
    (tmp_path / "budget.py").write_text(text)
    with pytest.raises(Refusal, match=f"--budget .*{reason}") as refused:
        evaluate.main(["attacks", f"--data={judged[0].parent}", f"--budget={tmp_path / 'budget.py'}"])
    assert "\n" not in str(refused.value)
