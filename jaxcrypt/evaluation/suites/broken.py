"""Published schemes that are known to be broken, written anew from their papers: positive controls.

Every attack here must get in; one that does not says nothing of the Systems either. What stands here:

    block scrambling                Kurihara, Shiota, Kiya (2015), against a jigsaw solver (Chuman, Kurihara,
                                    Kiya, 2018); under one key for many pictures, as it is used to train nets
                                    on ciphers, against a net that learns to undo it
    diffusion without keyed mixing  ciphers of t = 500 under white noise, and under a photo-like key image
    sign flips of coefficients      as published for the latents of diffusion models; linked by norms and
                                    sorted magnitudes
    the key as further channels     a key-conditioned CycleGAN without keyed mixing: a wrong key's picture
    a hiding net without a key      what whoever has the weights sees
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.attacks import bench, jigsaw, linkage, pictures, scrambled, wrong_keys
from jaxcrypt.attacks.budget import default_config, quick_config
from jaxcrypt.attacks.rows import Row
from jaxcrypt.attacks.significance import cosines, permutation_p
from jaxcrypt.attacks.victim import Victim
from jaxcrypt.declared import Entry, Option
from jaxcrypt.errors import usage
from jaxcrypt.evaluation.plots import bars
from jaxcrypt.evaluation.report import Result, markdown, number
from jaxcrypt.evaluation.setting import Setting, progress
from jaxcrypt.evaluation.suites.linkage import ABLATIONS
from jaxcrypt.metrics import image as quality
from jaxcrypt.sealing.cipher import load
from jaxcrypt.systems import catalog

_PHOTOS = 24
_LEARNED_SIDE = 32  # two blocks a side
_LEARNED = {
    "pairs": (10_000,),
    "train": {"steps": 4000},
    "model": {"hidden": 512},
}  # one key is one linear map
FALLS, STANDS = "falls", "STANDS: the attack is too weak"


@dataclass(frozen=True)
class Scheme:
    """One of them, and the attacks on it."""

    name: str
    rows: Sequence[Row]


def run(setting: Setting) -> Result:
    """Every attack on every scheme, on windows of the pictures."""
    paths = setting.paths()
    if setting.crop is None or setting.crop % scrambled.BLOCK:
        raise usage(f"--crop: the windows' side is needed, a multiple of {scrambled.BLOCK}")
    photos = pictures.windows(paths, setting.crop, _PHOTOS, 3, setting.seed)
    config = quick_config() if setting.own.get("quick") else _budget()
    config.parts = ("learned",)
    config.known_plaintext.side = config.ciphertext_only.side = _LEARNED_SIDE
    schemes = _schemes(photos, paths, setting.seed, config)
    count = 2 + len(ABLATIONS) + len(_ablations()) + len(list(_unkeyed()))
    made = [scheme for (scheme,) in progress(([one] for one in schemes), count, "broken")]
    rows = [
        {"scheme": scheme.name, **row.facts(), "falls": row.got_in} for scheme in made for row in scheme.rows
    ]
    facts = {"pictures": len(photos), "side": setting.crop, "files": len(paths), "rows": rows}
    return Result(facts, plot(facts))


def _budget() -> Any:
    """What it takes to undo block scrambling under one key: many pairs, many steps, once."""
    config = default_config()
    config.seeds = config.seeds[:1]
    for attack in (config.known_plaintext, config.ciphertext_only):
        attack.update(_LEARNED)
    return config


def _schemes(photos: np.ndarray, paths: Sequence[Path], seed: int, config: Any) -> Iterator[Scheme]:
    yield Scheme("block scrambling", jigsaw.rows(bench.SCRAMBLED, photos, seed, bench.SCRAMBLED))
    known, judged = pictures.split(paths)
    learned = [row for row in bench.run(bench.SCRAMBLED, known, judged, config) if row.weakened]
    yield Scheme("block scrambling, one key for all", learned)
    yield from (Scheme(name, [_linked(encrypt, photos, seed)]) for name, encrypt in ABLATIONS.items())
    for entry in _ablations():
        victim = Victim(entry.name, load(entry.name))
        yield Scheme("the key as further channels", wrong_keys.rows(victim, photos, seed))
    for entry, option in _unkeyed():
        yield Scheme("a hiding net without a key", [_stranger(entry, option, photos, seed)])


def _ablations() -> list[Entry]:
    """What the catalog has to compare with, and offers nobody."""
    return [entry for entry in map(catalog.entry, catalog.NAMES) if not entry.offered]


def _unkeyed() -> Iterator[tuple[Entry, Option]]:
    """Systems that hide pictures, with the option that hides without the key."""
    for entry in map(catalog.entry, catalog.NAMES):
        hides = any(given.name == "cover" for given in entry.inputs)
        yield from ((entry, option) for option in entry.options if hides and False in option.arguments)


def _linked(encrypt: Any, photos: np.ndarray, seed: int) -> Row:
    """The comparison that says most about which photo belongs to which cipher."""
    links = linkage.links(encrypt(photos, seed), photos, seed)
    way, best = min(links.items(), key=lambda item: item[1].p)
    words = f"{100 * best.share:.0f}% of {len(photos)} photos named by their {way}"
    return Row("linkage", "ciphers, candidate photos", words, best.p)


def _stranger(entry: Entry, option: Option, photos: np.ndarray, seed: int) -> Row:
    """What comes out under any key whatever of pictures that were hidden without one."""
    cipher, random = load(entry.name, options={option.name: False}), np.random.default_rng([seed, 12])
    seen = []
    for index, photo in enumerate(photos):
        hiding = cipher.given({"cover": photos[index - 1]})
        (sealed,) = hiding.encrypt([photo], [random.bytes(32)])
        (outcome,) = cipher.decrypt([sealed], [random.bytes(32)], photo.shape)
        seen.append(outcome.pictures[0])
    got = quality.mean(quality.psnr(np.stack(seen), photos)).psnr
    flat = quality.mean(quality.psnr(quality.flat_mean(photos), photos)).psnr
    p = permutation_p([cosines(np.stack(seen), photos)], seed)
    return Row(
        "the net alone", "the cipher, any key", f"{got:.1f} dB; its flat mean {flat:.1f}", p, got - flat
    )


def table(facts: Mapping[str, Any]) -> str:
    """Markdown: scheme, attack, what came out."""
    rows = [
        [row["scheme"], row["attack"], row["granted"], row["found"], f"{number(row['p']):.2g}", _verdict(row)]
        for row in facts["rows"]
    ]
    head = ["scheme", "attack", "the adversary has", "found", "p", ""]
    windows = f"{facts['pictures']} windows of {facts['side']}×{facts['side']} of {facts['files']} pictures"
    return f"{windows}, seed {facts['setting']['seed']}\n\n{markdown(head, rows)}"


def _verdict(row: Mapping[str, Any]) -> str:
    return FALLS if row["falls"] else STANDS


def plot(facts: Mapping[str, Any]) -> bytes:
    """Bars of what attacks gained in dB over knowing nothing, where that is a picture."""
    groups = {
        f"{row['scheme']}: {row['attack']}": {"gain": number(row["gain"])}
        for row in facts["rows"]
        if row["gain"] is not None
    }
    return bars(groups, "dB above knowing nothing")
