"""A training run measured on its own validation pictures: its best checkpoint, or each as it appears."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.evaluation.plots import curves
from jaxcrypt.evaluation.report import Result, markdown, number
from jaxcrypt.evaluation.setting import Setting
from jaxcrypt.evaluation.validation import validation_evaluator
from jaxcrypt.evaluation.watching import Watcher
from jaxcrypt.systems import catalog
from jaxcrypt.training.checkpoint import Checkpoints, averaged
from jaxcrypt.training.defaults import complete
from jaxcrypt.training.writer import Writer

_log = logging.getLogger("jaxcrypt.evaluate")
Checkpoint = tuple[int, dict[str, Any], dict[str, Any]]  # step, meta, arrays


def run(setting: Setting) -> Result:
    """The run in ``--workdir``; with ``--watch`` until its last step."""
    rows = []
    for row in evaluate_run(Path(setting.own["workdir"]), setting.own.get("watch", False)):
        shown = "  ".join(f"{name} {value:.4g}" for name, value in row.items() if name != "step")
        _log.info("step %d  %s", row["step"], shown)
        rows.append(row)
    facts = {"workdir": setting.own["workdir"], "rows": rows}
    return Result(facts, plot(facts))


_INTERVAL = 1.0  # seconds between two looks for new checkpoints


def evaluate_run(workdir: Path, watch: bool = False) -> Iterator[dict[str, Any]]:
    """The validation metrics of a training run's best checkpoint; with ``watch``, of each as it appears.

    Averaged parameters give ``validation/…``, raw ones ``validation_raw/…``. Watching ends with the
    checkpoint of the last step. Each result is a line of ``<workdir>/evaluation/log.jsonl`` too, and goes to
    TensorBoard.

    Raises:
      Refusal: not a training run's folder, or no sound checkpoint in it.
    """
    if not watch and not (workdir / "checkpoints").is_dir():
        raise usage(f"--workdir {workdir}: not the --workdir of a training run (no checkpoints in it)")
    writer = Writer(workdir / "evaluation")
    measure = _Measure()
    try:
        for step, meta, tree in _watched(workdir) if watch else _best(workdir):
            values = measure(tree, meta)
            writer.scalars(step, values)
            yield {"step": step, **values}
    finally:
        writer.close()


def _best(workdir: Path) -> Iterator[Checkpoint]:
    with contextlib.closing(Checkpoints(workdir, read_only=True)) as checkpoints:
        step, meta = checkpoints.best_sound()
        yield step, meta, checkpoints.restore_arrays(step)


def _watched(workdir: Path) -> Iterator[Checkpoint]:
    """Every checkpoint from now on, and those that are there, in order of their steps."""
    with contextlib.ExitStack() as stack:
        watcher = stack.enter_context(Watcher(workdir, _INTERVAL))
        held = stack.enter_context(contextlib.closing(Checkpoints(watcher.folder, read_only=True)))
        for step in watcher.steps():
            held.steps()  # look again: Orbax remembers which there were
            try:
                meta, tree = held.meta(step), held.restore_arrays(step)
            except (Refusal, OSError, ValueError) as error:
                _log.warning("step %d cannot be measured (%s)", step, error)
                continue
            yield step, meta, tree
            watcher.release(step)
            if step >= _last_step(meta):
                return


def _last_step(meta: Mapping[str, Any]) -> int:
    config = complete(meta["config"])
    return sum(stage.steps for stage in catalog.build(config.system, config).stages)


class _Measure:
    """Validation metrics of checkpoints; System and pipeline are kept as long as the config is the same."""

    def __init__(self):
        self._config, self._evaluate = None, None

    def __call__(self, tree: Mapping[str, Any], meta: Mapping[str, Any]) -> dict[str, float]:
        if meta["config"] != self._config:
            config = complete(meta["config"])
            self._evaluate = validation_evaluator(catalog.build(config.system, config), config)
            self._config = meta["config"]
        kinds = {"validation": averaged(tree)}
        if tree["ema"]:
            kinds["validation_raw"] = {"params": tree["params"], "extra": tree["extra"]}
        return {
            f"{kind}/{name}": float(value)
            for kind, variables in kinds.items()
            for name, value in self._evaluate(variables)
            if np.ndim(value) == 0
        }


def table(facts: Mapping[str, Any]) -> str:
    """One line for each checkpoint as Markdown."""
    names = list(dict.fromkeys(name for row in facts["rows"] for name in row))
    rows = [[_cell(row.get(name)) for name in names] for row in facts["rows"]]
    return f"{facts['workdir']}: checkpoints on the run's validation pictures\n\n" + markdown(names, rows)


def _cell(value: Any) -> str:
    if isinstance(value, int | str) or value is None:
        return str(value if value is not None else "")
    return f"{number(value):.4g}"


def plot(facts: Mapping[str, Any]) -> bytes:
    """PSNR over steps."""
    names = list(dict.fromkeys(n for row in facts["rows"] for n in row if n.endswith("psnr")))
    lines = {
        name: (
            [row["step"] for row in facts["rows"] if name in row],
            [number(row[name]) for row in facts["rows"] if name in row],
        )
        for name in names
    }
    return curves(lines, "step", "PSNR, dB")
