"""Moved: ``python -m jaxcrypt.evaluate damage``."""

from jaxcrypt.cli.moved import moved

if __name__ == "__main__":
    moved("evaluation_damage", "evaluate damage")
