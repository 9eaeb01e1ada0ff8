"""jaxcrypt: pictures encrypted into pictures, by chaos, by keyed mixing and by networks, in JAX."""

__version__ = "0.1.0"
