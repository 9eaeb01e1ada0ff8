"""What every command shares: one line for what went wrong, an exit code, and the options that name keys."""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import json
import os
import sys
from collections.abc import Callable, Sequence

from jaxcrypt.cli.output import abandon_stdout, cut_short, finish_stdout, steady_stdout
from jaxcrypt.errors import ExitCode, Refusal

_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def entry(
    main: Callable[[Sequence[str] | None], int],
    argv: Sequence[str] | None = None,
    *,
    tells_json: bool = False,
) -> int:
    """Run ``main`` and turn whatever the user can act on into one line on stderr and an exit code.

    Args:
      tells_json: the command has a switch ``--json``; where it is given, stdout gets that line too, as JSON
        (also where the options themselves could not be read).
    """
    _plug_closed_streams()
    steady_stdout()
    _spell_out()
    as_json = tells_json and "--json" in (sys.argv[1:] if argv is None else argv)
    code, message = _run(main, argv)
    if message:
        print("jaxcrypt:", one_line(message), file=sys.stderr)
        if as_json:
            with contextlib.suppress(OSError):
                print(json.dumps({"error": message, "exit": code}), flush=True)
    return code


def _run(main: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None) -> tuple[int, str]:
    """The exit code, and what went wrong ("" where nothing is to be said)."""
    try:
        code = int(main(argv))
        finish_stdout()
        return code, ""
    except Refusal as refusal:
        return int(refusal.code), str(refusal)
    except KeyboardInterrupt:
        return 130, "interrupted; nothing more was written"
    except BrokenPipeError as error:
        abandon_stdout()
        return int(ExitCode.FAILED), str(cut_short("stdout", error))
    except MemoryError:
        return int(ExitCode.FAILED), "out of memory"
    except OSError as error:
        if error.filename is None and error.errno in _FULL:  # files name themselves: this was printed
            abandon_stdout()
            return int(ExitCode.FAILED), str(cut_short("stdout", error))
        where = f"{error.filename}: " if error.filename else ""
        return int(ExitCode.FAILED), f"{where}{error.strerror or error}"


def one_line(text: str) -> str:
    """``text`` on one line, without what would steer a terminal: names of files come from anywhere."""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))


def _plug_closed_streams() -> None:
    """Where the caller closed stdin, stdout or stderr, let no file that is opened next take their place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115  (for the life of the process)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _spell_out() -> None:
    """What a stream's encoding lacks (× in ASCII, a name that is not UTF-8) is printed as \\x…, no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class Parser(argparse.ArgumentParser):
    """argparse with whole option names only, and errors of one line."""

    def __init__(self, **kwargs):
        super().__init__(allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **kwargs)

    def error(self, message: str):
        raise Refusal(f"{message} (try --help)", ExitCode.USAGE)


EXIT_CODES = """exit codes:
  0 everything was written whole      4 no key fits, or key data altered
  1 some files failed, or not written 5 damaged or tampered: nothing written
  2 usage                             6 recovered, unauthenticated (--recover)
  3 bad input                         7 signature missing or not by that key
"""
