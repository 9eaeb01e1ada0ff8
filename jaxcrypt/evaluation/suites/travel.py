"""Pictures through messengers: of how many header and file come back after each way, and what else does.

Every picture, as a JPEG of quality 90 with 4:2:0 chroma, is sealed so that it survives, alone into pixels
(``robust=exact``) or as a System's picture (``robust=1``, or what ``--option`` says), with the file beside it
where ``--way`` says which JPEG it is to outlive. It goes each of the ways; key and received file alone then
open it. *Found* counts headers that were found whole and opened, *exact* files that came back byte for byte;
the rest is what the pixels give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jaxcrypt.evaluation.plots import bars
from jaxcrypt.evaluation.report import Result, markdown, numbers
from jaxcrypt.evaluation.setting import Setting, progress
from jaxcrypt.evaluation.travelled import Sending, send_all
from jaxcrypt.sealing.carriers import EXACT, ROBUST, SURVIVES
from jaxcrypt.systems import catalog

_WAY = 75
_LEAST = "1"  # of the robust forms that a System's pictures have


def run(setting: Setting) -> Result:
    """All pictures through all ways."""
    sending, paths = _sending(setting), setting.paths()
    sending.ways()  # what --only leaves out is refused before any work
    sent = send_all(sending, paths, setting.own.get("jobs") or 1, setting.own.get("device") or "auto")
    told = [one for (one,) in progress(([one] for one in sent), len(paths), "sent")]
    told.sort(key=lambda one: one["name"])
    facts: dict[str, Any] = {"headers": sending.headers, "how": dict(sending.how)}
    facts |= {"refused": {one["name"]: one["refused"] for one in told if "refused" in one}}
    told = [one for one in told if "refused" not in one]
    facts |= {"pictures": len(told), "times": {one["name"]: one["times"] for one in told}}
    facts |= {part: _rows(told, part) for part in ("ways", "scrambled")}
    found = {name: {"found": len(told) - len(row["missed"])} for name, row in facts["ways"].items()}
    return Result(facts, bars(found, "headers found and opened"))


def _sending(setting: Setting) -> Sending:
    (system,), own = setting.systems, setting.own
    options: dict[str, Any] = dict(text.split("=", 1) for text in setting.options)
    alone = any(EXACT in option.choices for option in catalog.entry(system).travel)
    options = {ROBUST: EXACT if alone else _LEAST, **options}
    quality = own.get("way") or (_WAY if alone else 0)
    how = {"system": system, "options": options | ({SURVIVES: quality} if quality else {})}
    how |= {name: own.get(name) for name in ("pixels", "inner_quality")}
    return Sending(
        how=how,
        quality=quality or _WAY,
        only=tuple(own.get("only") or ()),
        headers=bool(own.get("headers")),
        scrambled=bool(own.get("scrambled")),
        crop=setting.crop,
        seed=setting.seed,
    )


def _rows(told: Sequence[Mapping[str, Any]], part: str) -> dict[str, dict[str, Any]]:
    """Of each way: whose header was missed, whose file was not exact, PSNR of what came back, mean bits."""
    rows: dict[str, dict[str, Any]] = {}
    told = [one for one in told if part in one]
    for name in told[0][part] if told else ():
        each = {one["name"]: one[part][name] for one in told if name in one[part]}
        rows[name] = {
            "missed": [who for who, one in each.items() if not one.get("found")],
            "inexact": [who for who, one in each.items() if not one.get("exact")],
            "psnr": [one["psnr"] for one in each.values() if one["psnr"] is not None],
            "bits": float(np.mean([one["bits"] for one in each.values()])),
        }
    return rows


def table(facts: Mapping[str, Any]) -> str:
    """Counts of each way as Markdown."""
    count, rows = len(facts["times"]), facts["ways"]
    parts = [_title(facts)]
    if facts["headers"]:
        parts.append(_by_encoder(rows, count))
    else:
        head = ["way", "header found and opened", "exact file", "PSNR else, mean and least"]
        head.append("bits on the way, a pixel of the photo")
        parts.append(markdown(head, (_row(name, row, count) for name, row in rows.items())))
    if facts["scrambled"]:
        words = [
            [name, _quality(row["psnr"]), f"{row['bits']:.1f}"] for name, row in facts["scrambled"].items()
        ]
        parts += ["Block scrambling:", markdown(["way", "PSNR, mean and least", "bits a pixel"], words)]
    return "\n\n".join(parts)


def _title(facts: Mapping[str, Any]) -> str:
    how, times = facts["how"], list(facts["times"].values())
    label = " ".join([how["system"], *(f"{name}={value}" for name, value in how["options"].items())])
    told = f"{label}: {len(times)} pictures"
    if times:
        told += f", {min(times):.2f} to {max(times):.2f} times the photo's pixels, mean {np.mean(times):.2f}"
        within = {limit: sum(one <= limit for one in times) for limit in (1.3, 1.6, 1.8)}
        told += "; " + ", ".join(f"{count} within {limit}" for limit, count in within.items())
    refused = len(facts["refused"])
    return told + (f"; {refused} refused" if refused else "")


def _row(name: str, row: Mapping[str, Any], count: int) -> list[str]:
    found, exact = count - len(row["missed"]), count - len(row["inexact"])
    return [name, f"{found}/{count}", f"{exact}/{count}", _quality(row["psnr"]), f"{row['bits']:.1f}"]


def _quality(values: Sequence[Any]) -> str:
    """Of what did not come back exactly, mean and least."""
    left = numbers(values)
    left = left[np.isfinite(left)]
    return f"{np.mean(left):.1f}, {np.min(left):.1f}" if len(left) else ""


def _by_encoder(rows: Mapping[str, Mapping[str, Any]], count: int) -> str:
    """A row for each quality and chroma, a column for each encoder; then the other ways."""
    found = {name: f"{count - len(row['missed'])}/{count}" for name, row in rows.items()}
    jpegs = {tuple(name.removeprefix("JPEG ").split(", ")): found[name] for name in rows if _is_jpeg(name)}
    encoders = list(dict.fromkeys(encoder for _, _, encoder in jpegs))
    lines = list(dict.fromkeys((step, chroma) for step, chroma, _ in jpegs))
    cells = [
        [f"JPEG {step}, {chroma}", *(jpegs.get((step, chroma, one), "") for one in encoders)]
        for step, chroma in lines
    ]
    parts = [markdown(["header found and opened", *encoders], cells)] if cells else []
    others = [[name, found[name]] for name in rows if not _is_jpeg(name)]
    return "\n\n".join([*parts, markdown(["way", "header found and opened"], others)] if others else parts)


def _is_jpeg(name: str) -> bool:
    return name.startswith("JPEG ") and name.count(", ") == 2
