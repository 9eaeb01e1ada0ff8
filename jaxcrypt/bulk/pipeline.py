"""The Beam pipeline: folder -> files by shape -> batches -> work -> counters, and a side output of refusals.

Between its steps only paths travel: no pixel and no key passes through the engine's own storage. Needs
apache-beam (extra ``bulk``).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.options.pipeline_options import PipelineOptions

from jaxcrypt.bulk.work import DECRYPT, MADE, REFUSED, Result, Task, Worker
from jaxcrypt.cli.jobs import is_sealed
from jaxcrypt.pictures.files import is_picture_name, picture_size
from jaxcrypt.pictures.folders import walk

NAMESPACE = "jaxcrypt"
_Key = tuple[int, int, int]


@dataclass(frozen=True)
class Plan:
    """Where pictures are read and refusals are told, and how many go together.

    Attributes:
      folder: of the inputs, on a file system that all workers share.
      refused: prefix of the files of refusals, JSON lines.
      batch: pictures of one shape that are sealed together at most.
      shards: how many lists the paths of one shape are gathered in.
    """

    folder: str
    refused: str
    batch: int = 16
    shards: int = 64


def run(task: Task, plan: Plan, options: Sequence[str] = ()) -> dict[str, int]:
    """Run the pipeline to its end, on whatever runner ``options`` name; returns the counters by name."""
    with beam.Pipeline(options=PipelineOptions(list(options))) as pipeline:
        build(pipeline, task, plan)
    return counters(pipeline.result)


def build(pipeline: Any, task: Task, plan: Plan) -> None:
    """Add the steps to a pipeline."""
    accepts = is_sealed if task.verb == DECRYPT else is_picture_name
    batches = (
        pipeline
        | "Folder" >> beam.Create([plan.folder])
        | "List" >> beam.FlatMap(_listed, accepts)
        | "Spread" >> beam.Reshuffle()
        | "Shape" >> beam.Map(lambda path: (_key(path, plan.shards), path))
        | "Group" >> beam.GroupByKey()
        | "Batch" >> beam.FlatMap(lambda group: _batches(group[1], plan.batch))
        | "Spread batches" >> beam.Reshuffle()
    )
    done = batches | "Work" >> beam.ParDo(_Work(task)).with_outputs(REFUSED, main=MADE)
    refused = done[REFUSED] | "As JSON" >> beam.Map(json.dumps)
    _ = refused | "Refusals" >> beam.io.WriteToText(plan.refused, file_name_suffix=".jsonl")


def counters(result: Any) -> dict[str, int]:
    """Of a pipeline that ended: files ``made``, ``already`` there and ``refused``, and bytes ``read``."""
    committed = result.metrics().query()["counters"]
    return {one.key.metric.name: one.committed for one in committed if one.key.metric.namespace == NAMESPACE}


def _listed(folder: str, accepts: Callable[[Path], bool]) -> Iterator[str]:
    return (str(path) for path in walk(folder).files if accepts(path))


def _key(path: str, shards: int) -> _Key:
    """Stored width and height, and one of the shards; what is no picture gathers under 0×0."""
    width, height = picture_size(Path(path)) or (0, 0)
    return width, height, zlib.crc32(path.encode("utf-8", "surrogateescape")) % shards


def _batches(paths: Iterable[str], size: int) -> Iterator[list[str]]:
    paths = iter(paths)
    while batch := list(islice(paths, size)):
        yield batch


class _Work(beam.DoFn):
    """A worker's part; keys and Systems are loaded once in each process."""

    def __init__(self, task: Task):
        self._task = task

    def setup(self) -> None:
        """Read the keys."""
        self._worker = Worker(self._task)

    def process(self, element: Sequence[str]) -> Iterator[Any]:
        """One batch of paths."""
        for result in self._worker.work(element):
            _count(result)
            if result.state == REFUSED:
                facts = asdict(result)
                facts.pop("read")
                yield beam.pvalue.TaggedOutput(REFUSED, facts)
            else:
                yield result.path


def _count(result: Result) -> None:
    Metrics.counter(NAMESPACE, result.state).inc()
    Metrics.counter(NAMESPACE, "read").inc(result.read)
