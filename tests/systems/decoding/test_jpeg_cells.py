"""What is known of a JPEG's cells while symbols are decoded by turns."""

from types import SimpleNamespace

import numpy as np

from jaxcrypt.systems.decoding import channels


class Late:
    """A device's result that is computed when it is asked for, as JAX may do."""

    def __init__(self, compute):
        self.compute = compute

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.compute(), dtype)


def test_a_late_result_does_not_see_what_is_written_after_it_was_ordered(rng, monkeypatch):
    """JAX on a CPU may compute in the caller's memory, and after the call has come back."""
    cipher = rng.integers(0, 256, (18, 24, 3), np.uint8)
    dither = np.zeros(cipher.size, np.float32)
    cells = channels.JpegCells(cipher, slice(None), dither, 75)
    ordered = []

    def refine(inside, *rest):
        ordered.append(inside.copy())
        return Late(lambda: inside + 1000), np.float32(0.5)

    shared = SimpleNamespace(asarray=np.asarray, float32=np.float32)  # never a copy
    monkeypatch.setattr(channels, "jnp", shared)
    monkeypatch.setattr(channels.jpeg, "refine", refine)
    prior = rng.normal(size=cipher.size).astype(np.float32)
    observed, noise = cells._refined(prior, 0.5)

    picture = observed.reshape(cipher.shape)
    np.testing.assert_array_equal(picture[:16], ordered[0] + 1000)
    np.testing.assert_array_equal(picture[16:], cipher[16:])
    assert noise == 0.5
