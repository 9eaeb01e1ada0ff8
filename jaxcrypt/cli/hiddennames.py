"""``encrypt --hide-names``: names on disk that tell nothing; the real ones travel encrypted."""

from __future__ import annotations

import secrets
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxcrypt.cli.jobs import Job, is_sealed
from jaxcrypt.errors import usage

if TYPE_CHECKING:
    from jaxcrypt.sealing.keys import Keys

_RANDOM_BYTES = 8


class HiddenNames:
    """Random names, all in one folder: inner folders show neither by name nor by what lies in them.

    Args:
      keys: those that pictures are sealed with; a run that is resumed finds with them what is sealed already.
      args: the command line: ``output``, ``skip_existing``, ``suffixes``.

    Raises:
      Refusal: a run is to be resumed, and the keys open nothing.
    """

    def __init__(self, keys: Keys, args: Any):
        self._keys, self._output, self._skips = keys, args.output, args.skip_existing
        self._suffix = args.suffixes[0]
        if self._skips and not keys.opens:
            hint = "public keys cannot tell what is sealed already; leave it out, or add --key-file"
            raise usage(f"--skip-existing: with --hide-names, {hint}")

    def folder(self, job: Job) -> tuple[str, ...]:
        """The inner folders that the picture lies in, the outermost first."""
        return job.folder.relative_to(self._output).parts if job.into and self._output else ()

    def target(self, job: Job) -> Path:
        """Where the sealed picture of a job that names no output goes, or lies already."""
        place = Path(self._output) if self._output else job.folder
        known = self._known.get((*self.folder(job), job.file_name)) if self._skips else None
        return known or place / f"{secrets.token_hex(_RANDOM_BYTES)}{self._suffix}"

    @cached_property
    def _known(self) -> dict[tuple[str, ...], Path]:
        """What the output folder holds already, by inner folders and name."""
        from jaxcrypt.sealing.glance import sealed_already

        place = Path(self._output or ".")
        return sealed_already(filter(is_sealed, place.iterdir()) if place.is_dir() else (), self._keys)
