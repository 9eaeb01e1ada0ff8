"""The options by which commands are told of a key ledger, and what those amount to."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxcrypt.cli.command import one_line
from jaxcrypt.crypto.ledger import MAX_AGE_DAYS
from jaxcrypt.errors import usage

if TYPE_CHECKING:
    from jaxcrypt.crypto.ledger.client import Client
    from jaxcrypt.crypto.ledger.trust import Policy
    from jaxcrypt.crypto.recipients import Recipient


def add_sealing_flags(group: Any) -> None:
    """Add the options by which ``--recipient NAME`` is looked up."""
    help = "a key ledger to look --recipient NAME up in"
    group.add_argument("--ledger", metavar="PLACE", help=help)
    # Days since its witnesses looked, at most; docs/LEDGER.md. Help is for what is asked for every day.
    group.add_argument("--ledger-age", metavar="DAYS", type=float, help=argparse.SUPPRESS)


def add_opening_flags(group: Any) -> None:
    """Add the option that demands a proof of a ledger."""
    help = "demand a ledger's proof of the recipient's key"
    group.add_argument("--ledger-policy", metavar="FILE", help=help)


def recipients(args: argparse.Namespace, given: list[str]) -> list[str | Recipient]:
    """Whom to seal for: names looked up in the ledger that was named, files as they are.

    With ``--ledger`` whatever has no path separator is a name.

    Raises:
      Refusal: a name whose key the ledger does not vouch for; options without a ledger or without names.
    """
    place, age = getattr(args, "ledger", None), getattr(args, "ledger_age", None)
    if place is None:
        if age is not None:
            raise usage("--ledger-age goes with --ledger PLACE")
        return list(given)
    names = [name for name in given if os.sep not in name and "/" not in name]
    if not names:
        raise usage("--ledger: name somebody in it with --recipient NAME")
    if age is not None and not age > 0:
        raise usage("--ledger-age: more than 0 days")
    client = open_client(place, None, MAX_AGE_DAYS if age is None else age)
    try:
        lookups = {name: client.find(name) for name in names}
    finally:
        client.close()
    for each in lookups.values():
        print("note:", one_line(each.logged.words()), file=sys.stderr)
    return [lookups[name].recipient if name in lookups else name for name in given]


def open_client(place: str, policy: str | None, days: float | None, *, remember: bool = True) -> Client:
    """A client of a ledger, which remembers what it saw between runs.

    Args:
      place, policy: as :func:`locate` takes them.
      days: since the witnesses looked, at most; None: whenever.

    Raises:
      Refusal: no ledger, no policy.
    """
    from jaxcrypt.crypto.ledger import trust
    from jaxcrypt.crypto.ledger.client import Client

    place, trusted = locate(place, policy)
    memory = _memory(trusted) if remember else None
    return Client(place, trusted, memory, max_age=None if days is None else days * trust.DAY)


def locate(place: str, policy: str | None) -> tuple[str, Policy]:
    """Where a ledger is, a folder or a URL, and whom to trust of it.

    Args:
      place: a folder, with its policy beside it; or a policy's file, which says where the log is; or, where
        ``policy`` is a file that says whom to trust, a folder or a URL.

    Raises:
      Refusal: nothing says whom to trust (a server is not to be asked that), or where the ledger is.
    """
    from jaxcrypt.crypto.ledger import places, trust

    if policy is not None:
        return place, trust.read(policy)
    if places.is_url(place):
        raise usage(f"{place}: name a policy's file, which says whom to trust, and where: log KEY {place}")
    if not Path(place).is_file():
        return place, trust.read(policy_path(place))
    trusted = trust.read(place)
    if not trusted.urls:
        raise usage(f"{place}: does not say where the ledger is: add its URL to the line: log KEY URL")
    return next(iter(trusted.urls.values())), trusted


def policy_path(folder: str) -> Path:
    """Where the policy of a ledger in a folder is: beside it."""
    path = Path(folder)
    return path.with_name(f"{path.name}.policy")


def _memory(policy: Policy) -> Path:
    """Where a client remembers what it saw of the logs that are trusted."""
    state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    known = "\n".join(sorted(key.text() for key in policy.logs))
    return state / "jaxcrypt" / "ledger" / f"{hashlib.sha256(known.encode()).hexdigest()[:16]}.sqlite"
