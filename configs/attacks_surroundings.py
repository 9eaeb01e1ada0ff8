"""What a region's cipher adds to its open surroundings: nets that fill it in, with the cipher and without.

  python -m jaxcrypt.evaluate attacks --system mixing --data kodak24 --known photos \\
      --budget configs/attacks_surroundings.py

Windows of photos at 16×16 with a region of 8×8 in the middle: the fewer samples, the fewer unknowns. About
two minutes of a CPU core a System. Larger windows and nets, and bfloat16 on a GPU, are set in
``config.surroundings``: not yet run.
"""

from jaxcrypt.attacks.budget import default_config


def get_config():
    config = default_config()
    config.parts = ("surroundings",)
    return config
