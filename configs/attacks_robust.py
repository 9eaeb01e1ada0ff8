"""Attacks on layouts that survive JPEG, whose cipher pictures are no uniform noise.

  python -m jaxcrypt.evaluate attacks --system denoiser --option robust=2 --data kodak24 \\
      --budget configs/attacks_robust.py

Statistics, chosen pairs and block means are set against cipher pictures of random symbols in the same layout.
Photos are larger than elsewhere, since the layout at four fifths of the size has no room for 16x16; each
takes longer to encrypt, so there are fewer pairs, and fewer games.
"""

from jaxcrypt.attacks.budget import default_config


def get_config():
    config = default_config()
    config.parts = ("keys and looks", "games", "learned", "jigsaw", "sent")
    config.photos = 24
    config.judged = 96
    config.seeds = (0,)
    config.games.update({"sides": (64,), "trials": 100, "pictures": ("dot", "page", "half", "blank")})
    for attack in (config.known_plaintext, config.ciphertext_only):
        attack.side = 24
        attack.pairs = (1000,)
    return config
