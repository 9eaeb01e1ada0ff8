"""Checkpoints: ``{state, pipeline, config}`` through Orbax, written in the background.

``<workdir>/checkpoints/<step>`` is an Orbax checkpoint of two items: ``state`` (the arrays of
:class:`TrainState`) and ``meta`` (JSON: format, config, stage, pipeline states by host, metrics). Beside it
``<workdir>/checkpoints.sha256/<step>.json`` holds the digest of each of its files, written once it is
complete: a newest checkpoint that is cut short or altered is set aside, and the one before is taken. Where
none is sound nothing is moved, and the run is refused until it is told to begin anew (:func:`put_aside`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import math
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers as policies

from jaxcrypt.errors import ExitCode, Refusal, usage
from jaxcrypt.training import digests
from jaxcrypt.training.hosts import agreed
from jaxcrypt.training.state import TrainState

FORMAT = 1
_FOLDER, _DIGESTS, _DAMAGED = "checkpoints", "checkpoints.sha256", "checkpoints.damaged"
_NONE, _ALL_DAMAGED = -1, -2
FOLDERS = (_FOLDER, _DIGESTS, _DAMAGED)  # in the workdir
log = logging.getLogger("jaxcrypt")


def _not_of_orbax(record: logging.LogRecord) -> bool:
    """Whether a line is none by which Orbax tells of its inside; what matters of it, this module says."""
    return record.levelno >= logging.ERROR or "orbax" not in Path(record.pathname).parts


logging.getLogger("absl").addFilter(_not_of_orbax)


class Checkpoints:
    """The checkpoints of one run.

    Args:
      workdir: the folder of the run.
      keep_last: so many of the newest are kept …
      keep_best: … and so many of the best by the metric ``best``, with ``best_mode`` 'max' or 'min'.
      read_only: for evaluation and export beside a run that writes.
    """

    def __init__(
        self,
        workdir: Path,
        keep_last: int = 2,
        keep_best: int = 1,
        best: str = "",
        best_mode: str = "max",
        read_only: bool = False,
    ):
        if best_mode not in ("max", "min"):
            raise usage(f"config.train.best_mode={best_mode}: choose max or min")
        self.folder = Path(workdir).absolute() / _FOLDER
        self._damaged = self.folder.with_name(_DAMAGED)
        self._digests = self.folder.with_name(_DIGESTS)
        self._best, self._sign = best, 1.0 if best_mode == "max" else -1.0
        self._read_only = read_only
        self._told = False
        keep = [policies.LatestN(n=keep_last)]
        if keep_best:
            best_n = {"n": keep_best, "keep_checkpoints_without_metrics": False}
            keep.append(policies.BestN(get_metric_fn=self._score, **best_n))
        self._options = ocp.CheckpointManagerOptions(
            preservation_policy=policies.AnyPreservationPolicy(keep),
            cleanup_tmp_directories=not read_only,
            read_only=read_only,
            create=not read_only,
        )
        self._manager = self._open()

    def _open(self) -> ocp.CheckpointManager:
        handlers = {"state": ocp.StandardCheckpointHandler(), "meta": ocp.JsonCheckpointHandler()}
        return ocp.CheckpointManager(self.folder, options=self._options, item_handlers=handlers)

    def _score(self, metrics: Mapping[str, float]) -> float:
        value = metrics.get(self._best)
        return -math.inf if value is None or math.isnan(value) else self._sign * value

    def steps(self) -> list[int]:
        """The steps that have a complete checkpoint, oldest first."""
        self._manager.reload()
        return sorted(self._manager.all_steps())

    def save(self, state: TrainState, meta: Mapping[str, Any], metrics: Mapping[str, float] | None) -> None:
        """Start to write ``state``; returns as soon as the arrays are copied."""
        step = int(state.step)
        if step in self._manager.all_steps():
            return
        if metrics and self._best and self._best not in metrics and not self._told:
            self._told = True
            known = ", ".join(sorted(metrics))
            log.warning("config.train.best=%s: is not measured (there is %s)", self._best, known)
        with self._writing(step):
            self._record_digests()  # of the save before, which this one waits for anyway
            self._manager.save(
                step,
                args=ocp.args.Composite(
                    state=ocp.args.StandardSave(_as_tree(state)),
                    meta=ocp.args.JsonSave({"format": FORMAT, **meta, "metrics": dict(metrics or {})}),
                ),
                metrics=dict(metrics) if metrics else None,
            )

    def close(self) -> None:
        """Wait until everything is on disk, and let go of it.

        Raises:
          Refusal: it could not be written.
        """
        if self._read_only:
            self._manager.close()
            return
        with self._writing():
            try:
                self._record_digests()
            finally:
                self._manager.close()

    def abandon(self) -> None:
        """Close after something else went wrong, of which the caller tells."""
        with contextlib.suppress(Refusal):
            self.close()

    @contextlib.contextmanager
    def _writing(self, step: int | None = None) -> Iterator[None]:
        """Whatever Orbax meets while it writes, in the background too, as one line."""
        try:
            yield
        except Refusal:
            raise
        except Exception as error:
            what = f"{self.folder}: a checkpoint could not be written"
            before = f" by step {step}" if step else ""
            reason = f"({_line(error)}); those before it stand"
            raise Refusal(f"{what}{before} {reason}", ExitCode.FAILED) from None

    def newest(self) -> tuple[int, dict[str, Any]] | None:
        """Step and meta of the newest sound checkpoint; damaged ones are set aside, saying so.

        Raises:
          Refusal: a newer format than this version knows, or checkpoints of which none is sound.
        """
        chosen = agreed(self._newest_sound)
        self._manager.reload()
        if chosen == _ALL_DAMAGED:
            raise Refusal(f"{self.folder}: none of its checkpoints is sound; --restart begins the run anew")
        return None if chosen == _NONE else (chosen, self.meta(chosen))

    def _newest_sound(self) -> int:
        damaged = {}
        for step in reversed(self.steps()):
            damage = self._damage(step)
            if damage is None:
                for worse, why in damaged.items():
                    where = self.folder / str(worse)
                    log.warning("%s: damaged (%s); falling back to the checkpoint before", where, why)
                    self._set_aside(worse)
                return step
            damaged[step] = damage
        for step, why in damaged.items():
            log.warning("%s: damaged (%s)", self.folder / str(step), why)
        aside = self._damaged.is_dir() and any(self._damaged.iterdir())
        return _ALL_DAMAGED if damaged or aside else _NONE

    def best_sound(self) -> tuple[int, dict[str, Any]]:
        """Step and meta of the best checkpoint by its run's own validation metric, or else the newest.

        Damaged ones are passed over, saying so.

        Raises:
          Refusal: there is no sound one.
        """
        steps = self.steps()
        metas = {step: self.meta(step) for step in steps if not self._report_damage(step)}
        if not metas:
            reason = "none of its checkpoints is sound" if steps else "no checkpoint yet"
            raise Refusal(f"{self.folder}: {reason}")
        return max(metas.items(), key=lambda item: (_own_score(item[1]), item[0]))

    def _report_damage(self, step: int) -> bool:
        damage = self._damage(step)
        if damage is not None:
            log.warning("%s: damaged (%s); passing it over", self.folder / str(step), damage)
        return damage is not None

    def meta(self, step: int) -> dict[str, Any]:
        """The JSON part of the checkpoint at ``step``.

        Raises:
          Refusal: it has a newer format than this version knows, or cannot be read.
        """
        where = self.folder / str(step)
        try:
            meta = self._read_meta(step)
        except Exception as error:
            raise Refusal(f"{where}: not a readable checkpoint ({_line(error)})") from None
        if meta["format"] > FORMAT:
            newer = f"checkpoint format {meta['format']}, this version reads up to {FORMAT}"
            raise Refusal(f"{where}: {newer}; update jaxcrypt")
        return meta

    def _read_meta(self, step: int) -> dict[str, Any]:
        meta = self._manager.restore(step, args=ocp.args.Composite(meta=ocp.args.JsonRestore())).meta
        if not isinstance(meta, dict) or not isinstance(meta.get("format"), int):
            raise ValueError("its meta names no format")
        return meta

    def restore(self, step: int, template: TrainState) -> TrainState:
        """The state at ``step``, on the devices that the shapes of ``template`` name in their shardings."""
        args = ocp.args.Composite(state=ocp.args.StandardRestore(_as_tree(template)))
        try:
            return TrainState(**self._manager.restore(step, args=args).state)
        except (ValueError, KeyError, TypeError) as error:
            where = self.folder / str(step)
            raise Refusal(f"{where}: does not fit this System and config ({_line(error)})") from None

    def restore_arrays(self, step: int) -> dict[str, Any]:
        """The state at ``step`` as a tree of numpy arrays, whatever devices wrote it; needs no template."""
        shapes = self._manager.item_metadata(step).state
        template = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
        args = ocp.args.Composite(state=ocp.args.StandardRestore(template))
        return self._manager.restore(step, args=args).state

    def _record_digests(self) -> None:
        if self._read_only:
            return
        self._manager.wait_until_finished()
        if jax.process_index():
            return
        self._digests.mkdir(parents=True, exist_ok=True)
        steps = {str(step) for step in self._manager.all_steps()}
        for stale in self._digests.glob("*.json"):
            if stale.stem not in steps:
                stale.unlink()
        for step in steps:
            target = self._digests / f"{step}.json"
            if digests.read(target) is None:
                digests.write(target, self.folder / step)

    def _damage(self, step: int) -> str | None:
        """What is wrong with the checkpoint at ``step``, or None."""
        expected = digests.read(self._digests / f"{step}.json")
        if expected is None:  # killed between the end of the save and the digest
            return self._unreadable(step)
        return digests.difference(expected, self.folder / str(step))

    def _unreadable(self, step: int) -> str | None:
        """What Orbax itself finds wrong; over several hosts they read together, which is left to restore."""
        if jax.process_count() > 1:
            return None
        try:
            meta = self._read_meta(step)
            if meta["format"] <= FORMAT:  # else it is for :meth:`meta` to refuse
                self.restore_arrays(step)
        except Exception as error:
            return _line(error)
        return None

    def _set_aside(self, step: int) -> None:
        """Rename it, so that training can write that step again and nothing is lost."""
        if self._read_only:
            return
        self._damaged.mkdir(exist_ok=True)
        shutil.rmtree(self._damaged / str(step), ignore_errors=True)
        (self.folder / str(step)).rename(self._damaged / str(step))
        (self._digests / f"{step}.json").unlink(missing_ok=True)
        self._manager.reload()


def averaged(tree: Mapping[str, Any]) -> dict[str, Any]:
    """``{'params', 'extra'}`` of a state restored as plain arrays, averaged parameters first."""
    return {"params": {**tree["params"], **tree["ema"]}, "extra": dict(tree["extra"])}


def _own_score(meta: Mapping[str, Any]) -> float:
    train = meta["config"]["train"]
    value = meta["metrics"].get(train["best"])
    if value is None or math.isnan(value):
        return -math.inf
    return value if train["best_mode"] == "max" else -value


def _as_tree(state: TrainState) -> dict[str, Any]:
    return {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}


def _line(error: BaseException) -> str:
    """What went wrong: what the system said, where it is among the causes, else the first line."""
    chain: BaseException | None = error
    while chain is not None:
        if isinstance(chain, OSError) and chain.strerror:
            return chain.strerror
        chain = chain.__cause__ or chain.__context__
    text = str(error).strip()
    for known in ("No space left on device", "Disk quota exceeded", "File too large", "Read-only file"):
        if known in text:
            return known
    return text.splitlines()[0][:200] if text else type(error).__name__
