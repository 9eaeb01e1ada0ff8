"""Running a measurement over a folder's pictures, with progress to look at."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from jaxcrypt.evaluation import randomness
from jaxcrypt.evaluation.pictures import batches
from jaxcrypt.evaluation.suites.ciphers import Example, Measured, Subject, measure
from jaxcrypt.metrics import sp800_22

_ROWS_ON_SHEET = 3
_log = logging.getLogger("jaxcrypt.evaluate")


def measure_pictures(
    subject: Subject, paths: Sequence[Path], crop: int | None
) -> tuple[list[Measured], list[Example]]:
    """Every picture's numbers, and a few pictures for the sheet.

    Raises:
      Refusal: a picture that cannot be read, is smaller than ``crop``, or has channels the System refuses.
    """
    step = max(1, len(paths) // _ROWS_ON_SHEET)
    shown = {path.name for path in paths[::step][:_ROWS_ON_SHEET]}
    rows, examples = [], []
    for batch in _progress(batches(paths, crop), len(paths), "measured"):
        for picture in batch:
            subject.loaded.check(picture.pixels.shape, picture.name)
        more, sheet = measure(subject, batch, shown)
        rows, examples = rows + more, examples + sheet
    return rows, examples


def measure_bits(
    subject: Subject, paths: Sequence[Path], crop: int | None
) -> tuple[list[str], list[dict[str, float]]]:
    """Names and SP 800-22 p-values of the sequences that :mod:`~jaxcrypt.evaluation.randomness` makes."""
    chosen = paths[: randomness.PICTURES]
    pictures = [picture for batch in batches(chosen, crop) for picture in batch]
    made = ([sequence] for sequence in randomness.sequences(subject, pictures))
    names, results = [], []
    for [(name, bits)] in _progress(made, randomness.SEQUENCES, "SP 800-22:"):
        names.append(name)
        results.append(sp800_22.run_all(bits))
    return names, results


def _progress(groups: Iterable[list], total: int, verb: str) -> Iterator[list]:
    """The groups; a bar on a terminal, lines in a log, that count their members once they are done."""
    terminal, done = sys.stderr.isatty(), 0
    with tqdm(total=total, desc=verb, disable=not terminal) as bar:
        for group in groups:
            yield group
            done += len(group)
            bar.update(len(group))
            if not terminal:
                _log.info("%s %d of %d", verb, done, total)
