"""Photos made here: smooth scenes with edges and texture, all different."""

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.attacks import pictures
from jaxcrypt.attacks.victim import Victim
from jaxcrypt.pictures import folders
from jaxcrypt.sealing.cipher import Cipher
from jaxcrypt.systems.catalog import build


def scene(random, side=96):
    y, x = np.mgrid[0:side, 0:side] / side
    tilt = random.uniform(-1, 1, (2, 3))
    image = 128 + 90 * (tilt[0] * (x[..., None] - 0.5) + tilt[1] * (y[..., None] - 0.5))
    for _ in range(4):
        cy, cx, radius = random.uniform(0, 1, 3)
        inside = (y - cy) ** 2 + (x - cx) ** 2 < (0.1 + 0.3 * radius) ** 2
        image[inside] = random.uniform(0, 255, 3)
    return np.clip(image + random.normal(0, 6, image.shape), 0, 255).astype(np.uint8)


def _folder(path, seed, count):
    random = np.random.default_rng(seed)
    for index in range(count):
        Image.fromarray(scene(random)).save(path / f"{index:03}.png")
    return folders.find(path)


@pytest.fixture(scope="session")
def known(tmp_path_factory):
    return _folder(tmp_path_factory.mktemp("known"), 1, 60)


@pytest.fixture(scope="session")
def judged(tmp_path_factory):
    return _folder(tmp_path_factory.mktemp("judged"), 2, 24)


@pytest.fixture(scope="session")
def photos(judged):
    return pictures.windows(judged, 40, 24, 3, 0)


@pytest.fixture(scope="session")
def logistic():
    return Victim("logistic", Cipher(build("logistic")))


@pytest.fixture(scope="session")
def mixing():
    return Victim("mixing", Cipher(build("mixing")))
