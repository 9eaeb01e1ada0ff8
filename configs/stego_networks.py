"""The source's system: one secret in a cover, keyed, by preparation, hiding and reveal networks.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/stego_networks.py --workdir runs/stego_networks

DIR holds photos (of which the last 64 by name are for validation) and bsds200. beta weighs the secrets'
error against the cover's.

30,000 steps in 21 minutes on one core of an x86 CPU that other programs shared. Loss and gradients stayed
finite: the mean norm over 200 steps was at most 0.56, in the first 200, and 0.17 after step 2000. Centre
256x256 of Kodak24 and CBSD68, after 8-bit PNG (python -m jaxcrypt.evaluate hiding --system stego --weights
stego-networks): cover 41.2 dB, secret 33.9 dB; nothing is left of the secret after JPEG (12.6 dB at quality
95).
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
