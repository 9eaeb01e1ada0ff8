"""The autoencoder: grey and colour faces of 64x64, at a quarter of their bytes.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/autoencoder.py --workdir runs/autoencoder

DIR holds faces64/train (pictures of CelebA's official test partition, cut to 64x64, none of a person in
faces64/test: training on it departs from the official partition) and celeba (aligned pictures of 89x109 from
the train partition, of which validation.txt names those for validation).

Two shared cores of an AMD EPYC, no accelerator: 45 minutes. Validation (averaged parameters): 36.10 dB grey,
43.86 dB colour. The shipped weights' first 250 steps ran with a cosine over 2000 steps, both nets at 1e-3.

  python -m jaxcrypt.evaluate codecs --system autoencoder --grey --data DIR/faces64/test \
    --known DIR/faces64/train

On the 1,897 grey faces of faces64/test, with ciphers of 1,024 bytes: 35.33 dB; PCA at 8 bits 30.67, JPEG
33.45, AVIF 38.07, WebP 38.72. AVIF and WebP adapt their bits to the picture, and are 2.7 and 3.4 dB better.
Wrong key: SSIM 0.012; two different faces: 0.151. In colour (--colour --limit 600), with 3,072 bytes:
42.89 dB; WebP 41.61, AVIF 41.83, JPEG 42.77.
"""

import os
from pathlib import Path

from jaxcrypt.data import default_config
from jaxcrypt.training.defaults import get_defaults

# Bits of the latents of a 16x16 patch, one digit for each DCT coefficient that a latent starts as, in zigzag
# order; in colour first those of the luminance, then of two colour differences. 2 and 6 bits for each pixel,
# given one after the other where they lowered the error most on training faces.
GREY = (
    "8876776666555555555554455555444444444444444444444444433333334433"
    "3333333333333322333333333322223333333222202222233323222202222222"
    "2222220000022222222220000122222220000000012222210000001210000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
)
COLOUR = (
    "8888888888777777777776677777666666666666666666666666666656666666"
    "5655555555555555555555555555555555555554444545555555544444445555"
    "5544444444444444544444444444444444444344344454444444444444443333"
    "3444434333344444333333333333333333333333333333323202032202202001"
    "8876676665555555555444444444344444330333333332233323201000102020"
    "1000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "8775565554444443444433333333232332320222222200000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
)


def get_config():
    config = get_defaults()
    config.system = "autoencoder"
    config.model.size = 64
    config.model.grey = {
        "bits": GREY,
        "cell": 0.032,
        "features": 64,
        "encoder_blocks": 2,
        "decoder_blocks": 3,
    }
    config.model.colour = {
        "bits": COLOUR,
        "cell": 0.015,
        "features": 32,
        "encoder_blocks": 1,
        "decoder_blocks": 2,
    }
    config.data = _data(Path(os.environ.get("JAXCRYPT_DATA", "data")))
    config.optimizer.lr = 1e-3
    config.optimizer.b2 = 0.99
    config.optimizer.schedule = "cosine"
    config.optimizer.end_factor = 0.01
    config.optimizer.warmup_steps = 100
    config.optimizer.clip_norm = 1.0
    # At 6 bits a pixel the linear maps have little left to learn, and larger steps only shake them.
    config.phases.colour = {"optimizer": {"lr": 3e-4}}
    config.train.batch_size = 32
    config.train.cpu_convolutions = "eigen"
    config.train.steps = 1600
    config.train.eval_every = 500
    config.train.checkpoint_every = 250
    config.train.eval_batches = 8
    return config


def _data(root):
    data = default_config()
    data.mix = {
        "faces64": {
            "weight": 15579.0,
            "path": str(root / "faces64" / "train"),
            "validation": {"last": 64},
        },
        "celeba": {
            "weight": 9470.0,
            "path": str(root / "celeba" / "img_align_celeba"),
            "validation": {"file": str(root / "celeba" / "validation.txt")},
            "box": (21, 4, 101, 84),  # the framing of faces64
            "fit": "resize",
            "filter": "bicubic",
        },
    }
    data.in_memory = True
    return data
