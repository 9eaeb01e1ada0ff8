"""The source's system with three secrets in a cover, keyed, each with a preparation and a reveal network.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/stego_networks_three.py --workdir W

DIR holds photos (of which the last 64 by name are for validation) and bsds200.

2,200 steps of batch 4 in 17 minutes on one core of an x86 CPU that a dozen other programs shared: a ninth of
the steps of configs/stego_networks.py. Loss and gradients stayed finite: the mean norm over 50 steps was at
most 0.72, in the first 50. Centre 256x256 of Kodak24 and CBSD68, after 8-bit PNG (python -m
jaxcrypt.evaluate hiding --system stego --weights stego-networks-three): cover 34.3 dB, secrets 25.3 dB.
"""

from jaxcrypt.training.defaults import config_beside


def get_config():
    config = config_beside(__file__, "stego_networks")
    config.model.secrets = 3
    config.train.steps = 24_000
    return config
