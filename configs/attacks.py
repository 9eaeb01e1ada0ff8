"""The budget of the attack table: pairs, steps, nets, three seeds.

  python -m jaxcrypt.evaluate --attacks --system mixing --data DIR --known DIR2 [--quick]

DIR holds the photos that attacks are judged on, DIR2 those that the adversary knows; without --known the
adversary gets four fifths of DIR. Fields may be changed here and named with --budget configs/attacks.py.
"""

from jaxcrypt.attacks.budget import default_config


def get_config():
    return default_config()
