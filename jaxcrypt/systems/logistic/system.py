"""The logistic System as a record. Small pictures need no JAX, whose start would take longer than they do."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from jaxcrypt.declared import Options, chosen
from jaxcrypt.record import Call, Outcome, Sealed, Shape, System
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.drivers import effort
from jaxcrypt.systems.drivers.regions import Regional
from jaxcrypt.systems.logistic import host, kernels

ENTRY = entry("logistic")


@dataclass(frozen=True)
class LogisticDriver:
    """The :class:`~jaxcrypt.record.Driver`: on the host, or tile by tile on JAX's device: the same bits."""

    def aligns(self, options: Options) -> bool:
        """Never."""
        return False

    def check(self, shape: Shape, options: Options) -> None:
        """Any shape will do."""
        chosen(ENTRY.options, options)

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        self.check(pictures[0].shape, call.options)
        arithmetic = _arithmetic(pictures, call.expected)
        if arithmetic is not None:
            return host.encrypt(pictures, keys, call.progress, arithmetic)
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
        arithmetic = _arithmetic([one.pixels for one in sealed], call.expected)
        if arithmetic is not None:
            return host.decrypt(sealed, keys, shape, call.progress, arithmetic)
        return _tiles().DRIVER.decrypt(call, sealed, keys, shape, lost)


def _arithmetic(pictures: Sequence[np.ndarray], expected: int) -> ModuleType | None:
    """What the host computes these pictures with, or None: then JAX does, on its device.

    On CPUs numba is the fastest, then JAX, then NumPy, which alone needs no time to start.
    """
    samples = effort.counted(sum(picture.size for picture in pictures), expected)
    started = "jax" in sys.modules
    if started and sys.modules["jax"].default_backend() != "cpu":
        return None
    if effort.has_numba(samples, effort.OF_JAX if started else effort.OF_NUMPY):
        return importlib.import_module("jaxcrypt.systems.logistic.compiled")
    return None if started or samples >= effort.OF_JAX else kernels


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
