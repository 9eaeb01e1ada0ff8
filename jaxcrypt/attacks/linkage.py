"""Which photo belongs to which cipher picture: by block means, norm and sorted magnitudes; two ablations.

An orthogonal or sign-flipping map under a fresh key hides all but what it keeps. Of a photo x with
coefficients c (the block transform of :mod:`jaxcrypt.functional.block_transform`) and of its cipher's values
v (bytes as normal quantiles) an adversary without the key compares

    block means     means of 8×8 blocks of x and of v
    norm            log mean c² and log mean v², c clipped to what bytes tell
    magnitudes      log of the quantiles of |c| and of |v|

which tell nothing where every cipher has the same distribution. A permutation test says whether they do, and
how many ciphers have their own photo as the nearest, what that is worth.

The ablations are what a diffusion cipher looks like without keyed mixing: :func:`white_noise`, as the public
code of one makes it, :func:`natural_key`, which takes a photo-like key image for the noise, as its
description says, and :func:`sign_flips`, which flips the signs of coefficients by the key, as a published
scheme does with latents.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

from jaxcrypt.attacks.significance import cosines, permutation_p
from jaxcrypt.functional.block_transform import analyse
from jaxcrypt.functional.companding import CENTROIDS
from jaxcrypt.functional.diffusion import alpha_bar, diffuse

_BLOCK = 8
_QUANTILES = np.linspace(0.3, 0.99, 24)
_SPREAD = 60.0  # of coefficients, in grey levels
_LEAST = 1e-3
_TIMESTEP = 500  # of 1000, at which the ablations leave off


@dataclass(frozen=True)
class Link:
    """What one comparison found.

    Attributes:
      likeness: mean, of a cipher with its own photo; share: of ciphers whose own photo is the nearest.
      p: how likely chance is to give as much.
    """

    likeness: float
    share: float
    p: float


def links(ciphers: np.ndarray, photos: np.ndarray, seed: int = 0) -> dict[str, Link]:
    """Every comparison by its name; block means only where ciphers have the photos' channels and cover them.

    Args:
      ciphers: uint8 ``[N, H', W', C']``.
      photos: uint8 ``[N, H, W, 3]``, sides multiples of 16; N at least 12.
    """
    values = CENTROIDS[ciphers]
    coefficients = np.clip(_coefficients(photos), CENTROIDS[0], CENTROIDS[-1])
    inner = values[:, : photos.shape[1], : photos.shape[2]]
    compared = (
        {"block means": (_block_means(inner), _block_means(photos))} if inner.shape == photos.shape else {}
    )
    compared |= {
        "norm": (_norm(values), _norm(coefficients)),
        "magnitudes": (_magnitudes(values), _magnitudes(coefficients)),
    }
    return {name: _link(*both, seed) for name, both in compared.items()}


def _coefficients(photos: np.ndarray) -> np.ndarray:
    """In units of what a byte tells apart best, float32 ``[N, H/16, W/16, 768]``."""
    return np.asarray(analyse(photos.astype(np.float32) - 127.5)) / _SPREAD


def _link(ours: np.ndarray, theirs: np.ndarray, seed: int) -> Link:
    ours, theirs = (_scaled(x) for x in (ours, theirs))
    likeness = cosines(ours, theirs)
    distance = np.square(ours[:, None] - theirs[None]).sum(axis=-1)
    nearest = distance.argmin(axis=1) == np.arange(len(ours))
    if ours.shape[1] == 1:  # of single numbers the cosine is a sign: their correlation says more
        likeness = ours @ theirs.T
    own = float(np.mean(np.diag(likeness)))
    return Link(own, float(nearest.mean()), permutation_p([likeness], seed))


def _scaled(features: np.ndarray) -> np.ndarray:
    """``[N, d]`` of mean 0 and spread 1 in each feature; 0 where all are equal."""
    spread = features.std(axis=0)
    return np.where(spread > 1e-9, (features - features.mean(axis=0)) / np.maximum(spread, 1e-9), 0.0)


def _block_means(pictures: np.ndarray) -> np.ndarray:
    count, height, width = pictures.shape[0], *(side // _BLOCK for side in pictures.shape[1:3])
    cut = pictures[:, : height * _BLOCK, : width * _BLOCK].astype(np.float64)
    return cut.reshape(count, height, _BLOCK, width, _BLOCK, -1).mean(axis=(2, 4, 5)).reshape(count, -1)


def _norm(values: np.ndarray) -> np.ndarray:
    flat = values.reshape(len(values), -1).astype(np.float64)
    return np.log(np.mean(np.square(flat), axis=1, keepdims=True) + _LEAST)


def _magnitudes(values: np.ndarray) -> np.ndarray:
    flat = np.abs(values.reshape(len(values), -1).astype(np.float64))
    return np.log(np.quantile(flat, _QUANTILES, axis=1).T + _LEAST)


# --------------------------------------------------------------------------------------- ablations


def white_noise(photos: np.ndarray, seed: int) -> np.ndarray:
    """Ciphers uint8 of photos uint8 ``[N, H, W, 3]``: forward diffusion (linear), and no mixing."""
    return _diffused(photos, np.random.default_rng([seed, 0]).standard_normal(photos.shape))


def natural_key(photos: np.ndarray, seed: int) -> np.ndarray:
    """The same with a photo-like key image for the noise: its spectrum is that of photos, 1 / frequency."""
    height, width = photos.shape[1:3]
    radius = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    random = np.random.default_rng([seed, 1])
    spectrum = np.fft.rfft2(random.standard_normal(photos.shape), axes=(1, 2))
    keys = np.fft.irfft2(spectrum / np.maximum(radius, 1 / height)[..., None], (height, width), axes=(1, 2))
    return _diffused(photos, 0.5 * keys / keys.std(axis=(1, 2, 3), keepdims=True))


def _diffused(photos: np.ndarray, noise: np.ndarray) -> np.ndarray:
    mixed = diffuse(photos / 127.5 - 1, noise, float(alpha_bar("linear")[_TIMESTEP]))
    return np.clip(np.rint((mixed + 1) * 127.5), 0, 255).astype(np.uint8)


def sign_flips(photos: np.ndarray, seed: int) -> np.ndarray:
    """Ciphers uint8 of photos uint8 ``[N, H, W, 3]``: their coefficients with keyed signs, as bytes."""
    coefficients = _coefficients(photos)
    signs = np.random.default_rng([seed, 2]).choice(np.float32([-1, 1]), coefficients.shape)
    data = np.floor(256 * ndtr(coefficients * signs))
    return np.clip(data, 0, 255).astype(np.uint8).reshape(photos.shape)
