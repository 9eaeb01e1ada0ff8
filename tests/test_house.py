"""The house rules that a machine can check: who imports whom, and what starts without JAX."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "jaxcrypt"
SHARED = {"jaxcrypt", "jaxcrypt.errors"}  # leaves that anyone may import

# room -> the other rooms that it may import
ALLOWED = {
    "crypto": set(),
    "functional": set(),
    "models": {"functional"},
    "systems": {"models", "functional", "record", "training.state"},
    "training": {"record"},
    "metrics": {"systems", "record"},
    "attacks": {
        "record",
        "systems",
        "training",
        "functional",
        "models",
        "metrics",
        "crypto",
        "data",
        "sealing",
    },
    "data": {"training.defaults"},
}
HEAVY = ("jax", "flax", "tensorflow", "torch")


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


@pytest.mark.parametrize("room", ALLOWED)
def test_import_direction(room):
    for path in (PACKAGE / room).rglob("*.py"):
        for name in imports(path):
            if not name.startswith("jaxcrypt.") or name in SHARED or name.startswith("jaxcrypt.errors."):
                continue
            inside = name.removeprefix("jaxcrypt.")
            rooms = ALLOWED[room] | {room, "pictures", "runtime"}
            assert any(inside == r or inside.startswith(r + ".") for r in rooms), f"{path} imports {name}"


def test_crypto_never_imports_jax():
    for path in (PACKAGE / "crypto").rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & set(HEAVY), path


@pytest.mark.parametrize("verb", ["encrypt", "decrypt", "keygen", "inspect"])
def test_help_needs_no_jax(verb):
    program = (
        "import sys\n"
        f"import jaxcrypt.{verb} as command\n"
        "try: command.main(['--help'])\n"
        "except SystemExit as stop: assert not stop.code\n"
        f"print(*[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage:")
    assert done.stderr.strip() == ""


def test_the_core_install_carries_neither_tensorflow_nor_torch():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    core = " ".join(project["dependencies"]).lower()
    assert "tensorflow" not in core
    assert "torch" not in core


def test_every_public_function_and_class_says_what_it_is():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{path.relative_to(ROOT)}: {node.name} has no docstring"


def test_console_scripts_turn_refusals_into_one_line():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for name, target in scripts.items():
        module, function = target.split(":")
        source = (ROOT / module.replace(".", "/")).with_suffix(".py").read_text()
        body = source.partition(f"def {function}(")[2].partition("\n\n\n")[0]
        assert "entry(" in body, f"{name} would show tracebacks"


def test_files_stay_readable():
    for path in PACKAGE.rglob("*.py"):
        lines = path.read_text().count("\n")
        assert lines <= 400, f"{path.relative_to(ROOT)} has {lines} lines: split it"
