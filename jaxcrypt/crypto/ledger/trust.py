"""Whom a client trusts: logs, witnesses and how many of these it wants (C2SP tlog-policy).

log KEY [URL]
witness NAME KEY [URL]
group NAME all|any|NUMBER MEMBER …
quorum NAME|none
"""

from __future__ import annotations

import time as clock
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from jaxcrypt.crypto import textfile
from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import MAX_AGE_DAYS, checkpoint, note
from jaxcrypt.errors import Refusal, unlogged

MAX_BYTES = 1 << 20
MAX_GROUPS = 64
NONE = "none"
DAY = 86_400
MAX_AGE = MAX_AGE_DAYS * DAY
_SKEW = 600  # seconds that a witness's clock may be ahead


@dataclass(frozen=True)
class Witnessed:
    """A checkpoint that a trusted log signed and enough witnesses saw.

    Attributes:
      head: the checkpoint; ``note`` its bytes with all signatures.
      times: when each witness cosigned, in seconds since 1970, by the policy's names.
    """

    head: checkpoint.Checkpoint
    note: bytes = field(repr=False)
    times: dict[str, int]

    @property
    def since(self) -> int | None:
        """When the first of the witnesses saw it; None without witnesses."""
        return min(self.times.values(), default=None)

    def words(self) -> str:
        """Who saw it when."""
        if not self.times:
            return "no witness asked for"
        return f"witnessed by {' and '.join(self.times)} on {day(min(self.times.values()))}"


@dataclass(frozen=True)
class Policy:
    """Logs and witnesses by key, and the quorum; :func:`read` makes one of a file.

    Attributes:
      groups: threshold and members by name; members stand in ``witnesses`` or ``groups``.
      urls: where logs are, by their names.
    """

    logs: tuple[note.Verifier, ...]
    witnesses: dict[str, note.Verifier]
    groups: dict[str, tuple[int, tuple[str, ...]]]
    quorum: str
    urls: dict[str, str] = field(default_factory=dict)

    def check(self, data: bytes, source: str, *, max_age: float | None = None) -> Witnessed:
        """The checkpoint in ``data``, verified.

        Args:
          source: what messages call it.
          max_age: seconds since enough witnesses last saw it; None: whenever that was.

        Raises:
          Refusal: (LEDGER) not signed by a trusted log, not seen by enough witnesses, or too long ago.
        """
        try:
            signed = note.decode(data)
            head = checkpoint.decode(signed.body)
            logs = [log for log in self.logs if log.name == head.origin]
            if all(log.find(signed) is None for log in logs):
                raise unlogged(
                    f"{source}: its checkpoint is of {head.origin}, signed by no log that is trusted"
                )
            times = {
                name: time for name, key in self.witnesses.items() if (time := key.find(signed)) is not None
            }
        except Malformed as reason:
            raise unlogged(f"{source}: forged or damaged checkpoint ({reason})") from None
        now = clock.time()
        if any(time > now + _SKEW for time in times.values()):
            raise unlogged(f"{source}: a witness cosigned in the future; look at this machine's clock")
        if not self._enough(times):
            seen = ", ".join(times) or "none"
            raise unlogged(f"{source}: not witnessed: wants {self.quorum}, cosigned by {seen}")
        if max_age is not None and not self._enough([n for n, t in times.items() if t >= now - max_age]):
            ago = (now - max(times.values())) / DAY
            wanted = f"at most {max_age / DAY:g} wanted"
            raise unlogged(f"{source}: stale witness: last cosigned {ago:.1f} days ago, {wanted}")
        return Witnessed(head, data, times)

    def _enough(self, seen: Collection[str]) -> bool:
        """Whether these witnesses make the quorum."""

        def holds(name: str) -> bool:
            if name not in self.groups:
                return name in seen
            threshold, members = self.groups[name]
            return sum(map(holds, members)) >= threshold

        return self.quorum == NONE or holds(self.quorum)


def write(logs: list[str], witnesses: dict[str, list[note.Verifier]], comment: str = "") -> str:
    """A policy's text: these log lines, and each witness with all its keys.

    Args:
      logs: verifier keys, each with a URL behind it or not.
      witnesses: keys by a name of the policy's own; all keys of all witnesses must have signed.
    """
    lines = [f"# {comment}"] if comment else []
    lines += [f"log {log}" for log in logs]
    for name, keys in witnesses.items():
        kinds = [f"{name}-{'mldsa' if key.kind == note.MLDSA44 else 'ed25519'}" for key in keys]
        lines += [f"witness {kind} {key.text()}" for kind, key in zip(kinds, keys, strict=True)]
        lines.append(f"group {name} all {' '.join(kinds)}")
    if witnesses:
        lines += [f"group witnesses all {' '.join(witnesses)}", "quorum witnesses"]
    else:
        lines.append(f"quorum {NONE}")
    return "\n".join([*lines, ""])


def read(path: str | Path) -> Policy:
    """The policy in a file.

    Raises:
      Refusal: no such file, or it is no policy; the message names the line.
    """
    return decode(textfile.read_bounded(path, MAX_BYTES), str(path))


def decode(data: bytes, source: str = "policy") -> Policy:
    """:func:`read` of a file's bytes."""
    reader = _Reader()
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError:
        raise Refusal(f"{source}: not a ledger policy") from None
    for number, line in enumerate(lines, 1):
        words = line.replace("\t", " ").split()
        if not words or words[0].startswith("#"):
            continue
        try:
            reader.take(words)
        except Malformed as reason:
            raise Refusal(f"{source}: line {number}: {reason}") from None
    if reader.quorum is None:
        raise Refusal(f"{source}: a policy names its quorum: quorum NAME, or quorum none")
    return Policy(tuple(reader.logs), reader.witnesses, reader.groups, reader.quorum, reader.urls)


class _Reader:
    """The lines of a policy so far."""

    def __init__(self):
        self.logs: list[note.Verifier] = []
        self.witnesses: dict[str, note.Verifier] = {}
        self.groups: dict[str, tuple[int, tuple[str, ...]]] = {}
        self.urls: dict[str, str] = {}
        self.quorum: str | None = None
        self._members: set[str] = set()

    def take(self, words: list[str]) -> None:
        """One line, as words."""
        kind, *rest = words
        takes = {"log": self._log, "witness": self._witness, "group": self._group, "quorum": self._quorum}
        if kind not in takes:
            raise Malformed(f"begins with {kind}, not with log, witness, group or quorum")
        takes[kind](rest)

    def _log(self, words: list[str]) -> None:
        if len(words) not in (1, 2):
            raise Malformed("a log is: log KEY [URL]")
        key = note.read_verifier(words[0])
        if key.kind == note.COSIGNATURE or any(key.public == other.public for other in self.logs):
            raise Malformed("a log has a key of kind 1 or 6, and stands there once")
        self.logs.append(key)
        if words[1:]:
            self.urls[key.name] = words[1]

    def _witness(self, words: list[str]) -> None:
        if len(words) not in (2, 3):
            raise Malformed("a witness is: witness NAME KEY [URL]")
        self._new(words[0])
        key = note.read_verifier(words[1])
        if key.kind == note.ED25519 or any(key.public == other.public for other in self.witnesses.values()):
            raise Malformed("a witness has a key of kind 4 or 6, and stands there once")
        self.witnesses[words[0]] = key

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise Malformed("a group is: group NAME all|any|NUMBER MEMBER …")
        name, threshold, *members = words
        self._new(name)
        if len(self.groups) == MAX_GROUPS:
            raise Malformed(f"more than {MAX_GROUPS} groups")
        for member in members:
            if member not in self.witnesses and member not in self.groups:
                raise Malformed(f"{member} is not defined above")
            if member in self._members:
                raise Malformed(f"{member} is in a group already")
            self._members.add(member)
        count = {"all": len(members), "any": 1}.get(threshold)
        count = checkpoint.number(threshold) if count is None else count
        if not 1 <= count <= len(members):
            raise Malformed(f"wants {count} of {len(members)}")
        self.groups[name] = count, tuple(members)

    def _quorum(self, words: list[str]) -> None:
        if len(words) != 1 or self.quorum is not None:
            raise Malformed("there is one quorum: quorum NAME, or quorum none")
        if words[0] != NONE and words[0] not in self.witnesses and words[0] not in self.groups:
            raise Malformed(f"{words[0]} is not defined above")
        self.quorum = words[0]

    def _new(self, name: str) -> None:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise Malformed(f"{name} is taken")


def day(time: float) -> str:
    """A time in words, UTC."""
    return clock.strftime("%Y-%m-%d %H:%M UTC", clock.gmtime(time))
