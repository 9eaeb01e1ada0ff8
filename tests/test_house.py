"""The house rules that a machine can check: who imports whom, and what starts without JAX."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from jaxcrypt.systems import catalog

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "jaxcrypt"
# Every room, and the rooms or modules that it may import; ``errors`` is for all.
ALLOWED = {
    "errors": set(),
    "declared": set(),
    "caches": set(),
    "record": {"declared"},
    "crypto": {"pictures"},  # a key image is decoded as any picture is
    "functional": set(),
    "metrics": {"caches"},
    "pictures": set(),
    "runtime": {"caches"},
    "models": {"functional"},
    "systems": {"caches", "declared", "functional", "models", "pictures.sheets", "record"}
    | {"travel.headline"},  # robust pictures have to have room for their header
    "training": {"record"},
    "data": {"pictures", "training.defaults"},
    "zoo": {"caches", "record", "runtime", "systems.catalog", "training.checkpoint", "training.weights"},
    "regions": {"pictures"},
    "travel": set(),
    "sealing": {"crypto", "pictures", "declared", "record", "regions", "systems.catalog", "systems.own"}
    | {"travel", "zoo"},
    "cli": {
        "crypto",
        "declared",
        "pictures",
        "record",
        "regions",
        "runtime",
        "sealing",
        "systems.catalog",
        "training.defaults",
    },
    "browsing": {"pictures", "sealing"},
    "bulk": {"cli", "crypto", "pictures", "sealing"},
    "demo": {"crypto", "declared", "metrics", "pictures", "systems.catalog"},
    "network": {"cli.output", "crypto", "declared", "pictures", "runtime", "sealing", "systems.catalog"},
    "attacks": {"crypto", "data", "declared", "functional", "metrics", "models", "pictures", "record"}
    | {"sealing", "systems.catalog", "systems.drivers", "training"},
    "evaluation": {"attacks", "cli", "crypto", "data", "declared", "metrics", "pictures", "record", "sealing"}
    | {"runtime", "systems.catalog", "training"},  # it starts processes of its own
    "bench": {
        "cli",
        "crypto",
        "evaluation",
        "functional",
        "network",
        "pictures",
        "record",
        "runtime",
        "sealing",
        "systems.catalog",
        "training",
        "zoo",
    },
    "bench.twins": {"functional", "models", "record", "systems", "training"},  # each of one System
}
# What people call: these import any room, and no room imports them.
VERBS = {"bench.__main__", "decrypt", "encrypt", "evaluate", "export", "inspect", "keygen", "rekey", "train"}
VERBS |= {"browse", "compare", "generate", "ledger", "receive", "roi", "send", "verify"}
VERBS |= {"demo.__main__", "zoo.__main__"}
VERBS |= {
    "bench_step",
    "evaluation_codecs",
    "evaluation_damage",
    "evaluation_rates",
    "evaluation_stego",
}  # moved
HEAVY = ("jax", "flax", "tensorflow", "torch")


def imports(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return names


def _inside(names: set[str]) -> set[str]:
    return {name.removeprefix("jaxcrypt.") for name in names if name.startswith("jaxcrypt.")}


def _files(room: str) -> list[Path]:
    paths = sorted((PACKAGE / room.replace(".", "/")).rglob("*.py")) or [PACKAGE / f"{room}.py"]
    inner = [PACKAGE / name.replace(".", "/") for name in ALLOWED if name.startswith(room + ".")]
    paths = [path for path in paths if not any(path.is_relative_to(folder) for folder in inner)]
    return [path for path in paths if path.name != "__main__.py"]  # those are verbs


def test_every_room_has_a_rule():
    rooms = {
        path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - {"__init__", "__main__"} <= set(ALLOWED) | VERBS


@pytest.mark.parametrize("room", ALLOWED)
def test_import_direction(room):
    for path in _files(room):
        for name in _inside(imports(path)):
            rooms = ALLOWED[room] | {room, "errors", "__version__"}
            assert any(name == r or name.startswith(r + ".") for r in rooms) or _is_package(name, rooms), (
                f"{path.relative_to(ROOT)} imports jaxcrypt.{name}"
            )


def _is_package(name: str, rooms: set[str]) -> bool:
    """``from jaxcrypt.systems import catalog`` names the package besides the module."""
    return any(room.startswith(name + ".") for room in rooms)


def test_rooms_do_not_import_in_circles():
    arrows = {
        room: {name.partition(".")[0] for path in _files(room) for name in _inside(imports(path))} - {room}
        for room in ALLOWED
    }
    left = dict(arrows)
    while leaves := [room for room, targets in left.items() if not targets & left.keys()]:
        for room in leaves:
            del left[room]
    assert not left, f"circle among {sorted(left)}"


# Where Systems may be named: they themselves, and what ships with them. The rest goes by the catalog.
NAMING = {("systems",), ("zoo",), ("bench", "twins")}
NAMES = "|".join(catalog.NAMES)
NAMED = re.compile(rf"(?:^|--system[= ])(?:{NAMES})$|--system[= ](?:{NAMES})\b")
MODULE = re.compile(rf"jaxcrypt\.systems\.(?:{NAMES})\b")


def test_no_system_is_named_outside_its_room():
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).parts
        if parts[:1] in NAMING or parts[:2] in NAMING:
            continue
        texts = {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        named = {text for text in texts if NAMED.search(text)} | set(filter(MODULE.match, imports(path)))
        assert not named, f"{path.relative_to(ROOT)} names a System: {sorted(named)}"


def test_crypto_never_imports_jax():
    for path in (PACKAGE / "crypto").rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & set(HEAVY), path


@pytest.mark.parametrize(
    "verb",
    [
        "browse",
        "demo.__main__",
        "zoo.__main__",
        "encrypt",
        "decrypt",
        "generate",
        "keygen",
        "inspect",
        "receive",
        "roi",
        "send",
    ],
)
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


def test_test_modules_share_helpers_by_modules_that_are_no_tests():
    for path in (ROOT / "tests").rglob("*.py"):
        for name in imports(path):
            parts = name.split(".")
            shared = parts[0] != "tests" or not any(part.startswith("test_") for part in parts)
            assert shared, f"{path.relative_to(ROOT)} imports {name}"


def test_test_modules_outside_packages_have_names_of_their_own():
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py") if not _in_package(path)]
    assert sorted(names) == sorted(set(names))


def _in_package(path: Path) -> bool:
    return (path.parent / "__init__.py").exists()
