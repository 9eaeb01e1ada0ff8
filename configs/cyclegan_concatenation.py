"""An ablation of --system cyclegan: the key as further channels of the picture, without keyed mixing.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/cyclegan_concatenation.py \
      --workdir runs/cyclegan_concatenation

DIR holds photos (general photographs, short side 288; the last 64 by name validate) and bsds200 (481x321).

2500 steps in 35 minutes on a fifth of a core of an x86 CPU; validation 29.9 dB. Centre 256x256 of Kodak24
(python -m jaxcrypt.evaluate ciphers --system concatenation --data kodak24 --crop 256):
right key 33.5 dB, a wrong key 9.4 dB, its picture's correlation with the photo 0.36, entropy 7.63 bits.
"""

import os
from pathlib import Path

from jaxcrypt.data import default_config
from jaxcrypt.training.defaults import get_defaults


def get_config():
    config = get_defaults()
    config.system = "concatenation"
    config.model.size = 64
    config.model.generator = {"width": 64, "blocks": 2}
    config.model.critic = {"width": 16, "layers": 3}
    config.model.eve = {"width": 32, "blocks": 2}
    config.model.weights = {"adversarial": 0.3, "identity": 0.1, "wrong_key": 1.0, "eve": 2.0}
    config.train.batch_size = 8
    config.train.steps = 2500
    config.train.log_every = 50
    config.train.eval_every = 250
    config.train.checkpoint_every = 250
    config.train.eval_batches = 8
    config.optimizer.lr = 1e-3
    config.optimizer.schedule = "cosine"
    config.optimizer.end_factor = 0.02
    config.optimizer.warmup_steps = 100
    config.optimizer.clip_norm = 1.0
    config.phases = {"critics": {"optimizer": {"lr": 2e-4, "b1": 0.5}}}
    root = Path(os.environ.get("JAXCRYPT_DATA", "data"))
    config.data = default_config()
    config.data.mix = {
        "photos": {"weight": 820.0, "path": str(root / "photos"), "validation": {"last": 64}},
        "bsds200": {"weight": 200.0, "path": str(root / "bsds200")},
    }
    config.data.in_memory = True
    return config
