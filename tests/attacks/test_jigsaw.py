"""Published block scrambling, and the solver that it falls to."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxcrypt.attacks import bench, jigsaw, pictures, scrambled
from jaxcrypt.attacks.rows import CHANCE, FALLS
from jaxcrypt.errors import Refusal
from tests.support import psnr

KEY = [bytes(range(32))]


@pytest.fixture(scope="module")
def larger(judged):
    return pictures.windows(judged, 80, 12, 3, 0)


def test_scrambling_is_undone_by_its_key_alone(larger):
    cipher = bench.SCRAMBLED.cipher
    (sealed,) = cipher.encrypt([larger[0]], KEY)
    assert sealed.pixels.shape == larger[0].shape
    assert (sealed.pixels != larger[0]).mean() > 0.8
    (right,), (wrong,) = (cipher.decrypt([sealed], key, larger[0].shape) for key in (KEY, [bytes(32)]))
    np.testing.assert_array_equal(right.pictures[0], larger[0])
    assert psnr(wrong.pictures[0], larger[0]) < 20


def test_each_block_is_one_of_the_photo_s_turned_negated_and_recoloured(larger):
    """By sorted samples of each block, which turns leave alone."""
    (sealed,) = bench.SCRAMBLED.cipher.encrypt([larger[0]], KEY)

    def kinds(picture):
        blocks = np.asarray(scrambled.cut(picture[None]))[0].reshape(-1, 256, 3)
        folded = np.sort(np.minimum(blocks, 255 - blocks), axis=1).swapaxes(1, 2)
        return {tuple(sorted(map(tuple, block))) for block in folded}

    assert kinds(sealed.pixels) == kinds(larger[0])


def test_what_it_gives_back_after_jpeg_is_about_jpeg_s_own(larger):
    cipher = bench.SCRAMBLED.cipher

    def through_jpeg(pixels):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=75, subsampling="4:4:4")
        return np.asarray(Image.open(file))

    photo = np.kron(larger[1][:40, :40], np.ones((4, 4, 1), np.uint8))
    (sealed,) = cipher.encrypt([photo], KEY)
    made = type(sealed)(through_jpeg(sealed.pixels), sealed.side)
    (outcome,) = cipher.decrypt([made], KEY, photo.shape)
    assert psnr(outcome.pictures[0], photo) > psnr(through_jpeg(photo), photo) - 6


def test_other_sizes_and_greys_are_refused():
    for shape in ((40, 48, 3), (48, 48, 1)):
        with pytest.raises(Refusal, match="takes"):
            bench.SCRAMBLED.cipher.encrypt([np.zeros(shape, np.uint8)], KEY)


def test_states_are_a_group(rng):
    block = rng.integers(0, 256, (16, 16, 3), np.uint8)
    states = jigsaw._states(3)
    assert len({states[k].of(block).tobytes() for k in range(96)}) == 96
    for first, then in rng.integers(0, 96, (20, 2)):
        one, other = states[first], states[then]
        np.testing.assert_array_equal(other.after(one).of(block), other.of(one.of(block)))
        np.testing.assert_array_equal(one.inverse().of(one.of(block)), block)


def test_the_solver_puts_scrambled_blocks_together(larger):
    (row,) = jigsaw.rows(bench.SCRAMBLED, larger, 0, bench.SCRAMBLED)
    assert row.verdict == FALLS
    assert float(row.found.split("photo ")[1].split(",")[0]) > 0.4


def test_keyed_mixing_leaves_no_blocks(mixing, larger):
    (row,) = jigsaw.rows(mixing, larger, 0, bench.SCRAMBLED)
    assert row.verdict == CHANCE
    assert row.control.surely_in
