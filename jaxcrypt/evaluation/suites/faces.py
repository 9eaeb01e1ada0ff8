"""Pictures drawn from a prior: what they carry, whether that shows, how varied they are, FID and KID.

Latents follow from the seed alone, so pictures that another machine made of them
(``python -m jaxcrypt.generate --count N --seed S``, named with ``--made``) are read here as that machine's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.evaluation import decodings, generated
from jaxcrypt.evaluation.features import inception_features
from jaxcrypt.evaluation.pictures import load_colour
from jaxcrypt.evaluation.report import Result, markdown
from jaxcrypt.evaluation.setting import Setting
from jaxcrypt.evaluation.subject import Subject
from jaxcrypt.metrics import fid, latents
from jaxcrypt.pictures import damages
from jaxcrypt.pictures.files import encode_png, load_picture
from jaxcrypt.pictures.sheets import cells, sheet

# What a sheet goes through, and the share of wrong symbols at which its bits are counted.
WAYS = {"none": 1e-3, "jpeg444=90": 1e-2, "jpeg=75": 1e-2, "jpeg=50": 1e-2}
_COLUMNS = 10
_PAIRS = 5000


def run(setting: Setting) -> Result:
    """Draw pictures, read their latents back, compare them with ``--data``."""
    (subject,) = setting.subjects()
    prior = subject.cipher.system.prior
    if prior is None:
        raise usage(f"--system {subject.name}: generates no pictures")
    own, variables = setting.own, subject.cipher.variables
    if own["made"] and own["count"] and own["decodings"]:
        raise usage("--made: is of --count or of --decodings; leave one of them at 0")
    z = drawn(own["count"], prior.latent, setting.seed)
    given = own["made"] if own["count"] else None
    made = _given(given, own["count"]) if given else prior.generate(variables, z)
    facts: dict[str, Any] = {"system": subject.label, "weights": setting.weights or subject.name}
    facts |= {"count": own["count"], "made": own["made"]}
    ways = (own["way"] or WAYS) if own["count"] else ()
    facts["read"] = {way: read(subject, made, z, way, own["batch"]) for way in ways}
    if len(made) > 1:
        facts["spread"] = spread(setting, made)
    if own["decodings"] and own["keep"]:
        facts["kept"] = keep(setting, subject)
    elif own["decodings"]:
        facts["decoded"] = decode(setting, subject)
    if own["detectors"]:
        inverted = min(own["inverted"] or own["detectors"], own["detectors"])
        facts["detected"] = generated.detect(setting, subject, own["detectors"], inverted)
    if own["fid"]:
        facts |= compare(setting, subject)
    shown = made[: _COLUMNS**2] if len(made) else prior.generate(variables, drawn(100, prior.latent, 0))
    return Result(facts, encode_png(sheet(shown, _COLUMNS)))


def decode(setting: Setting, subject: Subject) -> dict[str, Any]:
    """How many messages come back of the pictures that ``--made`` names, or that are made here."""
    own, seed = setting.own, setting.seed
    numbers = range(own["first"], own["first"] + own["decodings"])
    if own["made"]:
        size = decodings.each(subject)
        pictures = _given(own["made"], numbers.stop * size)[numbers.start * size :]
    else:
        pictures = decodings.made(subject, numbers, seed)
    return decodings.found(subject, pictures, numbers, seed, own["batch"])


def keep(setting: Setting, subject: Subject) -> dict[str, Any]:
    """Leave the pictures of the messages in a sheet that another machine reads."""
    own = setting.own
    pictures = decodings.made(subject, range(own["decodings"]), setting.seed)
    Path(own["keep"]).write_bytes(encode_png(sheet(pictures)))
    return {"messages": own["decodings"], "pictures": len(pictures)}


def drawn(count: int, dimensions: int, seed: int) -> np.ndarray:
    """The latents of ``python -m jaxcrypt.generate --seed``: float32 ``[count, dimensions]``."""
    return np.random.default_rng(seed).standard_normal((count, dimensions)).astype(np.float32)


def _given(path: str, count: int) -> np.ndarray:
    pictures = cells(load_picture(path).pixels, 64)
    if len(pictures) < count:
        raise Refusal(f"--made {path}: holds {len(pictures)} pictures; --count {count}")
    return pictures[:count]


def read(subject: Subject, made: np.ndarray, z: np.ndarray, way: str, batch: int) -> dict[str, Any]:
    """What is read of pictures uint8 ``[N, H, W, 3]`` whose sheets of 100 went through a damage."""
    damage, rng, arrived = damages.parse(way), np.random.default_rng(0), []
    for start in range(0, len(made), _COLUMNS**2):
        part = made[start : start + _COLUMNS**2]
        arrived.append(cells(damage(sheet(part, _COLUMNS), rng).pixels, part.shape[1])[: len(part)])
    start = time.perf_counter()
    reading = subject.cipher.system.prior.read(subject.cipher.variables, np.concatenate(arrived), batch=batch)
    seconds = time.perf_counter() - start
    wrong, share = latents.errors(z, reading.z), WAYS.get(way, 1e-2)
    bits, at = latents.uniform(wrong, share)
    error = np.sqrt(np.mean((reading.z - z) ** 2, axis=1))
    return {
        "words": damage.words,
        "share": share,
        "bits": bits,
        "wrong": at,
        "allotted": latents.allotted(wrong, share),
        "by_bits": wrong.mean(1).tolist(),
        "error": float(np.median(error)),
        "astray": int(np.sum(error > 0.3)),
        "sigma": float(np.sqrt(np.mean(reading.sigma**2))),
        "seconds_a_picture": seconds / len(made),
    }


def compare(setting: Setting, subject: Subject) -> dict[str, Any]:
    """FID and KID of as many generated pictures as ``--fid`` says against those of ``--data``."""
    count, prior = setting.own["fid"], subject.cipher.system.prior
    real, made = _real(setting, count), []
    for z in np.array_split(drawn(count, prior.latent, setting.seed + 1), -(-count // 1000)):
        made.append(prior.generate(subject.cipher.variables, z))
    sets = {"real": real, "generated": np.concatenate(made)}
    features, digest = inception_features(sets, setting.own["inception"])
    distances = fid.distance(features["generated"], features["real"])
    counts = {name: len(pictures) for name, pictures in sets.items()}
    return {**distances._asdict(), **counts, "inception": digest}


def _real(setting: Setting, count: int) -> np.ndarray:
    """The first pictures of ``--data``: uint8 ``[N, H, W, 3]``."""
    real = [picture.pixels for picture in load_colour(setting.paths()[:count], setting.crop)]
    if len({picture.shape for picture in real}) > 1:
        raise Refusal("--data: pictures of several sizes")
    return np.stack(real)


def spread(setting: Setting, made: np.ndarray) -> dict[str, list[float]]:
    """How far apart pairs of generated pictures are, and pairs of as many real ones: a collapsed generator
    has many that are near each other. The smallest thousandth, the smallest hundredth, the median. Real ones
    of other sizes say nothing of that, and are left out."""
    real = [picture.pixels for picture in load_colour(setting.paths()[: len(made)], setting.crop)]
    sets = {"real": np.stack(real)} if {one.shape for one in real} == {made.shape[1:]} else {}
    sets["generated"] = made
    levels = {name: latents.spread(pictures, _PAIRS, 0) for name, pictures in sets.items()}
    return {name: np.quantile(each, [0.001, 0.01, 0.5]).tolist() for name, each in levels.items()}


def table(facts: Mapping[str, Any]) -> str:
    """Markdown: a row for each way, and what the sets differ by."""
    lines = [
        f"{facts['system']} ({facts['weights']}): {facts['count']} pictures, seed {facts['setting']['seed']}"
    ]
    if facts["read"]:
        head = [
            "after",
            "bits a picture",
            "wrong symbols",
            "each latent its own",
            "error of z",
            "s a picture",
        ]
        rows = [_row(row) for row in facts["read"].values()]
        lines += ["", markdown(head, rows)]
    if "decoded" in facts:
        lines += ["", decodings.table(facts["decoded"])]
    if "detected" in facts:
        lines += ["", generated.table(facts["detected"])]
    rows = []
    if "fid" in facts:
        rows.append(
            [f"FID, {facts['generated']} generated against {facts['real']} real", f"{facts['fid']:.2f}"]
        )
        rows.append(["KID", f"{facts['kid']:.4f} ± {facts['kid_error']:.4f}"])
    for name, (least, low, middle) in facts.get("spread", {}).items():
        told = f"{least:.1f}, {low:.1f}, {middle:.1f} levels rms"
        rows.append([f"pairs of {name}: 0.1%, 1%, median", told])
    if rows:
        lines += ["", markdown(["the sets", ""], rows)]
    return "\n".join(lines)


def _row(row: Mapping[str, Any]) -> list[str]:
    bits = f"{row['bits']} (at most {100 * row['share']:g}%)"
    error = f"{row['error']:.4f}, {row['astray']} astray"
    seconds = f"{row['seconds_a_picture']:.2f}"
    return [row["words"], bits, f"{100 * row['wrong']:.3f}%", str(row["allotted"]), error, seconds]
