"""Pictures of Systems without tiles: one at a time, whole, compiled once for each shape."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

from jaxcrypt.record import Sealed, System

_PROGRAMS: dict[tuple[int, str], tuple[System, Callable]] = {}


def words(subkey: bytes) -> np.ndarray:
    """A System's 32-byte subkey as uint32 ``[8]``."""
    return np.frombuffer(subkey, "<u4").astype(np.uint32)


def encrypt_pictures(system, variables, pictures, subkeys, options, progress):
    """As :func:`jaxcrypt.systems.drivers.tiled.encrypt_pictures`."""
    encrypt = _program(system, "encrypt")
    results = []
    for done, (picture, subkey) in enumerate(zip(pictures, subkeys, strict=True), 1):
        sealed = encrypt(variables, {"image": picture[None]}, words(subkey)[None], options)
        results.append((np.asarray(sealed[0])[0], {name: np.asarray(x)[0] for name, x in sealed[1].items()}))
        if progress is not None:
            progress(done / len(pictures))
    return results


def decrypt_pictures(system, variables, ciphers, sides, subkeys, options, lost, progress):
    """As :func:`jaxcrypt.systems.drivers.tiled.decrypt_pictures`, of the shape that the System knows."""
    decrypt = _program(system, "decrypt")
    results = []
    for i, (cipher, side, subkey) in enumerate(zip(ciphers, sides, subkeys, strict=True)):
        inputs = {} if lost is None else {"lost": lost[i][None]}
        side = {name: np.asarray(x)[None] for name, x in side.items()}
        found = decrypt(variables, (cipher[None], side), inputs, words(subkey)[None], options)
        results.append({name: np.asarray(x)[0] for name, x in found.items()})
        if progress is not None:
            progress((i + 1) / len(ciphers))
    return results


def _program(system: System, name: str) -> Callable:
    """The System's jitted function; a record is no pytree, so ``Sealed`` travels as a pair."""
    if (id(system), name) not in _PROGRAMS:
        if name == "encrypt":

            def run(variables, inputs, subkey, options):
                sealed = system.encrypt(variables, inputs, subkey, options)
                return sealed.pixels, sealed.side

            _PROGRAMS[id(system), name] = (system, jax.jit(run, static_argnums=3))
        else:

            def run(variables, sealed, inputs, subkey, options):
                return system.decrypt(variables, Sealed(*sealed), inputs, subkey, options)

            _PROGRAMS[id(system), name] = (system, jax.jit(run, static_argnums=4))
    return _PROGRAMS[id(system), name][1]
