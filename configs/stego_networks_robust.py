"""configs/stego_networks.py, trained on for damage: JPEG, noise, blur, resizing, crops, lost pixels.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/stego_networks_robust.py --workdir W

DIR holds photos (of which the last 64 by name are for validation) and bsds200. Starts from the weights
stego-networks. Every batch meets one kind of damage, JPEG three times as often as each other.

not yet run
"""

from configs import stego_networks


def get_config():
    config = stego_networks.get_config()
    config.model.init_from = "stego-networks"  # a zoo entry or the folder of a run
    config.model.distortions = (
        "none", "jpeg", "jpeg", "jpeg", "noise", "blur", "resize", "crop", "dropout"
    )  # fmt: skip
    config.optimizer.lr = 2e-3
    config.train.steps = 4400
    return config
