"""Keys for the network tests, made once."""

import pytest

from jaxcrypt.crypto import recipients, signing
from tests.network.place import Place

pytest.importorskip("aiohttp")  # comes with the extra: network


@pytest.fixture(scope="session")
def identity():
    return recipients.generate()


@pytest.fixture(scope="session")
def alice():
    return signing.generate()


@pytest.fixture(scope="session")
def mallory():
    return signing.generate()


@pytest.fixture(scope="session")
def receiver():
    return signing.generate()


@pytest.fixture
def place(tmp_path, identity, receiver, alice):
    return Place(tmp_path, identity, receiver, {"alice": alice})


@pytest.fixture
def known(tmp_path):
    return tmp_path / "known.json"
