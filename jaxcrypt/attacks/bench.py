"""The attack bench: every attack on any System, one table.

A learned attack runs once for each seed, with a key of its own, on photos that it never saw; its runs are
tested together. Its control is the same attack, with the same budget and photos, on the victim without
its nonce (known plaintext) or without any key (ciphertext only); a System that resists even so is
replaced, for the control, by :mod:`jaxcrypt.attacks.broken`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ml_collections import ConfigDict

from jaxcrypt.attacks import (
    broken,
    games,
    jigsaw,
    linked,
    looks,
    nulls,
    pictures,
    scrambled,
    sent,
    surroundings,
    wrong_keys,
)
from jaxcrypt.attacks.learned import Attack, Pairs
from jaxcrypt.attacks.rows import Row
from jaxcrypt.attacks.significance import permutation_p
from jaxcrypt.attacks.victim import Victim, unkeyed
from jaxcrypt.errors import usage
from jaxcrypt.metrics import image as quality
from jaxcrypt.sealing.cipher import Cipher
from jaxcrypt.systems import catalog

_log = logging.getLogger("jaxcrypt.evaluate")
BROKEN = Victim(broken.NAME, Cipher(broken.build()))
SCRAMBLED = Victim(scrambled.NAME, Cipher(scrambled.build()))
Keys = Callable[[Victim, np.ndarray, int], Sequence[bytes]]


@dataclass(frozen=True)
class Kind:
    """A learned attack: where its pairs and the judged ciphers get their subkeys from.

    ``keys`` and ``weak_keys`` take the victim, the photos (known first, then judged) and the seed.
    """

    name: str
    field: str
    granted: str
    keys: Keys
    weak_keys: Keys
    weakness: str


def _one_user(victim: Victim, photos: np.ndarray, seed: int) -> list[bytes]:
    return victim.subkeys(photos, seed)


def _one_user_no_nonce(victim: Victim, photos: np.ndarray, seed: int) -> list[bytes]:
    return victim.subkeys(photos, seed, nonce=False)


def _own_keys(victim: Victim, photos: np.ndarray, seed: int) -> list[bytes]:
    """Any keys whatever: the adversary's pairs are his own; what he is judged on has keys he never saw."""
    random = np.random.default_rng([seed, 10])
    return [random.bytes(32) for _ in photos]


def _no_key(victim: Victim, photos: np.ndarray, seed: int) -> list[bytes]:
    return unkeyed(len(photos))


KINDS = (
    Kind(
        "known plaintext",
        "known_plaintext",
        "pairs under one key",
        _one_user,
        _one_user_no_nonce,
        "nonce withheld",
    ),
    Kind("ciphertext only (Eve)", "ciphertext_only", "pairs of his own", _own_keys, _no_key, "unkeyed"),
)


def run(victim: Victim, known: Sequence[Any], judged: Sequence[Any], config: ConfigDict) -> list[Row]:
    """Every attack on ``victim``.

    Args:
      known, judged: picture files; attacks are judged on photos of the second only.
      config: :mod:`jaxcrypt.attacks.budget`.
    """
    parts: dict[str, Callable[[], list[Row]]] = {
        "keys and looks": lambda: _plain_rows(victim, judged, config),
        "games": lambda: games.rows(victim, judged, config, BROKEN),
        "learned": lambda: _all_learned(victim, known, judged, config),
        "jigsaw": lambda: _jigsaw(victim, judged, config),
        "sent": lambda: _sent(victim, judged, config),
        "surroundings": lambda: surroundings.rows(victim, known, judged, config, BROKEN),
    }
    unknown = set(config.parts) - set(parts)
    if unknown:
        raise usage(f"budget: no part {', '.join(sorted(unknown))}; choose of {', '.join(parts)}")
    return [row for name in config.parts for row in parts[name]()]


def _plain_rows(victim: Victim, judged: Sequence[Any], config: ConfigDict) -> list[Row]:
    """The attacks that learn nothing."""
    seed, rows = config.seeds[0], []
    photos = pictures.windows(judged, config.side, config.photos, config.channels, seed)
    shape, random = photos.shape[1:], np.random.default_rng(seed)
    uniform = victim.null(shape, random) is None
    own = (looks.chosen_difference, looks.uniform, looks.block_means) if uniform else (nulls.rows,)
    for part in (wrong_keys.rows, *own, linked.rows):
        rows += part(victim, photos, seed)
        _log.info("%s: %s", victim.name, rows[-1].attack)
    return rows


def _jigsaw(victim: Victim, judged: Sequence[Any], config: ConfigDict) -> list[Row]:
    """A solver that puts blocks together: it wants larger photos than the others."""
    own, seed = config.jigsaw, config.seeds[0]
    photos = pictures.windows(judged, own.side, own.photos, config.channels, seed)
    return jigsaw.rows(victim, photos, seed, SCRAMBLED)


def _sent(victim: Victim, judged: Sequence[Any], config: ConfigDict) -> list[Row]:
    """Pictures as they are sent, by each way of the budget that the System has."""
    own, seed = config.sent, config.seeds[0]
    photos = pictures.windows(judged, own.side, own.photos, config.channels, seed)
    ways = [way for way in own.ways if _goes(victim.name, way["options"])]
    return [row for way in ways for row in sent.rows(victim.name, photos, seed, way)]


def _goes(name: str, options: Mapping[str, str]) -> bool:
    """Whether a System has these ways of travelling."""
    declared = {one.name: one for one in catalog.entry(name).travel + catalog.entry(name).options}
    return all(option in declared and text in declared[option].choices for option, text in options.items())


def _all_learned(victim: Victim, known, judged, config: ConfigDict) -> list[Row]:
    made = _Made(config)
    return [row for kind in KINDS for row in learned_rows(victim, kind, known, judged, config, made)]


class _Made:
    """What several rows share: small photos, and attacks that are compiled already."""

    def __init__(self, config: ConfigDict):
        self._channels, self._photos, self._attacks = config.channels, {}, {}

    def photos(self, files: Sequence[Any], side: int, count: int, seed: int) -> np.ndarray:
        wanted = (tuple(files), side, count, seed)
        if wanted not in self._photos:
            self._photos[wanted] = pictures.windows(files, side, count, self._channels, seed)
        return self._photos[wanted]

    def attack(self, victim: Victim, budget: ConfigDict, shape, cipher_shape) -> Attack:
        fields = {name: budget[name].to_dict() for name in ("model", "train", "optimizer")}
        wanted = (victim.name, repr(fields), shape, cipher_shape)
        if wanted not in self._attacks:
            self._attacks[wanted] = Attack(victim, fields, shape, cipher_shape)
        return self._attacks[wanted]


def learned_rows(victim: Victim, kind: Kind, known, judged, config: ConfigDict, made: _Made) -> list[Row]:
    """The rows of one learned attack: for every number of pairs, each beside the victim's weakened row."""
    budget, seed = config[kind.field], config.seeds[0]
    learnt = made.photos(known, budget.side, max(budget.pairs), seed)
    tried = made.photos(judged, budget.side, config.judged, seed)

    def under(who: Victim, keys: Keys) -> _Runner:
        return _Runner(who, keys, learnt, tried, lambda *shapes: made.attack(who, budget, *shapes))

    whole, weak, stand_in = (
        under(victim, kind.keys),
        under(victim, kind.weak_keys),
        under(BROKEN, kind.weak_keys),
    )
    rows = []
    for pairs in budget.pairs:
        granted = f"{pairs} {kind.granted}"
        own = weak.row(kind.name, f"{granted}, {kind.weakness}", pairs, config.seeds, weakened=True)
        control = own
        if not own.surely_in:
            control = stand_in.row(kind.name, "a fixed keystream", pairs, config.seeds)
        rows += [whole.row(kind.name, granted, pairs, config.seeds, control), own]
        _log.info("%s: %s with %d pairs: %s", victim.name, kind.name, pairs, rows[-2].verdict)
    return rows


class _Runner:
    """One learned attack on one victim under keys of one kind, for any number of pairs."""

    def __init__(self, victim: Victim, keys: Keys, learnt: np.ndarray, tried: np.ndarray, attack: Callable):
        self._victim, self._keys, self._attack = victim, keys, attack
        self._known, self._photos = len(learnt), np.concatenate([learnt, tried])
        self._ciphers: dict[int, np.ndarray] = {}

    def row(self, name, granted, pairs, seeds, control: Row | None = None, weakened: bool = False) -> Row:
        """All seeds' runs with so many ``pairs`` as one row."""
        runs = [self._run(pairs, seed) for seed in seeds]
        psnr, baseline = (float(np.mean([getattr(f, x) for f in runs])) for x in ("psnr", "baseline"))
        p = permutation_p([f.likeness for f in runs], seeds[0])
        words = f"{quality.words(psnr)}; the mean photo {baseline:.2f}"
        return Row(name, granted, words, p, psnr - baseline, control, weakened)

    def _run(self, pairs: int, seed: int):
        if seed not in self._ciphers:
            keys = self._keys(self._victim, self._photos, seed)
            self._ciphers[seed], _ = self._victim.encrypt(self._photos, keys)
        everything = Pairs(self._ciphers[seed], self._photos)
        attack = self._attack(self._photos.shape[1:], everything.ciphers.shape[1:])
        return attack.run(everything[:pairs], everything[self._known :], seed)
