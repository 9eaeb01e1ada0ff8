"""The denoiser behind ``--system denoiser``: white noise of any level from 0 to 60, colour and grey.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/denoiser.py --workdir runs/denoiser

DIR holds photos (general photographs, short side 288; the last 64 by name validate) and bsds200 (481x321).

The shipped weights come not from this config but from a script beside it: the same net, pictures and rule
(optax.contrib.muon with kernels as matrices), batches of eight crops, 3e-3 and later 1.2e-3 in place of one
schedule, and levels drawn mostly from 3 to 40, not evenly from 0 to 60; 5,412 steps, 25 minutes of one core
of an x86 CPU: 34.3, 30.5 and 28.3 dB at levels 10, 20 and 30 on 16 validation crops of 128x128.

This config itself: not yet run to its end; its first 150 steps (--config.train.steps=150
--config.optimizer.warmup_steps=20) gave 24.5 dB at level 20 on the validation crops.
"""

import os
from pathlib import Path

from jaxcrypt.data import default_config
from jaxcrypt.training.defaults import get_defaults


def get_config():
    config = get_defaults()
    config.system = "denoiser"
    config.model.widths = (64, 96, 128)  # channels at a half, a quarter and an eighth of the size
    config.model.blocks = (2, 2, 3)
    config.model.sigma = 60.0  # levels are drawn from 0 to this
    config.model.size = 64
    config.train.batch_size = 8
    config.train.steps = 40_000
    config.train.eval_every = 2_000
    config.train.checkpoint_every = 2_000
    config.optimizer.name = "muon"
    config.optimizer.lr = 3e-3
    config.optimizer.b1 = 0.95
    config.optimizer.schedule = "cosine"
    config.optimizer.warmup_steps = 200
    config.optimizer.clip_norm = 1.0
    root = Path(os.environ.get("JAXCRYPT_DATA", "data"))
    config.data = default_config()
    config.data.path = str(root / "photos")
    config.data.fit = "crop"
    config.data.in_memory = True
    config.data.validation.last = 64
    config.data.mix = {
        "photos": {"weight": 4.0, "path": str(root / "photos")},
        "bsds": {"weight": 1.0, "path": str(root / "bsds200"), "validation": {"last": 1}},
    }
    return config
