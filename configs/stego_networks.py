"""The source's system: one secret in a cover, keyed, by preparation, hiding and reveal networks.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/stego_networks.py --workdir runs/stego_networks

DIR holds photos (of which the last 64 by name are for validation) and bsds200. beta weighs the secrets'
error against the cover's.

20,000 steps in 25 minutes on one shared core of an x86 CPU. Loss and gradients stayed finite: the mean norm
over 50 steps was at most 1.1, in the first 50, and 0.23 after step 500. Centre 256x256 of Kodak24 and CBSD68,
after 8-bit PNG (python -m jaxcrypt.evaluate hiding --system stego --weights stego-networks): cover 37.8 dB,
secret 34.2 dB; nothing is left of the secret after JPEG (12.8 dB at quality 95).
"""

from jaxcrypt.training.defaults import config_beside


def get_config():
    config = config_beside(__file__, "stego")
    config.model.kind = "networks"
    config.model.beta = 1.0
    config.model.distortions = ()
    config.model.networks = {"levels": 2, "features": 56, "layers": 3}
    config.optimizer.lr = 3e-3
    config.optimizer.warmup_steps = 100
    config.train.batch_size = 8
    config.train.cpu_convolutions = "eigen"
    config.train.steps = 30_000
    config.train.eval_every = 2000
    config.train.checkpoint_every = 1000
    return config
