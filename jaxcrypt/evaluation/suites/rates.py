"""Quality at equal bytes: all, a half and a quarter of a picture's, beside what needs no net.

Every picture, as RGB, is encrypted under a key of its own, the cipher goes through an 8-bit PNG, and what
decryption gives is compared with the picture. No row but those of the plain mixing (its pilots) may spend
more bytes than the rate allows, cipher and the bytes beside it in the header together. A few numbers for the
whole picture (mean and spread) are not counted; of sealed codecs the whole file and the bytes of
authenticated encryption are. Sealed codecs survive no damage.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from jaxcrypt.evaluation.imagecodecs import Made, sealed_avif, sealed_jpeg2000
from jaxcrypt.evaluation.pictures import Named
from jaxcrypt.evaluation.plots import curves
from jaxcrypt.evaluation.report import Result, markdown, numbers
from jaxcrypt.evaluation.setting import Setting, digests, progress, title
from jaxcrypt.evaluation.subject import Subject, through_png
from jaxcrypt.metrics.image import mean, psnr, ssim
from jaxcrypt.systems import catalog

RATES = (1, 2, 4)
OPTION = "rate"
_SEED = 5
_VALUES = ("psnr", "ssim", "share")
Row = Mapping[int, Callable[[np.ndarray, bytes], Made]]  # by rate: (picture, key) -> what came back


def run(setting: Setting) -> Result:
    """Every picture at every rate, by every System, what is declared beside it, and sealed codecs."""
    rows: dict[str, Row] = {}
    pictures = setting.colour_pictures()
    subjects = setting.subjects()
    for subject in subjects:
        rows |= subject_rows(subject, pictures[0].pixels)
    rows |= codec_rows()
    values = measure(pictures, rows, setting.seed)
    facts = {"pictures": len(pictures), "names": [picture.name for picture in pictures], "values": values}
    facts["digests"] = digests(subjects)
    facts["systems"] = [name for name in rows if name in setting.systems]
    return Result(facts, plot(facts))


def subject_rows(subject: Subject, example: np.ndarray) -> dict[str, Row]:
    """The System's own row, and those that its catalog entry names: with other weights, and without nets."""
    entry = catalog.entry(subject.name)
    rows = {subject.name: _row(subject, example)}
    if entry.yardsticks:
        module = importlib.import_module(entry.yardsticks)
        for words, variables in module.ablations(subject.cipher.variables).items():
            other = replace(subject, cipher=replace(subject.cipher, variables=variables))
            rows[f"{subject.name}, {words}"] = _row(other, example)
        rows |= module.rows(subject.cipher.variables)
    return rows


def _row(subject: Subject, example: np.ndarray) -> Row:
    declared = {option.name: option for option in catalog.entry(subject.name).options}
    if OPTION in declared and OPTION not in subject.chosen:
        by_rate = {declared[OPTION].parse(one.chosen[OPTION]): one for one in subject.varied(OPTION)}
        return {rate: functools.partial(_both, one) for rate, one in by_rate.items()}
    spent = _both(subject, example, bytes(32)).bytes
    nearest = min(RATES, key=lambda rate: abs(example.nbytes / spent - rate))
    return {nearest: functools.partial(_both, subject)}


def _both(subject: Subject, picture: np.ndarray, key: bytes) -> Made:
    """There and back, through an 8-bit PNG."""
    (sealed,) = subject.encrypt([picture], [key])
    received = through_png(sealed)
    # Bytes beside the cipher are a part of the code; the few other numbers are not.
    spent = sealed.pixels.nbytes + sum(a.nbytes for a in sealed.side.values() if a.dtype == np.uint8)
    return Made(subject.decrypted([received], [key], picture.shape)[0], spent)


def codec_rows() -> dict[str, Row]:
    """Image codecs under authenticated encryption."""

    def at_all_rates(make: Callable[[np.ndarray, int], Made]) -> Row:
        return {rate: lambda picture, key, rate=rate: make(picture, rate) for rate in RATES}

    return {
        "AVIF 4:4:4, sealed": at_all_rates(functools.partial(sealed_avif, subsamplings=("4:4:4",))),
        "AVIF, sealed": at_all_rates(sealed_avif),
        "JPEG 2000, sealed": at_all_rates(sealed_jpeg2000),
    }


@jax.jit
def _ssim(image, reference):
    return ssim(image[None], reference[None], 255)[0]


def measure(pictures: Sequence[Named], rows: Mapping[str, Row], seed: int = 0) -> dict[str, dict[int, Any]]:
    """``{row: {rate: {"psnr": […], "ssim": […], "share": […]}}}``, a value for each picture; ``share`` is
    what was spent of the bytes that the rate allows."""
    values = {name: {rate: {v: [] for v in _VALUES} for rate in row} for name, row in rows.items()}
    for number, (picture,) in enumerate(progress(([one] for one in pictures), len(pictures), "measured")):
        key, pixels = np.random.default_rng((_SEED, number, seed)).bytes(32), picture.pixels
        for name, row in rows.items():
            for rate, make in row.items():
                made = make(pixels, key)
                kept = values[name][rate]
                kept["psnr"].append(float(psnr(made.picture, pixels)))
                kept["ssim"].append(float(_ssim(made.picture, pixels)))
                kept["share"].append(made.bytes * rate / pixels.nbytes)
    return values


def table(facts: Mapping[str, Any]) -> str:
    """Mean (lowest) PSNR and mean SSIM as Markdown, and where a sealed codec is better than a System."""
    values = {name: {int(r): v for r, v in row.items()} for name, row in facts["values"].items()}
    rows = []
    for name, by_rate in values.items():
        cells = [_cell(by_rate[rate]) if rate in by_rate else "" for rate in RATES]
        spent = max(max(kept["share"]) for kept in by_rate.values())
        rows.append([name, *cells, f"{100 * spent:.2f}%"])
    head = ["", *(f"{_share(rate)} of the bytes" for rate in RATES), "of them spent"]
    heading = title(facts, ["mean (lowest) PSNR in dB, mean SSIM"])
    better = [line for name in facts["systems"] for line in codecs_better(name, values)]
    exact = "1 of the bytes: authenticated encryption of the pixels themselves is exact, 28 bytes longer."
    return "\n\n".join([heading, markdown(head, rows), "\n".join([exact, *better])])


def _share(rate: int) -> str:
    return "1" if rate == 1 else f"1/{rate}"


def _cell(kept: Mapping[str, Any]) -> str:
    return f"{mean(numbers(kept['psnr'])).words}, {np.mean(kept['ssim']):.4f}"


def codecs_better(system: str, values: Mapping[str, Mapping[int, Any]]) -> list[str]:
    """Where a sealed codec is better than the System, in sentences."""
    lines = []
    for rate, kept in values[system].items():
        ours = numbers(kept["psnr"])
        for name in ("AVIF, sealed", "JPEG 2000, sealed"):
            theirs = numbers(values[name][rate]["psnr"])
            exact, better = np.sum(np.isinf(theirs)), np.sum(theirs > ours)
            words = f"{_share(rate)} of the bytes: {name}: better than {system} for {better} of {len(ours)}"
            gain = "" if np.isinf(ours).any() or exact else f", {np.mean(theirs - ours):+.2f} dB"
            lines.append(words + (f", exact for {exact}." if exact else f"{gain}."))
    return lines


def plot(facts: Mapping[str, Any]) -> bytes:
    """Mean PSNR over the share of the bytes."""
    lines = {}
    for name, row in facts["values"].items():
        rates = sorted(int(rate) for rate in row)
        by_rate = {int(rate): kept for rate, kept in row.items()}
        lines[name] = ([1 / rate for rate in rates], [mean(numbers(by_rate[r]["psnr"])).psnr for r in rates])
    return curves(lines, "share of the picture's bytes", "PSNR, dB")
