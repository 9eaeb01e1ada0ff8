"""What a region's cipher adds to its open surroundings: nets that fill it in, with the cipher and without.

  python -m jaxcrypt.evaluate attacks --system mixing --data kodak24 --known photos \\
      --budget configs/attacks_surroundings.py

Crops of 48×48 with a region of 16×16 in the middle: the fewer samples, the fewer unknowns. Made for a GPU, in
bfloat16; on two CPU cores the same takes an hour a System.
"""

from jaxcrypt.attacks.budget import default_config


def get_config():
    config = default_config()
    config.parts = ("surroundings",)
    config.surroundings.train.precision = "bfloat16"
    return config
