"""What every command shares: one line for what went wrong, an exit code, a parser, the version."""

from __future__ import annotations

import argparse
import contextlib
import errno
import io
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from jaxcrypt import __version__
from jaxcrypt.cli import extras
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
    given = sys.argv[1:] if argv is None else argv
    if "--version" in given:
        print(f"jaxcrypt {__version__}")
        return int(ExitCode.OK)
    code, message = _run(main, argv)
    if message:
        print("jaxcrypt:", one_line(message), file=sys.stderr)
        if tells_json and "--json" in given:
            with contextlib.suppress(OSError):
                print(json.dumps({"error": message, "exit": code}), flush=True)
    return code


def _run(main: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None) -> tuple[int, str]:
    """The exit code, and what went wrong ("" where nothing is to be said)."""
    try:
        code = int(main(argv))
        finish_stdout()
        return code, ""
    except KeyboardInterrupt:
        return 130, "interrupted; nothing more was written"
    except BrokenPipeError as error:
        abandon_stdout()
        return int(ExitCode.FAILED), str(cut_short("stdout", error))
    except Exception as error:
        refusal = explain(error)
        return int(refusal.code), str(refusal)


def explain(error: Exception, name: str = "") -> Refusal:
    """Whatever was raised, as a refusal: what nobody raised on purpose is a bug and called one.

    Args:
      name: the file that was worked on, for messages that do not begin with it.
    """
    front = f"{name}: " if name else ""
    if isinstance(error, BrokenPipeError):
        raise error
    if isinstance(error, Refusal):
        text = str(error)
        bare = text.removeprefix(f"{os.path.basename(name)}: ") if name else text
        return error if text.startswith(front) else Refusal(front + bare, error.code)
    if isinstance(error, ModuleNotFoundError) and (hint := extras.hint(error.name or "")):
        return Refusal(f"{front}{hint}", ExitCode.USAGE)
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return Refusal(f"{front}out of memory", ExitCode.FAILED)
    if isinstance(error, OSError):
        if error.filename is None and error.errno in _FULL:  # files name themselves: this was printed
            abandon_stdout()
            return cut_short("stdout", error)
        where = f"{error.filename}: " if error.filename else front
        return Refusal(f"{where}{error.strerror or error}", ExitCode.FAILED)
    if os.environ.get("JAXCRYPT_DEBUG"):
        traceback.print_exception(error)
    text = str(error).splitlines()
    what = f"internal error, {type(error).__name__}: {text[0] if text else 'no message'}"
    return Refusal(f"{front}{what} (please report it; JAXCRYPT_DEBUG=1 shows where)", ExitCode.INTERNAL)


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


class _Once(argparse.Action):
    """Stores a value; the same option again is an error instead of a silent change of mind."""

    def __call__(self, parser, namespace, values, option_string=None):
        seen = getattr(namespace, "_seen", frozenset())
        if option_string and self.dest in seen:
            parser.error(f"{option_string}: given twice")
        namespace._seen = seen | {self.dest}
        setattr(namespace, self.dest, values)


class Parser(argparse.ArgumentParser):
    """argparse with whole option names only, none of them given twice, and errors of one line."""

    def __init__(self, **kwargs):
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **kwargs)
        self.register("action", None, _Once)
        self.register("action", "store", _Once)
        if self.add_help:
            # Answered by entry(), for commands with parsers of another kind too.
            self.add_argument("--version", action="store_true", help="show the version and exit")

    def error(self, message: str):
        raise Refusal(f"{message} (try --help)", ExitCode.USAGE)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help that fits a screen of 80 columns."""

    def __init__(self, prog: str):
        super().__init__(prog, max_help_position=27)


EXIT_CODES = """exit codes:
  0 everything was written whole        5 damaged or tampered: nothing written
  1 some files failed, or not written   6 recovered, unauthenticated (--recover)
  2 usage                               7 signature missing or not by that key
  3 bad input                           8 internal error: a bug
  4 no key fits, or key data altered    9 the key ledger does not vouch for it
"""
