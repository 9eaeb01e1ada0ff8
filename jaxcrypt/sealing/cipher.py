"""A System ready to run, as a command line or a sealed picture's header names it.

Systems that learn run with weights: by default those of the zoo entry that the catalog names. Which weights
made a cipher picture stands in its header as the option ``weights``, ``NAME@DIGEST`` with the first 16 hex
digits of their SHA-256, so that nobody decodes with others unawares.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jaxcrypt.declared import Entry, Option, Options, chosen
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.pictures.files import MODES
from jaxcrypt.record import Call, Outcome, Progress, Sealed, Shape, System
from jaxcrypt.systems import catalog

if TYPE_CHECKING:
    import numpy as np

WEIGHTS = "weights"
_DIGEST_DIGITS = 16


@dataclass(frozen=True)
class Cipher:
    """A System with the variables, options and inputs that it runs with.

    Attributes:
      options: what the System gets; those that are missing are at their defaults.
      inputs: host arrays by the names of the System's inputs.
      weights: ``NAME@DIGEST`` of the weights; empty where there are none.
      grows, expected: as for a :class:`~jaxcrypt.record.Call`.
    """

    system: System
    variables: Any = field(default_factory=dict, repr=False)
    options: Options = ()
    inputs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    weights: str = ""
    grows: bool = False
    expected: int = 0

    def __post_init__(self):
        object.__setattr__(self, "options", tuple(chosen(self.system.options, self.options).items()))

    @property
    def name(self) -> str:
        """The System's."""
        return self.system.name

    @property
    def stored(self) -> Options:
        """What the header gets: the options of encryption, and the weights where there are any."""
        opening = {option.name for option in self.system.options if option.opening}
        options = tuple(pair for pair in self.options if pair[0] not in opening)
        return (*options, (WEIGHTS, self.weights)) if self.weights else options

    @property
    def argument(self) -> str:
        """Why its pixels are (or are not) confidential with these options: one line."""
        for option in reversed(self.system.options):
            said = option.arguments.get(dict(self.options)[option.name])
            if said:
                return said
        return self.system.traits.argument

    def encrypt(
        self, pictures: Sequence[np.ndarray], keys: Sequence[bytes], progress: Progress = None
    ) -> list[Sealed]:
        """Encrypt pictures of one shape; see :meth:`jaxcrypt.record.Driver.encrypt`."""
        self.check(pictures[0].shape)
        return self.system.driver.encrypt(self._call(progress), pictures, keys)

    def decrypt(
        self,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
        progress: Progress = None,
    ) -> list[Outcome]:
        """Undo :meth:`encrypt`; see :meth:`jaxcrypt.record.Driver.decrypt`."""
        return self.system.driver.decrypt(self._call(progress), sealed, keys, shape, lost)

    def _call(self, progress: Progress) -> Call:
        return Call(self.variables, self.options, self.inputs, progress, self.grows, self.expected)

    @property
    def aligns(self) -> bool:
        """Whether decryption finds the place of a cipher picture that was cut or enlarged."""
        return self.system.driver.aligns(self.options)

    def check(self, shape: Shape, name: str = "") -> None:
        """Refuse a picture of a shape that the System does not take, before any work.

        Args:
          name: what to call the picture.
        """
        front = f"{name}: " if name else ""
        if shape[2] not in self.system.traits.channels:
            takes = ", ".join(MODES[count] for count in self.system.traits.channels)
            hint = f"this System takes {takes} only; convert it or take another --system"
            raise Refusal(f"{front}is {MODES.get(shape[2], f'{shape[2]} channels')}; {hint}")
        try:
            self.system.driver.check(shape, self.options)
        except Refusal as refusal:
            raise Refusal(f"{front}{refusal}", refusal.code) from None

    def given(self, inputs: Mapping[str, Any]) -> Cipher:
        """The same with further inputs, such as a cover.

        Raises:
          Refusal: an input that the System does not take, or more pictures than its weights take.
        """
        known = {one.name: one for one in self.system.inputs}
        for name, value in inputs.items():
            if name not in known:
                raise usage(f"input {name}: --system {self.name} takes {', '.join(sorted(known)) or 'none'}")
            if known[name].kind == "pictures" and len(value) > known[name].most:
                raise usage(f"{known[name].flag}: {len(value)} given; these weights take {known[name].most}")
        return replace(self, inputs={**self.inputs, **inputs})

    def chosen(self, name: str, value: Any, flag: str | None = None) -> Cipher:
        """The same with another value of one option, as typed or as stored.

        ``flag``: what to call it in a refusal, where that is not its own flag.
        """
        option = self.option(name, flag)
        if isinstance(value, str):
            value = option.parse(value)
        else:
            option.check(value)
        return replace(self, options=tuple((n, value if n == name else old) for n, old in self.options))

    def option(self, name: str, flag: str | None = None) -> Option:
        """The declared option of that name; refused where the System has none."""
        for option in self.system.options:
            if option.name == name:
                return option
        raise usage(f"{flag or catalog.flag(name)}: --system {self.name} has no such option")

    def with_options(self, given: Sequence[str]) -> Cipher:
        """The same with options given as ``NAME=VALUE``, typed or stored, such as ``rate=1/2``."""
        cipher = self
        for text in given:
            name, equals, value = text.partition("=")
            if not equals:
                raise usage(f"--option {text}: must be NAME=VALUE")
            cipher = cipher.chosen(name, value, f"--option {text}")
        return cipher


def load(
    name: str,
    weights: str | None = None,
    options: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
) -> Cipher:
    """The System called ``name``, to encrypt with.

    Args:
      weights: a zoo entry, weights file or training folder to use instead of the default.
      options: typed or stored values by name.
      inputs: host arrays by name.

    Raises:
      Refusal: ``weights`` given to a System without any or of another System; no default weights; weights
        that weaken the System without being told so by an option.
    """
    from jaxcrypt import zoo

    entry = catalog.entry(name)
    default = entry.weights or name
    if weights is None and default not in zoo.manifest():
        cipher = _unlearned(name)
    else:
        system, variables, about = _weighed(weights or default)
        if system.name != name:
            raise usage(f"--weights {weights}: belong to the System {system.name}, not {name}")
        if "superseded" in about:
            raise usage(f"--weights {weights}: only read older cipher pictures; take {about['superseded']}")
        cipher = Cipher(system, variables, weights=_label(about, variables))
    for key, value in (options or {}).items():
        cipher = cipher.chosen(key, value)
    _check_defaults(cipher, entry, options or {}, weights)
    cipher.system.driver.aligns(cipher.options)  # refuses options that exclude each other
    return cipher.given(inputs or {})


def _check_defaults(cipher: Cipher, entry, given: Mapping[str, Any], weights: str | None) -> None:
    """Weights may set an option otherwise than the catalog does: only for who asks for it by name."""
    usual = {option.name: option.default for option in entry.options}
    for option in cipher.system.options:
        if option.name not in given and option.default != usual[option.name]:
            typed = {value: text for text, value in option.choices.items()}.get(option.default)
            raise usage(
                f"--weights {weights}: were trained with {option.name}={typed}; "
                f"if that is what you want, say {option.flag} {typed}"
            )


def stored_entry(name: str, source: str) -> Entry:
    """The declaration of the System that a header names.

    Raises:
      Refusal: it is not installed here.
    """
    try:
        return catalog.entry(name)
    except Refusal:
        raise Refusal(f"{source}: made by the System {name!r}, which is not installed here") from None


def load_stored(name: str, stored: Options, weights: str | None, source: str) -> Cipher:
    """The System that a header names, to decrypt with.

    Raises:
      Refusal: a System or options that this version lacks, or weights that are not at hand.
    """
    stored_entry(name, source)
    wanted = dict(stored).get(WEIGHTS)
    options = tuple(pair for pair in stored if pair[0] != WEIGHTS)
    if wanted is None:
        return _with_stored(_build(name), {}, options, "", source)
    from jaxcrypt import zoo

    digest = str(wanted).rpartition("@")[2]
    reader = weights or zoo.reader(str(wanted))
    if reader is None:
        raise usage(f"{source}: made with the weights {wanted}; name them with --weights")
    system, variables, about = _weighed(reader)
    label = _label(about, variables)
    if digest not in (label.rpartition("@")[2], *about.get("opens", ())):
        raise usage(f"{source}: made with the weights {wanted}, not {label}; name those with --weights")
    if name not in (system.name, about["system"]):
        raise Refusal(f"{source}: made by {name} with weights of {system.name}: damaged or tampered")
    return _with_stored(system, variables, options, str(wanted), source)


def _with_stored(system: System, variables: Any, options: Options, weights: str, source: str) -> Cipher:
    older = ((own.name, own.before) for own in system.options if own.before is not None)
    options = (*options, *(pair for pair in older if pair[0] not in dict(options)))
    try:
        return Cipher(system, variables, options, weights=weights)
    except Refusal as refusal:
        raise Refusal(
            f"{source}: has options that the System {system.name!r} lacks here ({refusal})"
        ) from None


def _weighed(name: str) -> tuple[System, Any, Mapping[str, Any]]:
    """As :func:`jaxcrypt.zoo.load`; its entries are loaded once, so programs are compiled once."""
    from jaxcrypt import zoo

    known = zoo.manifest().get(name)
    return zoo.load(name) if known is None else _shipped(name, known["sha256"])


@functools.lru_cache(maxsize=8)
def _shipped(name: str, _digest: str) -> tuple[System, Any, Mapping[str, Any]]:
    from jaxcrypt import zoo

    return zoo.load(name)


def _build(name: str) -> System:
    """A System that runs without weights."""
    try:
        system = catalog.build(name)
    except Refusal:
        raise usage(f"--system {name}: has no weights here; name some with --weights") from None
    if system.stages:
        raise usage(f"--system {name}: has no weights here; name some with --weights")
    return system


def _unlearned(name: str) -> Cipher:
    return Cipher(_build(name))


def _label(entry: Mapping[str, Any], variables: Any) -> str:
    """``NAME@DIGEST`` of weights; those of a training folder have no file, so their arrays are hashed."""
    digest = entry.get("sha256") or _hash(variables)
    name = entry["name"].replace("\\", "/").rstrip("/").rpartition("/")[2]
    return f"{name}@{digest[:_DIGEST_DIGITS]}"


def _hash(variables: Any) -> str:
    import hashlib

    import jax
    import numpy as np

    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_leaves_with_path(variables):
        digest.update(jax.tree_util.keystr(path).encode())
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()
