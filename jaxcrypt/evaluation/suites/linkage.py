"""Which photo belongs to which cipher picture, of Systems and of ablations without keyed mixing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from jaxcrypt.attacks import linkage
from jaxcrypt.attacks.significance import MIN_PICTURES
from jaxcrypt.errors import Refusal
from jaxcrypt.evaluation.pictures import draw
from jaxcrypt.evaluation.plots import bars
from jaxcrypt.evaluation.report import Result, markdown, number
from jaxcrypt.evaluation.setting import Setting, progress, title

ABLATIONS = {
    "diffusion with white noise, no mixing": linkage.white_noise,
    "diffusion with a natural key image as noise, no mixing": linkage.natural_key,
    "sign flips of coefficients": linkage.sign_flips,
}


def run(setting: Setting) -> Result:
    """Encrypt every picture under a key of its own, and try to tell which is which."""
    named = setting.colour_pictures()
    if len(named) < MIN_PICTURES:
        raise Refusal(f"--data: {len(named)} pictures; telling which is whose wants at least {MIN_PICTURES}")
    photos = np.stack([picture.pixels for picture in named])
    keys = [draw(setting.seed, "key", picture.name) for picture in named]
    linked = {}
    for (subject,) in progress(([one] for one in setting.subjects()), len(setting.systems), "encrypted"):
        sealed = subject.encrypt(list(photos), keys)
        linked[subject.label] = linkage.links(np.stack([one.pixels for one in sealed]), photos, setting.seed)
    for name, encrypt in ABLATIONS.items():
        linked[name] = linkage.links(encrypt(photos, setting.seed), photos, setting.seed)
    values = {name: {way: asdict(link) for way, link in row.items()} for name, row in linked.items()}
    facts = {"pictures": len(photos), "names": [picture.name for picture in named], "values": values}
    return Result(facts, plot(facts))


def table(facts: Mapping[str, Any]) -> str:
    """Of every cipher and comparison: photos found among all, and how likely chance is to give as much."""
    ways = list(dict.fromkeys(way for row in facts["values"].values() for way in row))
    rows = [[name, *(_cell(row.get(way)) for way in ways)] for name, row in facts["values"].items()]
    chance = 100 / facts["pictures"]
    head = title(facts, [f"share of ciphers whose own photo is the nearest (chance {chance:.1f}%), and p"])
    return f"{head}\n\n" + markdown(["cipher", *ways], rows)


def _cell(link: Mapping[str, Any] | None) -> str:
    """Empty where a cipher picture has another shape than the photo: nothing to compare block by block."""
    if link is None:
        return ""
    return f"{100 * number(link['share']):.0f}%, p {number(link['p']):.1g}"


def plot(facts: Mapping[str, Any]) -> bytes:
    """Bars of the photos that were found."""
    groups = {
        name: {way: 100 * number(link["share"]) for way, link in row.items()}
        for name, row in facts["values"].items()
    }
    return bars(groups, "photos found, %")
