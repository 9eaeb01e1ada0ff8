"""The games alone: which of two pictures, small to large.

  python -m jaxcrypt.evaluate attacks --system mixing --data kodak24 --budget configs/attacks_games.py

With `--option rounds=2` the same is played against keyed mixing as it was before version 3 of the format.
"""

from jaxcrypt.attacks.budget import default_config


def get_config():
    config = default_config()
    config.parts = ("games",)
    config.games.sides = (64, 256, 1600)
    config.games.trials = 400
    return config
