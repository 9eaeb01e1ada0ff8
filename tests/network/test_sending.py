"""A run of ``send``: what it seals follows network and threat, and arrives as it was."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.crypto import header
from jaxcrypt.errors import Refusal
from jaxcrypt.network.belief import Belief
from jaxcrypt.network.policy import Needs, Network
from jaxcrypt.network.sending import Sealers, Sealing
from jaxcrypt.network.threat import Level
from jaxcrypt.network.transcript import Offer
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.unseal import Opener
from jaxcrypt.systems import catalog
from tests.network.place import picture_file


@pytest.fixture
def offer(identity):
    return Offer(b"", (identity.recipient().public,), catalog.NAMES, header.VERSIONS)


def _sender(throughput=None, level=Level.CALM):
    """A sender as far as plans look at it."""
    belief = Belief(believed=Network(throughput))
    return SimpleNamespace(meter=SimpleNamespace(belief=belief), level=lambda: level)


def _sealing(signer, **needs):
    return Sealing(None, signer, Needs(**needs), 1.0, {}, False, "auto")


def test_a_slow_network_gets_the_picture_without_the_file_where_that_will_do(offer, identity, alice):
    data, told = picture_file(1, side=40), []
    sealers = Sealers(_sealing(alice, exact=False), offer, told.append)
    large, how = sealers.seal(data, "a.png", _sender(1e9))
    small, then = sealers.seal(data, "a.png", _sender(1e3))
    assert "with the very file" in how
    assert "pixels only" in then
    assert len(small) < len(large)
    assert sum(line.startswith("plan: ") for line in told) == 2
    assert any("the network gives 0.008 Mbit/s" in line for line in told)
    opener = Opener(Keys(identities=[identity]))
    assert opener.open(large).files == [("a.png", data)]
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    np.testing.assert_array_equal(opener.open(small).pictures[0], pixels)


def test_an_attack_hides_sizes_and_says_so(offer, alice):
    told = []
    sealers = Sealers(_sealing(alice), offer, told.append)
    calm, _ = sealers.seal(picture_file(1, side=40), "a.png", _sender())
    careful, _ = sealers.seal(picture_file(1, side=40), "a.png", _sender(level=Level.ATTACKED))
    assert len(careful) > len(calm)
    assert any("sizes hidden" in line for line in told)


def test_what_is_sealed_already_goes_as_it_is(offer, alice):
    sealers = Sealers(_sealing(alice), offer, lambda line: None)
    made, _ = sealers.seal(picture_file(1), "a.png", _sender())
    assert sealers.seal(made, "sealed.png", _sender()) == (made, "sealed before")


def test_a_receiver_that_cannot_open_what_would_be_sealed_is_refused_before_work(offer, alice, identity):
    keys = (identity.recipient().public,)
    with pytest.raises(Refusal, match="version"):
        Sealers(_sealing(alice), Offer(b"", keys, catalog.NAMES, (1,)), lambda line: None)
    with pytest.raises(Refusal, match="no recipient key"):
        Sealers(_sealing(alice), Offer(b"", (), catalog.NAMES, header.VERSIONS), lambda line: None)
    none = Sealers(_sealing(alice), Offer(b"", keys, (), header.VERSIONS), lambda line: None)
    with pytest.raises(Refusal, match="no System meets"):
        none.seal(picture_file(1), "a.png", _sender())
