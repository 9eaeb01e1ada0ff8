"""The decrypting generator of the CycleGAN cipher, trained on while its encoder stays as it is shipped.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/cyclegan_decryptor.py --workdir runs/decryptor

Data as in configs/cyclegan.py. What a cipher picture is, follows from the encoder alone; so every cipher
picture made with the weights that this starts from can be read with those that it ends with
(``"opens"`` in the manifest of the zoo). Not yet run.
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
