"""The source's system with three secrets in a cover, keyed, each with a preparation and a reveal network.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/stego_networks_three.py --workdir W

DIR holds photos (of which the last 64 by name are for validation) and bsds200.

24,000 steps in an hour on one core of an x86 CPU that other programs shared. Loss and gradients stayed
finite: the mean norm over 200 steps was at most 0.34, in the first 200, and 0.13 after step 2000. Centre
256x256 of Kodak24 and CBSD68, after 8-bit PNG (python -m jaxcrypt.evaluate hiding --system stego --weights
stego-networks-three): cover 39.5 dB, secrets 28.5 dB.
"""

from jaxcrypt.training.defaults import config_beside


def get_config():
    config = config_beside(__file__, "stego_networks")
    config.model.secrets = 3
    config.train.steps = 24_000
    return config
