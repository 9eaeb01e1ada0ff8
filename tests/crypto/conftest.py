"""Pictures and keys for the tests of sealed pictures, small and quick (a key file needs no Argon2)."""

import io

import numpy as np
import pytest

from jaxcrypt.crypto import recipients, sealed, signing, sources
from jaxcrypt.crypto.filekey import Keyring

OPTIONS = (("rounds", 2), ("mode", "full"))


@pytest.fixture(scope="session")
def key_source():
    return sources.Source(sources.Kind.KEY_FILE, bytes(range(32)))


@pytest.fixture(scope="session")
def identity():
    return recipients.generate()


@pytest.fixture(scope="session")
def signer():
    return signing.generate()


@pytest.fixture
def make_sealed(rng):
    """Seal a small picture under a keyring; returns (PNG bytes, file bytes, pixels)."""

    def make(keyring, *, size=(12, 10, 3), file=None, payload=True, signer=None, side=None, original=None):
        file = rng.bytes(5000) if file is None else file
        pixels = rng.integers(0, 256, size, np.uint8)
        key = keyring.new_file_key(file, "logistic", OPTIONS)
        picture = sealed.seal(
            key,
            system="logistic",
            options=OPTIONS,
            pixels=pixels,
            original=original or size,
            name="holiday.jpg",
            side={"mean": np.float32([0.5, 0.25, 0.125])} if side is None else side,
            file=file if payload else None,
            signer=signer,
        )
        buffer = io.BytesIO()
        picture.write(buffer)
        return buffer.getvalue(), file, pixels

    return make


@pytest.fixture
def key_ring(key_source):
    return Keyring([key_source])
