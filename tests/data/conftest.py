"""Small folders of pictures, and a cache of prepared data that is the test's own."""

import numpy as np
import pytest
from data_pictures import save

from jaxcrypt.data import default_config


@pytest.fixture
def settings(tmp_path):
    """``settings(path=…, …)``: config.data with a cache below the test's folder."""

    def make(**given):
        config = default_config()
        config.cache = str(tmp_path / "cache")
        with config.unlocked():
            config.update(given)
        return config

    return make


@pytest.fixture
def numbered(tmp_path):
    """``numbered(12)``: a folder of pictures ``000.png`` …, each flat in the colour (number, 0, 0)."""

    def make(count, size=(8, 8), folder="numbered"):
        root = tmp_path / folder
        root.mkdir(parents=True)
        for number in range(count):
            save(root / f"{number:03d}.png", np.full((*size, 3), (number, 0, 0), np.uint8))
        return root

    return make
