"""The denoiser behind ``--system denoiser``: white noise of any level from 0 to 60, colour and grey.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/denoiser.py --workdir runs/denoiser

DIR holds photos (general photographs, short side 288; the last 64 by name validate) and bsds200 (481x321).

The shipped weights: 32,000 steps in 7.5 minutes of one NVIDIA H100 that seven other runs shared, 2,800 to
6,300 images/s; 30.4 dB at level 20 on the validation crops of 64x64.
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
    config.train.batch_size = 32
    config.train.cpu_convolutions = "eigen"
    config.train.steps = 32_000
    config.train.eval_every = 8_000
    config.train.checkpoint_every = 4_000
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
