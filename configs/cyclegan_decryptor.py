"""The decrypting generator of the CycleGAN cipher, trained on while its encoder stays as it is shipped.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/cyclegan_decryptor.py --workdir runs/decryptor

Data as in configs/cyclegan.py. What a cipher picture is, follows from the encoder alone; so every cipher
picture made with the weights that this starts from can be read with those that it ends with
(``"opens"`` in the manifest of the zoo).

The shipped weights: 375 of 8,000 steps, on one NVIDIA H100 that seven other runs shared, where compiling took
three of eight minutes and the mixing most of each step; 175 at 3e-4, 200 more down to 0. The validation PSNR
at 1, 1/2 and 1/4 of the bytes stayed at 69.2, 45.2 and 35.3 dB. Its whole length: not yet run.
"""

from jaxcrypt.training.defaults import config_beside


def get_config():
    config = config_beside(__file__, "cyclegan")
    config.model.init_from = "cyclegan"
    config.model.train_encoder = False
    config.train.batch_size = 32
    config.model.shares = (12, 12, 8)
    config.train.steps = 8000
    config.optimizer.lr = 3e-4
    del config.phases["encrypt"], config.phases["eve"]
    return config
