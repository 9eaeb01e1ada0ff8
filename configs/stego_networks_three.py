"""The source's system with three secrets in a cover, keyed, each with a preparation and a reveal network.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/stego_networks_three.py --workdir W

DIR holds photos (of which the last 64 by name are for validation) and bsds200.

not yet run
"""

from configs import stego_networks


def get_config():
    config = stego_networks.get_config()
    config.model.secrets = 3
    config.model.networks.features = 56
    config.train.batch_size = 4
    config.train.steps = 2200
    return config
