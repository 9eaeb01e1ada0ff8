"""Real pictures through the shipped generator, each way in a process of its own: the very files come back.

JAXCRYPT_FACES faces of 64x64 (1) at the default quality, JAXCRYPT_PHOTOS centres of 256x256 (none) at the
quality that makes about 10 kB of them: a photo takes a minute or two of processor time.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.pictures.folders import find_all
from jaxcrypt.systems.dcgan import inner

FACES = int(os.environ.get("JAXCRYPT_FACES", "1"))
PHOTOS = int(os.environ.get("JAXCRYPT_PHOTOS", "0"))
QUALITY, BYTES = 50, 10_000
HOUR = 3600
OF_TESTS = ("XLA_FLAGS", "NPROC", "OPENBLAS_NUM_THREADS")  # what users do not set
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in OF_TESTS}


def run(verb, *arguments):
    command = [sys.executable, "-m", f"jaxcrypt.{verb}", *map(str, arguments)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=4 * HOUR)
    assert done.returncode == 0, done.stderr


def there_and_back(tmp_path, key, pictures, quality):
    """Each picture, by name, comes back as what its compressed file shows."""
    plain, faces, back = (tmp_path / name for name in ("plain", "faces", "back"))
    plain.mkdir()
    for name, pixels in pictures.items():
        Image.fromarray(pixels).save(plain / f"{name}.png")
    given = ["--system", "dcgan", "--quality", quality, "--pixels-only", "--key-file", key]
    run("encrypt", plain, "-o", f"{faces}/", *given)
    run("decrypt", faces, "-o", f"{back}/", "--key-file", key)
    for name, pixels in pictures.items():
        wanted = inner.unpack(inner.pack(pixels, quality), pixels.shape)
        np.testing.assert_array_equal(np.asarray(Image.open(back / f"{name}.png")), wanted)


@pytest.mark.timeout(4 * HOUR)
def test_faces(tmp_path, key, real_data):
    paths = find_all([str(real_data / "faces64" / "test")], limit=FACES)
    pictures = {path.stem: np.asarray(Image.open(path).convert("RGB")) for path in paths}
    assert len(pictures) == FACES
    there_and_back(tmp_path, key, pictures, QUALITY)


@pytest.mark.timeout(4 * HOUR)
@pytest.mark.parametrize("number", range(PHOTOS))
def test_photos(tmp_path, key, real_data, number):
    path = find_all([str(real_data / "eval" / "kodak24")])[number]
    whole = Image.open(path).convert("RGB")
    left, top = (whole.width - 256) // 2, (whole.height - 256) // 2
    pixels = np.asarray(whole.crop((left, top, left + 256, top + 256)))
    sizes = {quality: len(inner.pack(pixels, quality)) for quality in range(10, 91, 10)}
    quality = min(sizes, key=lambda one: abs(sizes[one] - BYTES))
    there_and_back(tmp_path, key, {path.stem: pixels}, quality)
