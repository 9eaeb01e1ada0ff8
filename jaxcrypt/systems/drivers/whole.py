"""The driver of Systems that take pictures whole: one at a time, compiled once for each shape."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jax
import numpy as np

from jaxcrypt.declared import Option, chosen
from jaxcrypt.errors import Refusal
from jaxcrypt.record import Call, Outcome, Sealed, Shape, System
from jaxcrypt.systems.drivers import host


@dataclass(frozen=True)
class Whole:
    """The :class:`~jaxcrypt.record.Driver` that calls a System's own functions.

    Attributes:
      seal, open: ``System.encrypt`` and ``System.decrypt``. Of the latter's results ``image`` is the picture,
        ``noise`` the measured noise, the others the report.
      options: as the System declares them.
      megapixels: larger pictures are refused.
    """

    seal: Callable[..., Sealed]
    open: Callable[..., dict[str, Any]]
    options: tuple[Option, ...] = ()
    megapixels: float = 16.0

    def aligns(self, options) -> bool:
        """Never."""
        return False

    def check(self, shape: Shape, options) -> None:
        """Refuse what is too large."""
        chosen(self.options, options)
        if shape[0] * shape[1] > self.megapixels * 1e6:
            raise Refusal(f"this System takes pictures of up to {self.megapixels:g} megapixels")

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        self.check(pictures[0].shape, call.options)
        run, more, made = _sealing(self.seal), _batched(call), []
        for done, (picture, key) in enumerate(zip(pictures, keys, strict=True), 1):
            inputs = {**more, "image": picture[None]}
            pixels, side = run(call.variables, inputs, host.words(key)[None], call.options)
            made.append(Sealed(np.asarray(pixels)[0], {name: np.asarray(x)[0] for name, x in side.items()}))
            if call.progress is not None:
                call.progress(done / len(pictures))
        return made

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says; side arrays must be those that encryption of ``shape``
        gives."""
        chosen(self.options, call.options)
        host.check_sealed(sealed, shape)
        run, more, results = _opening(self.open), _batched(call), []
        wanted = self._made_of(call, more, shape)
        for i, (one, key) in enumerate(zip(sealed, keys, strict=True)):
            host.check_shape(one.pixels, wanted.pixels.shape[1:])
            side = {n: host.side_array(one.side, n, x.shape[1:], x.dtype) for n, x in wanted.side.items()}
            inputs = more if lost is None else {**more, "lost": lost[i][None]}
            batched = (one.pixels[None], {name: x[None] for name, x in side.items()})
            opened = run(call.variables, batched, inputs, host.words(key)[None], call.options)
            results.append(_outcome(opened, shape))
            if call.progress is not None:
                call.progress((i + 1) / len(sealed))
        return results

    def _made_of(self, call: Call, inputs: dict, shape: Shape) -> Sealed:
        """Shapes and dtypes of what encryption makes of a picture of ``shape``."""
        image = jax.ShapeDtypeStruct((1, *shape), np.uint8)
        key = jax.ShapeDtypeStruct((1, 8), np.uint32)

        def run(inputs, subkey):
            sealed = self.seal(call.variables, inputs, subkey, call.options)
            return sealed.pixels, sealed.side

        return Sealed(*jax.eval_shape(run, {**inputs, "image": image}, key))


def driven(system: System) -> System:
    """The same System with :class:`Whole` for its driver."""
    return replace(system, driver=Whole(system.encrypt, system.decrypt, system.options))


def _batched(call: Call) -> dict[str, np.ndarray]:
    return {name: np.asarray(value)[None] for name, value in call.inputs.items()}


def _outcome(results: dict[str, Any], shape: Shape) -> Outcome:
    """Results without the batch axis; a picture of whole blocks is cut to its shape."""
    rest = {name: np.asarray(x)[0] for name, x in results.items()}
    image = np.ascontiguousarray(rest.pop("image")[: shape[0], : shape[1]])
    noise = rest.pop("noise", None)
    return Outcome([image], None if noise is None else float(noise), report=rest)


@cache
def _sealing(seal: Callable[..., Sealed]) -> Callable:
    """The jitted function; a record is no pytree, so :class:`Sealed` travels as a pair."""

    def run(variables, inputs, subkey, options):
        sealed = seal(variables, inputs, subkey, options)
        return sealed.pixels, sealed.side

    return jax.jit(run, static_argnums=3)


@cache
def _opening(opening: Callable[..., dict[str, Any]]) -> Callable:
    def run(variables, sealed, inputs, subkey, options):
        return opening(variables, Sealed(*sealed), inputs, subkey, options)

    return jax.jit(run, static_argnums=4)
