"""What was measured, summed up: a table to read and a JSON file to compute with."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from jaxcrypt.evaluation.suites.ciphers import LIKENESS, WITHOUT_KEY, Measured
from jaxcrypt.metrics import chance
from jaxcrypt.metrics.sp800_22 import Proportion

STATISTICS = {
    "chi_square": "histogram chi-square",
    "entropy": "entropy, bits a sample",
    "horizontal": "neighbours, horizontal",
    "vertical": "neighbours, vertical",
    "diagonal": "neighbours, diagonal",
    "block": "8×8 block means with the photo",
    "nonce_npcr": "NPCR, random bytes fixed",
    "nonce_uaci": "UACI, random bytes fixed",
    "diffusion_npcr": "NPCR, one subkey (diffusion)",
    "diffusion_uaci": "UACI, one subkey (diffusion)",
    "key_npcr": "NPCR, one key bit flipped",
    "key_uaci": "UACI, one key bit flipped",
    "wrong_correlation": "wrong key's picture with the photo",
    "flipped_correlation": "one key bit's picture with the photo",
}
_LIKENESS_WORDS = {
    "right": "right key",
    "wrong": "wrong key",
    "flipped": "one key bit flipped",
    "side": "random pixels, true side information",
}


def summarise(rows: Sequence[Measured]) -> dict[str, Any]:
    """Means over pictures; every statistic's count outside chance with its binomial probability.

    PSNR is averaged over the pictures that did not come back exactly: ``exact`` counts the others.
    """
    values = {key: np.array([row.values[key] for row in rows]) for key in rows[0].values}
    quality = {"exact": int(values["exact"].sum()), "flat_psnr": _mean(values["flat_psnr"])}
    for key in LIKENESS:
        quality[key] = {name: _mean(values[f"{key}_{name}"]) for name in ("psnr", "ssim")}
        quality[key]["psnr_min"] = _extreme(values[f"{key}_psnr"], np.min)
        quality[key]["psnr_max"] = _extreme(values[f"{key}_psnr"], np.max)
        quality[key]["above_flat"] = int(np.sum(values[f"{key}_psnr"] > values["flat_psnr"]))
    for key in WITHOUT_KEY:
        closer = chance.sign_test(values[f"{key}_correlation"] - values["side_correlation"])
        quality[key]["closer_than_side"] = asdict(closer) | {"by_chance": closer.by_chance}
    tests = {}
    for key in STATISTICS:
        if key not in rows[0].p:
            continue
        pooled = chance.pool([row.p[key] for row in rows])
        low, high = (_mean(np.array([row.intervals[key][side] for row in rows])) for side in (0, 1))
        facts = {"mean": _mean(values[key]), "low": low, "high": high, "extreme": _farthest(values[key])}
        tests[key] = facts | asdict(pooled) | {"by_chance": pooled.by_chance}
    photos = {name: _mean(values[f"plain_{name}"]) for name in ("horizontal", "vertical", "diagonal")}
    return {"pictures": len(rows), "quality": quality, "statistics": tests, "plain_neighbours": photos}


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else math.nan


def _extreme(values: np.ndarray, which) -> float:
    finite = values[np.isfinite(values)]
    return float(which(finite)) if len(finite) else math.nan


def _farthest(values: np.ndarray) -> float:
    """The value farthest from the mean of all."""
    finite = values[np.isfinite(values)]
    return float(finite[np.argmax(np.abs(finite - finite.mean()))]) if len(finite) else math.nan


def table(title: str, summary: dict[str, Any]) -> str:
    """The summary as text of at most 110 columns."""
    lines = [title, "", *_quality_lines(summary), ""]
    head = (
        f"{'cipher statistic':38}{'mean':>10}  {'a random picture (99%)':24}{'outside':>9}{'binomial p':>12}"
    )
    lines += [head, "-" * len(head)]
    for key, test in summary["statistics"].items():
        if not test["count"]:
            lines.append(f"{STATISTICS[key]:38}{'none has it':>10}")
            continue
        digits = 1 if key == "chi_square" else 6
        interval = f"{test['low']:.{digits}f} to {test['high']:.{digits}f}"
        verdict = "as chance" if test["by_chance"] else "NOT CHANCE"
        lines.append(
            f"{STATISTICS[key]:38}{test['mean']:>10.{digits}f}  {interval:24}"
            f"{test['outside']:>3} of {test['count']:<3}{test['p']:>10.2g}  {verdict}"
        )
    photos = ", ".join(f"{name} {value:.3f}" for name, value in summary["plain_neighbours"].items())
    return "\n".join([*lines, f"(neighbours in the photos themselves: {photos})"])


def _quality_lines(summary: dict[str, Any]) -> list[str]:
    quality, count = summary["quality"], summary["pictures"]
    head = f"{'after an 8-bit PNG':38}{'PSNR dB':>10}{'min':>8}{'max':>8}{'SSIM':>9}  above the flat mean"
    lines = [head, "-" * len(head)]
    for key, words in _LIKENESS_WORDS.items():
        found = quality[key]
        numbers = f"{found['psnr']:>10.2f}{found['psnr_min']:>8.2f}{found['psnr_max']:>8.2f}"
        if key == "right" and quality["exact"] == count:
            numbers = f"{'exact':>10}{'':16}"
        lines.append(f"{words:38}{numbers}{found['ssim']:>9.4f}  {found['above_flat']} of {count}")
    lines.append(f"{'a flat picture of the mean':38}{quality['flat_psnr']:>10.2f}")
    for key in WITHOUT_KEY:
        test = quality[key]["closer_than_side"]
        verdict = "as chance" if test["by_chance"] else "NOT CHANCE"
        lines.append(
            f"{_LIKENESS_WORDS[key]}: closer to the photo than random pixels, {test['outside']} of "
            f"{test['count']} (binomial p {test['p']:.2g}, {verdict})"
        )
    lossless = "lossless: yes" if quality["exact"] == count else "lossless: no"
    return [*lines, f"{lossless}, {quality['exact']} of {count} came back bit for bit"]


def random_bits_table(found: dict[str, Proportion], sequences: Sequence[str]) -> str:
    """SP 800-22: every test, those of many p-values by their worst one."""
    groups: dict[str, list[Proportion]] = {}
    for name, proportion in found.items():
        groups.setdefault(name.rstrip("+-0123456789").removesuffix(" "), []).append(proportion)
    lines = [f"SP 800-22 on {len(sequences)} sequences: {', '.join(sequences)}"]
    head = f"{'test':38}{'p-values':>9}{'fewest passed':>15}{'needed':>8}"
    lines += [head, "-" * len(head)]
    for name, group in groups.items():
        worst = min(group, key=lambda p: p.passed - p.needed)
        verdict = "" if all(p.enough for p in group) else "  TOO FEW"
        fewest = f"{worst.passed} of {worst.applicable}"
        lines.append(f"{name:38}{len(group):>9}{fewest:>15}{worst.needed:>8}{verdict}")
    return "\n".join(lines)


def circumstances() -> dict[str, Any]:
    """Versions and hardware, for the JSON file."""
    import jax
    import jaxlib
    import scipy

    from jaxcrypt import __version__

    packages = {"jaxcrypt": __version__, "jax": jax.__version__, "jaxlib": jaxlib.__version__}
    packages |= {"numpy": np.__version__, "scipy": scipy.__version__, "python": platform.python_version()}
    device = jax.devices()[0]
    return {
        "versions": packages,
        "hardware": {
            "device": device.device_kind,
            "count": jax.device_count(),
            "machine": platform.machine(),
        },
    }


def to_json(facts: Any) -> bytes:
    """Strict JSON: what is no number (the PSNR of equal pictures, a correlation with a flat one) is null."""
    return json.dumps(_plain(facts), indent=1, allow_nan=False).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
