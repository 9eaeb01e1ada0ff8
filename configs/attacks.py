"""The budget of the attack table: pairs, steps, nets, three seeds.

  python -m jaxcrypt.evaluate attacks --system mixing --data kodak24 --known photos [--quick]

--data holds the photos that attacks are judged on, --known those that the adversary knows; without --known
he gets four fifths of --data. Fields changed here count with --budget configs/attacks.py.

Run on two busy CPU cores with Kodak24 and 884 ImageNet photos: mixing 6 minutes, logistic 15 minutes.
Every row of both as chance. The most that a learned attack gained over the mean photo, at 10,000 pairs:

            nonce in force   nonce withheld   unkeyed
  mixing    0.00 dB          +4.98 dB         +5.08 dB
  logistic  0.00 dB          0.00 dB          0.00 dB    (control, a fixed keystream: +18.0 dB)
"""

from jaxcrypt.attacks.budget import default_config


def get_config():
    return default_config()
