"""The receivers that a sender knows: whose key it trusts under which address, and the threat seen there.

A file of JSON in the user's state folder. A receiver that is met for the first time is trusted as it shows
itself, which is said; from then on another key under that address is refused.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from jaxcrypt.cli.output import make_folder, write_whole
from jaxcrypt.errors import ExitCode, Refusal, usage
from jaxcrypt.network.threat import Event, Level, Threat
from jaxcrypt.network.transcript import Suspicious

_PREFIX = "SHA256:"


def default_file() -> Path:
    """``$XDG_STATE_HOME/jaxcrypt/receivers.json``."""
    root = os.environ.get("XDG_STATE_HOME")
    return (Path(root) if root else Path.home() / ".local" / "state") / "jaxcrypt" / "receivers.json"


def check_fingerprint(text: str) -> str:
    """A fingerprint that a person typed.

    Raises:
      Refusal: it is none.
    """
    digits = text.removeprefix(_PREFIX).lower()
    if len(digits) != 64 or set(digits) - set("0123456789abcdef"):
        raise usage(f"--fingerprint {text}: is none; receive prints it, SHA256: and 64 hex digits")
    return _PREFIX + digits


class Known:
    """What is known of the receiver at one address.

    Args:
      file: where it is kept.
      address: ``host:port``.
      wanted: the fingerprint that the receiver must have; None: the one that is known, or whichever it shows.

    Raises:
      Refusal: the file is none of ours.
    """

    def __init__(self, file: Path, address: str, wanted: str | None = None):
        self._file, self._address = file, address
        entry = self._read().get(address, {})
        self._trusted = wanted or entry.get("identity")
        self._threat = Threat(float(entry.get("score", 0)), float(entry.get("at", 0)))

    def level(self, least: Level) -> Level:
        """The threat that is seen at this address."""
        return self._threat.level(time.time(), least)

    def check(self, identity: str) -> str:
        """Refuse a receiver with another key; gives what to say of one that is new ("" otherwise).

        Raises:
          Suspicious: it is not the receiver that was wanted or known.
        """
        if self._trusted is None:
            self._trusted = identity
            self._save()
            return (
                f"{self._address} is new and trusted as it shows itself: {identity}; "
                "compare that with what receive printed there"
            )
        if identity != self._trusted:
            what = (
                f"{self._address} is {identity}, not {self._trusted}: another receiver, or somebody between"
            )
            raise Suspicious(what, Event.FAILED, ExitCode.BAD_SIGNATURE)
        self._save()
        return ""

    def seen(self, event: Event) -> None:
        """Something was observed; it is kept."""
        self._threat = self._threat.seen(event, time.time())
        self._save()

    def _read(self) -> dict:
        try:
            data = json.loads(self._file.read_text())
            if not isinstance(data, dict) or not all(isinstance(one, dict) for one in data.values()):
                raise ValueError
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Refusal(f"{self._file}: cannot be read ({error.strerror})") from None
        except ValueError:
            raise Refusal(f"{self._file}: no list of known receivers; move it away") from None
        return data

    def _save(self) -> None:
        make_folder(self._file.parent)
        entry = {"identity": self._trusted, "score": self._threat.score, "at": self._threat.at}
        data = self._read()
        if data.get(self._address) == entry:
            return
        text = json.dumps({**data, self._address: entry}, indent=1, sort_keys=True) + "\n"
        write_whole(self._file, lambda file: file.write(text.encode()), force=True, mode=0o600)
