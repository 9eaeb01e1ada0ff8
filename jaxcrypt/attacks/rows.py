"""One line of the attack table, and when an attack counts as having got in.

A line *falls* where chance does not explain what was found (p at most 10^-4), or where the adversary is
more than 0.3 dB above knowing nothing. A learned attack that finds nothing says something only if it
finds a weakened cipher's photos with the same budget, by both measures; else its line is void.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jaxcrypt.attacks.significance import by_chance

MARGIN = 0.3  # dB
CHANCE, FALLS, VOID = "as chance", "FALLS", "void: control failed"
RESISTS, WEAKENED = "resists all the same", "falls, weakened"


@dataclass(frozen=True)
class Row:
    """One attack on one System.

    Attributes:
      attack, granted: what was tried, and what the adversary was given.
      found: in words, what came out.
      p: how likely chance is to give as much.
      gain: dB above knowing nothing (the flat mean, the mean photo); None where PSNR says nothing.
      control: the row of the same attack on a weakened cipher; None where the attack is not learned.
      weakened: whether the System itself was weakened for this row (its nonce withheld).
    """

    attack: str
    granted: str
    found: str
    p: float
    gain: float | None = None
    control: Row | None = None
    weakened: bool = False

    @property
    def got_in(self) -> bool:
        return not by_chance(self.p) or (self.gain or 0.0) > MARGIN

    @property
    def surely_in(self) -> bool:
        """What a control must show: both measures."""
        return not by_chance(self.p) and (self.gain is None or self.gain > MARGIN)

    @property
    def verdict(self) -> str:
        if self.weakened:
            return WEAKENED if self.got_in else RESISTS
        if self.got_in:
            return FALLS
        return VOID if self.control is not None and not self.control.surely_in else CHANCE

    def facts(self) -> dict:
        """For JSON."""
        kept = {"attack": self.attack, "granted": self.granted, "found": self.found}
        control = {} if self.control is None else {"control": self.control.facts()}
        return kept | {"p": self.p, "gain": self.gain, "verdict": self.verdict} | control


def _in_words(row: Row) -> str:
    result = row.found if row.gain is None else f"{row.gain:+.2f} dB"
    return f"{row.granted}: {result}, p {row.p:.1g}"


def table(title: str, rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        title,
        "",
        "| attack | the adversary has | found | p | control | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        control = "" if row.control is None else _in_words(row.control)
        lines.append(
            f"| {row.attack} | {row.granted} | {row.found} | {row.p:.2g} | {control} | {row.verdict} |"
        )
    return "\n".join(lines)
