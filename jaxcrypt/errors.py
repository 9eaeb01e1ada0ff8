"""Refusals and exit codes: the one place where both are listed.

A command that cannot do what it was asked raises a :class:`Refusal`; the command line prints its text as
one line on stderr and exits with its code. The text names the file or the option and says what to do; it
never holds a secret.
"""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """Exit statuses of every ``jaxcrypt`` command. 0 means: everything asked for was written whole."""

    OK = 0
    FAILED = 1  # some of several files failed, or an output could not be written
    USAGE = 2  # options that make no sense (argparse uses the same number)
    BAD_INPUT = 3  # not a picture, not a sealed picture, truncated, too large, unsupported
    NO_KEY = 4  # no key fits, or key data altered
    TAMPERED = 5  # a MAC failed: damaged or tampered, which cryptography cannot tell apart
    RECOVERED = 6  # --recover wrote pixels that nothing authenticates
    BAD_SIGNATURE = 7  # --signed-by: no signature, or not by that key
    INTERNAL = 8  # a bug of jaxcrypt; JAXCRYPT_DEBUG=1 shows its traceback
    LEDGER = 9  # a key ledger, or its proof in a picture, does not vouch for what was asked


class Refusal(Exception):
    """Something the user can act on. ``str(refusal)`` is one line; ``code`` is the exit status."""

    def __init__(self, message: str, code: ExitCode = ExitCode.BAD_INPUT):
        super().__init__(message)
        self.code = code


def usage(message: str) -> Refusal:
    """The refusal of options that make no sense."""
    return Refusal(message, ExitCode.USAGE)


def no_key(message: str = "no key fits, or key data altered") -> Refusal:
    """The refusal where no key opens a picture; which of the two it was cannot be told."""
    return Refusal(message, ExitCode.NO_KEY)


def tampered(message: str) -> Refusal:
    """The refusal of what a MAC does not vouch for."""
    return Refusal(message, ExitCode.TAMPERED)


def unlogged(message: str) -> Refusal:
    """The refusal of what a key ledger, its witnesses or a proof do not vouch for."""
    return Refusal(message, ExitCode.LEDGER)
