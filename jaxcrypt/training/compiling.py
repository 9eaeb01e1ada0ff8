"""Lowered programs to compiled ones, with what XLA's CPU backend is to compute convolutions with."""

from __future__ import annotations

import logging

import jax

log = logging.getLogger("jaxcrypt")

# What XLA hands to its library YNNPACK; by default that are single convolutions too, of gradients of kernels
# among them, at which it is slower than Eigen by a factor of two where pictures are many.
_YNN = "xla_cpu_experimental_ynn_fusion_type"
# Sums stay there: without the library one over pictures and positions takes thirty times as long.
_BUT_CONVOLUTIONS = ",".join(f"LIBRARY_FUSION_TYPE_{kind}" for kind in ("DOT", "INDIVIDUAL_DOT", "REDUCE"))
_UNKNOWN = "No such compile option", "is not a valid enum value"


def compiled(lowered: jax.stages.Lowered, cpu_convolutions: str = "xla") -> jax.stages.Compiled:
    """``lowered`` as a program for the default device.

    Args:
      cpu_convolutions: ``config.train.cpu_convolutions``: ``xla`` leaves the choice to XLA, ``eigen`` keeps
        YNNPACK out of convolutions. On other devices it means nothing; a jaxlib that has no such choice
        says so in the log.
    """
    if cpu_convolutions == "eigen" and jax.default_backend() == "cpu":
        try:
            return lowered.compile(compiler_options={_YNN: _BUT_CONVOLUTIONS})
        except jax.errors.JaxRuntimeError as error:
            if not any(words in str(error) for words in _UNKNOWN):
                raise
            log.warning("config.train.cpu_convolutions=eigen: left out; this jaxlib has no such choice")
    return lowered.compile()
