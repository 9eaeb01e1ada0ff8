"""The source's system: three secrets in a cover, each with a preparation and a reveal network of its own.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/stego_networks.py --workdir runs/stego_networks

DIR holds photos (of which the last 64 by name are for validation) and bsds200. beta weighs the secrets'
error against the cover's.

not yet run
"""

from configs import stego


def get_config():
    config = stego.get_config()
    config.model.kind = "networks"
    config.model.secrets = 3
    config.model.beta = 1.0
    config.model.networks = {"features": 24, "layers": 4}
    config.train.batch_size = 8
    config.train.steps = 2000
    return config
