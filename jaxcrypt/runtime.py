"""Choosing the device and keeping compiled programs: to be called before anything imports JAX."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Mapping
from typing import Any

from jaxcrypt.caches import cache_folder
from jaxcrypt.errors import Refusal, usage

DEVICES = ("auto", "cpu", "gpu", "tpu")
_LINGER = 2.0  # seconds
_INSTALL = {
    "gpu": "for NVIDIA: pip install 'jaxcrypt[cuda]', for AMD: pip install 'jax[rocm7-local]'",
    "tpu": "pip install 'jaxcrypt[tpu]'",
}


def start(device: str = "auto") -> None:
    """Import JAX on ``device`` with the persistent compilation cache on, so that a second run starts faster.

    Raises:
      Refusal: the machine has no such device, or no JAX that could drive it.
    """
    if device not in DEVICES:
        raise usage(f"--device {device}: choose one of {', '.join(DEVICES)}")
    _configure()
    import jax

    if device != "auto":
        # "gpu" is CUDA or ROCm, whichever is there: JAX finds out, where it is told neither.
        jax.config.update("jax_platforms", None if device == "gpu" else device)
    try:
        jax.devices(None if device == "auto" else device)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        hint = f"; {_INSTALL[device]}" if device in _INSTALL else ""
        raise Refusal(f"--device {device}: JAX finds no such device here ({reason}){hint}") from None


def prepare(device: str) -> None:
    """As :func:`start`; for no device in particular, JAX waits until a System imports it: some do without.

    Raises:
      Refusal: as there.
    """
    if device == "auto":
        _configure()
    else:
        start(device)


def joined() -> bool:
    """Whether this process is one of several of a run."""
    if "jax" not in sys.modules:
        return False
    import jax

    return jax.distributed.is_initialized()


def part(wait: bool) -> None:
    """Leave the other hosts: in order, or at once where they may be gone."""
    import jax

    if wait:
        jax.distributed.shutdown()
    elif jax.process_index() == 0:
        time.sleep(_LINGER)  # this host serves the others, which leave first


def join_hosts(distributed: bool = False) -> None:
    """Connect to the other hosts of a run, where there are some; before :func:`start`.

    ``JAXCRYPT_COORDINATOR=host:port`` with ``JAXCRYPT_PROCESSES`` and ``JAXCRYPT_PROCESS`` say which; else,
    with ``distributed``, the cluster does (SLURM, Cloud TPU). Where neither is said there are none.

    Raises:
      Refusal: the variables make no sense, or the others cannot be reached.
    """
    coordinator = os.environ.get("JAXCRYPT_COORDINATOR")
    if not coordinator and not distributed:
        return
    where: dict[str, Any] = {"local_device_ids": slurm_gpus(os.environ)}
    if coordinator:
        where = {
            "coordinator_address": coordinator,
            "num_processes": _number("JAXCRYPT_PROCESSES"),
            "process_id": _number("JAXCRYPT_PROCESS"),
        }
    import jax

    jax.config.update("jax_enable_preemption_service", False)  # the loop catches signals itself
    try:
        jax.distributed.initialize(**where)
    except (RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise Refusal(f"--distributed: the hosts do not come together ({reason})") from None


def slurm_gpus(environ: Mapping[str, str]) -> list[int] | None:
    """The GPUs of this process under SLURM, as JAX counts those that it sees; None: JAX's own choice.

    JAX takes one GPU for each process there, by the process's number on its node. That is right for as many
    tasks as GPUs, and leaves all but one idle where one task has the node to itself.
    """
    if "SLURM_JOB_ID" not in environ or int(environ.get("SLURM_NTASKS_PER_NODE") or 1) > 1:
        return None
    visible = environ.get("CUDA_VISIBLE_DEVICES") or environ.get("ROCR_VISIBLE_DEVICES")
    if visible:
        return list(range(len(visible.split(","))))
    count = environ.get("SLURM_GPUS_ON_NODE", "")
    return list(range(int(count))) if count.isdecimal() else None


def _number(variable: str) -> int:
    value = os.environ.get(variable, "")
    if not value.isdecimal():
        raise usage(f"{variable}={value}: must be a whole number where JAXCRYPT_COORDINATOR is set")
    return int(value)


def _configure() -> None:
    """JAX's settings: as environment variables before it is imported, else in its config."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # XLA's start-up chatter is not the user's business
    # XLA calls LAPACK in threads of its own; those of OpenBLAS within them spin, a hundred times the work.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # A cache that cannot be read or written costs a compilation, and is not the user's business either.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache")
    if os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return
    try:
        folder = cache_folder() / "xla"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return  # a read-only home, or none, costs a compilation, nothing else
    settings: dict[str, Any] = {
        "jax_compilation_cache_dir": str(folder),
        "jax_persistent_cache_min_compile_time_secs": 0.1,
        "jax_persistent_cache_min_entry_size_bytes": 0,
    }
    if "jax" not in sys.modules:
        os.environ.update({name.upper(): str(value) for name, value in settings.items()})
        return
    import jax

    for name, value in settings.items():
        jax.config.update(name, value)
