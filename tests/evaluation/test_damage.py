"""The table of damaged pictures: what ordinary encryption leaves, and what is measured of Systems."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.evaluation.setting import Setting
from jaxcrypt.evaluation.suites import damage
from jaxcrypt.metrics.image import psnr
from jaxcrypt.pictures.damages import CIPHER, Damage
from tests.evaluation.subjects import smooth_pictures, toy

PICTURES = smooth_pictures(3)
COLUMNS = {"AES": damage.aes, "ignored": damage.aes_without_tag, "xor": damage.decoder(toy())}


@pytest.fixture(scope="module")
def values():
    return damage.measure(PICTURES, COLUMNS, CIPHER, 0)[0]


def test_aes_gives_all_or_nothing(values):
    for column in ("AES", "ignored", "xor"):
        assert all(math.isinf(value) for value in values["nothing"][column])
    for name, row in values.items():
        assert all(math.isnan(value) for value in row["AES"]) == (name != "nothing")
        assert name == "nothing" or max(row["ignored"]) < 25


def test_a_stream_cipher_gives_noise_where_bytes_changed(values):
    assert max(values["JPEG 50, 4:4:4"]["xor"]) < 15
    assert 9 < min(values["10% of 16×16 blocks lost"]["xor"]) < 25


def test_every_column_meets_the_same_key_and_damage():
    met = []

    def spy(picture, distort, rng):
        met.append((rng.bytes(32), distort(picture, rng).pixels.tobytes()))
        return picture

    damage.measure(PICTURES[:1], {"a": spy, "b": spy}, [Damage("noise", 8)], 0)
    damage.measure(PICTURES[:1], {"a": spy}, [Damage("noise", 8)], 1)
    assert met[0] == met[1]
    assert met[0] != met[2]


def test_known_losses_reach_the_decoder():
    class Asks(type(toy())):
        def decrypt(self, sealed, subkeys, shape, lost=None):
            assert lost[0].any()
            return super().decrypt(sealed, subkeys, shape)

    opened = damage.decoder(toy(Asks))(PICTURES[0].pixels, Damage("blocks", 0.5), np.random.default_rng(0))
    assert psnr(opened, PICTURES[0].pixels) < 20


def test_a_run_makes_table_and_plot(tmp_path):
    for picture in PICTURES:
        Image.fromarray(picture.pixels).save(tmp_path / picture.name)
    own = {"damage": ["none", "blocks=0.1"]}
    setting = Setting(("logistic",), data=(str(tmp_path),), crop=32, own=own)
    result = damage.run(setting)
    facts = {"setting": setting.facts(), **result.facts}
    lines = damage.table(json.loads(json.dumps(_strict(facts)))).splitlines()
    assert lines[0].startswith(
        "PSNR in dB, mean (lowest): 3 pictures, centre 32×32, seed 0; of their own flat mean "
    )
    head, _, nothing, lost = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:])
    assert head == ["distortion of the cipher picture", "AES-256-GCM", "AES-256-GCM, tag ignored", "logistic"]
    assert nothing == ["nothing", "exact", "exact", "exact"]
    assert lost[:2] == ["10% of 16×16 blocks lost", "refused"]
    assert result.plot.startswith(b"\x89PNG")


def _strict(facts):
    from jaxcrypt.evaluation.report import plain

    return plain(facts)
