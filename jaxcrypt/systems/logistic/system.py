"""The logistic System as a record. Small pictures need no JAX, whose start would take longer than they do."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxcrypt.declared import Options, chosen
from jaxcrypt.record import Call, Driver, Outcome, Sealed, Shape, System
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
        return _driver(pictures).encrypt(call, pictures, keys)

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        return _driver([one.pixels for one in sealed]).decrypt(call, sealed, keys, shape, lost)


def _driver(pictures: Sequence[np.ndarray]) -> Driver:
    if "jax" in sys.modules or sum(picture.size for picture in pictures) > _SMALL:
        from jaxcrypt.systems.logistic.tiles import DRIVER

        return DRIVER
    return host.HostDriver(ENTRY.options)


def _on_device() -> System:
    from jaxcrypt.systems.logistic.tiles import SYSTEM

    return SYSTEM


SYSTEM = System(
    init=lambda rng, batch: ({}, {}),
    batch=lambda config: _on_device().batch(config),
    stages=(),
    encrypt=lambda *args: _on_device().encrypt(*args),
    decrypt=lambda *args: _on_device().decrypt(*args),
    outputs=lambda *args: _on_device().outputs(*args),
    driver=Regional(LogisticDriver(), tuple),
    **ENTRY.declared(),
)


def build(config: Any = None) -> System:
    """The System; it has nothing to configure."""
    return SYSTEM
