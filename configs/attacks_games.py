"""The games alone: which of two pictures, small to large.

  python -m jaxcrypt.evaluate attacks --system mixing --data kodak24 --budget configs/attacks_games.py

With `--option rounds=2` the same is played against keyed mixing as it was before version 3 of the format.
Above 1024 a side 40 ciphers of each picture are made; one of 1600×1600 takes half a second of processor time.
"""

from jaxcrypt.attacks.budget import default_config


def get_config():
    config = default_config()
    config.parts = ("games",)
    config.games.sides = (64, 256, 1024, 1600, 2048)
    config.games.trials = 400
    config.games.pictures = (*config.games.pictures, "specks")
    return config
