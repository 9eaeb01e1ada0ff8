"""What every suite is told, whatever it measures: Systems, pictures, seed."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jaxcrypt.evaluation import pictures, report, subject
from jaxcrypt.evaluation.pictures import Named
from jaxcrypt.evaluation.subject import Subject
from jaxcrypt.pictures import folders

_log = logging.getLogger("jaxcrypt.evaluate")


@dataclass(frozen=True)
class Setting:
    """One run of a suite.

    Attributes:
      systems: names of the catalog.
      weights: a zoo entry, a weights file or a training run, instead of the default of the one System.
      options: ``NAME=CHOICE`` each.
      data: folders of pictures.
      crop: the centre's side, None for whole pictures.
      limit: so many pictures of each folder.
      seed: all keys and positions follow from it.
      own: the suite's own flags by name.
    """

    systems: tuple[str, ...] = ()
    weights: str | None = None
    options: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
    crop: int | None = None
    limit: int | None = None
    seed: int = 0
    own: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse what can be refused before anything is loaded: options, and folders without pictures."""
        for name in self.systems:
            subject.check_options(name, self.options)
        if self.data:
            self.paths()

    def subjects(self) -> list[Subject]:
        """The Systems, ready to run."""
        return [subject.load(name, self.weights, self.options, self.seed) for name in self.systems]

    def paths(self) -> list[Path]:
        """The picture files of all folders."""
        return folders.find_all(self.data, limit=self.limit)

    def colour_pictures(self) -> list[Named]:
        """The pictures, or their centres, as RGB."""
        return pictures.load_colour(self.paths(), self.crop)

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        shared = {name: getattr(self, name) for name in ("systems", "weights", "options", "data")}
        return shared | {"crop": self.crop, "limit": self.limit, "seed": self.seed}


def digests(subjects: Iterable[Subject]) -> dict[str, str]:
    """Which weights were measured: ``{label: "NAME@DIGEST"}`` of those that have some."""
    return {subject.label: subject.cipher.weights for subject in subjects if subject.cipher.weights}


def title(facts: Mapping[str, Any], names: Iterable[str]) -> str:
    """``NAME: 24 pictures, centre 256×256, seed 0`` of a result's facts."""
    told = facts["setting"]
    return f"{', '.join(names)}: {report.measured(facts['pictures'], told['crop'], told['seed'])}"


def progress(groups: Iterable[list], total: int, verb: str) -> Iterator[list]:
    """The groups; a bar on a terminal, lines in a log, that count their members once they are done."""
    from tqdm import tqdm

    terminal, done = sys.stderr.isatty(), 0
    with tqdm(total=total, desc=verb, disable=not terminal) as bar:
        for group in groups:
            yield group
            done += len(group)
            bar.update(len(group))
            if not terminal:
                _log.info("%s %d of %d", verb, done, total)
