"""Pictures through a System: by its driver, with plain tuples and dicts for results, or by its functions."""

import jax

from jaxcrypt.record import Call, Sealed


def encrypt_pictures(system, variables, pictures, keys, options=(), progress=None, inputs=None):
    """``(cipher picture, side)`` of each picture."""
    call = Call(variables, tuple(options), inputs or {}, progress)
    return [(one.pixels, one.side) for one in system.driver.encrypt(call, pictures, keys)]


def decrypt_pictures(
    system, variables, ciphers, sides, keys, options, shape, lost=None, progress=None, inputs=None
):
    """Of each picture a dict: ``image``, further ones as ``image2`` …, ``noise``, and what was reported."""
    call = Call(variables, tuple(options), inputs or {}, progress)
    sealed = [Sealed(cipher, side) for cipher, side in zip(ciphers, sides, strict=True)]
    results = []
    for outcome in system.driver.decrypt(call, sealed, keys, tuple(shape), lost):
        names = ["image", *(f"image{number}" for number in range(2, len(outcome.pictures) + 1))]
        pictures = dict(zip(names, outcome.pictures, strict=True))
        results.append(pictures | {"noise": outcome.noise} | outcome.report)
    return results


def sealed_by_record(system, variables, image, subkey, options=()):
    """What the System's own function, compiled as one program, makes of a batch: NumPy arrays."""
    run = jax.jit(lambda v, x, k: vars(system.encrypt(v, {"image": x}, k, options)))
    made = run(variables, image, subkey)
    return Sealed(**jax.device_get(made))


def opened_by_record(system, variables, sealed, subkey, options=()):
    """The way back, compiled as one program."""
    run = jax.jit(lambda v, p, s, k: system.decrypt(v, Sealed(p, s), {}, k, options))
    return run(variables, sealed.pixels, sealed.side, subkey)
