"""A secret in a cover by an invertible network in the wavelet domain: two Haar levels, six coupling blocks.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/stego_invertible.py --workdir W

DIR holds photos (of which the last 64 by name are for validation) and bsds200.

Not run to its end: after 500 steps (batch 8, a shared core, 25 minutes), on validation windows of 64x64 with
the secrets scrambled: cover 29.9 dB, secret 23.8 dB.
"""

import os
from pathlib import Path

from jaxcrypt.data import default_config
from jaxcrypt.training.defaults import get_defaults


def get_config():
    config = get_defaults()
    config.system = "stego"
    config.model.kind = "invertible"
    config.model.secrets = 1
    config.model.size = 64
    config.model.keyed = True
    config.model.beta = 1.0
    config.model.distortions = ()
    config.model.invertible = {"levels": 2, "blocks": 6, "features": 64, "bound": 1.0}
    config.data = photos(Path(os.environ.get("JAXCRYPT_DATA", "data")))
    config.optimizer.lr = 1.5e-3
    config.optimizer.b2 = 0.99
    config.optimizer.schedule = "cosine"
    config.optimizer.end_factor = 0.02
    config.optimizer.warmup_steps = 50
    config.optimizer.clip_norm = 1.0
    config.train.batch_size = 8
    config.train.steps = 2500
    config.train.log_every = 50
    config.train.eval_every = 500
    config.train.checkpoint_every = 250
    config.train.eval_batches = 8
    return config


def photos(root):
    """Covers and secrets: random pairs of windows of photos."""
    data = default_config()
    data.mix = {
        "photos": {"weight": 820.0, "path": str(root / "photos"), "validation": {"last": 64}},
        "bsds200": {"weight": 200.0, "path": str(root / "bsds200")},
    }
    data.in_memory = True
    return data
