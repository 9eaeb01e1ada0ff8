"""Rows of the game "which of two pictures" (:mod:`jaxcrypt.attacks.which`): drawn pictures against a photo.

The control is the dot's game, or where that finds nothing the specks', against the victim as it was before
its present version (an option that older headers lack, at what they mean); or, where there is none or that
falls no more at this size, against a System that is broken on purpose.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from ml_collections import ConfigDict
from PIL import Image

from jaxcrypt.attacks import drawn, which
from jaxcrypt.attacks.rows import Row
from jaxcrypt.attacks.victim import Victim
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.functional import jpeg_layout
from jaxcrypt.pictures.files import load_picture

_log = logging.getLogger("jaxcrypt.evaluate")
_LARGE = 1024
_CONTROLS = ("dot", "specks")


def rows(victim: Victim, judged: Sequence[Path], config: ConfigDict, broken: Victim) -> list[Row]:
    """The games of ``config.games``: of its pictures, at its sides, so many ciphers of each.

    Args:
      judged: picture files; the photo is the first that is large enough.
      broken: what falls to every attack.
    """
    games, made = config.games, []
    unknown = set(games.pictures) - set(drawn.KINDS)
    if unknown:
        raise usage(f"games: no picture {', '.join(sorted(unknown))}; choose of {', '.join(drawn.KINDS)}")
    for side in games.sides:
        photo = _photo(judged, side, config.channels)
        seen = _Seen(games.large if side > _LARGE else games.trials, config.seeds[0])
        control = _control(victim, broken, photo, seen)
        for name in games.pictures:
            made.append(seen.row(victim, name, photo, control))
            _log.info("%s: %s, %d: %s", victim.name, made[-1].attack, side, made[-1].verdict)
    return made


def _photo(paths: Sequence[Path], side: int, channels: int) -> np.ndarray:
    """The centre of a photo, brought to ``side``."""
    for path in paths:
        pixels = load_picture(path).pixels
        if min(pixels.shape[:2]) >= min(side, 256) and pixels.shape[2] == channels:
            image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
            short = min(image.size)
            left, top = ((length - short) // 2 for length in image.size)
            box = (left, top, left + short, top + short)
            return np.asarray(image.resize((side, side), box=box)).reshape(side, side, channels)
    raise Refusal(f"no picture has {channels} channels and {min(side, 256)} pixels a side, for the games")


def _control(victim: Victim, broken: Victim, photo: np.ndarray, seen: _Seen) -> Row:
    before = older(victim)
    for name in _CONTROLS if before is not None else ():
        row = seen.row(before, name, photo, words=f"{name}, as before its present version")
        if row.surely_in:
            return row
    return seen.row(broken, _CONTROLS[0], photo, words="broken on purpose")


def older(victim: Victim) -> Victim | None:
    """The System as it was before options that older headers lack; None where there is no such option."""
    changed = [option for option in victim.system.options if option.before is not None]
    cipher = victim.cipher
    for option in changed:
        cipher = cipher.chosen(option.name, option.before)
    return Victim(victim.name, cipher) if changed else None


class _Seen:
    """Games of so many ciphers, whose photo is encrypted once for each victim."""

    def __init__(self, trials: int, seed: int):
        self._trials, self._random = trials, np.random.default_rng([seed, 12])
        self._photos: dict[int, list] = {}

    def row(self, victim, name: str, photo, control: Row | None = None, words: str = "") -> Row:
        """One drawn picture against the photo."""
        if id(victim) not in self._photos:
            self._photos[id(victim)] = self._of(victim, photo)
        own = self._of(victim, drawn.picture(name, photo.shape[0], photo.shape[2]))
        played = which.play(own, self._photos[id(victim)])
        side = f"{photo.shape[1]}×{photo.shape[0]}"
        granted = f"{self._trials} ciphers of each, {side}" + (f", {words}" if words else "")
        return Row(f"which of two pictures: {name}", granted, played.words, played.p, control=control)

    def _of(self, victim, picture: np.ndarray) -> list:
        def encrypt(pictures, keys):
            return [sealed.pixels for sealed in victim.cipher.encrypt(pictures, keys)]

        return which.ciphers_seen(
            encrypt, picture, self._trials, self._random, _reader(victim, picture.shape)
        )


def _reader(victim: Victim, shape: tuple[int, ...]) -> Callable[[np.ndarray], np.ndarray]:
    """The squares of the mixed values that a cipher of a picture of ``shape`` carries: of its bytes, or where
    they are laid out for JPEG of its DCT coefficients."""
    strength = dict(victim.cipher.options).get("robust", 0)
    layout = jpeg_layout.plan((shape[0], shape[1], shape[2]), strength) if strength else None
    if layout is None:
        return which.powers_of_bytes

    def powers(cipher: np.ndarray) -> np.ndarray:
        values = jpeg_layout.coefficients(cipher)[:, layout.carriers]
        return np.square(values.reshape(-1) / np.float32(layout.amplitude))

    return powers
