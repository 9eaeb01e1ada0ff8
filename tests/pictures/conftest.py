import numpy as np
import pytest


@pytest.fixture
def colours(rng):
    return rng.integers(0, 256, (13, 21, 3), dtype=np.uint8)
