"""``python -m jaxcrypt.bench``: see :mod:`jaxcrypt.bench.speed`."""

import sys

from jaxcrypt.bench.speed import run

if __name__ == "__main__":
    sys.exit(run())
