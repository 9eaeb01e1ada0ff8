"""jaxcrypt: pictures encrypted into pictures, by chaos, by keyed mixing and by networks, in JAX.

    import jaxcrypt

    keys = jaxcrypt.Keys(passphrase="correct horse battery staple")
    sealed = jaxcrypt.seal(photo_bytes, keys, name="photo.jpg")  # a PNG's bytes
    opened = jaxcrypt.unseal(sealed, keys)  # .files, .pictures, .exact, .authenticated, .system
    cipher = jaxcrypt.load("cyclegan")  # a System with its weights, for research

Bytes go in, bytes come out; whatever cannot be done is a :class:`jaxcrypt.errors.Refusal`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["Keys", "load", "seal", "unseal"]

if TYPE_CHECKING:
    from jaxcrypt.sealing.cipher import load
    from jaxcrypt.sealing.direct import seal
    from jaxcrypt.sealing.keys import Keys
    from jaxcrypt.sealing.unseal import unseal

_ROOMS = {"Keys": "keys", "load": "cipher", "seal": "direct", "unseal": "unseal"}


def __getattr__(name: str):
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"jaxcrypt.sealing.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_ROOMS]
