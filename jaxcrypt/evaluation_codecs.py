"""Moved: ``python -m jaxcrypt.evaluate codecs``."""

from jaxcrypt.cli.moved import moved

if __name__ == "__main__":
    moved("evaluation_codecs", "evaluate codecs")
