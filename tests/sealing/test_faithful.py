"""What is said of pictures whose pixels cannot hold all of the file, and of keys that may be guessed."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import Keys, seal, unseal
from jaxcrypt.crypto import pngreader, sources
from jaxcrypt.errors import Refusal
from jaxcrypt.sealing.seal import Sealer


@pytest.fixture
def keys():
    return Keys(key_file=sources.encode_key_file(sources.Source(sources.Kind.KEY_FILE, bytes(32))).encode())


def picture(format: str, mode: str = "RGB", frames: int = 1) -> bytes:
    rng = np.random.default_rng(3)
    images = [
        Image.fromarray(rng.integers(0, 256, (24, 20, 3), np.uint8)).convert(mode) for _ in range(frames)
    ]
    more = {"save_all": True, "append_images": images[1:]} if frames > 1 else {}
    file = io.BytesIO()
    images[0].save(file, format, **more)
    return file.getvalue()


def deep() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(3).integers(0, 65536, (24, 20), np.uint16)).save(file, "PNG")
    return file.getvalue()


FILES = {
    "animation.gif": picture("GIF", frames=3),
    "still.gif": picture("GIF"),
    "animation.png": picture("PNG", frames=2),
    "pages.tif": picture("TIFF", frames=2),
    "deep.png": deep(),
    "print.tif": picture("TIFF", "CMYK"),
}


@pytest.mark.parametrize("name", FILES)
def test_the_very_file_travels_and_the_pixels_say_what_they_lack(keys, name):
    opened = unseal(seal(FILES[name], keys, name=name), keys)
    assert opened.files == [(name, FILES[name])]
    assert Sealer(keys).read(FILES[name], name).changes != () or name == "still.gif"
    only = unseal(seal(FILES[name], keys, name=name, pixels_only=True), keys)
    assert only.exact == (name == "still.gif")
    assert bool(only.notes) == (name != "still.gif")
    np.testing.assert_array_equal(only.pictures[0], Sealer(keys).read(FILES[name], name).pixels)


def test_coarse_padding_hides_the_size(keys):
    sizes = set()
    for extra in (0, 900):
        sealed = seal(FILES["deep.png"] + bytes(extra), keys, hide_size=True)
        sizes.add(sum(map(len, pngreader.read(sealed).payload)))
        assert unseal(sealed, keys).files[0][1] == FILES["deep.png"] + bytes(extra)
    assert len(sizes) == 1


def test_keys_that_can_be_guessed_are_refused_before_any_work():
    y, x = np.mgrid[:128, :128]
    file = io.BytesIO()
    Image.fromarray((x ^ y).astype(np.uint8)).save(file, "PNG")
    with pytest.raises(Refusal, match="can be guessed"):
        Sealer(Keys(key_image=file.getvalue()))


def test_a_weak_passphrase_is_noted():
    notes = Sealer(Keys(passphrase="hunter2")).notes()
    assert "may be guessed" in notes[0]
    assert "hunter2" not in notes[0]
    assert not Sealer(Keys(passphrase="lusab-babad-gutih-tugad-mofip")).notes()
