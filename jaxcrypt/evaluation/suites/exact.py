"""Pixels of a lossy System made exact by what travels beside them: whether they are, and what that costs.

Every picture is sealed as ``encrypt --pixels-only --exact`` does, and opened from the sealed file's bytes.
All bytes of that file count: PNG, header, what travels beside.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.crypto.sources import Kind, Source, encode_key_file
from jaxcrypt.evaluation.pictures import draw
from jaxcrypt.evaluation.plots import bars
from jaxcrypt.evaluation.report import Result, markdown
from jaxcrypt.evaluation.setting import Setting, digests, progress, title
from jaxcrypt.pictures.files import encode_png
from jaxcrypt.sealing import residual
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.seal import Sealer
from jaxcrypt.sealing.unseal import Opener

_COSTS = {
    "differing": "samples that the System alone leaves wrong",
    "residual": "bytes that mend them, of the samples'",
    "bytes": "the whole sealed file, of the samples' bytes",
}
_VALUES = (*_COSTS, "exact")


def run(setting: Setting) -> Result:
    """Every picture, there and back."""
    (subject,) = setting.subjects()
    keys = Keys(key_file=encode_key_file(Source(Kind.KEY_FILE, draw(setting.seed, "key file", ""))).encode())
    how = {"weights": setting.weights, "options": subject.chosen, "pixels_only": True}
    sealer, opener = Sealer(keys, subject.name, exact=True, **how), Opener(keys)
    pictures = setting.colour_pictures()
    values: dict[str, list[float]] = {name: [] for name in _VALUES}
    for (picture,) in progress(([one] for one in pictures), len(pictures), "measured"):
        for name, value in _one(sealer, opener, picture.pixels).items():
            values[name].append(value)
    facts = {"pictures": len(pictures), "system": subject.label, "values": values}
    facts["digests"] = digests([subject])
    return Result(facts, plot(facts))


def _one(sealer: Sealer, opener: Opener, pixels: np.ndarray) -> dict[str, float]:
    """Bytes of the sealed file and of the residual in it, of the samples' bytes; the share of samples that
    the System alone leaves wrong; whether all are right in the end."""
    (picture,) = sealer.seal([sealer.read(encode_png(pixels), "picture.png")])
    file = io.BytesIO()
    picture.write(file)
    begun = opener.begin(file.getvalue())
    beside = begun.opened.side["residual"]
    opened = begun.finish()
    return {
        "bytes": file.tell() / pixels.size,
        "residual": beside.size / pixels.size,
        "differing": residual.differing(beside.tobytes()) / pixels.size,
        "exact": float(opened.exact and np.array_equal(opened.pictures[0], pixels)),
    }


def table(facts: Mapping[str, Any]) -> str:
    """Means and extremes as Markdown."""
    values, told = _shares(facts), f"Exact in the end: {_exact(facts)}."
    rows = [
        [words, *(f"{100 * stat(values[name]):.2f}%" for stat in (np.mean, np.min, np.max))]
        for name, words in _COSTS.items()
    ]
    return "\n\n".join([title(facts, [facts["system"]]), markdown(["", "mean", "least", "most"], rows), told])


def beside(results: Sequence[Mapping[str, Any]]) -> str:
    """Several results as one table: a row for each, of means, least and most."""
    rows = []
    for facts in results:
        values, crop = _shares(facts), facts["setting"]["crop"]
        data = ", ".join(Path(folder).name for folder in facts["setting"]["data"])
        own = [values[name] for name in _COSTS]
        cells = [f"{100 * v.mean():.2f}% ({100 * v.min():.2f} to {100 * v.max():.2f})" for v in own]
        rows.append(
            [facts["system"], f"{data}, {f'{crop}×{crop}' if crop else 'whole'}", *cells, _exact(facts)]
        )
    return markdown(["", "centres of", *_COSTS.values(), "exact in the end"], rows)


def _shares(facts: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.array(kept, float) for name, kept in facts["values"].items()}


def _exact(facts: Mapping[str, Any]) -> str:
    return f"{int(_shares(facts)['exact'].sum())} of {facts['pictures']}"


def plot(facts: Mapping[str, Any]) -> bytes:
    """Bars of what each picture costs beside its cipher."""
    kept = facts["values"]
    groups = {str(n): {"residual": 100 * r} for n, r in enumerate(kept["residual"], 1)}
    return bars(groups, "residual, % of the samples' bytes")
