"""Hidden pictures: the cover, the secrets, what is left after damage, and what strangers see.

Each picture is a cover and hides the next ones of an order that the seed draws. Everything is measured on the
8-bit RGB picture that was written as PNG and read again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.attacks import srm, steganalysis
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.evaluation.circumstances import own_peak
from jaxcrypt.evaluation.hiding import Hider, alike, order, secrets_of
from jaxcrypt.evaluation.hiding_sheet import draw_sheet
from jaxcrypt.evaluation.pictures import load_colour
from jaxcrypt.evaluation.report import Result, markdown, numbers
from jaxcrypt.evaluation.setting import Setting, digests, progress, title
from jaxcrypt.evaluation.suites import DETECTORS
from jaxcrypt.metrics.image import mean
from jaxcrypt.pictures import damages, folders
from jaxcrypt.pictures.damages import Damage
from jaxcrypt.record import Sealed

KEYED, NO = "keyed", "no"  # the option of hiding without the key
RICH, RICHER, NETWORK = DETECTORS
MODELS = {RICH: "rich model and ensemble", RICHER: "rich model with SRMQ1 and ensemble"}
NETWORK_WORDS = "a small CNN"
STRANGERS = ("wrong key", "no key", "no key, jigsaw", "no key, hidden without one")


def run(setting: Setting) -> Result:
    """Hide every picture's secrets in it and read them again, damaged and without the key too."""
    detectors = _detectors(setting)
    (subject,) = setting.subjects()
    hider = Hider(subject, subject.at(KEYED, NO) if KEYED in dict(subject.cipher.options) else None)
    covers = _stacked(setting.paths(), setting.crop)
    facts: dict[str, Any] = {"pictures": len(covers), "system": subject.label, "secrets": hider.secrets}
    facts |= {"weights": Path(setting.weights or subject.name).stem, "parameters": hider.parameters}
    facts["digests"] = digests([subject])
    if setting.own.get("memory"):  # first: a peak is of the whole process
        facts["peak_memory_mib"] = peak_memory(hider)
    chosen = [damages.parse(text) for text in setting.own.get("damage") or ()] or damages.COVERT
    stegos, facts["rows"] = measure(hider, covers, chosen)
    facts["damages"] = [damage.words for damage in chosen]
    if setting.own.get("known"):
        training = _stacked(folders.find_all(setting.own["known"], "--known", setting.limit), setting.crop)
        facts["detected"] = detect(hider, training, covers, stegos, detectors)
    return Result(facts, draw_sheet(table_title(facts | {"setting": setting.facts()}), hider, covers))


def _detectors(setting: Setting) -> Sequence[str]:
    """Those that are asked for, refused where what they need is missing or nothing is there to train on."""
    chosen = setting.own.get("detector")
    if chosen and not setting.own.get("known"):
        raise usage("--detector: wants --known DIR, pictures to train on")
    chosen = chosen or (RICH, NETWORK)
    models = [name for name in chosen if name in MODELS]
    if setting.own.get("known") and models and not srm.available():
        hint = f"pip install 'jaxcrypt[detect]', or take --detector {NETWORK}"
        raise usage(f"--detector {models[0]}: sealwatch is missing: {hint}")
    return chosen


def _stacked(paths, crop: int | None) -> np.ndarray:
    """uint8 ``[N, H, W, 3]``."""
    pictures = [picture.pixels for picture in load_colour(paths, crop)]
    if len({picture.shape for picture in pictures}) > 1:
        raise Refusal("--data: the pictures are of several sizes; give --crop")
    return np.stack(pictures)


def peak_memory(hider: Hider) -> float:
    """MiB that this process held at most after pictures of 4000×3008 were hidden and revealed."""
    blocks = np.random.default_rng(0).integers(0, 256, (1 + hider.secrets, 188, 250, 3), dtype=np.uint8)
    cover, *secrets = blocks.repeat(16, axis=1).repeat(16, axis=2)
    hider.reveal(hider.hide(cover, secrets, 0), hider.key(0))
    return own_peak()


def measure(
    hider: Hider, covers: np.ndarray, chosen: Sequence[Damage]
) -> tuple[np.ndarray, list[dict[str, float]]]:
    """The stego pictures of uint8 ``[N, H, W, 3]``, and every picture's numbers."""
    following, rows, stegos = order(len(covers), hider.seed), [], []
    candidates = _tried(hider, covers, following)
    for index, (cover,) in enumerate(progress(([one] for one in covers), len(covers), "measured")):
        secrets = secrets_of(covers, index, hider.secrets, following)
        start = time.perf_counter()
        stego = hider.hide(cover, secrets, index)
        hidden = time.perf_counter()
        revealed = hider.reveal(stego, hider.key(index))
        row = {"hiding": hidden - start, "revealing": time.perf_counter() - hidden}
        row["cover PSNR"], row["cover SSIM"] = alike(stego.pixels[None], cover[None])
        row["secret PSNR"], row["secret SSIM"] = alike(revealed, secrets)
        rng = np.random.default_rng([hider.seed, index])
        for damage in chosen:
            arrived = Sealed(damage(stego.pixels, rng).pixels, stego.side)
            damaged = hider.reveal(arrived, hider.key(index))
            row[damage.words], row[f"{damage.words}: SSIM"] = alike(damaged, secrets)
        without = hider.reveal(stego, hider.key(index), keyed=False)
        row["named"] = float(steganalysis.named(without, candidates) == index)
        rows.append(row | strangers(hider, stego, without, covers, index))
        stegos.append(stego.pixels)
    return np.stack(stegos), rows


def _tried(hider: Hider, covers: np.ndarray, following: np.ndarray) -> np.ndarray:
    """Signatures of what comes out, without a key, where an adversary hid each set of secrets in another
    cover, under keys of his own: float32 ``[N, 4, n]``."""
    signatures = []
    for index in range(len(covers)):
        secrets, own = secrets_of(covers, index, hider.secrets, following), -1 - len(covers) - index
        stego = hider.hide(covers[index - 1], secrets, own)
        signatures.append(steganalysis.signature(hider.reveal(stego, hider.key(own), keyed=False)))
    return np.stack(signatures)


def strangers(
    hider: Hider, stego: Sealed, without: np.ndarray, covers: np.ndarray, index: int
) -> dict[str, float]:
    """SSIM with the secrets of what comes out without the right key, beside that of unrelated pictures, and
    of what was hidden without a key, which shows that a reveal without one works.

    Args:
      without: uint8 ``[S, H, W, 3]``, what is revealed without a key.
    """
    following, count = order(len(covers), hider.seed), hider.secrets
    both = secrets_of(covers, index, 2 * count, following)
    secrets, unrelated = both[:count], both[count:]
    open_to_all = hider.hide(covers[index], secrets, index, keyed=False)
    guesses = {
        "wrong key": hider.reveal(stego, hider.key(-1 - index)),
        "no key": without,
        "no key, jigsaw": np.stack([steganalysis.reassemble(picture) for picture in without]),
        "no key, hidden without one": hider.reveal(open_to_all, hider.key(index), keyed=False),
        "unrelated": unrelated,
    }
    return {name: alike(guess, secrets)[1] for name, guess in guesses.items()}


def detect(
    hider: Hider,
    training: np.ndarray,
    covers: np.ndarray,
    stegos: np.ndarray,
    detectors: Sequence[str] = (RICH, NETWORK),
) -> dict[str, dict[str, float]]:
    """How often detectors are right on ``covers`` and ``stegos``, trained on pairs made of ``training``."""
    following = order(len(training), hider.seed)
    made = np.stack(
        [
            hider.hide(cover, secrets_of(training, i, hider.secrets, following), i).pixels
            for i, cover in enumerate(training)
        ]
    )
    rates: dict[str, dict[str, float]] = {}
    for name in (name for name in MODELS if name in detectors):
        rates |= _by_rich_model(name, (training, covers), (made, stegos), hider.seed)
    if NETWORK in detectors:
        both = np.concatenate([training, covers]), np.concatenate([made, stegos])
        rates[NETWORK_WORDS] = {"right": steganalysis.network_accuracy(*both, len(training))}
    return rates


def _by_rich_model(model: str, clean: Sequence, full: Sequence, seed: int) -> dict[str, dict[str, float]]:
    """Of covers and stego pictures, those to train on first; beside LSB matching, and covers alone."""
    words, features = MODELS[model], partial(srm.features, grey=model == RICHER)
    covers = [features(part) for part in clean]
    control = [srm.lsb_matched(part, seed) for part in clean]
    rates = {
        name: srm.detect(*zip(covers, map(features, ours), strict=True), seed)
        for name, ours in ((words, full), (f"{words}, control: LSB matching", control))
    }
    rates[f"{words}, null: covers against other covers"] = srm.covers_apart(*covers, seed)
    return {name: asdict(one) for name, one in rates.items()}


def table_title(facts: Mapping[str, Any]) -> str:
    """Which weights hid how many pictures in each of which."""
    return title(facts, [f"{facts['system']} ({facts['weights']}), secrets a cover: {facts['secrets']}"])


def table(facts: Mapping[str, Any]) -> str:
    """Means over pictures as Markdown; of times the shortest, the machine's own."""
    return table_title(facts) + "\n\n" + markdown(["", facts["weights"]], list(_cells(facts).items()))


def beside(results: Sequence[Mapping[str, Any]]) -> str:
    """The tables of several results as one, a column for each."""
    columns = [_cells(facts) for facts in results]
    rows = [[name, *(column.get(name, "") for column in columns)] for name in columns[0]]
    return markdown(["", *(facts["weights"] for facts in results)], rows)


def _cells(facts: Mapping[str, Any]) -> dict[str, str]:
    columns = {name: numbers(row[name] for row in facts["rows"]) for name in facts["rows"][0]}
    cells = {"secrets a cover": str(facts["secrets"])}
    if "peak_memory_mib" in facts:
        cells["peak memory at 12 megapixels"] = f"{facts['peak_memory_mib']:.0f} MiB"
    for name in ("cover", "secret"):
        cells[name] = _quality(columns[f"{name} PSNR"], columns[f"{name} SSIM"], lowest=True)
    for name in facts["damages"]:
        cells[f"secret after {name}"] = _quality(columns[name], columns[f"{name}: SSIM"])
    for name in STRANGERS:
        cells[f"SSIM with the secret: {name}"] = f"{columns[name].mean():.3f}"
    count = len(facts["rows"])
    cells["named without the key, of as many pictures"] = f"{columns['named'].sum():.0f} of {count}"
    cells["SSIM of unrelated pictures"] = f"{columns['unrelated'].mean():.3f}"
    for name, rates in facts.get("detected", {}).items():
        beside = f", side by side {100 * rates['pairs']:.0f}%" if "pairs" in rates else ""
        cells[f"detected by {name}"] = f"{100 * rates['right']:.1f}%{beside}"
    cells["parameters"] = f"{facts['parameters']:,}"
    speeds = [1 / columns[name].min() for name in ("hiding", "revealing")]
    cells["pictures/s, hiding / revealing, one at a time"] = " / ".join(f"{speed:.1f}" for speed in speeds)
    return cells


def _quality(psnr: np.ndarray, ssim: np.ndarray, lowest: bool = False) -> str:
    shown = mean(psnr)
    if shown.exact == shown.count:
        return "exact"
    least = f" (min {shown.lowest:.1f})" if lowest else ""
    return f"{shown.psnr:.1f} dB{least}, SSIM {ssim.mean():.3f}"
