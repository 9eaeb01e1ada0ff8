"""configs/stego_networks.py, trained on for damage: JPEG, noise, blur, resizing, crops, lost pixels.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/stego_networks_robust.py --workdir W

DIR holds photos (of which the last 64 by name are for validation) and bsds200. Starts from the weights
stego-networks. Every batch meets one kind of damage, JPEG three times as often as each other.

8,000 steps in 6 minutes on one core of an x86 CPU that other programs shared. Loss and gradients stayed
finite: the mean norm over 200 steps was at most 0.48, in the first 200. Centre 256x256 of Kodak24 and CBSD68,
after 8-bit PNG (python -m jaxcrypt.evaluate hiding --system stego --weights stego-networks-robust): cover
29.7 dB, secret 29.6 dB; after JPEG of quality 95, 75 and 50 the secret has 22.7, 20.2 and 18.2 dB.
configs/stego_robust.py does better at 75 and below.
"""

from jaxcrypt.training.defaults import config_beside


def get_config():
    config = config_beside(__file__, "stego_networks")
    config.model.init_from = "stego-networks"  # a zoo entry or the folder of a run
    config.model.distortions = (
        "none", "jpeg", "jpeg", "jpeg", "noise", "blur", "resize", "crop", "dropout"
    )  # fmt: skip
    config.optimizer.lr = 2e-3
    config.train.steps = 8000
    return config
