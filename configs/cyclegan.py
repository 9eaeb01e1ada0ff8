"""The key-conditioned CycleGAN cipher behind ``--system cyclegan``.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/cyclegan.py --workdir runs/cyclegan

DIR holds photos (general photographs, short side 288; the last 64 by name validate) and bsds200 (481x321).
The decrypting generator starts from the weights of ``denoiser`` in the zoo.

4,000 steps of the encoder in 2 minutes and 5,000 of all nets in 58, on one core of an x86 CPU. Centre
256x256 of Kodak24 after 8-bit PNG (python -m jaxcrypt.evaluate rates --system cyclegan): 70.0, 50.8 and
41.3 dB at 1, 1/2 and 1/4 of the bytes. All losses stayed finite; both discriminators ended at their balance
(0.5 each), Eve at the mean of the photos. Longer training was not tried.
"""

import os
from pathlib import Path

from jaxcrypt.data import default_config
from jaxcrypt.training.defaults import get_defaults


def get_config():
    config = get_defaults()
    config.system = "cyclegan"
    config.model.size = 64
    config.model.encoder = {"width": 96, "blocks": 2}
    config.model.widths = (64, 96, 128)  # of the decrypting generator, as in configs/denoiser.py
    config.model.blocks = (2, 2, 3)
    config.model.critic = {"width": 32, "layers": 3}
    config.model.eve = {"width": 48, "blocks": 2}
    config.model.weights = {"adversarial": 0.003, "wrong_key": 0.1, "eve": 0.1, "damaged": 0.6, "dimmed": 0.5}
    config.model.shares = (4, 2, 2)  # of a batch, to ciphers of all, half and a quarter of the bytes
    config.model.describe_steps = 4000  # the encoder alone
    config.model.init_from = "denoiser"
    config.train.batch_size = 8
    config.train.cpu_convolutions = "eigen"
    config.train.steps = 5000
    config.train.log_every = 50
    config.train.eval_every = 500
    config.train.checkpoint_every = 250
    config.train.eval_batches = 8
    config.train.best = "validation/quarter_psnr"  # at full rate rounding to 8 bits hides what is learned
    config.optimizer.lr = 5e-4
    config.optimizer.schedule = "cosine"
    config.optimizer.end_factor = 0.02
    config.optimizer.warmup_steps = 100
    config.optimizer.clip_norm = 1.0
    config.phases = {
        "encrypt": {"optimizer": {"lr": 2e-3}},
        "critics": {"optimizer": {"lr": 2e-4, "b1": 0.5}},
        "eve": {"optimizer": {"lr": 1e-3}},
    }
    root = Path(os.environ.get("JAXCRYPT_DATA", "data"))
    config.data = default_config()
    config.data.mix = {
        "photos": {"weight": 820.0, "path": str(root / "photos"), "validation": {"last": 64}},
        "bsds200": {"weight": 200.0, "path": str(root / "bsds200")},
    }
    config.data.in_memory = True
    return config
