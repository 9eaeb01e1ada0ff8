"""A small DCGAN without training: random weights, and an extractor whose last layer is a ridge regression.

Activations lie about one, and what the last layer makes is lessened, so that few of them bend and hardly a
sample is cut off, as in a generator that was trained: the extractor's estimate is then near enough for most
faces to be read with one Jacobian, which is nearly all of what a face costs, and for some with two.
"""

import functools
import json

import jax
import jax.numpy as jnp
import numpy as np

from configs.dcgan_light import get_config
from jaxcrypt import export
from jaxcrypt.systems import catalog
from jaxcrypt.systems.dcgan import reading
from jaxcrypt.systems.dcgan.training import nets
from jaxcrypt.training.weights import save_weights
from tests.support import parameters


def config():
    small = get_config()
    small.model.generator.update({"start": 32, "widths": (16, 12, 8, 4)})
    small.model.discriminator.update({"widths": (8, 8, 8, 8)})
    small.model.extractor.update({"widths": (8, 16, 24, 32)})
    return small


@functools.cache
def system_and_variables():
    """The System, and weights whose faces can be read back."""
    of = nets(config().model)
    inputs = {"generator": (1, 100), "extractor": (1, 64, 64, 3)}
    drawn = {name: parameters(getattr(of, name), jnp.zeros(shape)) for name, shape in inputs.items()}
    params = jax.tree_util.tree_map_with_path(_gentle, drawn)
    variables = {"params": params, "extra": {"generator": {}, "extractor": {}}}
    z = np.random.default_rng(0).standard_normal((1000, 100)).astype(np.float32)
    features = np.concatenate([_features(of, variables, rows) for _, rows in reading.batches(z)])[: len(z)]
    mean = features.mean(0)
    square = (features - mean).T @ (features - mean)
    ridge = 1e-3 * np.trace(square) / len(square) * np.eye(len(square))
    kernel = np.linalg.solve(square + ridge, (features - mean).T @ z)
    params["extractor"]["dense"] = {
        "kernel": jnp.asarray(kernel, jnp.float32),
        "bias": jnp.asarray(-mean @ kernel, jnp.float32),
    }
    return catalog.build("dcgan", config()), variables


def _gentle(path, leaf):
    """Power goes through every layer, and little of it bends."""
    layer, kind = path[1].key, path[-1].key
    if kind == "bias":
        return leaf + layer.startswith(("up", "down"))
    if layer.startswith("up"):
        return leaf * np.float32(8**0.5)  # an output sees a quarter of the kernel, and half the power passes
    return leaf * np.float32(0.4) if layer == "image" else leaf


def written(folder):
    """The same as a weights file in ``folder``, with its manifest; returns its name."""
    data = save_weights(system_and_variables()[1], {"name": "toy", "system": "dcgan"})
    entry = {"name": "toy", "system": "dcgan", "config": json.loads(config().to_json()), "bytes": len(data)}
    entry |= {"sha256": export.hashlib.sha256(data).hexdigest(), "file": "toy.safetensors"}
    export.place(entry, data, folder)
    return str(folder / "toy.safetensors")


def _features(of, variables, z):
    """What the extractor's last layer sees of the faces of ``z``."""
    faces = reading.program(reading.generate, of)(variables, z)
    _, seen = _watched(of)(variables["params"]["extractor"], faces)
    return np.asarray(seen["intermediates"]["down3"]["__call__"][0]).reshape(len(z), -1)


@functools.cache
def _watched(of):
    return jax.jit(lambda params, x: of.extractor.apply({"params": params}, x, capture_intermediates=True))
