"""What the header holds masked is the same whether JAX or the host masks it."""

import numpy as np

from jaxcrypt.systems.cyclegan import header

SUBKEY = bytes(range(7, 39))
WORDS = np.frombuffer(SUBKEY, "<u4").astype(np.uint32)[None]


def test_the_host_masks_with_the_same_bits(rng):
    digits = rng.integers(0, 16, (5, 3, 6)).astype(np.float32)
    mean = (rng.integers(0, 255 * 256, 3) / 256).astype(np.float32)
    counts = rng.integers(0, 16, 38).astype(np.uint8)
    own = header.OnHost(SUBKEY)
    for value, pack, there, back in (
        (digits, header.pack, own.pack, own.unpack),
        (mean, header.pack_mean, own.pack_mean, own.unpack_mean),
        (counts, header.pack_counts, own.pack_counts, own.unpack_counts),
    ):
        made = there(value)
        expected = np.asarray(pack(value[None], WORDS))[0]
        assert made.dtype == expected.dtype
        np.testing.assert_array_equal(made, expected)
        np.testing.assert_array_equal(back(made), value)
        assert not np.array_equal(header.OnHost(SUBKEY[::-1]).pack_mean(mean), own.pack_mean(mean))


def test_a_mean_under_another_key_is_still_a_level():
    for value in (0, 2**16 - 1, 2**32 - 1):
        seen = header.OnHost(SUBKEY).unpack_mean(np.full(3, value, np.uint32))
        assert ((seen >= 0) & (seen <= 255)).all()
        np.testing.assert_array_equal(seen, header.unpack_mean(np.full((1, 3), value, np.uint32), WORDS)[0])
