"""Shared fixtures. Virtual devices and the thread pool must be set before JAX is imported."""

import os
import tempfile
from pathlib import Path

# Eight virtual devices on few cores deadlock in all-reduce unless XLA's pool is larger than they are.
os.environ.setdefault("NPROC", "16")
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(tempfile.gettempdir()) / "jaxcrypt-test-xla"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")

import numpy as np
import pytest

from jaxcrypt import keygen
from jaxcrypt.errors import ExitCode


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
