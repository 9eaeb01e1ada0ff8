"""What damage leaves of ordinary ciphers."""

import numpy as np

from jaxcrypt.attacks import ordinary


def test_aes_gives_all_or_nothing(photos):
    opened, ignored = ordinary.aes(photos, ordinary.nothing, 0)
    assert opened == ignored == 99
    for name in ("JPEG 90, 4:4:4", "noise, σ = 8", "10% of blocks lost"):
        opened, ignored = ordinary.aes(photos, ordinary.DAMAGES[name], 0)
        assert opened is None
        assert ignored < 25


def test_logistic_gives_noise_and_mixing_a_picture(logistic, mixing, photos):
    damages = {name: ordinary.DAMAGES[name] for name in ("nothing", "JPEG 75, 4:4:4", "10% of blocks lost")}
    rows = ordinary.rows({"logistic": logistic, "mixing": mixing}, photos[:4], 0, damages)
    found = {(row.damage, row.cipher): row for row in rows}
    assert found["nothing", "logistic"].psnr == 99
    after = found["JPEG 75, 4:4:4", "logistic"]
    assert after.psnr < after.flat
    assert found["JPEG 75, 4:4:4", "mixing"].psnr > after.psnr + 8
    assert found["JPEG 75, 4:4:4", "AES-256-GCM"].words == "nothing (refused)"
    assert found["10% of blocks lost", "mixing"].psnr > 15
    lines = ordinary.table("Title", rows).splitlines()
    assert len(lines) == 4 + len(damages) + 2


def test_damages_do_what_they_say(photos):
    random = np.random.default_rng(0)
    picture = photos[0] // 2 + 64
    noisy, lost = ordinary.gaussian(8)(picture, random)
    assert lost is None
    assert 7 < np.std(noisy.astype(float) - picture) < 9
    damaged, lost = ordinary.lost_blocks(0.25)(np.full((64, 64, 3), 9, np.uint8), random)
    assert lost.mean() == 0.25
    assert (damaged[lost] == 0).all()
    assert (damaged[~lost] == 9).all()
    worse = [np.abs(ordinary.jpeg(q)(picture, random)[0].astype(int) - picture).mean() for q in (90, 50)]
    assert 0 < worse[0] < worse[1]
