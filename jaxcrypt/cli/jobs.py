"""What a command was asked to work on: files, folders or stdin; and how it reports on each of them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jaxcrypt.cli.command import one_line
from jaxcrypt.cli.output import JPEG_SUFFIXES, STDIO, descriptor, refuse_terminal
from jaxcrypt.errors import ExitCode, Refusal, usage


@dataclass(frozen=True)
class Job:
    """One file to work on. ``source`` None is stdin.

    ``target`` is where the output goes: a file, or a folder (``into`` True) in which the command finds the
    name; None is stdout. ``left_out`` says why something that a folder holds cannot be taken: reading it is
    that Refusal, so that it is named and counted like every other file that failed.
    """

    source: Path | None
    target: Path | None
    into: bool = False
    left_out: str = ""

    @property
    def name(self) -> str:
        """What messages call it."""
        return str(self.source) if self.source else "stdin"

    @property
    def folder(self) -> Path:
        """The folder in which the command finds the output's name (``into``)."""
        if self.target is None or not self.into:
            raise ValueError("this job's output is no folder")
        return self.target

    @property
    def file_name(self) -> str:
        """The file's own name; ``picture`` for what has none: stdin, ``/dev/fd/63`` of a shell's ``<(…)``."""
        return self.source.name if self.source and descriptor(self.source) is None else "picture"

    def check(self) -> None:
        """Refuse what was left out."""
        if self.left_out:
            raise Refusal(f"{self.source}: {self.left_out}")

    def read(self) -> bytes:
        """The input's bytes, of which a pipe gives only one copy; empty or unreadable is a Refusal."""
        from jaxcrypt.pictures.files import read_file, read_stream

        self.check()
        if self.source:
            return read_file(self.source)
        data = read_stream(sys.stdin.buffer, "stdin")
        if not data:
            raise Refusal("stdin: is empty")
        return data


def plan_jobs(
    inputs: list[str],
    output: str | None,
    accepts: Callable[[Path], bool],
    misses: Callable[[Path], bool] = lambda path: False,
    skip_unsupported: bool = False,
) -> list[Job]:
    """The jobs that the command line names; folders are walked, keeping their inner folders under ``-o``.

    Args:
      accepts: which of a folder's files to take; files named on the command line are always taken.
      misses: which of a folder's other files someone would miss: they become jobs that fail by name.
      skip_unsupported: those, and folders that cannot be read, are named and passed over instead.

    Raises:
      Refusal: stdin mixed with files, a folder or several files without ``-o DIR``, ``-o FILE/`` where FILE
        is a file, an input twice, a folder with nothing to do in it.
    """
    inputs = [STDIO if descriptor(name) == 0 else name for name in inputs]
    output = STDIO if output and descriptor(output) == 1 else output
    if STDIO in inputs:
        if len(inputs) > 1:
            raise usage("- (stdin) cannot be mixed with other inputs")
        return [_stdin_job(output)]
    paths = [Path(name) for name in inputs]
    several = len(paths) > 1 or any(path.is_dir() for path in paths)
    if several:
        if output is None or output == STDIO:
            raise usage("several pictures need a folder for the results: give -o DIR")
        jobs = _folder_jobs(paths, Path(output), accepts, misses)
        return _without_left_out(jobs) if skip_unsupported else jobs
    if output == STDIO or (output is None and descriptor(paths[0]) is not None):
        refuse_terminal()
        return [Job(paths[0], None)]
    if output is None:
        return [Job(paths[0], paths[0].parent, into=True)]
    return [Job(paths[0], Path(output), into=_names_folder(output))]


def _without_left_out(jobs: list[Job]) -> list[Job]:
    for job in jobs:
        if job.left_out:
            print(one_line(f"passed over: {job.source} ({job.left_out})"), file=sys.stderr)
    jobs = [job for job in jobs if not job.left_out]
    if not jobs:
        raise Refusal("nothing but what --skip-unsupported passes over; nothing written")
    return jobs


def plan_reading(
    inputs: list[str],
    accepts: Callable[[Path], bool],
    misses: Callable[[Path], bool] = lambda path: False,
    skip_unsupported: bool = False,
) -> list[Job]:
    """Jobs that write nothing: each has no ``target``. The arguments are those of :func:`plan_jobs`.

    Raises:
      Refusal: stdin mixed with files, a folder with nothing to do in it.
    """
    inputs = [STDIO if descriptor(name) == 0 else name for name in inputs]
    if STDIO in inputs and len(inputs) > 1:
        raise usage("- (stdin) cannot be mixed with other inputs")
    jobs = []
    for name in inputs:
        path = Path(name)
        if not path.is_dir():
            jobs.append(Job(None if name == STDIO else path, None))
            continue
        offered = _offered(path, accepts, misses)
        if not offered:
            raise Refusal(f"{path}: no pictures in this folder")
        jobs += [Job(file, None, left_out=why) for file, why in offered.items()]
    return _without_left_out(jobs) if skip_unsupported else jobs


def is_sealed(path: Path) -> bool:
    """Whether a folder's file is offered to commands that open sealed pictures: PNGs, and sealed JPEGs."""
    if path.name.startswith(".") or path.suffix.lower() not in (".png", *JPEG_SUFFIXES):
        return False
    return path.suffix.lower() == ".png" or _is_sealed_jpeg(path)


def _is_sealed_jpeg(path: Path) -> bool:
    from jaxcrypt.crypto import jpegfile

    try:
        with open(path, "rb") as file:
            return jpegfile.is_sealed(file.read(jpegfile.PEEK))
    except OSError:
        return False


def _stdin_job(output: str | None) -> Job:
    if output is None or output == STDIO:
        refuse_terminal()
        return Job(None, None)
    if _names_folder(output):
        raise usage("-o: stdin has no name; name the output file")
    return Job(None, Path(output))


def _names_folder(output: str) -> bool:
    """Whether ``-o`` means a folder: one that is there, or any name that ends in a slash."""
    folder, slash = Path(output), not os.path.basename(output)
    if slash and folder.exists() and not folder.is_dir():
        raise usage(f"-o {output}: is a file, not a folder")
    return slash or folder.is_dir()


def _folder_jobs(
    paths: list[Path], folder: Path, accepts: Callable[[Path], bool], misses: Callable[[Path], bool]
) -> list[Job]:
    if folder.exists() and not folder.is_dir():
        raise usage(f"-o {folder}: is a file; several results need a folder")
    jobs = []
    for path in paths:
        if not path.is_dir():
            jobs.append(Job(path, folder, into=True))
            continue
        offered = _offered(path, accepts, misses)
        if offered and _inside(next(iter(offered)), folder) and _inside(path / "-", folder):
            raise usage(f"-o {folder}: holds {path} itself; the results need a folder of their own")
        offered = {file: why for file, why in offered.items() if not _inside(file, folder)}
        if not offered:
            raise Refusal(f"{path}: no pictures in this folder")
        for file, why in offered.items():
            jobs.append(Job(file, folder / file.relative_to(path).parent, into=True, left_out=why))
    sources = [job.source.absolute() for job in jobs]
    if len(set(sources)) < len(sources):
        raise usage("an input was named twice")
    return jobs


def _offered(
    folder: Path, accepts: Callable[[Path], bool], misses: Callable[[Path], bool]
) -> dict[Path, str]:
    """What of a folder is to be taken, or named: the file, and why it cannot be taken ("": it can)."""
    from jaxcrypt.pictures.folders import walk

    walked = walk(folder)
    offered = {}
    for file in walked.files:
        if accepts(file):
            # A link that leads nowhere fails when it is read; a pipe would keep us waiting.
            special = file.exists() and not file.is_file()
            offered[file] = "is a pipe or a device, not a file" if special else ""
        elif misses(file):
            offered[file] = "a kind of picture that is not read here; --skip-unsupported passes over such"
    return offered | dict(walked.unread)


def _inside(file: Path, folder: Path) -> bool:
    """Whether a walked folder would meet its own results (``-o photos/sealed photos``)."""
    # Unlike Path.resolve(), realpath lives with links that lead in a circle.
    return Path(os.path.realpath(folder)) in Path(os.path.realpath(file)).parents


class Report:
    """Tells what became of each file: a progress bar and lines on stderr, JSON lines on stdout if asked.

    A single file's Refusal ends the command with that Refusal's own code; among several files the work goes
    on, and the command ends with :attr:`ExitCode.FAILED`.
    """

    def __init__(self, jobs: list[Job], as_json: bool):
        from tqdm import tqdm

        self._single = len(jobs) == 1
        self._json = as_json
        self._failed = self._finished = 0
        self._code = ExitCode.OK
        bar = "{percentage:3.0f}%|{bar}| {n:.0f}/{total} [{elapsed}<{remaining}{postfix}]"
        self._bar = tqdm(total=len(jobs), bar_format=bar, leave=False, disable=not sys.stderr.isatty())

    def done(self, job: Job, target: Path | None, says: str, **facts: Any) -> None:
        """One file was written whole (``target`` None: to stdout). ``facts`` go into the JSON line."""
        to = str(target) if target else "stdout"
        code = facts.pop("code", ExitCode.OK)
        self._code = max(self._code, code)
        self._line(f"{job.name} -> {to} ({says})", input=job.name, output=to, exit=int(code), **facts)

    def refused(self, job: Job, refusal: Refusal) -> None:
        """One file came to nothing."""
        if self._single and not self._json:
            raise refusal
        self._failed += 1
        self._code = refusal.code if self._single else ExitCode.FAILED
        self._line(f"jaxcrypt: {refusal}", input=job.name, error=str(refusal), exit=int(refusal.code))

    def told(self, job: Job, says: str, **facts: Any) -> None:
        """One file was looked at, and nothing was to be written."""
        self._line(f"{job.name}: {says}", input=job.name, exit=int(ExitCode.OK), **facts)

    def skipped(self, job: Job, target: Path) -> None:
        """One file was left out, since its output is there already."""
        self._line(
            f"{job.name} -> {target} (exists, skipped)",
            input=job.name,
            output=str(target),
            exit=int(ExitCode.OK),
            skipped=True,
        )

    def progress(self, pictures: int) -> Callable[[float], None]:
        """A callback for work on the next ``pictures`` files: it takes the share done, 0 to 1."""

        def show(share: float) -> None:
            self._bar.n = self._finished + share * pictures
            self._bar.refresh()
            if share >= 1:
                self._bar.n = self._finished

        return show

    def under_way(self, files: float, says: str) -> None:
        """How much is done of files that several at once are under way of, and what to say beside the bar."""
        self._bar.n = self._finished + files
        self._bar.set_postfix_str(says)

    def note(self, text: str) -> None:
        """Something that concerns no single file."""
        self._bar.write(one_line(text), file=sys.stderr)

    def _line(self, text: str, **facts: Any) -> None:
        self.note(text)
        if self._json:
            print(json.dumps(facts), flush=True)
        self._finished += 1
        self._bar.n = self._finished
        self._bar.refresh()

    def close(self) -> ExitCode:
        """The exit code of the whole run."""
        self._bar.close()
        if self._failed and not self._single:
            self._bar.write(f"jaxcrypt: {self._failed} of {self._bar.total} files failed", file=sys.stderr)
        return ExitCode.FAILED if self._failed and not self._single else self._code
