"""The record that every technique is: pure functions, and what the trainer needs to know of them.

Commands, training, metrics and attacks know a technique through :class:`System` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Arrays = Mapping[str, Any]


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

    ``init_from`` names the earlier stage or the zoo entry whose parameters the stage starts from: nets that
    it has are taken over (averaged where they were), all others start anew. None: everything starts anew.
    ``name`` is what a later stage calls this one.
    """

    phases: Mapping[str, Phase]
    steps: int
    init_from: str | None = None
    name: str = ""


@dataclass(frozen=True)
class Sealed:
    """What a System makes of a picture.

    Attributes:
      pixels: uint8 ``[B, H', W', C]``: the cipher picture(s).
      side: small arrays by name, batch axis first, that decoding needs (mean, spread, digest, …); they
        travel in the encrypted part of the header.
    """

    pixels: Any
    side: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Codec:
    """Host-side packing of a file to bits, outside jit."""

    pack: Callable[..., Any]
    unpack: Callable[..., Any]


@dataclass(frozen=True)
class System:
    """One technique, as pure functions.

    Attributes:
      init: ``(rng, batch) -> (params, extra)``, dicts by net name; ``({}, {})`` where nothing is learned.
      batch: ``(config) -> {name: ShapeDtypeStruct}``: what the input pipeline must bring.
      stages: how it is trained, in order; empty where nothing is learned.
      encrypt: ``(variables, inputs, subkey, options) -> Sealed``. ``inputs['image']`` is uint8 [B, H, W, C];
        ``subkey`` is uint32 ``[B, 8]``; ``options`` is a hashable, static tuple of ``(name, value)`` pairs.
      decrypt: ``(variables, sealed, inputs, subkey, options) -> dict`` of named results; ``'image'`` is uint8
        ``[B, H, W, C]``. ``inputs`` may hold ``'lost'``, bool ``[B, H', W']``: pixels known to be lost.
      outputs: ``(variables, batch, rng) -> dict`` of named images in [0, 1], for metrics, plots and attacks.
      needs: names of the inputs that it takes.
      options: the options it knows, with their default values.
      ema: the nets whose parameters are averaged over training.
      channels: the channel counts that it takes (1 grey, 2 grey+alpha, 3 RGB, 4 RGBA).
      lossless: whether the pixels alone give the picture back bit for bit.
      argument: one line: why its pixels are (or are not) confidential; the commands print it.
      tiles: how pictures of any size are mapped piece by piece; None where a picture is mapped whole.
      codec: host-side packing, outside jit.
    """

    init: Callable[..., Any]
    batch: Callable[..., Any]
    stages: tuple[Stage, ...]
    encrypt: Callable[..., Sealed]
    decrypt: Callable[..., dict[str, Any]]
    outputs: Callable[..., dict[str, Any]]
    needs: tuple[str, ...] = ("image",)
    options: tuple[tuple[str, Any], ...] = ()
    ema: tuple[str, ...] = ()
    channels: tuple[int, ...] = (1, 2, 3, 4)
    lossless: bool = False
    argument: str = ""
    tiles: Any = None
    codec: Codec | None = None
