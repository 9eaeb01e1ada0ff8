"""One mesh, two axes: ``data`` splits the batch; ``fsdp`` splits the batch and the parameters too.

With the global batch fixed, results do not depend on the number of devices but for the order of float32 sums:
losses of the first steps agree to about 1e-5 relative; over many steps differences grow as any rounding does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jaxcrypt.errors import usage

BATCH_AXES = ("data", "fsdp")


def make_mesh(data: int = -1, fsdp: int = 1, devices: list[jax.Device] | None = None) -> Mesh:
    """A mesh of ``data`` × ``fsdp`` devices; -1 for ``data`` takes all that are left.

    Raises:
      Refusal: the devices of the machine do not divide that way.
    """
    devices = jax.devices() if devices is None else devices
    if fsdp < 1 or (data < 1 and data != -1):
        raise usage(f"config.mesh: data={data}, fsdp={fsdp}; give whole numbers, data=-1 for all devices")
    rows = len(devices) // fsdp if data == -1 else data
    if rows * fsdp != len(devices):
        raise usage(f"config.mesh: data={data}, fsdp={fsdp} does not fit the {len(devices)} devices here")
    return jax.make_mesh((rows, fsdp), BATCH_AXES, devices=devices, axis_types=(AxisType.Auto,) * 2)


def replicated(mesh: Mesh) -> NamedSharding:
    """Whole on every device of the mesh."""
    return NamedSharding(mesh, PartitionSpec())


def batch_sharding(mesh: Mesh, substeps: int = 1) -> NamedSharding:
    """Examples over all devices; the axis of ``substeps``, where there is one, stays whole."""
    return NamedSharding(mesh, PartitionSpec(*((None,) if substeps > 1 else ()), BATCH_AXES))


def array_sharding(mesh: Mesh, leaf: jax.ShapeDtypeStruct) -> NamedSharding:
    """Along the largest axis that ``fsdp`` divides; whole where there is none."""
    size = mesh.shape["fsdp"]
    axes = [axis for axis, length in enumerate(leaf.shape) if length >= size and length % size == 0]
    if size == 1 or not axes:
        return replicated(mesh)
    largest = max(axes, key=lambda axis: leaf.shape[axis])
    return NamedSharding(mesh, PartitionSpec(*(None,) * largest, "fsdp"))


def shardings(mesh: Mesh, shapes: Any) -> Any:
    """The sharding of every leaf of a tree of shapes."""
    return jax.tree.map(lambda leaf: array_sharding(mesh, leaf), shapes)


def with_shardings(mesh: Mesh, shapes: Any) -> Any:
    """The tree of shapes with their shardings on them: what a checkpoint is restored into."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=array_sharding(mesh, leaf)), shapes
    )


def create_sharded(mesh: Mesh, create: Callable[[], Any]) -> Any:
    """``create()``, jitted so that every leaf is born on the devices that keep it."""
    return jax.jit(create, out_shardings=shardings(mesh, jax.eval_shape(create)))()


def global_batch(sharding: NamedSharding, batch: Mapping[str, np.ndarray]) -> dict[str, jax.Array]:
    """The arrays over all hosts of which this host brings ``batch``."""
    return {
        name: jax.make_array_from_process_local_data(sharding, np.asarray(value))
        for name, value in batch.items()
    }


def check_batch_size(batch_size: int, mesh: Mesh) -> None:
    """Refuse a global batch that the devices do not divide."""
    if batch_size < 1 or batch_size % mesh.size:
        raise usage(
            f"config.train.batch_size={batch_size}: must be a multiple of the {mesh.size} devices of the mesh"
        )


def fetch(tree: Any) -> Any:
    """The whole tree as numpy on every host, wherever its parts lie."""
    if jax.process_count() == 1:
        return jax.device_get(tree)
    from jax.experimental import multihost_utils

    return multihost_utils.process_allgather(tree, tiled=True)
