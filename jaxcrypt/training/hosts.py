"""What the hosts of one run must agree on, or know of each other, where it is no array."""

from __future__ import annotations

import functools
import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from jaxcrypt.errors import usage

log = logging.getLogger("jaxcrypt")


def wait_for_all(where: str) -> None:
    """Return when every host has come here; ``where`` names the place."""
    if jax.process_count() > 1:
        from jax.experimental import multihost_utils

        multihost_utils.sync_global_devices(where)


def agreed(choose: Callable[[], int]) -> int:
    """What the first host chooses, on every host."""
    if jax.process_count() == 1:
        return choose()
    from jax.experimental import multihost_utils

    choice = choose() if jax.process_index() == 0 else 0
    return int(multihost_utils.broadcast_one_to_all(np.int32(choice)))


@functools.cache
def _largest() -> tuple[Any, NamedSharding]:
    mesh = jax.make_mesh((jax.device_count(),), ("all",), axis_types=(AxisType.Auto,))
    largest = jax.jit(jnp.max, out_shardings=NamedSharding(mesh, PartitionSpec()))
    return largest, NamedSharding(mesh, PartitionSpec("all"))


def any_host(flag: bool) -> jax.Array:
    """Whether ``flag`` is true on any host, as an array that arrives later; all hosts must ask in turn."""
    largest, spread = _largest()
    own = np.full(jax.local_device_count(), flag, np.int32)
    return largest(jax.make_array_from_process_local_data(spread, own))


def gather(value: Any) -> list[Any]:
    """What each host has, in their order, as JSON can hold it; every host gets all of them."""
    if jax.process_count() == 1:
        return [value]
    from jax.experimental import multihost_utils

    text = np.frombuffer(json.dumps(value).encode(), np.uint8)
    longest = int(np.max(multihost_utils.process_allgather(np.array([text.size], np.int32))))
    padded = np.full(longest, ord(" "), np.uint8)
    padded[: text.size] = text
    return [json.loads(bytes(row)) for row in multihost_utils.process_allgather(padded)]


def compare(told: Mapping[str, Any]) -> None:
    """Refuse, on every host in the same words, where ``told`` (as JSON can hold it) is not equal on all."""
    everyone = gather(dict(told))
    for host, other in enumerate(everyone[1:], 1):
        for name in sorted(everyone[0].keys() | other.keys()):
            first, here = everyone[0].get(name), other.get(name)
            if first != here:
                raise usage(f"{name}: {first} on host 0, {here} on host {host}; tell all hosts the same")


def share(workdir: Path) -> None:
    """Refuse, on every host in the same words, a workdir that is not one folder which all of them see."""
    if jax.process_count() == 1:
        return
    token = gather(secrets.token_hex(8))[0]
    mark = workdir / f".seen-by-all-{token}"
    if jax.process_index() == 0:
        workdir.mkdir(parents=True, exist_ok=True)
        mark.write_text("")
    wait_for_all("mark")
    seen = gather(_sees(mark))
    wait_for_all("seen")
    mark.unlink(missing_ok=True)
    blind = [str(host) for host, sees in enumerate(seen) if not sees]
    if blind:
        what = f"--workdir {workdir}: what host 0 writes there is not seen by host {', '.join(blind)}"
        raise usage(f"{what}; it must be a folder that all hosts share")


def _sees(mark: Path) -> bool:
    for _ in range(20):  # network file systems may take a while to show a new file
        if mark.exists():
            return True
        time.sleep(0.25)
    return False


def own_pipeline_state(states: list[Any]) -> Any | None:
    """This host's entry, or None (with a warning) where no entry can be said to be its own.

    A pipeline whose state is the same on every host goes on whatever the number of hosts now is.
    """
    if len(states) == jax.process_count():
        return states[jax.process_index()]
    if all(state == states[0] for state in states):
        return states[0]
    log.warning(
        "the checkpoint was written by %d hosts, now there are %d: the data starts anew, the rest goes on",
        len(states),
        jax.process_count(),
    )
    return None
