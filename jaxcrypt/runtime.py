"""Choosing the device and keeping compiled programs: to be called before anything imports JAX."""

from __future__ import annotations

import os
from pathlib import Path

from jaxcrypt.errors import Refusal, usage

DEVICES = ("auto", "cpu", "gpu", "tpu")
_INSTALL = {
    "gpu": "for NVIDIA: pip install 'jaxcrypt[cuda]', for AMD: pip install 'jax[rocm7-local]'",
    "tpu": "pip install 'jaxcrypt[tpu]'",
}


def cache_folder() -> Path:
    """``$JAXCRYPT_CACHE``, or ``jaxcrypt`` in the user's cache folder."""
    root = os.environ.get("JAXCRYPT_CACHE")
    if root:
        return Path(root)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxcrypt"


def start(device: str = "auto") -> None:
    """Import JAX on ``device`` with the persistent compilation cache on, so that a second run starts faster.

    Raises:
      Refusal: the machine has no such device, or no JAX that could drive it.
    """
    if device not in DEVICES:
        raise usage(f"--device {device}: choose one of {', '.join(DEVICES)}")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # XLA's start-up chatter is not the user's business
    import jax

    if device != "auto":
        # "gpu" is CUDA or ROCm, whichever is there: JAX finds out, where it is told neither.
        jax.config.update("jax_platforms", None if device == "gpu" else device)
    if not os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        _use_cache(jax)
    try:
        jax.devices(None if device == "auto" else device)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        hint = f"; {_INSTALL[device]}" if device in _INSTALL else ""
        raise Refusal(f"--device {device}: JAX finds no such device here ({reason}){hint}") from None


def _use_cache(jax) -> None:
    try:
        folder = cache_folder() / "xla"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return  # a read-only home, or none, costs a compilation, nothing else
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
