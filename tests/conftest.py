"""Shared fixtures. Virtual devices and the thread pool must be set before JAX is imported."""

import gc
import os
import tempfile
from pathlib import Path

from tests.compiling import FLAGS

# Eight virtual devices on few cores deadlock in all-reduce unless XLA's pool is larger than they are.
os.environ.setdefault("NPROC", "16")
os.environ.setdefault("XLA_FLAGS", f"{FLAGS} --xla_force_host_platform_device_count=8")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads wait for each other, spinning
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(tempfile.gettempdir()) / "jaxcrypt-test-xla"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")  # of operations, read by nobody

import numpy as np
import pytest

from jaxcrypt import keygen
from jaxcrypt.errors import ExitCode
from tests.warm import Warm

# Every program that XLA has compiled keeps some memory maps, and Linux grants a process 65,530 of them: a
# worker that runs all tests comes near that, and LLVM aborts the process where it is refused one.
_MAPS = Path("/proc/self/maps")
_MANY_MAPS = 40_000  # no module makes more than a third of that


@pytest.fixture(scope="module", autouse=True)
def few_memory_maps():
    """Drop what was compiled once a module leaves too many memory maps behind."""
    yield
    if _MAPS.exists() and _MAPS.read_bytes().count(b"\n") > _MANY_MAPS:
        import jax

        jax.clear_caches()
        gc.collect()


@pytest.fixture(scope="session")
def warm(tmp_path_factory) -> str:
    """A program that stands for ``python -m`` and saves the imports; see :mod:`tests.warm`."""
    with Warm(tmp_path_factory.mktemp("warm")) as started:
        yield str(started.program)


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real pictures that JAXCRYPT_DATA names; tests that want it skip without it."""
    folder = os.environ.get("JAXCRYPT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("set JAXCRYPT_DATA to a folder of real pictures to run this test")
    return Path(folder)


@pytest.fixture
def key(tmp_path) -> str:
    path = tmp_path / "secret.key"
    assert keygen.main(["--key", str(path)]) == ExitCode.OK
    return str(path)


# What trains, decodes or starts commands takes long as a whole: --quick of launch/run_tests.sh leaves it out.
SLOW = (
    "attacks",
    "bench",
    "bulk",
    "configs",
    "crypto/ledger/test_ledger_anchor.py",
    "crypto/ledger/test_ledger_crashes.py",
    "demo",
    "evaluation",
    "launch",
    "models",
    "network/test_auto.py",
    "network/test_kill.py",
    "network/test_lines_and_load.py",
    "sealing/test_digits.py",
    "sealing/test_older_files.py",
    "systems",
    "test_adding_a_system.py",
    "test_bugs.py",
    "test_covert_command.py",
    "test_cyclegan_command.py",
    "test_dcgan_command.py",
    "test_dcgan_shipped.py",
    "test_diffusion_command.py",
    "test_docs.py",
    "test_end_to_end.py",
    "test_evaluate.py",
    "test_everyday.py",
    "test_generate.py",
    "test_hostile_input.py",
    "test_jpeg_command.py",
    "test_ledger_command.py",
    "test_rekey_command.py",
    "test_messengers.py",
    "test_stego_command.py",
    "travel",
    "test_train.py",
    "test_zoo.py",
    "training",
)


def pytest_collection_finish():
    """Look for garbage seldom: tracing makes objects by the million, and what was imported stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def pytest_collection_modifyitems(items):
    """Mark everything in the folders and files of :data:`SLOW`; whole commands and training are run first.

    They take longest, or wait most, and at the end the other processes would wait for them.
    """
    root = Path(__file__).parent
    for item in items:
        place = item.path.relative_to(root).as_posix()
        if any(place == slow or place.startswith(f"{slow}/") for slow in SLOW):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.parent not in (root, root / "training"))
