"""Batches of pictures: deterministic, sharded by host, restorable, prepared in threads or processes.

Training is one endless stream of examples, shuffled anew in each epoch. What example ``p`` of the stream
is, and how it is cut, depends on (seed, p) alone: batch ``i`` of all hosts together is examples
``i·B … (i+1)·B − 1`` and host ``h`` of ``n`` takes the ``h``-th of ``n`` equal runs of them. So any number
of hosts, threads and workers sees the same global batches, and a position is all that a state needs.

Evaluation goes once through the split, by name; the last batch is padded with zeros, and ``valid`` says
which examples are real.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import grain
import numpy as np
from absl import flags

from jaxcrypt.data import config as settings_of
from jaxcrypt.data.examples import Assembly
from jaxcrypt.errors import usage

log = logging.getLogger("jaxcrypt")

VALID = "valid"
SPLITS = ("train", "validation", "test")


def pipeline(
    config: Any,
    batch_spec: Mapping[str, Any],
    *,
    split: str,
    seed: int = 0,
    process_index: int = 0,
    process_count: int = 1,
) -> Batches:
    """Batches of the pictures that ``config`` names.

    Args:
      config: ``config.data``, see :func:`jaxcrypt.data.default_config`.
      batch_spec: this host's arrays (``jax.ShapeDtypeStruct``, batch axis first) by the names of
        :mod:`jaxcrypt.systems.catalog`: ``image`` or ``cover`` and what goes with it (``key_image``,
        ``secrets``, ``mask``, ``labels`` uint8 ``[B, 40]``).
      split: ``train`` repeats without end; ``validation`` and ``test`` end.
      seed: of order and cuts in training.
      process_index, process_count: which host this is, of how many.

    Returns:
      An iterator over dicts of arrays of exactly those shapes and dtypes; outside training with ``valid``,
      bool ``[B]``. ``get_state()`` is what JSON can hold; ``set_state(state)`` goes on from there.

    Raises:
      Refusal: settings that make no sense, folders or pictures that are missing or broken.
    """
    sources, training = _sources(config, split), split == "train"
    parts = [Assembly(settings, batch_spec, split) for _, settings in sources]
    for (_, settings), part in zip(sources, parts, strict=True):
        log.info("%s: %d pictures of %s", split, len(part), settings["path"] or settings["name"])
    if training:
        stream = _mixed(parts, [weight for weight, _ in sources], seed)
    else:
        stream = grain.MapDataset.concatenate([part.once() for part in parts])
    share = HostShare(stream, batch_spec, process_index, process_count, endless=training)
    digest, contents = (" ".join(getattr(part, name) for part in parts) for name in ("digest", "contents"))
    return Batches(share, sources[0][1], digest, contents)


def _sources(config: Any, split: str) -> list[tuple[float, Mapping[str, Any]]]:
    """Weights and settings of the sources that have such a split; of the first, where none has."""
    if split not in SPLITS:
        raise usage(f"split={split}: unknown; choose one of {', '.join(SPLITS)}")
    sources = settings_of.sources(config)
    return [source for source in sources if settings_of.divides(source[1], split)] or sources[:1]


def _mixed(parts: Sequence[Assembly], weights: Sequence[float], seed: int) -> Any:
    """Pictures of all parts without end, each part as often as its weight says."""
    streams = [part.stream(_child_seed(seed, number)) for number, part in enumerate(parts)]
    return streams[0] if len(streams) == 1 else grain.MapDataset.mix(streams, weights)


class HostShare:
    """``share[i]`` is this host's part of global batch ``i``: a random-access source for grain."""

    def __init__(self, stream: Any, batch_spec: Mapping[str, Any], index: int, count: int, *, endless: bool):
        self._stream, self._index, self._endless = stream, index, endless
        self._spec = {name: (tuple(leaf.shape), np.dtype(leaf.dtype)) for name, leaf in batch_spec.items()}
        self._size = next(iter(self._spec.values()))[0][0]
        self._global_size = self._size * count

    def __len__(self) -> int:
        if self._endless:
            return sys.maxsize // self._global_size
        return -(-len(self._stream) // self._global_size)

    def __getitem__(self, batch: int) -> dict[str, np.ndarray]:
        start = batch * self._global_size + self._index * self._size
        real = self._size if self._endless else max(0, min(self._size, len(self._stream) - start))
        arrays = {name: np.zeros(shape, dtype) for name, (shape, dtype) in self._spec.items()}
        for row in range(real):
            example = self._stream[start + row]
            for name, array in arrays.items():
                array[row] = example[name]
        if not self._endless:
            arrays[VALID] = np.arange(self._size) < real
        return arrays


class Batches(Iterator[dict[str, np.ndarray]]):
    """What :func:`pipeline` returns; ``len()`` is the number of batches of a pass outside training."""

    def __init__(self, share: HostShare, settings: Mapping[str, Any], digest: str, contents: str):
        self._share, self._settings, self._digest, self._contents = share, settings, digest, contents
        self._start(0)

    def __next__(self) -> dict[str, np.ndarray]:
        batch = next(self._batches)
        self._position += 1
        return batch

    def __len__(self) -> int:
        return len(self._share)

    def get_state(self) -> dict[str, Any]:
        """Where the iterator stands, as JSON can hold it; the same for every host, thread and worker."""
        return {"batches": self._position, "pictures": self._digest, "contents": self._contents}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken; other pictures than then are only warned of."""
        if state["pictures"] != self._digest:
            log.warning("the pictures are not those of the checkpoint; the order goes on over the new ones")
        self._start(state["batches"])

    def _start(self, position: int) -> None:
        self._position = position
        wanted = self._settings
        options = grain.ReadOptions(num_threads=wanted["threads"], prefetch_buffer_size=wanted["buffer"])
        dataset = grain.MapDataset.source(Later(self._share, position)).to_iter_dataset(options)
        if wanted["workers"]:
            if not flags.FLAGS.is_parsed():  # grain's processes hand on the flags, and fail on unparsed ones
                flags.FLAGS.mark_as_parsed()
            dataset = dataset.mp_prefetch(
                grain.MultiprocessingOptions(wanted["workers"], per_worker_buffer_size=wanted["buffer"])
            )
        self._batches = iter(dataset)


class Later:
    """A random-access source from its element ``start`` on."""

    def __init__(self, source: Any, start: int):
        self._source, self._start = source, start

    def __len__(self) -> int:
        return max(0, len(self._source) - self._start)

    def __getitem__(self, index: int) -> Any:
        return self._source[self._start + index]


def _child_seed(seed: int, number: int) -> int:
    """An unrelated seed for each source: shuffling takes seed + epoch, so neighbours would repeat."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])
