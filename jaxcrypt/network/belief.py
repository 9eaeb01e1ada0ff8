"""What a sender believes of the network: measured, smoothed, and changed only now and then.

A plan follows what is believed, not each measurement: the belief stays while the smoothed measurement lies
within a band around it, and at least ``DWELL`` seconds once it changed. So in T seconds there are at most
1 + T / DWELL changes, whatever the network does, and none while it stays within the band.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from jaxcrypt.network.policy import Network

BAND = 1.5
DWELL = 10.0
_WEIGHT = 0.3  # of a new measurement


@dataclass(frozen=True)
class Belief:
    """Smoothed measurements, and what is believed since when (seconds)."""

    believed: Network = field(default_factory=Network)
    measured: Network = field(default_factory=Network)
    since: float = float("-inf")

    def updated(self, seen: Network, now: float) -> Belief:
        """With one more measurement."""
        measured = seen if self.measured.throughput is None else _mixed(self.measured, seen)
        kept = replace(self, measured=measured)
        if now - self.since < DWELL or not _moved(self.believed, measured):
            return kept
        return Belief(measured, measured, now)


def _mixed(old: Network, new: Network) -> Network:
    if old.throughput is None or new.throughput is None:
        return new if old.throughput is None else old

    def mix(before: float, after: float) -> float:
        return before + _WEIGHT * (after - before)

    return Network(
        mix(old.throughput, new.throughput), mix(old.round_trip, new.round_trip), mix(old.loss, new.loss)
    )


def _moved(believed: Network, measured: Network) -> bool:
    """Whether the goodput left the band."""
    if believed.throughput is None or measured.throughput is None:
        return measured.throughput is not None
    before, after = (one.throughput * (1 - one.loss) for one in (believed, measured) if one.throughput)
    return not before / BAND < after < before * BAND
