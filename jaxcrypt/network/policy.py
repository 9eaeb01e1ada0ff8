"""Which System, with which options, and how carefully: from needs, threat, network and device to a plan.

Two decisions, kept apart. The **floor** follows from the threat alone: which Systems may be used at all, the
suite of a session, how slow a guess of a passphrase is, how often keys change, whether sizes are hidden. It
never looks at the network. The **cost** is what the network and the device decide: among the ways that the
floor admits and that meet the needs, in order of what they give back, the first that arrives in time.

    seconds(way) = bytes / (throughput * (1 - loss)) + trips * round trip + cost * megapixels / speed

A way that costs as many bytes as a better one is none, so with more bandwidth a plan never gets worse, and
with more threat it never gets less careful. Systems are known by their traits and options alone. Pure: the
same arguments give the same plan. No JAX, no HTTP.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

from jaxcrypt.declared import Entry, Option, Options
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.network.floor import Floor, floor
from jaxcrypt.network.threat import Level
from jaxcrypt.systems import catalog

AUTO = "auto"  # what a command line names instead of a System
PATIENCE = 10.0
_HEADER = 8192  # bytes of a sealed picture besides pixels and file: header, signature, chunks
_TRIPS = 3
_PADDING = 1.03  # of a file that travels (Padmé)


@dataclass(frozen=True)
class Needs:
    """What the user asks of a sealed picture.

    Attributes:
      exact: the very file must come back; else a close picture will do, and the network decides.
      pixels_only: no file may travel.
      survives: kinds of damage that the pixels must outlive (:data:`jaxcrypt.declared.DAMAGES`).
      covert: it must look like an ordinary picture.
      region: only a region is to be encrypted.
      inputs: names of further inputs that are given, such as a cover.
      experimental: pixels that are without a proof will do, as long as nothing alarms.
      among: the Systems that the receiver opens; None for all.
    """

    exact: bool = True
    pixels_only: bool = False
    survives: frozenset[str] = frozenset()
    covert: bool = False
    region: bool = False
    inputs: frozenset[str] = frozenset()
    experimental: bool = False
    among: frozenset[str] | None = None


@dataclass(frozen=True)
class Photo:
    """What a plan has to know of a photo; the default is one of 12 megapixels."""

    height: int = 3000
    width: int = 4000
    channels: int = 3
    bytes: int = 4_000_000


@dataclass(frozen=True)
class Network:
    """What was measured: throughput in bytes a second (None: not yet), round trip in seconds, share lost."""

    throughput: float | None = None
    round_trip: float = 0.0
    loss: float = 0.0

    def words(self) -> str:
        """For the reasons."""
        if self.throughput is None:
            return "the network was not measured yet"
        lost = f", {self.loss:.0%} of the requests lost" if self.loss >= 0.005 else ""
        speed = f"{self.throughput * 8 / 1e6:.3g} Mbit/s"
        return f"the network gives {speed}, round trip {self.round_trip * 1e3:.0f} ms{lost}"


@dataclass(frozen=True)
class Device:
    """How fast this machine encrypts, beside the two cores that the catalog's costs were measured on."""

    speed: float = 1.0


@dataclass(frozen=True)
class Way:
    """One way to seal a photo: a System with options, with or without the file; and what it costs.

    Attributes:
      bytes: of the sealed picture, about; work: seconds of encryption on the measured machine.
    """

    entry: Entry
    options: Options
    file: bool
    bytes: float
    work: float


@dataclass(frozen=True)
class Plan:
    """What is done with a photo, and why.

    Attributes:
      system, options: by name and stored values, those at their defaults left out.
      pixels_only: whether the file stays behind.
      floor: what the threat demands besides.
      bytes, seconds: expected of the sealed picture; seconds are None where no network was measured.
      reasons: in words, a line each.
    """

    system: str
    options: Options
    pixels_only: bool
    floor: Floor
    bytes: int
    seconds: float | None
    reasons: tuple[str, ...] = field(default=(), compare=False)

    def words(self) -> str:
        """The plan in a few words."""
        options = "".join(f" {name} {value}" for name, value in self.options)
        return f"{self.system}{options}, {'pixels only' if self.pixels_only else 'with the very file'}"


def choose(
    needs: Needs,
    level: Level = Level.CALM,
    network: Network | None = None,
    photo: Photo | None = None,
    device: Device | None = None,
    patience: float = PATIENCE,
) -> Plan:
    """The plan for a photo.

    Args:
      level: the threat, the user's own floor of it included.
      patience: seconds that a picture may take.

    Raises:
      Refusal: no System meets the needs at that threat; the message says what to give up.
    """
    network, photo, device = network or Network(), photo or Photo(), device or Device()
    demanded = floor(level, needs.experimental)
    ways = admissible(needs, demanded, photo)
    if not ways:
        raise Refusal(_nothing(needs, demanded, photo), ExitCode.USAGE)
    way = next((one for one in ways if (_seconds(one, network, photo, device) or 0) <= patience), ways[-1])
    seconds = _seconds(way, network, photo, device)
    reasons = (
        *_careful(demanded),
        *_why(way, ways, needs),
        f"{network.words()}: {_arrival(way, seconds, patience)}",
    )
    return Plan(way.entry.name, way.options, not way.file, demanded, round(way.bytes), seconds, reasons)


def admissible(needs: Needs, demanded: Floor, photo: Photo) -> list[Way]:
    """The ways that meet the needs and the floor, best first, each with fewer bytes than all before it."""
    ways = [
        way
        for entry in map(catalog.entry, catalog.NAMES)
        if _suits(entry, needs, photo) and (entry.traits.standard or not demanded.standard)
        for way in _ways(entry, needs, demanded, photo)
    ]
    ways.sort(key=lambda way: _rank(way, needs))
    kept: list[Way] = []
    for way in ways:
        if not kept or way.bytes < kept[-1].bytes:
            kept.append(way)
    return kept


def _rank(way: Way, needs: Needs) -> tuple:
    """What sorts ways, best first: what surely comes back, then a proof, then closeness, then work."""
    traits = way.entry.traits
    return (not way.file, not traits.standard, not traits.exact, -round(way.bytes), -traits.close, way.work)


def _suits(entry: Entry, needs: Needs, photo: Photo) -> bool:
    traits = entry.traits
    takes = {photo.channels, {2: 1, 4: 3}.get(photo.channels, photo.channels)}
    return (
        entry.offered
        and (needs.among is None or entry.name in needs.among)
        and traits.covert == needs.covert
        and (not traits.special or needs.covert)
        and bool(takes & set(traits.channels))
        and all(one.name in needs.inputs for one in entry.inputs if one.required)
        and needs.inputs <= {one.name for one in entry.inputs}
        and (not needs.region or any(one.kind == "mask" for one in entry.inputs))
    )


def _ways(entry: Entry, needs: Needs, demanded: Floor, photo: Photo) -> Iterator[Way]:
    yield from _carriers(entry, needs, photo)
    if not needs.survives <= entry.traits.survives:
        return
    pixels = photo.height * photo.width * photo.channels
    files = [True] if needs.exact and not needs.pixels_only else [True, False]
    if needs.pixels_only:
        files = [False]
    for options in _settings(entry, needs, demanded):
        grown = [one.grows[options[one.name]] for one in entry.options if one.name in options and one.grows]
        growth = entry.traits.growth * next(iter(grown), 1.0)
        stored = tuple(sorted(options.items()))
        for file in files:
            size = pixels * growth + (photo.bytes * _PADDING if file else 0) + _HEADER
            yield Way(entry, stored, file, size, entry.traits.cost * photo.height * photo.width / 1e6)


def _carriers(entry: Entry, needs: Needs, photo: Photo) -> Iterator[Way]:
    """The ways whose pixels carry the very file, where it is to come back from a damaged picture."""
    if not needs.survives or needs.region or needs.pixels_only:
        return
    for option in entry.travel:
        for value, growth in option.carries.items():
            if needs.survives <= option.outlives[value]:
                size = photo.bytes * growth + _HEADER
                yield Way(entry, ((option.name, value),), True, size, entry.traits.cost * size / 3e6)


def _settings(entry: Entry, needs: Needs, demanded: Floor) -> Iterator[Mapping[str, Any]]:
    """Values of the options that matter, those at their defaults left out.

    At most one option that says how large the cipher is differs from its default: each gives the whole size.
    """
    varied = {option.name: _values(option, needs, demanded) for option in entry.options}
    for values in product(*varied.values()):
        picked = dict(zip(varied, values, strict=True))
        changed = {one.name: picked[one.name] for one in entry.options if picked[one.name] != one.default}
        if sum(bool(one.grows) for one in entry.options if one.name in changed) <= 1:
            yield changed


def _values(option: Option, needs: Needs, demanded: Floor) -> list[Any]:
    """What an option may be set to."""
    if option.guards:
        return [option.guards[min(demanded.level, len(option.guards) - 1)]]
    wanted = needs.survives & frozenset().union(*option.outlives.values())
    if wanted:
        return [value for value in option.values if wanted <= option.outlives.get(value, frozenset())]
    if option.outlives or not option.grows:
        return [option.default]
    return list(option.grows)


def _seconds(way: Way, network: Network, photo: Photo, device: Device) -> float | None:
    if network.throughput is None:
        return None
    goodput = max(network.throughput * (1 - min(network.loss, 0.99)), 1e-9)
    return way.bytes / goodput + _TRIPS * network.round_trip + way.work / device.speed


# ----------------------------------------------------------------------------------- in words


def _careful(demanded: Floor) -> Iterator[str]:
    name = demanded.level.name.lower()
    pixels = "pixels must rest on a standard cipher" if demanded.standard else "experimental pixels will do"
    slow = f"Argon2id with {demanded.memory_kib // 1024} MiB and {demanded.iterations} passes"
    hide = ", sizes hidden" if demanded.hide_size else ""
    yield f"threat {name}: {pixels}; {slow}; keys of a session replaced every {demanded.rotate:.0f} s{hide}"


def _why(way: Way, ways: list[Way], needs: Needs) -> Iterator[str]:
    asked = ["a close picture" if not needs.exact else "the very file"]
    asked += ["pixels alone"] if needs.pixels_only else []
    asked += [f"surviving {', '.join(sorted(needs.survives))}"] if needs.survives else []
    asked += ["looking ordinary"] if needs.covert else []
    asked += ["a region only"] if needs.region else []
    others = list(dict.fromkeys(one.entry.name for one in ways if one.entry is not way.entry))
    beside = f"; {', '.join(others)} would do with other sizes" if others else ""
    yield f"asked for: {', '.join(asked)}: {way.entry.name}, {way.entry.summary}{beside}"


def _arrival(way: Way, seconds: float | None, patience: float) -> str:
    size = f"{way.bytes / 1e6:.3g} MB"
    if seconds is None:
        return f"{size}, the best that the floor admits"
    if seconds <= patience:
        return f"{size} in about {seconds:.2g} s, within {patience:g} s"
    return f"{size} in about {seconds:.2g} s, more than {patience:g} s, and nothing admitted is smaller"


def _nothing(needs: Needs, demanded: Floor, photo: Photo) -> str:
    if not admissible(needs, replace(demanded, standard=False), photo):
        return "--system auto: no System meets all of these needs; ask for less"
    if floor(demanded.level, True).standard:
        threat = f"at threat {demanded.level.name.lower()} pixels must rest on a standard cipher"
        return f"--system auto: {threat}, and nothing such meets these needs; ask for less, or wait"
    return "--system auto: only Systems without a proof meet these needs; --experimental takes them"
