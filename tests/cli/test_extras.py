"""A missing optional module is one line that says what to install."""

import pytest

from jaxcrypt.cli import command, extras
from jaxcrypt.errors import ExitCode


@pytest.mark.parametrize(
    ("module", "extra"),
    [
        ("scipy.stats", "eval"),
        ("matplotlib", "eval"),
        ("clu", "train"),
        ("orbax.checkpoint", "train"),
        ("tensorflow_datasets", "train"),
        ("tensorflow", "tensorflow"),
        ("skimage", "photo"),
        ("torch", "bench"),
    ],
)
def test_the_extra_that_brings_a_module(module, extra):
    assert extras.hint(module) == f"{module.partition('.')[0]} is missing: pip install 'jaxcrypt[{extra}]'"


def test_modules_of_no_extra_stay_errors(capsys):
    def ours(argv):
        raise ModuleNotFoundError("No module named 'jaxcrypt.nonsense'", name="jaxcrypt.nonsense")

    def theirs(argv):
        raise ModuleNotFoundError("No module named 'clu'", name="clu")

    assert extras.hint("") is None
    assert command.entry(ours) == ExitCode.INTERNAL
    capsys.readouterr()
    assert command.entry(theirs) == ExitCode.USAGE
    assert capsys.readouterr().err == "jaxcrypt: clu is missing: pip install 'jaxcrypt[train]'\n"
