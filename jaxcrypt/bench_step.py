"""Moved: ``python -m jaxcrypt.bench step``."""

from jaxcrypt.cli.moved import moved

if __name__ == "__main__":
    moved("bench_step", "bench step")
