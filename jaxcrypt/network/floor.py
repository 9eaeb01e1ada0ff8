"""The security floor: what a level of threat demands, whatever the network."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jaxcrypt.network.threat import Level


@dataclass(frozen=True)
class Floor:
    """What a threat level demands; each field only ever grows more careful with the level.

    Attributes:
      standard: pixels must be as confidential as a standard cipher.
      suite: the least rank of a session's suite.
      memory_kib, iterations: of Argon2id, where a passphrase or key image seals.
      rotate: seconds after which a session's keys are replaced.
      hide_size: what travels is padded to the next power of two.
    """

    level: Level
    standard: bool
    suite: int
    memory_kib: int
    iterations: int
    rotate: float
    hide_size: bool


_FLOORS = (
    Floor(Level.CALM, False, 1, 64 * 1024, 3, 3600.0, False),
    Floor(Level.WARY, False, 1, 64 * 1024, 4, 900.0, False),
    Floor(Level.ALARMED, True, 2, 128 * 1024, 4, 300.0, False),
    Floor(Level.ATTACKED, True, 2, 256 * 1024, 4, 60.0, True),
)


def floor(level: Level, experimental: bool = False) -> Floor:
    """What a level demands; ``experimental``: pixels without a proof will do where the level lets them."""
    given = _FLOORS[level]
    return given if experimental else replace(given, standard=True)
