"""A run of ``decrypt`` over many pictures: each opened, planned, decoded where it must be, and written whole.

Whatever one picture raises costs the run that picture only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxcrypt import runtime
from jaxcrypt.cli.command import explain
from jaxcrypt.cli.jobs import Job, Report
from jaxcrypt.cli.output import (
    JPEG_SUFFIXES,
    Targets,
    is_stream,
    is_written,
    make_folder,
    refuse_other_suffix,
    write_stdout,
    write_whole,
)
from jaxcrypt.cli.overlap import Outbox, Room, read_ahead
from jaxcrypt.errors import ExitCode, usage

if TYPE_CHECKING:
    from jaxcrypt.sealing.jpegopen import BegunJpeg
    from jaxcrypt.sealing.unseal import Begun, Opener, Unsealed

_MARK = ".unauthenticated"
_STAGE = "{:02}.png"  # the pictures on the way, in order
_ACCESS = 0o777  # of a mode that somebody else chose: never set-user-ID and the like
_UNDER_WAY = 1 << 27  # bytes of sealed pictures that are read and whose contents are not yet written


@dataclass(frozen=True)
class _Item:
    """A picture whose header opened.

    Attributes:
      planned: where it goes, as far as names are known; way: where pictures on the way to it go.
      size: what it holds of the room.
    """

    job: Job
    begun: Begun | BegunJpeg
    planned: list[Path]
    way: Path | None
    size: int


class OpenRun:
    """What is the same for all pictures of a run.

    Args:
      args: the command line: ``device``, ``force``, ``skip_existing``, ``preserve``, ``check_pixels``,
        ``header``, ``save_intermediates``.
    """

    def __init__(self, args: Any, opener: Opener, targets: Targets, report: Report):
        self._args, self._opener, self._targets, self._report = args, opener, targets, report
        self._room = Room(_UNDER_WAY)

    def work(self, jobs: list[Job]) -> int:
        """All of them; returns the exit code."""
        threaded, parts = len(jobs) > 1, self._items(jobs)
        with Outbox(threaded) as outbox:
            for part in read_ahead(parts, self._room) if threaded else parts:
                if isinstance(part, _Item):
                    outbox.put(self._opened(part))
                    outbox.put(partial(self._room.free, part.size))
                else:
                    outbox.put(part)
        return self._report.close()

    def _items(self, jobs: list[Job]) -> Iterator[_Item | Callable[[], object]]:
        """What can be opened, and what there is to say of the others."""
        for job in jobs:
            size = file_size(job)
            self._room.take(size)
            try:
                read = self._begin(job, size)
            except Exception as error:
                read = partial(self._report.refused, job, explain(error, job.name))
            yield read
            if not isinstance(read, _Item):
                self._room.free(size)

    def _begin(self, job: Job, size: int) -> _Item | Callable[[], object]:
        """Open one picture: what cannot be written is refused before a System works on it."""
        data, header = job.read(), self._header(job)
        if not self._args.recover:
            expected = self._expected(job, data, header)
            if expected is not None and self._skips(expected):
                return partial(self._report.skipped, job, expected)
        begun = self._opener.begin(data, job.name, header)
        job = _restored(job, begun.folder)
        planned = _paths(job, begun.names, begun.from_pixels, begun.unauthenticated)
        if planned and self._skips(planned[0]):
            return partial(self._report.skipped, job, planned[0])
        if job.into:
            make_folder(job.folder)
        self._claim(planned)
        return _Item(job, begun, planned, self._stage_folder(job, begun), size)

    def _opened(self, item: _Item) -> Callable[[], object]:
        """What writes the picture's contents, decoded where they must be, and says so."""
        try:
            result = self._finish(item.begun)
            stages = self._stages(item.way, result)
            names = [name for name, _ in result.files]
            paths = _paths(item.job, names, result.from_pixels, not result.authenticated)
            self._claim([path for path in paths if path not in item.planned])
        except Exception as error:
            return partial(self._report.refused, item.job, explain(error, item.job.name))
        return partial(self._written, item.job, result, paths, stages)

    def _written(self, job: Job, result: Unsealed, paths: list[Path], stages: list[tuple[Path, bytes]]):
        try:
            self._write(result, paths, stages)
        except Exception as error:
            self._report.refused(job, explain(error, job.name))
            return
        code = ExitCode.OK if result.authenticated else ExitCode.RECOVERED
        facts: dict[str, Any] = {"exact": result.exact, "signed": result.signed}
        facts |= {"outputs": [str(path) for path in paths]} if len(paths) > 1 else {}
        facts |= {} if result.quality is None else {"estimated_psnr": round(result.quality, 1)}
        self._report.done(job, paths[0] if paths else None, _words(result, paths), code=code, **facts)

    def _write(self, result: Unsealed, paths: list[Path], stages: list[tuple[Path, bytes]]) -> None:
        for path, (_, data) in zip(paths, result.files, strict=False):
            write_whole(path, lambda file, data=data: file.write(data), self._args.force)
        for path, data in stages:
            write_whole(path, lambda file, data=data: file.write(data), self._args.force)
        if not paths:
            write_stdout(result.files[0][1])
        elif self._args.preserve and result.stamp and is_written(paths[0]):
            os.chmod(paths[0], result.stamp.mode & _ACCESS)
            os.utime(paths[0], (result.stamp.seconds, result.stamp.seconds))

    def _expected(self, job: Job, data: bytes, header: bytes | None) -> Path | None:
        """Where the output most likely is, found without decrypting: for a run that is resumed."""
        if not self._args.skip_existing or job.target is None:
            return None
        return job.folder / self._opener.expects(data, job.name, header) if job.into else job.target

    def _skips(self, output: Path) -> bool:
        """Whether a run that is resumed leaves a picture out, since its output is there from before."""
        if not self._args.skip_existing or self._targets.taken(output):
            return False
        return is_written(output)

    def _header(self, job: Job) -> bytes | None:
        """The saved header that belongs to a picture, where ``--header`` names a folder of them."""
        folder = Path(self._args.header) if self._args.header else None
        if folder is None or job.source is None or not folder.is_dir():
            return None
        from jaxcrypt.pictures.files import read_file

        name = job.source.name
        inner = job.folder.relative_to(self._args.output) if job.into and self._args.output else Path()
        for where in (folder / inner, folder):  # as encryption laid them, or all in one folder
            for candidate in (where / f"{name}.hdr", where / f"{job.source.stem}.png.hdr"):
                if candidate.is_file():
                    return read_file(candidate)
        raise usage(f"{job.name}: --header {folder}: has no {name}.hdr")

    def _stage_folder(self, job: Job, begun: Begun | BegunJpeg) -> Path | None:
        """Where the pictures on the way go, a folder for each picture of the run; None: nowhere.

        Raises:
          Refusal: nothing is decoded, or in one step, or the folder cannot be or has pictures already; before
            any work.
        """
        if not self._args.save_intermediates:
            return None
        if not begun.from_pixels:
            raise usage(
                "--save-intermediates: a file that travels comes back whole, in no steps; "
                "--from-pixels decodes the pixels"
            )
        if not begun.stepwise:
            system = begun.opened.header.system
            raise usage(f"--save-intermediates: {system} decodes in one step; leave it out")
        top = Path(self._args.save_intermediates)
        if top.exists() and not top.is_dir():
            raise usage(f"--save-intermediates {top}: is a file; name a folder")
        folder = top / Path(job.name).stem
        if folder.exists():
            self._targets.check(folder / _STAGE.format(0))
        return folder

    def _stages(self, folder: Path | None, result: Unsealed) -> list[tuple[Path, bytes]]:
        """The pictures on the way as PNGs, and where they go."""
        if folder is None:
            return []
        from jaxcrypt.pictures.files import encode_png

        make_folder(folder)
        placed = [(folder / _STAGE.format(n), encode_png(picture)) for n, picture in enumerate(result.stages)]
        self._claim([path for path, _ in placed])
        return placed

    def _claim(self, paths: list[Path]) -> None:
        for path in paths:
            self._targets.claim(path)

    def _finish(self, begun: Begun | BegunJpeg) -> Unsealed:
        if begun.decodes:
            runtime.prepare(self._args.device)
        return begun.finish(self._report.progress(1))


def file_size(job: Job) -> int:
    """Bytes of the file; 0 where there is none to ask."""
    return job.source.stat().st_size if job.source and job.source.is_file() else 0


def _restored(job: Job, folder: tuple[str, ...]) -> Job:
    """The same, with its output in the folders that its file lay in before names were hidden."""
    return replace(job, target=job.folder.joinpath(*folder)) if job.into and folder else job


def _paths(job: Job, names: list[str], from_pixels: bool, unauthenticated: bool) -> list[Path]:
    """Where results go: by their names into a folder, or beside the name that the first was given.

    Empty for stdout.
    """
    target = job.target
    if target is None:
        if len(names) > 1:
            raise usage(f"holds {len(names)} files, and stdout takes one; give -o DIR")
        return []
    if job.into:
        return [target / name for name in names]
    if is_stream(target):
        if len(names) > 1:
            raise usage(f"holds {len(names)} files, and {target} takes one; give -o DIR")
        return [target]
    if from_pixels:
        suffixes = (".png",) if names[0].endswith(".png") else JPEG_SUFFIXES
        refuse_other_suffix(target, "the picture comes back as", suffixes, strict=True)
    if unauthenticated and _MARK not in target.name:
        target = target.with_name(f"{target.stem}{_MARK}{Path(names[0]).suffix}")
    further = [f"{target.stem}.{number}{Path(name).suffix}" for number, name in enumerate(names[1:], 2)]
    return [target, *map(target.with_name, further)]


def _words(result: Any, paths: list[Path]) -> str:
    """What came back, for the report's line."""
    count = len(result.files)
    if not result.authenticated:
        says = "RECOVERED, UNAUTHENTICATED"
        says += "" if result.quality is None else f", about {result.quality:.0f} dB"
    elif not result.from_pixels:
        says = "the very file" if count == 1 else f"the {count} very files"
    else:
        says = "the picture's exact samples" if result.exact else "an approximation of the picture"
    also = [f"also {', '.join(path.name for path in paths[1:])}"] if len(paths) > 1 else []
    signed = ["signed by that key"] if result.signed else []
    return "; ".join([says, *also, *signed, *result.notes])
