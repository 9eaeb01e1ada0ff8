"""Rows of the attack table: which photo a cipher belongs to (:mod:`jaxcrypt.attacks.linkage`).

An orthogonal map keeps norms, a map of signs sorted magnitudes too. The control of both is what falls to
them: the photos' coefficients with keyed signs; of block means, diffusion without keyed mixing.
"""

from __future__ import annotations

import numpy as np

from jaxcrypt.attacks import linkage
from jaxcrypt.attacks.rows import Row
from jaxcrypt.attacks.victim import Victim

_CONTROLS = {
    "block means": ("diffusion without mixing", linkage.white_noise),
    "norm": ("signs of coefficients flipped", linkage.sign_flips),
    "magnitudes": ("signs of coefficients flipped", linkage.sign_flips),
}
_WHOLE = 16  # sides that the coefficients want multiples of


def rows(victim: Victim, photos: np.ndarray, seed: int) -> list[Row]:
    """A row for each comparison that a cipher of this shape can be put to; photos uint8 ``[N, H, W, C]``."""
    height, width = (side // _WHOLE * _WHOLE for side in photos.shape[1:3])
    photos = photos[:, :height, :width]
    colours = photos if photos.shape[3] == 3 else np.repeat(photos[..., :1], 3, axis=3)
    ciphers, _ = victim.encrypt(photos, victim.subkeys(photos, seed))
    links = linkage.links(ciphers, colours, seed)
    return [_row(name, link, colours, seed) for name, link in links.items()]


def _row(name: str, link: linkage.Link, photos: np.ndarray, seed: int) -> Row:
    words, encrypt = _CONTROLS[name]
    falls = linkage.links(encrypt(photos, seed), photos, seed)[name]
    control = Row(name, words, _found(falls, len(photos)), falls.p)
    return Row(
        f"linkage: {name}", "ciphers and all their photos", _found(link, len(photos)), link.p, control=control
    )


def _found(link: linkage.Link, count: int) -> str:
    return f"own photo nearest: {round(link.share * count)} of {count}"
