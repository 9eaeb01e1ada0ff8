"""Detectors on generated pictures: those that carry data against plain samples of the same generator."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from jaxcrypt.attacks import generated, srm, steganalysis
from jaxcrypt.evaluation.pictures import draw
from jaxcrypt.evaluation.report import markdown
from jaxcrypt.evaluation.setting import Setting, progress
from jaxcrypt.evaluation.subject import Subject
from jaxcrypt.pictures.files import read_file

_log = logging.getLogger("jaxcrypt.evaluate")
_MESSAGE = 8000  # bytes of one
_STEPS, _PAIRS = 3000, 64  # of the network, and of each of its steps
_TOGETHER = 320  # pictures that are read between two lines of a log
NETWORK, RICH = "a convolutional network", "CRM and SRMQ1 with an ensemble"
LATENTS, LATTICE = "latents, read back", "middles of bins, no dither; latents, read back"
CONTROL = "control: "
_MATCHED = "; a random bit in the last place of every sample"
_SHOWN = 5  # the control of the rich models takes a fifth of the pictures


def detect(setting: Setting, subject: Subject, held: int, inverted: int) -> dict[str, Any]:
    """How often each detector is right on ``held`` pictures of each class, after learning on half as many
    others; the one that reads latents on ``inverted`` of them. Beside each the same on what it must find."""
    learnt, variables, prior = held // 2, subject.cipher.variables, subject.cipher.system.prior
    classes = {
        "plain": plain_latents(held + learnt, prior.latent, setting.seed),
        "carrying": carrying_latents(setting, subject, held + learnt, dithered=True),
    }
    plain, carrying = (prior.generate(variables, z) for z in classes.values())
    matched, part = srm.lsb_matched(plain, setting.seed), inverted + inverted // 2
    sets = plain, carrying, matched[: len(matched) // _SHOWN]
    rows: dict[str, Any] = {}
    with _rich_features(sets) if srm.available() else contextlib.nullcontext(None) as rich:
        _add(rows, NETWORK, _by_network(plain, carrying, learnt))
        _add(rows, CONTROL + NETWORK + _MATCHED, _by_network(plain, matched, learnt))
        lattice = prior.generate(variables, carrying_latents(setting, subject, part, dithered=False))
        pictures = {"plain": plain[:part], "carrying": carrying[:part], "lattice": lattice}
        latents = {name: _read(setting, subject, each, name) for name, each in pictures.items()}
        _add(rows, LATENTS, _by_latents(latents["plain"], latents["carrying"], inverted // 2))
        _add(rows, CONTROL + LATTICE, _by_latents(latents["plain"], latents["lattice"], inverted // 2))
        if rich is not None:
            for name, row in _by_rich_model(*rich(), learnt, setting.seed):
                _add(rows, name, row)
    return {"rows": rows, "learnt": learnt, "whole": {n: generated.whole(z) for n, z in latents.items()}}


def _add(rows: dict[str, Any], name: str, row: dict[str, Any]) -> None:
    """Log a row besides: what follows takes minutes."""
    rows[name] = row
    _log.info("%s: %.2f%% of %d of each class right", name, 100 * row["right"], row["held"])


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
    right = steganalysis.network_accuracy(plain, carrying, learnt, _STEPS, _PAIRS)
    return {"right": right, "held": len(plain) - learnt}


@contextlib.contextmanager
def _rich_features(sets: Sequence[np.ndarray]) -> Iterator[Callable[[], list[np.ndarray]]]:
    """Features of every set, computed beside whatever is done meanwhile."""
    with srm.Extraction(grey=True) as extraction:
        waiting = [extraction.start(pictures) for pictures in sets]
        yield lambda: [wait() for wait in waiting]


def _by_rich_model(
    plain: np.ndarray, carrying: np.ndarray, matched: np.ndarray, learnt: int, seed: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    few = len(matched) // 3
    tried = {
        RICH: (plain, carrying, learnt),
        CONTROL + RICH + _MATCHED: (plain[: len(matched)], matched, few),
    }
    for name, (one, other, first) in tried.items():
        both = one, other
        accuracy = srm.detect([part[:first] for part in both], [part[first:] for part in both], seed)
        yield name, asdict(accuracy) | {"held": len(one) - first}


def _by_latents(plain: np.ndarray, carrying: np.ndarray, learnt: int) -> dict[str, Any]:
    both = plain, carrying
    accuracy = generated.by_latents([part[:learnt] for part in both], [part[learnt:] for part in both])
    return asdict(accuracy) | {"held": len(plain) - learnt}


def _read(setting: Setting, subject: Subject, pictures: np.ndarray, name: str) -> np.ndarray:
    """The latents of 8-bit pictures, as whoever has the generator reads them."""
    read, made = subject.cipher.system.prior.read, []
    starts = range(0, len(pictures), _TOGETHER)
    groups = (list(range(len(pictures)))[start : start + _TOGETHER] for start in starts)
    for group in progress(groups, len(pictures), f"latents of {name} pictures,"):
        made.append(read(subject.cipher.variables, pictures[group], batch=setting.own["batch"]).z)
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
