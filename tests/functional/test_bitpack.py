"""Fields of unequal width against Python's own integers."""

import jax
import numpy as np
import pytest

from jaxcrypt.functional import bitpack

pack, unpack = (jax.jit(function, static_argnums=1) for function in (bitpack.pack, bitpack.unpack))


def by_hand(indices, widths):
    word = 0
    for index, width in zip(indices, widths, strict=True):
        word = word << width | int(index)
    return word.to_bytes(sum(widths) // 8, "big")


@pytest.mark.parametrize("widths", [(8,), (3, 5), (7, 6, 6, 5), (1, 2, 4, 8, 9)])
def test_bytes_are_those_of_one_long_number(rng, widths):
    indices = np.stack([rng.integers(0, 2**w, (2, 3)) for w in widths], -1).astype(np.int32)
    packed = np.asarray(pack(indices, widths))
    assert packed.dtype == np.uint8
    for row, wanted in zip(packed.reshape(6, -1), indices.reshape(6, -1), strict=True):
        assert bytes(row) == by_hand(wanted, widths)
    np.testing.assert_array_equal(unpack(packed, widths), indices)


def test_every_byte_string_is_a_code(rng):
    octets = rng.integers(0, 256, (50, 3), dtype=np.uint8)
    widths = (5, 9, 1, 9)
    np.testing.assert_array_equal(pack(unpack(octets, widths), widths), octets)


@pytest.mark.parametrize("widths", [(3, 4), (8, 0)])
def test_what_is_no_whole_byte_is_refused(widths):
    with pytest.raises(ValueError, match="widths"):
        pack(np.zeros((1, 2), np.int32), widths)
