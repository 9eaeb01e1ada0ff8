"""How much threat there is: raised by what is observed, halved every ten minutes, never below a floor.

    score(t) = score(t0) * 2^(-(t - t0) / HALF_LIFE) + weights of the events since

Somebody who proved no key can only raise the threat of the peer that the failure came from: otherwise any
stranger could steer what everybody else does.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace

HALF_LIFE = 600.0
_MOST = 24.0  # of a score: after the last of many events it takes under an hour to fall to calm
_PEERS = 4096  # that are remembered; the calmest are forgotten first


class Event(enum.Enum):
    """What is observed, and how much it weighs."""

    FAILED = ("authentication failed", 1.0)
    REPLAYED = ("a message was replayed", 2.0)
    STRIPPED = ("an offer was altered on its way", 4.0)
    FORGED = ("a picture under a good signature did not verify", 2.0)

    def __init__(self, words: str, weight: float):
        self.words, self.weight = words, weight


class Level(enum.IntEnum):
    """What policies go by."""

    CALM = 0
    WARY = 1
    ALARMED = 2
    ATTACKED = 3

    @classmethod
    def named(cls, name: str) -> Level:
        """The level that a person typed in small letters."""
        return cls[name.upper()]


LEAST = {Level.WARY: 1.0, Level.ALARMED: 3.0, Level.ATTACKED: 8.0}  # the score from which a level holds
NAMES = tuple(level.name.lower() for level in Level)


@dataclass(frozen=True)
class Threat:
    """A score, and the time (seconds) at which it stood so."""

    score: float = 0.0
    at: float = 0.0

    def now(self, time: float) -> float:
        """What is left of the score; a clock that was set back makes it no larger."""
        return self.score * 2.0 ** (-max(0.0, time - self.at) / HALF_LIFE)

    def seen(self, event: Event, time: float) -> Threat:
        """With one more event."""
        return Threat(min(self.now(time) + event.weight, _MOST), max(time, self.at))

    def level(self, time: float, floor: Level = Level.CALM) -> Level:
        """The level that holds, at least ``floor``."""
        score = self.now(time)
        return max([floor, *(level for level, least in LEAST.items() if score >= least)])


@dataclass(frozen=True)
class Watch:
    """Threat by peer, and what concerns all of them."""

    peers: dict[str, Threat] = field(default_factory=dict)
    everywhere: Threat = field(default_factory=Threat)

    def seen(self, event: Event, peer: str, time: float, *, authenticated: bool) -> Watch:
        """With one more event; only of who is ``authenticated`` it concerns everybody."""
        if authenticated:
            return replace(self, everywhere=self.everywhere.seen(event, time))
        peers = {**self.peers, peer: self.peers.get(peer, Threat()).seen(event, time)}
        if len(peers) > _PEERS:
            del peers[min(peers, key=lambda name: peers[name].now(time))]
        return replace(self, peers=peers)

    def level(self, peer: str, time: float, floor: Level = Level.CALM) -> Level:
        """The level for one peer."""
        own = self.peers.get(peer, Threat()).level(time, floor)
        return max(own, self.everywhere.level(time, floor))
