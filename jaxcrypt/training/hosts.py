"""What the hosts of one run must agree on, or know of each other, where it is no array."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

log = logging.getLogger("jaxcrypt")


def agreed(choose: Callable[[], int]) -> int:
    """What the first host chooses, on every host."""
    if jax.process_count() == 1:
        return choose()
    from jax.experimental import multihost_utils

    choice = choose() if jax.process_index() == 0 else 0
    return int(multihost_utils.broadcast_one_to_all(np.int32(choice)))


def gather_pipeline_states(state: Any) -> list[Any]:
    """The pipeline's state on each host, in their order; every host gets all of them."""
    if jax.process_count() == 1:
        return [state]
    from jax.experimental import multihost_utils

    text = np.frombuffer(json.dumps(state).encode(), np.uint8)
    longest = int(np.max(multihost_utils.process_allgather(np.array([text.size], np.int32))))
    padded = np.full(longest, ord(" "), np.uint8)
    padded[: text.size] = text
    return [json.loads(bytes(row)) for row in multihost_utils.process_allgather(padded)]


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
