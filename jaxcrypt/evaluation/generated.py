"""Detectors on generated pictures: those that carry data against plain samples of the same generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from jaxcrypt.attacks import generated, srm, steganalysis
from jaxcrypt.evaluation.pictures import draw
from jaxcrypt.evaluation.report import markdown
from jaxcrypt.evaluation.setting import Setting, progress
from jaxcrypt.evaluation.subject import Subject
from jaxcrypt.pictures.files import read_file

_MESSAGE = 8000  # bytes of one
_STEPS = 1500  # of the network
_TOGETHER = 100  # pictures whose features are computed between two lines of a log
NETWORK, RICH = "a convolutional network", "CRM and SRMQ1 with an ensemble"
LATENTS, CONTROL = "latents, read back", "control: middles of bins, no dither; latents, read back"


def detect(setting: Setting, subject: Subject, held: int, inverted: int) -> dict[str, Any]:
    """How often each detector is right on ``held`` pictures of each class, after learning on half as many
    others; the one that reads latents on ``inverted`` of them."""
    learnt, variables, prior = held // 2, subject.cipher.variables, subject.cipher.system.prior
    classes = {
        "plain": plain_latents(held + learnt, prior.latent, setting.seed),
        "carrying": carrying_latents(setting, subject, held + learnt, dithered=True),
    }
    pictures = {name: prior.generate(variables, z) for name, z in classes.items()}
    rows = {NETWORK: _by_network(*pictures.values(), learnt)}
    if srm.available():
        rows[RICH] = _by_rich_model(*pictures.values(), learnt, setting.seed)
    part = inverted + inverted // 2
    latents = {name: _read(subject, made[:part], name) for name, made in pictures.items()}
    rows[LATENTS] = _by_latents(latents["plain"], latents["carrying"], inverted // 2)
    lattice = carrying_latents(setting, subject, part, dithered=False)
    latents["lattice"] = _read(subject, prior.generate(variables, lattice), "lattice")
    rows[CONTROL] = _by_latents(latents["plain"], latents["lattice"], inverted // 2)
    return {"rows": rows, "learnt": learnt, "whole": {n: generated.whole(z) for n, z in latents.items()}}


def plain_latents(count: int, dimensions: int, seed: int) -> np.ndarray:
    """float32 ``[count, dimensions]``, others than those of any other part of the suite."""
    return np.random.default_rng([seed, 31]).standard_normal((count, dimensions)).astype(np.float32)


def carrying_latents(setting: Setting, subject: Subject, count: int, dithered: bool) -> np.ndarray:
    """float32 ``[count, latent]`` that carry the files of ``--data``, message by message, each under a key of
    its own."""
    carry, made, total = subject.cipher.system.prior.carry, [], 0
    for number, message in enumerate(_messages(setting)):
        key = draw(setting.seed, "message", str(number))[:32]
        made.append(carry(message, key, subject.cipher.options, dithered))
        total += len(made[-1])
        if total >= count:
            break
    return np.concatenate(made)[:count]


def _messages(setting: Setting) -> Iterator[bytes]:
    """The files of ``--data`` one after another, over and over, in pieces."""
    paths, waiting, index = setting.paths(), b"", 0
    while True:
        while len(waiting) < _MESSAGE:
            waiting += read_file(paths[index % len(paths)])
            index += 1
        yield waiting[:_MESSAGE]
        waiting = waiting[_MESSAGE:]


def _by_network(plain: np.ndarray, carrying: np.ndarray, learnt: int) -> dict[str, Any]:
    right = steganalysis.network_accuracy(plain, carrying, learnt, _STEPS)
    return {"right": right, "held": len(plain) - learnt}


def _by_rich_model(plain: np.ndarray, carrying: np.ndarray, learnt: int, seed: int) -> dict[str, Any]:
    both = [_in_parts(lambda part: srm.features(part, grey=True), part, RICH) for part in (plain, carrying)]
    accuracy = srm.detect([part[:learnt] for part in both], [part[learnt:] for part in both], seed)
    return asdict(accuracy) | {"held": len(plain) - learnt}


def _by_latents(plain: np.ndarray, carrying: np.ndarray, learnt: int) -> dict[str, Any]:
    both = plain, carrying
    accuracy = generated.by_latents([part[:learnt] for part in both], [part[learnt:] for part in both])
    return asdict(accuracy) | {"held": len(plain) - learnt}


def _read(subject: Subject, pictures: np.ndarray, name: str) -> np.ndarray:
    """The latents of 8-bit pictures, as whoever has the generator reads them."""

    def read(part: np.ndarray) -> np.ndarray:
        return subject.cipher.system.prior.read(subject.cipher.variables, part).z

    return _in_parts(read, pictures, f"latents of {name} pictures,")


def _in_parts(of: Callable[[np.ndarray], np.ndarray], rows: np.ndarray, verb: str) -> np.ndarray:
    """``of`` a hundred rows at a time, with progress."""
    made: list[np.ndarray] = []
    groups = (
        list(range(start, min(start + _TOGETHER, len(rows)))) for start in range(0, len(rows), _TOGETHER)
    )
    for group in progress(groups, len(rows), verb):
        made.append(of(rows[group[0] : group[-1] + 1]))
    return np.concatenate(made)


def table(facts: Mapping[str, Any]) -> str:
    """Markdown: a row for each detector, and what all latents of a class show together."""
    head = ["detector", "right (chance 50%)", "held out, each class", "p of chance"]
    rows = [
        [name, f"{100 * row['right']:.1f}%", str(row["held"]), f"{row['p']:.2g}" if "p" in row else ""]
        for name, row in facts["rows"].items()
    ]
    shown = [[name, *(f"{p:.2g}" for p in p_values.values())] for name, p_values in facts["whole"].items()]
    tests = ["all latents: p of", "values", "lengths", "dimensions"]
    return "\n\n".join([markdown(head, rows), markdown(tests, shown)])
