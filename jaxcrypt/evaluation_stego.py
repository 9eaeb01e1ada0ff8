"""Moved: ``python -m jaxcrypt.evaluate hiding``."""

from jaxcrypt.cli.moved import moved

if __name__ == "__main__":
    moved("evaluation_stego", "evaluate hiding")
