"""The autoencoder: grey and colour faces of 64x64, at a quarter of their bytes.

  python -m jaxcrypt.train --config configs/autoencoder.py --workdir runs/autoencoder

not yet run

``bits`` share out 2 bits a pixel (grey: 128 a patch) and 6 (colour: 384) over the DCT coefficients that
the latents start as, in zigzag order: each bit went where it lowered the error most on training faces.
"""

from jaxcrypt.training.defaults import get_defaults

# fmt: off
GREY = (
    7, 6, 6, 5, 5, 5, 4, 4, 4, 4, 3, 3, 4, 4, 3, 3, 3, 3, 3, 3, 3, 2, 2, 3, 3, 3, 3, 2, 1, 2, 2, 2,
    2, 2, 2, 0, 0, 1, 2, 2, 2, 2, 0, 0, 1, 1, 1, *[0] * 17,
)
COLOUR = (
    8, 8, 8, 7, 7, 7, 7, 6, 6, 6, 6, 6, 6, 6, 6, 5, 6, 6, 6, 5, 5, 4, 5, 5, 5, 5, 5, 5, 4, 5, 5, 5,
    5, 4, 4, 4, 4, 4, 4, 4, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 3, 4, 4, *[0] * 7,
    8, 6, 6, 5, 5, 5, 4, 4, 4, 4, 0, 0, 3, 3, *[0] * 50,
    7, 5, 5, 4, 4, 4, 3, 3, 3, 2, *[0] * 54,
)
# fmt: on


def get_config():
    config = get_defaults()
    config.system = "autoencoder"
    config.model.size = 64
    config.model.grey = {
        "bits": GREY,
        "cell": 0.035,
        "features": 64,
        "encoder_blocks": 2,
        "decoder_blocks": 3,
    }
    config.model.colour = {
        "bits": COLOUR,
        "cell": 0.0145,
        "features": 48,
        "encoder_blocks": 1,
        "decoder_blocks": 2,
    }
    config.optimizer.lr = 1e-3
    config.optimizer.b2 = 0.99
    config.optimizer.schedule = "cosine"
    config.optimizer.end_factor = 0.01
    config.optimizer.warmup_steps = 200
    config.optimizer.clip_norm = 1.0
    config.train.batch_size = 32
    config.train.steps = 4000
    config.train.eval_every = 500
    config.train.checkpoint_every = 500
    return config
