"""encrypt --system dcgan: a sheet of faces and back, as a user meets it (small weights, nothing trained)."""

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt
from jaxcrypt.errors import ExitCode
from jaxcrypt.systems.dcgan import inner
from tests.support import picture
from tests.systems.dcgan_toy import written

SHAPE = (24, 20, 3)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return written(tmp_path_factory.mktemp("zoo"))


@pytest.fixture
def sealed(tmp_path, key, weights):
    """Paths of a photo, its sheet of faces without a payload, and its header."""
    photo, out, header = tmp_path / "photo.png", tmp_path / "faces.png", tmp_path / "faces.hdr"
    Image.fromarray(picture(SHAPE)).save(photo)
    given = ["--system", "dcgan", "--weights", weights, "--survives", "jpeg-90", "--quality", "20"]
    given += ["--pixels-only", "--write-header", str(header), "--key-file", key]
    assert encrypt.main([str(photo), "-o", str(out), *given]) == ExitCode.OK
    return photo, out, header


def test_faces_give_the_compressed_picture_back(sealed, tmp_path, key, weights, capsys):
    _, out, header = sealed
    sheet, wanted = Image.open(out), inner.unpack(inner.pack(picture(SHAPE), 20), SHAPE)
    assert sheet.mode == "RGB"
    assert sheet.width % 64 == sheet.height % 64 == 0
    back = tmp_path / "back.png"
    given = ["--weights", weights, "--key-file", key]
    assert decrypt.main([str(out), "-o", str(back), *given]) == ExitCode.OK
    np.testing.assert_array_equal(np.asarray(Image.open(back)), wanted)

    again = tmp_path / "re-encoded.jpg"
    sheet.save(again, quality=95, subsampling=0)
    recover = ["--recover", "--header", str(header), "-o", str(tmp_path / "recovered.png")]
    assert decrypt.main([str(again), *recover, *given]) == ExitCode.RECOVERED
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "recovered.unauthenticated.png")), wanted)

    changed = np.array(sheet)
    changed[:, :, 0] ^= 1
    Image.fromarray(changed).save(tmp_path / "changed.png")
    code = decrypt.main(
        [str(tmp_path / "changed.png"), "--header", str(header), "-o", str(tmp_path / "no.png"), *given]
    )
    assert code == ExitCode.TAMPERED
    assert "damaged or tampered" in capsys.readouterr().err
