"""A DCGAN of 64x64 faces whose generator takes 0.08 GMAC a face, a thirtieth of the source's.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/dcgan_light.py --workdir runs/dcgan_light

Data, losses and how to end early as in configs/dcgan.py. The nets are not the source's: both go down to 4x4,
and the discriminator is wider.

The shipped weights: 7,855 steps of the game, 3,000 of the extractor, 8 minutes on an NVIDIA H100 that seven
other runs shared, 4,000 to 5,000 images/s. The extractor's error was 0.042 (of a variance of 1, under the
damage of its training), a face read and made again 26.8 dB.
"""

from jaxcrypt.training.defaults import config_beside


def get_config():
    config = config_beside(__file__, "dcgan")
    config.model.generator.update({"start": 256, "widths": (192, 96, 48, 32), "kernel": 3})
    config.model.discriminator.update({"widths": (64, 128, 192, 256), "dropout": 0.0})
    config.optimizer.lr = 3e-4
    config.train.batch_size = 128
    return config
