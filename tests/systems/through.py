"""Pictures through a System: by its driver, with plain tuples and dicts for results, or by its functions."""

import jax
import numpy as np

from jaxcrypt.record import Call, Sealed
from jaxcrypt.training import sharding


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


def goes_to_another_number_of_devices(state, opened):
    """A run's ``state`` saved from two devices, its arrays split, is restored onto four, copied to each;
    ``opened()`` gives the checkpoints of the run."""
    two, four = (sharding.make_mesh(1, 2, jax.devices()[:2]), sharding.make_mesh(-1, 1, jax.devices()[:4]))
    shapes = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), state)
    placed = sharding.with_shardings(two, shapes)
    split = jax.tree.map(lambda leaf, place: jax.device_put(leaf, place.sharding), state, placed)
    assert not all(leaf.sharding.is_fully_replicated for leaf in jax.tree.leaves(split))
    checkpoints = opened()
    checkpoints.save(split, {"config": {}, "stage": 0, "pipeline": [None]}, {})
    checkpoints.close()
    checkpoints = opened()
    back = checkpoints.restore(int(state.step), sharding.with_shardings(four, shapes))
    checkpoints.close()
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(back), state)
    assert all(len(leaf.sharding.device_set) == 4 for leaf in jax.tree.leaves(back))


def sealed_by_record(system, variables, image, subkey, options=()):
    """What the System's own function, compiled as one program, makes of a batch: NumPy arrays."""
    run = jax.jit(lambda v, x, k: vars(system.encrypt(v, {"image": x}, k, options)))
    made = run(variables, image, subkey)
    return Sealed(**jax.device_get(made))


def opened_by_record(system, variables, sealed, subkey, options=()):
    """The way back, compiled as one program."""
    run = jax.jit(lambda v, p, s, k: system.decrypt(v, Sealed(p, s), {}, k, options))
    return run(variables, sealed.pixels, sealed.side, subkey)
