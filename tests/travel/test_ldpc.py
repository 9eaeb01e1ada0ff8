"""The code of TS 38.212 against the encoder of the package py3gpp, and what it corrects."""

import hashlib

import numpy as np
import pytest

from jaxcrypt.travel import ldpc

# SHA-256 of py3gpp 0.6.0's nrLDPCEncode(information, 1), packed into bytes.
_PY3GPP = {
    48: "ab7f05f561f86e821429b7f568b53984ed59f0ad8dc63691657ed811c414a984",
    96: "3fd0a3d96e1a05a1716b51fdd76600554f69e80e1c331de72c58d1f54a15c5bf",
    384: "4e30c75552a1eabf6307ea83f9130bf5b0ba156204620c3d559e8312c6d95ac8",
}


def _information(lifting: int) -> np.ndarray:
    data = hashlib.shake_128(b"ldpc").digest(ldpc.INFORMATION * lifting // 8)
    return np.unpackbits(np.frombuffer(data, np.uint8)).reshape(ldpc.INFORMATION, lifting, 1)


@pytest.mark.parametrize("lifting", _PY3GPP)
def test_encodes_as_the_standard_says(lifting):
    coded = ldpc.encode(_information(lifting))
    assert hashlib.sha256(np.packbits(coded.reshape(-1)).tobytes()).hexdigest() == _PY3GPP[lifting]


@pytest.mark.parametrize(("rate", "noise"), [(0.88, 0.4), (0.5, 0.75), (1 / 3, 0.95)])
def test_corrects_noise_near_what_the_rate_allows(rate, noise):
    rng, lifting = np.random.default_rng(0), 384
    information = rng.integers(0, 2, (ldpc.INFORMATION, lifting, 3), dtype=np.uint8)
    sent = 1.0 - 2.0 * ldpc.encode(information)
    likelihoods = 2 * (sent + noise * rng.standard_normal(sent.shape)) / noise**2
    likelihoods.reshape(-1, 3)[int(ldpc.INFORMATION * lifting / rate) :] = 0
    decoded, whole = ldpc.decode(likelihoods.astype(np.float32))
    assert whole.all()
    assert np.array_equal(decoded, information)


def test_says_where_it_fails():
    likelihoods = np.random.default_rng(1).standard_normal((ldpc.COLUMNS - 2, 96, 2)).astype(np.float32)
    assert not ldpc.decode(likelihoods)[1].any()


def test_known_zeros_help():
    information = _information(96)
    information.reshape(-1)[1000:] = 0
    sent = (1.0 - 2.0 * ldpc.encode(information)).astype(np.float32) * 4
    rng = np.random.default_rng(2)
    likelihoods = np.where(rng.random(sent.shape) < 0.72, 0, sent)
    decoded, whole = ldpc.decode(likelihoods, fillers=information.size - 1000)
    assert whole.all()
    assert np.array_equal(decoded, information)
    assert not ldpc.decode(likelihoods)[1].any()
