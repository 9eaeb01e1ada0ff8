"""One secret in a cover, keyed: a learned code in the two low bits of every sample.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/stego.py --workdir runs/stego

DIR holds photos (of which the last 64 by name are for validation) and bsds200.

400 steps in 6 minutes on one shared core of an x86 CPU. Centre 256x256 of Kodak24 and CBSD68, after 8-bit
PNG (python -m jaxcrypt.evaluate hiding --system stego): cover 46.2 dB, secret 42.6 dB.
"""

import os
from pathlib import Path

from jaxcrypt.data import default_config
from jaxcrypt.training.defaults import get_defaults

# Bits of the latents of a 16x16 patch, one hexadecimal digit for each DCT coefficient that a latent starts
# as, in zigzag order: luminance, then two colour differences. Six bits a pixel, given one after the other
# where they lowered the error most on training photos.
BITS = (
    "a888787777776676666676666666666666666565656576565555556655555555"
    "5655555555555555555555555555555555555554554445555555544544445555"
    "6544444554444445554444444444456544444444444444444444444444444444"
    "4444444444444444443344444443334444433443443343333333333333333332"
    "8776665555545455444455444445433333344333333333023333333300000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "8565555445444343333333233323302222030000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
)


def get_config():
    config = get_defaults()
    config.system = "stego"
    config.model.kind = "lattice"
    config.model.secrets = 1
    config.model.size = 64
    config.model.keyed = True
    config.model.lattice = {
        "bits": BITS,
        "depth": (2, 2, 2),
        "cell": 0.02,
        "features": 32,
        "encoder_blocks": 1,
        "decoder_blocks": 2,
    }
    config.data = photos(Path(os.environ.get("JAXCRYPT_DATA", "data")))
    config.optimizer.lr = 1e-3
    config.optimizer.b2 = 0.99
    config.optimizer.schedule = "cosine"
    config.optimizer.end_factor = 0.01
    config.optimizer.warmup_steps = 20
    config.optimizer.clip_norm = 1.0
    config.train.batch_size = 16
    config.train.steps = 400
    config.train.log_every = 50
    config.train.eval_every = 100
    config.train.checkpoint_every = 100
    config.train.eval_batches = 4
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
