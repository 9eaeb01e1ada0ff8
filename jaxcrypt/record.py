"""The record that every technique is: pure functions, and what the rest of the house needs to know of them.

Commands, training, metrics and attacks know a technique through :class:`System` alone; what is declared of it
stands in :mod:`jaxcrypt.declared`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from jaxcrypt.declared import Input, Option, Options, Traits
from jaxcrypt.errors import Refusal

Shape = tuple[int, int, int]
Progress = Callable[[float], None] | None

# -------------------------------------------------------------------------------------- training


@dataclass(frozen=True)
class Phase:
    """What one optimizer trains.

    Attributes:
      nets: names of the nets whose parameters (and ``extra`` collections) move; all others are frozen.
      loss: ``(params, extra, batch, rng) -> (loss, (extra, metrics))``; ``params`` and ``extra`` hold every
        net by name, ``loss`` is a float32 scalar, ``metrics`` a flat dict of float32 scalars.
      every: the phase runs on every n-th step.
    """

    nets: tuple[str, ...]
    loss: Callable[..., Any]
    every: int = 1


@dataclass(frozen=True)
class Stage:
    """Phases trained together for ``steps`` steps; stages follow one another.

    ``init_from`` names the earlier stage, the zoo entry or the folder of a run whose parameters the stage
    starts from: nets that it has are taken over (averaged where they were), all others start anew. None:
    everything starts anew. ``name`` is what a later stage calls this one.
    """

    phases: Mapping[str, Phase]
    steps: int
    init_from: str | None = None
    name: str = ""


# ---------------------------------------------------------------------------------------- in use


@dataclass(frozen=True)
class Sealed:
    """What a System makes of a picture.

    Attributes:
      pixels: the cipher picture, uint8 ``[H', W', C']``; with a batch axis before where a System's own
        functions make it.
      side: small arrays by name that decoding needs (mean, spread, digest, …), with or without that axis;
        they travel in the encrypted part of the header.
      report: what the sender may be told, and does not travel: ``says``, a line, and numbers by name.
    """

    pixels: Any
    side: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """What a driver works with, beside pictures and keys.

    Attributes:
      variables: ``{'params', 'extra'}`` by net; ``{}`` where nothing is learned.
      options: stored values by name; those that are missing are at their defaults.
      inputs: host arrays by the names of the System's inputs.
      progress: called with the share that is done, 0 to 1.
      grows: the header travels in a carrier that is as large as both need, not in the cipher picture alone.
      expected: samples of all pictures of the run, where more are to come: what takes time to start may pay.
    """

    variables: Any = field(default_factory=dict)
    options: Options = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress = None
    grows: bool = False
    expected: int = 0


@dataclass(frozen=True)
class Outcome:
    """What decryption gives back of one cipher picture.

    Attributes:
      pictures: uint8 ``[H, W, C]`` each: the picture, or several secrets.
      noise: standard deviation of what is expected to be wrong with the picture, in grey levels; None where
        nothing tells.
      stages: uint8 pictures on the way, where there are any.
      report: further results by name, such as ``intact``.
    """

    pictures: list[Any]
    noise: float | None = None
    stages: list[Any] = field(default_factory=list)
    report: dict[str, Any] = field(default_factory=dict)


class Driver(Protocol):
    """How host pictures of any size and shape go through a System.

    Its refusals are on purpose: whatever else it raises is a bug. So it checks what a header says before it
    works with it.
    """

    def encrypt(self, call: Call, pictures: Sequence[Any], keys: Sequence[bytes]) -> list[Sealed]:
        """Encrypt pictures of one shape.

        Args:
          pictures: uint8 ``[H, W, C]`` each, all of one shape; keys: 32 bytes each.

        Returns:
          One :class:`Sealed` each, numpy arrays without a batch axis.

        Raises:
          Refusal: what :meth:`check` refuses, or an input that is missing or does not fit.
        """
        ...

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[Any] | None = None,
    ) -> list[Outcome]:
        """Undo :meth:`encrypt`.

        Args:
          shape: the plain pictures' ``(H, W, C)``.
          lost: bool ``[H', W']`` each: cipher pixels known to be lost.

        Raises:
          Refusal: a cipher picture, shape, option or side array that no encryption gives.
        """
        ...

    def aligns(self, options: Options) -> bool:
        """Whether decryption finds the place of a cipher picture that was cut or enlarged."""
        ...

    def check(self, shape: Shape, options: Options) -> None:
        """Refuse a plain picture's shape or an option that :meth:`encrypt` cannot take, before any work."""
        ...


class Undriven:
    """The driver of what is only trained, such as an attack: it refuses."""

    def encrypt(self, call, pictures, keys) -> list[Sealed]:
        """Refuse."""
        raise Refusal("this System is only trained: it encrypts no pictures")

    def decrypt(self, call, sealed, keys, shape, lost=None) -> list[Outcome]:
        """Refuse."""
        raise Refusal("this System is only trained: it decrypts no pictures")

    def aligns(self, options: Options) -> bool:
        """Never."""
        return False

    def check(self, shape: Shape, options: Options) -> None:
        """Refuse."""
        raise Refusal("this System is only trained: it encrypts no pictures")


@dataclass(frozen=True)
class Prior:
    """What a System that generates pictures draws them from: latents z ~ N(0, 1).

    Attributes:
      latent: dimensions of z.
      generate: ``(variables, z) -> pictures``: float32 ``[N, latent]`` to uint8 ``[N, H, W, 3]``.
      read: ``(variables, pictures, progress, batch) -> reading``: its ``z`` and ``sigma``, float32
        ``[N, latent]``, are the latents that pictures came from, and the standard deviations of their errors;
        so many pictures go through the nets together.
      carry: ``(data, key, options, dithered) -> z``: latents of as many pictures as carry so many bytes under
        a key of 32; without a dither only to show what that is for.
      find: ``(z, sigma, key, options) -> found``, the inverse, from what was read: its ``data``, and how many
        of ``total`` bytes were ``mended``; a Refusal where more is wrong than can be.
    """

    latent: int
    generate: Callable[..., Any]
    read: Callable[..., Any]
    carry: Callable[..., Any]
    find: Callable[..., Any]


@dataclass(frozen=True)
class Carrier:
    """How pictures that a System generates travel alone: with a key they are all it takes to open them.

    ``key_of`` gives 32 bytes of key from a nonce of 16 bytes, which the pictures hold; ``secret`` is 32
    random bytes that are used for nothing else. Pictures are uint8 ``[N, side, side, 3]``, in any order.

    Attributes:
      side: of each picture.
      hide: ``(call, picture, name, secret, key_of) -> Sealed``, whose ``pixels`` are the pictures.
      find: ``(call, pictures, key_of) -> Outcome``, whose report has ``name``.
    """

    side: int
    hide: Callable[..., Sealed]
    find: Callable[..., Outcome]


@dataclass(frozen=True)
class System:
    """One technique, as pure functions and what is declared of it.

    Attributes:
      init: ``(rng, batch) -> (params, extra)``, dicts by net name; ``({}, {})`` where nothing is learned.
      batch: ``(config) -> {name: ShapeDtypeStruct}``: what the input pipeline must bring.
      stages: how it is trained, in order; empty where nothing is learned.
      encrypt: ``(variables, inputs, subkey, options) -> Sealed``. ``inputs['image']`` is uint8 [B, H, W, C];
        ``subkey`` is uint32 ``[B, 8]``; ``options`` is a hashable, static tuple of ``(name, value)`` pairs.
      decrypt: ``(variables, sealed, inputs, subkey, options) -> dict`` of named results; ``'image'`` is uint8
        ``[B, H, W, C]``. ``inputs`` may hold ``'lost'``, bool ``[B, H', W']``: pixels known to be lost.
      outputs: ``(variables, batch, rng) -> dict`` of named images in [0, 1], for metrics, plots and attacks.
      name: what headers call it.
      options, inputs, traits: what it offers, takes and promises; from the catalog, as its config changes
        them.
      driver: how host pictures go through it.
      ema: the nets whose parameters are averaged over training.
      prior: what its pictures are drawn from, where it generates some.
      carrier: how they travel alone, where they do.
      null: ``(shape, options, random) -> pixels``: a cipher picture that holds no picture, as the layout
        makes it of random symbols, for a plain picture ``(H, W, C)`` and numpy's generator ``random``; None
        where cipher pictures are uniform bytes with these options, or always (the default).
      outline: ``(shape, options, grows) -> Sealed``: pixels and side arrays as large as those of a plain
        picture ``(H, W, C)``, all zero; of Systems with robust pictures, whose headers must fit into them, or
        into what grows with them (:class:`Call`).
    """

    init: Callable[..., Any]
    batch: Callable[..., Any]
    stages: tuple[Stage, ...]
    encrypt: Callable[..., Sealed]
    decrypt: Callable[..., dict[str, Any]]
    outputs: Callable[..., dict[str, Any]]
    name: str = ""
    options: tuple[Option, ...] = ()
    inputs: tuple[Input, ...] = ()
    traits: Traits = field(default_factory=Traits)
    driver: Driver = field(default_factory=Undriven)
    ema: tuple[str, ...] = ()
    prior: Prior | None = None
    carrier: Carrier | None = None
    null: Callable[..., Any] = lambda shape, options, random: None
    outline: Callable[..., Any] = lambda shape, options, grows: None
