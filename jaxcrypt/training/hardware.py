"""What a device can do at most, for the share of it that training reaches (MFU)."""

from __future__ import annotations

import platform

import jax

# Dense bfloat16 FLOP/s of one device, from the makers' data sheets (without sparsity).
_PEAKS = {
    "H200": 989e12,
    "H100": 989e12,
    "B200": 2250e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "V100": 125e12,  # float16: it has no bfloat16
    "TPU v6": 918e12,
    "TPU v5p": 459e12,
    "TPU v5 lite": 197e12,
    "TPU v5e": 197e12,
    "TPU v4": 275e12,
}


def peak_flops() -> float:
    """Dense bfloat16 FLOP/s of one device here, or 0 where unknown (a CPU, a device not in the table)."""
    kind = jax.devices()[0].device_kind
    return next((peak for name, peak in _PEAKS.items() if name in kind), 0.0)


def describe() -> str:
    """One line: what this runs on, for the manifest."""
    devices = jax.devices()
    kind = devices[0].device_kind
    if devices[0].platform == "cpu":
        import os

        kind = f"{platform.machine()} CPU, {os.cpu_count()} cores"
        return kind if jax.process_count() == 1 else f"{jax.process_count()} × {kind}"
    return f"{len(devices)} × {kind}"
