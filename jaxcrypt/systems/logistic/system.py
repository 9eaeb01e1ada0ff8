"""The logistic System as a record. Small pictures need no JAX, whose start would take longer than they do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxcrypt.declared import Options, chosen
from jaxcrypt.record import Call, Outcome, Sealed, Shape, System
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.drivers.regions import Regional
from jaxcrypt.systems.logistic import host

ENTRY = entry("logistic")
_SMALL = 1 << 24  # samples; NumPy takes less time for them than JAX to start


@dataclass(frozen=True)
class LogisticDriver:
    """The :class:`~jaxcrypt.record.Driver`: with NumPy for small pictures while JAX is not imported, else
    tile by tile on the device. Both give the same bits."""

    def aligns(self, options: Options) -> bool:
        """Never."""
        return False

    def check(self, shape: Shape, options: Options) -> None:
        """Any shape will do."""
        chosen(ENTRY.options, options)

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        self.check(pictures[0].shape, call.options)
        if _small(pictures):
            return host.encrypt(pictures, keys, call.progress)
        return _tiles().DRIVER.encrypt(call, pictures, keys)

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        self.check(shape, call.options)
        if _small([one.pixels for one in sealed]):
            return host.decrypt(sealed, keys, shape, call.progress)
        return _tiles().DRIVER.decrypt(call, sealed, keys, shape, lost)


def _small(pictures: Sequence[np.ndarray]) -> bool:
    return "jax" not in sys.modules and sum(picture.size for picture in pictures) <= _SMALL


def _tiles() -> Any:
    from jaxcrypt.systems.logistic import tiles

    return tiles


SYSTEM = System(
    init=lambda rng, batch: ({}, {}),
    batch=lambda config: _tiles().SYSTEM.batch(config),
    stages=(),
    encrypt=lambda *args: _tiles().SYSTEM.encrypt(*args),
    decrypt=lambda *args: _tiles().SYSTEM.decrypt(*args),
    outputs=lambda *args: _tiles().SYSTEM.outputs(*args),
    driver=Regional(LogisticDriver(), tuple),
    **ENTRY.declared(),
)


def build(config: Any = None) -> System:
    """The System; it has nothing to configure."""
    return SYSTEM
