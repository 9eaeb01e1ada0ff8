"""Pictures for training and evaluation: TFDS builders, ROI masks, a deterministic input pipeline.

Importing this package imports neither JAX nor TFDS nor grain: a config file takes :func:`default_config`
from here, and the rest is loaded when a pipeline is made.
"""

from __future__ import annotations

from typing import Any

from jaxcrypt.data.config import default_config

__all__ = ["default_config", "pipeline"]


def pipeline(config: Any, batch_spec: Any, **options: Any) -> Any:
    """Batches of pictures: see :func:`jaxcrypt.data.loader.pipeline`."""
    from jaxcrypt.data.loader import pipeline as make

    return make(config, batch_spec, **options)
