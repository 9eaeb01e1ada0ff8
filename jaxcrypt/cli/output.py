"""Outputs that appear whole or not at all, whatever happens in between: a full disk, ctrl-C, kill -9.

What cannot be so, a pipe or stdout, gets only what was verified whole, and a short write is an error.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import secrets
import stat
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TextIO

from jaxcrypt.errors import ExitCode, Refusal, usage

STDIO = "-"
JPEG_SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif")
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self|proc/thread-self)/fd/(\d+)")
_MAX_LINKS = 40
_MODE = 0o666  # the umask narrows it, as for any new file


class Targets:
    """Refuses, before any work, targets that must not be written. May be shared by threads.

    Args:
      sources: all that the run reads: inputs, keys, covers.
      force: whether existing files may be overwritten; inputs and earlier outputs of the run never are, nor
        anything that is no regular file. Pipes are written to (:func:`is_stream`), which destroys nothing.
      rename: how the command is told another name.
    """

    def __init__(self, sources: Iterable[Path], force: bool, rename: str = "another name with -o"):
        self._force = force
        self._rename = rename
        self._sources = {_identity(source) for source in sources}
        self._taken: set[Path] = set()
        self._claiming = threading.Lock()

    def claim(self, target: Path) -> None:
        """Take ``target`` for one output.

        Raises:
          Refusal: as :meth:`check`, or it was taken for another output of this run.
        """
        self.check(target)
        with self._claiming:
            if self.taken(target):
                raise usage(f"{target}: two inputs would be written to this name; run them separately")
            self._taken.add(target.absolute())

    def taken(self, target: Path) -> bool:
        """Whether ``target`` is an output of this run."""
        return target.absolute() in self._taken

    def check(self, target: Path) -> None:
        """Refuse what cannot be written, without taking it.

        Raises:
          Refusal: it is an input, a folder, a device, exists (and not ``force``), its folder does not exist,
            or the file system cannot have such a name.
        """
        try:
            self._check(target)
        except OSError as error:
            raise Refusal(f"{target}: cannot be written ({error.strerror})", ExitCode.FAILED) from None

    def _check(self, target: Path) -> None:
        if _identity(target) in self._sources:
            raise usage(f"{target}: is an input; choose {self._rename}")
        if target.is_dir():
            raise usage(f"{target}: is a folder; name a file in it")
        if is_stream(target):
            return
        if target.exists() and not target.is_file():
            raise usage(f"{target}: is a device or socket; choose {self._rename}")
        if target.exists() and not self._force:
            raise usage(f"{target}: exists; give --force to overwrite, or {self._rename}")
        if not target.parent.is_dir():
            raise usage(f"{target.parent}: no such folder")


def is_stream(target: Path) -> bool:
    """Whether ``target`` is a place that bytes are written to, and not a name that a file can have.

    So are pipes, ``/dev/null`` and the like, and the open files of this process (``/dev/stdout``,
    ``/dev/fd/3``) whatever they are: a rename would put a regular file in their stead.
    """
    try:
        mode = target.stat().st_mode
    except OSError:
        return False
    return (
        stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or (stat.S_ISREG(mode) and descriptor(target) is not None)
    )


def is_written(target: Path) -> bool:
    """Whether an output is there already, as a file; what is written to as a stream never is."""
    return target.is_file() and not is_stream(target)


def descriptor(path: str | Path) -> int | None:
    """Which of this process's open files ``path`` names, directly or by links: 1 for ``/dev/stdout``."""
    name = os.path.abspath(path)
    for _ in range(_MAX_LINKS):
        match = _DESCRIPTOR.fullmatch(name)
        if match:
            return int(match[1])
        if not os.path.islink(name):
            return None
        name = os.path.abspath(os.path.join(os.path.dirname(name), os.readlink(name)))
    return None


def refuse_other_suffix(
    target: Path, what: str = "a sealed picture is", suffixes: Sequence[str] = (".png",), strict: bool = False
) -> None:
    """Refuse a name for a PNG that says it is another kind of picture.

    Args:
      suffixes: of another kind of file, in place of PNG's; strict: refuse every other name too.
    """
    from jaxcrypt.pictures.files import is_picture_name

    if target.suffix.lower() not in suffixes and (strict or is_picture_name(target)):
        kind = "PNG" if ".png" in suffixes else "JPEG"
        raise usage(f"-o {target}: {what} a {kind}; choose a name that ends in {suffixes[0]}")


def make_folder(folder: Path) -> None:
    """Make the folder and those above it, where they are missing; a Refusal where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refusal(f"{folder}: cannot be made ({error.strerror})", ExitCode.FAILED) from None


def write_whole(target: Path, write: Callable[[BinaryIO], object], force: bool, mode: int = _MODE) -> None:
    """Call ``write(file)`` on a file that gets the name ``target`` only once it is complete and on disk.

    On Linux the file has no name until then, so that not even ``kill -9`` leaves a trace; elsewhere a
    temporary name in the same folder is used. A stream (:func:`is_stream`) is written to as it is.

    Raises:
      Refusal: ``target`` came into being meanwhile (and not ``force``), or the disk refused.
    """
    if is_stream(target):
        _write_stream(target, write)
        return
    try:
        with _unnamed(target.parent, mode) as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            _name_it(file, target, force)
        _sync_folder(target.parent)
    except FileExistsError:
        raise usage(f"{target}: exists; give --force to overwrite") from None
    except OSError as error:
        raise Refusal(f"{target}: cannot be written ({error.strerror or error})", ExitCode.FAILED) from None


def _write_stream(target: Path, write: Callable[[BinaryIO], object]) -> None:
    number = descriptor(target)
    try:
        # An open file is taken as it is: to open it anew would cut off what stands in it.
        with open(target if number is None else os.dup(number), "wb") as file:
            if file.isatty():
                raise usage(f"{target}: refusing to write binary data to a terminal")
            write(file)
    except OSError as error:
        raise cut_short(str(target), error) from None


def write_stdout(data: bytes | bytearray | memoryview, to_terminal: bool = False) -> None:
    """Emit bytes that were verified whole. Refuses a terminal, unless they are text (``to_terminal``).

    Raises:
      Refusal: not all of them could be written: a full disk, a reader that went away.
    """
    out = sys.stdout if to_terminal and sys.stdout is not None else refuse_terminal()
    rest = memoryview(data).cast("B")
    try:
        # An unbuffered stdout (PYTHONUNBUFFERED) writes what fits and says how much that was.
        while rest:
            written = out.buffer.write(rest)
            rest = rest[written or 0 :]
        out.buffer.flush()
    except OSError as error:
        abandon_stdout()
        raise cut_short("stdout", error) from None


def cut_short(name: str, error: OSError) -> Refusal:
    """The refusal of an output that did not take everything."""
    gone = isinstance(error, BrokenPipeError)
    reason = "its reader went away before all was written" if gone else error.strerror or error
    return Refusal(f"{name}: cannot be written ({reason})", ExitCode.FAILED)


def steady_stdout() -> None:
    """Put a buffer where stdout has none (PYTHONUNBUFFERED): there Python loses what a short write left.

    It says nothing of that; a buffer writes the rest, or raises.
    """
    out = sys.stdout
    if out is sys.__stdout__ and isinstance(out, io.TextIOWrapper) and isinstance(out.buffer, io.RawIOBase):
        whole = open(out.fileno(), "wb", closefd=False)  # noqa: SIM115  (for the life of the process)
        sys.stdout = io.TextIOWrapper(
            whole, out.encoding, out.errors, write_through=True, line_buffering=True
        )


def finish_stdout() -> None:
    """Flush what was printed; a Refusal where it did not all get out."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        abandon_stdout()
        raise cut_short("stdout", error) from None


def abandon_stdout() -> None:
    """Let whatever is still held go nowhere: else Python complains of it while it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def write_piped(write: Callable[[BinaryIO], object]) -> None:
    """Call ``write(file)`` and emit what it wrote once that is whole."""
    buffer = io.BytesIO()
    write(buffer)
    write_stdout(buffer.getbuffer())


def refuse_terminal() -> TextIO:
    """Stdout; one that cannot take binary data is refused."""
    if sys.stdout is None:
        raise usage("stdout is closed; redirect it or use -o FILE")
    if sys.stdout.isatty():
        raise usage("refusing to write binary data to a terminal; redirect it or use -o FILE")
    return sys.stdout


@contextlib.contextmanager
def _unnamed(folder: Path, mode: int) -> Iterator[BinaryIO]:
    flag = getattr(os, "O_TMPFILE", None)
    if flag is not None and Path("/proc/self/fd").is_dir():
        try:
            descriptor = os.open(folder, flag | os.O_RDWR, mode)
        except OSError:  # a file system without unnamed files
            descriptor = None
        if descriptor is not None:
            with os.fdopen(descriptor, "w+b") as file:
                yield file
            return
    path = folder / f".{secrets.token_hex(8)}.part"
    try:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode), "w+b") as file:
            yield file
    finally:
        path.unlink(missing_ok=True)


def _name_it(file: BinaryIO, target: Path, force: bool) -> None:
    if not force:
        _link(file, target)  # fails where the name is taken: no race
        return
    # A link cannot replace a name, a rename can: so link under a passing name, then rename.
    passing = target.with_name(f".{secrets.token_hex(8)}.part")
    _link(file, passing)
    try:
        os.replace(passing, target)
    except OSError:
        passing.unlink(missing_ok=True)
        raise


def _link(file: BinaryIO, target: Path) -> None:
    if not isinstance(file.name, str):
        # Only linkat() follows the link in /proc, and Python calls it only when given a folder's descriptor.
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.link(f"/proc/self/fd/{file.fileno()}", target.name, dst_dir_fd=folder, follow_symlinks=True)
        finally:
            os.close(folder)
        return
    try:
        os.link(file.name, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise FileExistsError(target) from None
        os.rename(file.name, target)


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _identity(path: Path) -> tuple[int, int] | Path:
    """What makes two names the same file, whatever links lie between them."""
    try:
        status = path.stat()
        return status.st_dev, status.st_ino
    except OSError:
        return path.absolute()
