"""Verbs are thin: they parse, call one room and report; what they do not know, the catalog does."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from jaxcrypt import __version__, encrypt
from jaxcrypt.__main__ import VERBS
from jaxcrypt.errors import ExitCode
from jaxcrypt.systems import catalog

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "jaxcrypt"
SEALING_VERBS = ("encrypt", "decrypt", "verify", "rekey")
MAY_IMPORT = (
    "cli",
    "errors",
    "network.flags",
    "runtime",
    "sealing",
    "systems.catalog",
    "record",
    "__version__",
)


def imported(path: Path) -> set[str]:
    """What a file imports of this package, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "jaxcrypt":
            names |= {f"{node.module}.{alias.name}".removeprefix("jaxcrypt.") for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {a.name.removeprefix("jaxcrypt.") for a in node.names if a.name.startswith("jaxcrypt")}
    return names


@pytest.mark.parametrize("verb", SEALING_VERBS)
def test_a_verb_is_thin(verb):
    path = PACKAGE / f"{verb}.py"
    assert len(path.read_text().splitlines()) <= 150
    for name in imported(path):
        assert any(name == room or name.startswith(f"{room}.") for room in MAY_IMPORT), name


def test_the_library_neither_prints_nor_parses():
    for path in (PACKAGE / "sealing").rglob("*.py"):
        tree = ast.parse(path.read_text())
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not names & {"print", "input", "argparse"}, path
        assert not {name for name in imported(path) if name.startswith("cli")}, path


def test_no_verb_and_no_shared_room_names_a_system():
    files = [*PACKAGE.glob("*.py"), *(PACKAGE / "cli").rglob("*.py"), *(PACKAGE / "sealing").rglob("*.py")]
    for path in files:
        if path.name == "__init__.py" and path.parent == PACKAGE:
            continue  # its docstring shows how a System is loaded
        constants = (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant))
        texts = [n.value for n in constants if isinstance(n.value, str)]
        for name in catalog.NAMES:
            assert not any(name in text.replace(",", " ").split() for text in texts), f"{path}: {name}"


def test_no_other_room_asks_for_a_system_by_name():
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).parts
        if parts[0] in ("systems", "zoo") or parts[:2] == ("bench", "twins"):  # a twin is of one System
            continue
        constants = {n.value for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant)}
        assert not constants & set(catalog.NAMES), path


def test_help_fits_a_screen_and_says_where_the_rest_is(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert encrypt.main(["--help"]) == ExitCode.OK
    told = capsys.readouterr().out
    assert len(told.splitlines()) <= 50
    assert max(map(len, told.splitlines())) <= 80
    assert "--system --help lists all, --system NAME --help what one takes" in " ".join(told.split())


def test_all_systems_are_listed_but_those_that_are_never_for_use(capsys):
    assert encrypt.main(["--system", "--help"]) == ExitCode.OK
    told = capsys.readouterr().out
    for name in catalog.NAMES:
        assert (f"  {name} " in told) == catalog.entry(name).offered


@pytest.mark.parametrize("name", catalog.NAMES)
def test_help_of_a_system_lists_its_own_flags_alone(name, capsys):
    assert encrypt.main(["--system", name, "--help"]) == ExitCode.OK
    told = capsys.readouterr().out
    entry = catalog.entry(name)
    assert told.startswith(f"{name}: {entry.summary}")
    for option in entry.options:
        assert (option.flag in told) == (not option.opening)
    assert "--key-file" not in told


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--rate", "1/2"], "--rate: is of --system cyclegan, not of logistic"),
        (["--system", "mixing", "--cover", "x"], "--cover: is of --system stego, not of mixing"),
        (["--robst=2"], "--robst: no such option (did you mean"),
        (["--fource"], "did you mean --force?"),
        (["--system", "cyclgan"], "--system cyclgan: unknown; did you mean cyclegan?"),
        (["--system"], "--system: expected one argument"),
        (["--system", "cyclegan", "--rate", "1/3"], "--rate 1/3: choose one of 1, 1/2, 1/4"),
        (["--system", "stego"], "needs --cover FILE"),
        (["--key-file", "a", "--key-file", "b"], "--key-file: given twice"),
        (["-o", "y.webp"], "-o y.webp: a sealed picture is a PNG"),
        (["--pixels-only", "--attach", "x.zip"], "--attach"),
        (["--device", "abacus"], "--device"),
    ],
)
def test_what_makes_no_sense_is_refused_at_the_start(given, says, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.zip").write_bytes(b"zip")
    monkeypatch.setenv("WORDS", "correct horse")
    assert encrypt.main(["photo.jpg", "--passphrase-env", "WORDS", *given]) == ExitCode.USAGE
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1


def test_a_file_to_attach_that_is_not_there_is_refused_before_keys_are_read(monkeypatch, capsys):
    monkeypatch.setattr("jaxcrypt.cli.keyoptions.read_keys", lambda *_, **__: pytest.fail("keys were read"))
    assert encrypt.main(["photo.jpg", "--key-file", "k", "--attach", "none.zip"]) == ExitCode.BAD_INPUT
    assert "--attach none.zip: no such file" in capsys.readouterr().err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_tells_its_version_and_is_a_verb_of_the_one_command(verb):
    for command in (["-m", f"jaxcrypt.{verb}"], ["-m", "jaxcrypt", verb]):
        done = subprocess.run(
            [sys.executable, *command, "--version"], capture_output=True, text=True, cwd=ROOT
        )
        assert (done.returncode, done.stdout) == (0, f"jaxcrypt {__version__}\n"), done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_help_that_loads_no_arrays(verb):
    program = (
        "import runpy, sys\n"
        f"sys.argv = ['jaxcrypt', '{verb}', '--help']\n"
        "try: runpy.run_module('jaxcrypt', run_name='__main__')\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        "print(*{'numpy', 'jax', 'PIL', 'cryptography'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    assert len(done.stdout.splitlines()) > 5


def test_every_script_is_a_verb_of_the_one_command():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    verbs = {name.removeprefix("jaxcrypt-"): target for name, target in scripts.items() if name != "jaxcrypt"}
    assert set(verbs) == set(VERBS)
    for verb, target in verbs.items():
        assert target.partition(":")[2] == VERBS[verb][1]


def test_the_one_command_lists_its_verbs_and_suggests():
    run = [sys.executable, "-m", "jaxcrypt"]
    told = subprocess.run([*run, "--help"], capture_output=True, text=True, cwd=ROOT).stdout
    assert all(f"  {verb} " in told for verb in ("encrypt", "decrypt", "verify", "rekey", "train"))
    done = subprocess.run([*run, "encrpt"], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (2, "jaxcrypt: encrpt: no such verb; did you mean encrypt?\n")
