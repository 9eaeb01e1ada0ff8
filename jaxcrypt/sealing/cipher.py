"""A System ready to run, as a command line or a sealed picture's header names it.

Systems that learn run with weights: by default those of the zoo entry that has the System's name. Which
weights made a cipher picture stands in its header as the option ``weights``, ``NAME@DIGEST`` with the first
16 hex digits of their SHA-256, so that nobody decodes with others unawares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.systems import catalog as systems

WEIGHTS = "weights"
_DIGEST_DIGITS = 16
Options = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Loaded:
    """A System with the variables and the options that it runs with.

    Attributes:
      options: what the System gets.
      stored: what the header gets: ``options``, and the weights by name and digest where there are any.
    """

    system: Any
    variables: dict[str, Any] = field(default_factory=dict, repr=False)
    options: Options = ()
    stored: Options = ()

    def given(self, inputs: dict[str, Any]) -> Loaded:
        """The same with the further inputs that its System needs, such as a cover."""
        return replace(self, system=replace(self.system, tiles=self.system.tiles.given(inputs)))

    def chosen(self, name: str, value: Any, flag: str | None = None) -> Loaded:
        """The same with another value of one option; refused where the System has no such option.

        ``flag``: the command line's name of it, where that is another than ``--name``.
        """
        if name not in dict(self.options):
            raise usage(f"{flag or f'--{name}'}: this System has no such option")

        def changed(options: Options) -> Options:
            return tuple((key, value if key == name else old) for key, old in options)

        return replace(self, options=changed(self.options), stored=changed(self.stored))

    def with_options(self, given: Sequence[str]) -> Loaded:
        """The same with options given as ``NAME=VALUE``, values being whole numbers, such as ``rate=2``."""
        found = self
        for text in given:
            name, _, value = text.partition("=")
            if not value.isdecimal():
                raise usage(f"--option {text}: must be NAME=NUMBER")
            found = found.chosen(name, int(value), f"--option {text}")
        return found

    def check_channels(self, mode: str, channels: int, name: str) -> None:
        """Refuse a picture whose channels the System does not take."""
        if channels not in self.system.channels:
            modes = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
            takes = ", ".join(modes[count] for count in self.system.channels)
            hint = f"this System takes {takes} only; convert it or take another --system"
            raise Refusal(f"{name}: is {mode}; {hint}")


def load(name: str, weights: str | None = None) -> Loaded:
    """The System called ``name``, to encrypt with.

    Args:
      weights: a zoo entry, weights file or training folder to use instead of the default.

    Raises:
      Refusal: ``weights`` given to a System without any or of another System; no default weights.
    """
    from jaxcrypt import zoo

    systems.entry(name)
    if weights is None and name not in zoo.manifest():
        return _unlearned(name)
    system, variables, entry = zoo.load(weights or name)
    if entry["system"] != name:
        raise usage(f"--weights {weights}: belong to the System {entry['system']}, not {name}")
    options = system.options
    return Loaded(system, variables, options, (*options, (WEIGHTS, _label(entry, variables))))


def load_stored(name: str, stored: Options, weights: str | None, source: str) -> Loaded:
    """The System that a header names, to decrypt with.

    Raises:
      Refusal: a System or options that this version lacks, or weights that are not at hand.
    """
    try:
        systems.entry(name)
    except Refusal:
        raise Refusal(f"{source}: made by the System {name!r}, which is not installed here") from None
    wanted = dict(stored).get(WEIGHTS)
    options = tuple(entry for entry in stored if entry[0] != WEIGHTS)
    if wanted is None:
        system = systems.build(name)
        unknown = sorted(dict(options).keys() - dict(system.options).keys())
        if unknown:
            raise Refusal(f"{source}: has options that the System {name!r} lacks here: {', '.join(unknown)}")
        return Loaded(system, {}, options, stored)
    from jaxcrypt import zoo

    entry_name = str(wanted).rpartition("@")[0]
    if weights is None and entry_name not in zoo.manifest():
        raise usage(f"{source}: made with the weights {wanted}; name them with --weights")
    system, variables, entry = zoo.load(weights or entry_name)
    found = _label(entry, variables)
    if found.rpartition("@")[2] != str(wanted).rpartition("@")[2]:
        raise usage(f"{source}: made with the weights {wanted}, not {found}; name those with --weights")
    return Loaded(system, variables, options, stored)


def _unlearned(name: str) -> Loaded:
    try:
        system = systems.build(name)
    except Refusal:
        raise usage(f"--system {name}: has no weights here; name some with --weights") from None
    if system.stages:
        raise usage(f"--system {name}: has no weights here; name some with --weights")
    return Loaded(system, {}, system.options, system.options)


def _label(entry: dict[str, Any], variables: dict[str, Any]) -> str:
    """``NAME@DIGEST`` of weights; those of a training folder have no file, so their arrays are hashed."""
    digest = entry.get("sha256") or _hash(variables)
    name = entry["name"].replace("\\", "/").rstrip("/").rpartition("/")[2]
    return f"{name}@{digest[:_DIGEST_DIGITS]}"


def _hash(variables: dict[str, Any]) -> str:
    import hashlib

    import jax
    import numpy as np

    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(variables):
        digest.update(jax.tree_util.keystr(path).encode())
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()
