"""Moved: ``python -m jaxcrypt.evaluate rates``."""

from jaxcrypt.cli.moved import moved

if __name__ == "__main__":
    moved("evaluation_rates", "evaluate rates")
