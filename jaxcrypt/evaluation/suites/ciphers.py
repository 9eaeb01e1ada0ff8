"""What comes back, and what cipher pictures show: each statistic against what chance gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from jaxcrypt.evaluation import randomness
from jaxcrypt.evaluation.measured import LIKENESS, WITHOUT_KEY, Example, Measured, measure
from jaxcrypt.evaluation.pictures import batches
from jaxcrypt.evaluation.report import Result, markdown, number, plain
from jaxcrypt.evaluation.setting import Setting, digests, progress, title
from jaxcrypt.evaluation.sheet import draw_sheet
from jaxcrypt.evaluation.subject import Subject
from jaxcrypt.metrics import chance, sp800_22
from jaxcrypt.metrics.image import mean

STATISTICS = {
    "chi_square": "histogram chi-square",
    "entropy": "entropy, bits a sample",
    "horizontal": "neighbours, horizontal",
    "vertical": "neighbours, vertical",
    "diagonal": "neighbours, diagonal",
    "block": "8×8 block means with the photo",
    "nonce_npcr": "NPCR, random bytes fixed",
    "nonce_uaci": "UACI, random bytes fixed",
    "subkey_npcr": "NPCR, one subkey (diffusion)",
    "subkey_uaci": "UACI, one subkey (diffusion)",
    "key_npcr": "NPCR, one key bit flipped",
    "key_uaci": "UACI, one key bit flipped",
    "wrong_correlation": "wrong key's picture with the photo",
    "flipped_correlation": "one key bit's picture with the photo",
    "wrong_block": "wrong key's block means",
    "flipped_block": "one key bit's block means",
}
_WORDS = {
    "right": "right key",
    "wrong": "wrong key",
    "flipped": "one key bit flipped",
    "side": "random pixels, true side information",
}
_ROWS_ON_SHEET = 3


def run(setting: Setting) -> Result:
    """Measure one System on every picture.

    Raises:
      Refusal: a picture that cannot be read, is smaller than the crop, or has channels the System refuses.
    """
    (subject,) = setting.subjects()
    paths = setting.paths()
    step = max(1, len(paths) // _ROWS_ON_SHEET)
    shown = {path.name for path in paths[::step][:_ROWS_ON_SHEET]}
    rows: list[Measured] = []
    examples: list[Example] = []
    for batch in progress(batches(paths, setting.crop), len(paths), "measured"):
        for picture in batch:
            subject.check(picture)
        more, sheet = measure(subject, batch, shown)
        rows, examples = rows + more, examples + sheet
    facts = {"pictures": len(rows), "system": subject.label, "digests": digests([subject])}
    facts["summary"] = summarise(rows)
    if setting.own.get("nist"):
        facts["sp800_22"] = _test_bits(subject, paths, setting.crop)
    heading = title({"setting": setting.facts(), "pictures": len(rows)}, [subject.label])
    return Result(facts | {"rows": [vars(row) for row in rows]}, draw_sheet(heading, examples))


def _test_bits(subject: Subject, paths: Sequence, crop: int | None) -> dict[str, Any]:
    """SP 800-22 on cipher bytes, as :mod:`~jaxcrypt.evaluation.randomness` draws them."""
    chosen = [picture for batch in batches(paths[: randomness.PICTURES], crop) for picture in batch]
    names, results = [], []
    sequences = ([sequence] for sequence in randomness.sequences(subject, chosen))
    for [(name, bits)] in progress(sequences, randomness.SEQUENCES, "SP 800-22:"):
        names.append(name)
        results.append(sp800_22.run_all(bits))
    tests = sp800_22.proportions(results)
    proportions = {name: {**vars(p), "needed": p.needed, "enough": p.enough} for name, p in tests.items()}
    return {"sequences": names, "p_values": results, "proportions": proportions}


def summarise(rows: Sequence[Measured]) -> dict[str, Any]:
    """Means over pictures; every statistic's count outside chance with its binomial probability.

    PSNR is averaged over the pictures that did not come back exactly: ``exact`` counts the others.
    """
    values = {key: np.array([row.values[key] for row in rows]) for key in rows[0].values}
    quality: dict[str, Any] = {
        "exact": int(values["exact"].sum()),
        "flat_psnr": mean(values["flat_psnr"]).psnr,
    }
    for key in LIKENESS:
        psnr = values[f"{key}_psnr"]
        quality[key] = {"psnr": mean(psnr).psnr, "ssim": _mean(values[f"{key}_ssim"])}
        quality[key] |= {"psnr_min": mean(psnr).lowest, "psnr_max": float(np.max(psnr))}
        quality[key]["above_flat"] = int(np.sum(psnr > values["flat_psnr"]))
    for key in WITHOUT_KEY:
        closer = chance.sign_test(values[f"{key}_correlation"] - values["side_correlation"])
        quality[key]["closer_than_side"] = asdict(closer) | {"by_chance": closer.by_chance}
    tests = {}
    for key in (name for name in STATISTICS if name in rows[0].p):
        pooled = chance.pool([row.p[key] for row in rows])
        low, high = (_mean(np.array([row.intervals[key][side] for row in rows])) for side in (0, 1))
        facts = {"mean": _mean(values[key]), "low": low, "high": high, "extreme": _farthest(values[key])}
        tests[key] = facts | asdict(pooled) | {"by_chance": pooled.by_chance}
    photos = {name: _mean(values[f"plain_{name}"]) for name in ("horizontal", "vertical", "diagonal")}
    return {"quality": quality, "statistics": tests, "plain_neighbours": photos}


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _farthest(values: np.ndarray) -> float:
    """The value farthest from the mean of all."""
    finite = values[np.isfinite(values)]
    return float(finite[np.argmax(np.abs(finite - finite.mean()))]) if len(finite) else float("nan")


def table(facts: Mapping[str, Any]) -> str:
    """What :func:`run` found as Markdown."""
    summary = plain(facts["summary"])
    parts = [title(facts, [facts["system"]]), _quality(summary["quality"], facts["pictures"])]
    parts += [_closer(summary["quality"], facts["pictures"]), _statistics(summary["statistics"])]
    photos = ", ".join(f"{name} {number(v):.3f}" for name, v in summary["plain_neighbours"].items())
    parts.append(f"Neighbours in the photos themselves: {photos}.")
    if "sp800_22" in facts:
        parts.append(random_bits_table(facts["sp800_22"]))
    return "\n\n".join(parts)


def beside(results: Sequence[Mapping[str, Any]]) -> str:
    """The main numbers of several results as one table, a column for each."""
    summaries = [plain(facts["summary"]) for facts in results]
    rows = [["right key, after an 8-bit PNG", *map(_returned, summaries)]]
    for key in STATISTICS:
        tests = [summary["statistics"].get(key) for summary in summaries]
        rows.append([f"outside: {STATISTICS[key]}", *map(_outside, tests)])
    return markdown(["", *(f"{facts['system']}, {facts['pictures']} pictures" for facts in results)], rows)


def _returned(summary: Mapping[str, Any]) -> str:
    right = summary["quality"]["right"]
    if isinstance(right["psnr"], str):
        return right["psnr"]
    return f"{right['psnr']:.1f} dB (min {right['psnr_min']:.1f}), SSIM {number(right['ssim']):.3f}"


def _outside(test: Mapping[str, Any] | None) -> str:
    if not test or not test["count"]:
        return ""
    return f"{test['outside']}" + ("" if test["by_chance"] else ", NOT CHANCE")


def _quality(quality: Mapping[str, Any], count: int) -> str:
    rows = []
    for key, words in _WORDS.items():
        row = quality[key]
        psnr = [_decibels(row[name]) for name in ("psnr", "psnr_min", "psnr_max")]
        above = f"{row['above_flat']} of {count}"
        rows.append([words, *psnr, f"{number(row['ssim']):.4f}", above])
    rows.append(["a flat picture of the mean", _decibels(quality["flat_psnr"]), "", "", "", ""])
    head = ["after an 8-bit PNG", "PSNR dB", "lowest", "highest", "SSIM", "above the flat mean"]
    return markdown(head, rows)


def _decibels(value: Any) -> str:
    return value if isinstance(value, str) else f"{number(value):.2f}"


def _closer(quality: Mapping[str, Any], count: int) -> str:
    lines = []
    for key in WITHOUT_KEY:
        test = quality[key]["closer_than_side"]
        lines.append(
            f"{_WORDS[key]}: closer to the photo than random pixels, {test['outside']} of {test['count']} "
            f"(binomial p {test['p']:.2g}, {_verdict(test)})."
        )
    lossless = "yes" if quality["exact"] == count else "no"
    return "\n".join([*lines, f"lossless: {lossless}, {quality['exact']} of {count} came back bit for bit."])


def _verdict(test: Mapping[str, Any]) -> str:
    return "as chance" if test["by_chance"] else "NOT CHANCE"


def _statistics(statistics: Mapping[str, Any]) -> str:
    rows = []
    for key, test in statistics.items():
        if not test["count"]:
            rows.append([STATISTICS[key], "none has it", "", "", "", ""])
            continue
        digits = 1 if key == "chi_square" else 6
        interval = f"{number(test['low']):.{digits}f} to {number(test['high']):.{digits}f}"
        shown = f"{number(test['mean']):.{digits}f}"
        outside = f"{test['outside']} of {test['count']}"
        rows.append([STATISTICS[key], shown, interval, outside, f"{test['p']:.2g}", _verdict(test)])
    return markdown(["cipher statistic", "mean", "by chance (99%)", "outside", "binomial p", ""], rows)


def random_bits_table(tested: Mapping[str, Any]) -> str:
    """SP 800-22: every test, those of many p-values by their worst one."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for name, proportion in tested["proportions"].items():
        groups.setdefault(name.rstrip("+-0123456789").removesuffix(" "), []).append(proportion)
    rows = []
    for name, group in groups.items():
        worst = min(group, key=lambda p: p["passed"] - p["needed"])
        verdict = "" if all(p["enough"] for p in group) else "TOO FEW"
        fewest = f"{worst['passed']} of {worst['applicable']}"
        rows.append([name, str(len(group)), fewest, str(worst["needed"]), verdict])
    sequences = tested["sequences"]
    heading = f"SP 800-22 on {len(sequences)} sequences: {', '.join(sequences)}"
    return heading + "\n\n" + markdown(["test", "p-values", "fewest passed", "needed", ""], rows)
