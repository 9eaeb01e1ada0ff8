"""Train a System.

  python -m jaxcrypt.train --config configs/X.py --workdir W [--config.train.batch_size=32 …]
  python -m jaxcrypt.train --config configs/X.py --dry-run
  python -m jaxcrypt.train --table RUNS

Run it again with the same --workdir and it goes on from the newest checkpoint; --restart puts what is there
aside instead. SIGTERM and ctrl-C save and stop. On several hosts, which must all see the --workdir, set
JAXCRYPT_COORDINATOR=host:port, JAXCRYPT_PROCESSES and JAXCRYPT_PROCESS, or leave it to the cluster (SLURM,
Cloud TPU) with --distributed.
"""

from __future__ import annotations

import functools
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from jaxcrypt import __version__, runtime
from jaxcrypt.cli import command as cli
from jaxcrypt.cli import configflags
from jaxcrypt.cli.supervised import supervised
from jaxcrypt.errors import usage

_SIGNALLED = 128
_GONE = "this host was ended, as host 0 is lost; the last checkpoint stands: run it again to go on"
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run: checkpoints, logs.")
_DEVICE = flags.DEFINE_enum("device", "auto", runtime.DEVICES, "What to train on.")
_RESTART = flags.DEFINE_bool("restart", False, "Put the run that is in --workdir aside and begin anew.")
_DISTRIBUTED = flags.DEFINE_bool("distributed", False, "Join the other hosts of the cluster first.")
_DRY_RUN = flags.DEFINE_bool(
    "dry-run", False, "Report shapes, parameters, memory and one step; write nothing."
)
_TABLE = flags.DEFINE_string("table", None, "Print the runs below this folder side by side, and end.")
_PROFILE = flags.DEFINE_integer("profile", 0, "Trace so many steps into <workdir>/profile.", lower_bound=0)
_MEMORY = flags.DEFINE_bool("memory", False, "Report peak memory at the end.")


def main(_=None) -> int:
    """The command, whose config and flags are absl's, from ``sys.argv``; returns its exit code."""
    config = configflags.parse(sys.argv, __doc__, __name__, without=_TABLE.name)
    if not flags.FLAGS.is_parsed():  # --help was asked for, and given
        return 0
    if _TABLE.value:
        from jaxcrypt.training.table import table

        print(table(Path(_TABLE.value)))
        return 0
    if config is None:
        return 0
    if _DRY_RUN.value:
        return _tell_what_would_be(config)
    if not _WORKDIR.value:
        raise usage("--workdir FOLDER is needed (try --help)")
    workdir = _local_folder(_WORKDIR.value)
    runtime.join_hosts(_DISTRIBUTED.value)
    runtime.start(_DEVICE.value)
    _tell_on_stderr()
    from jaxcrypt.training.run import together
    from jaxcrypt.training.stopping import Stopped

    try:
        with together(workdir, config, **{"--restart": _RESTART.value}):
            train(config, workdir)
    except Stopped as stopped:
        print(f"jaxcrypt: {stopped}", file=sys.stderr)
        return stopped.code
    return 0


def _tell_what_would_be(config: ConfigDict) -> int:
    runtime.start(_DEVICE.value)
    from jaxcrypt.training.dryrun import dry_run

    for line in dry_run(_built(config), config):
        print(line, flush=True)
    return 0


def _local_folder(workdir: str) -> Path:
    scheme, colon, _ = workdir.partition("://")
    if colon and scheme.isalnum():
        raise usage(f"--workdir {workdir}: must be a folder; mount the bucket and name the folder there")
    return Path(workdir)


def _tell_on_stderr() -> None:
    """Our own log, and nobody else's: what Orbax and JAX report of their inside is no user's business."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    own = logging.getLogger("jaxcrypt")
    own.setLevel(logging.INFO)
    own.addHandler(handler)
    logging.getLogger().addHandler(logging.NullHandler())
    if os.environ.get("JAXCRYPT_DEBUG") != "1":
        threading.excepthook = lambda failed: _tell_once(failed.exc_value)
        sys.excepthook = lambda kind, error, trace: _tell_once(error)


@functools.cache
def _tell_in_one_line(what: str) -> None:
    logging.getLogger("jaxcrypt").warning("a library's thread failed: %s", what)


def _tell_once(error: BaseException | None) -> None:
    """What goes wrong in a library's own thread, where the run goes on or says itself why not."""
    _tell_in_one_line(" ".join(str(error).split())[:200] or type(error).__name__)


def train(config: ConfigDict, workdir: Path) -> Any:
    """Bring System, data and evaluators together and hand them to the loop."""
    from jaxcrypt import zoo
    from jaxcrypt.evaluation.validation import training_pipeline, validation_evaluator
    from jaxcrypt.training import run as training
    from jaxcrypt.training.defaults import check

    check(config)
    system = _built(config)
    around = training.Surroundings(
        pipeline=lambda: training_pipeline(system, config),
        evaluators={"validation": validation_evaluator(system, config)} if config.train.eval_every else {},
        weights=lambda name: zoo.load(name)[1],
        restart=_RESTART.value,
        profile_steps=_PROFILE.value,
        report_memory=_MEMORY.value,
        origin=_origin(),
    )
    return training.train(system, config, workdir, around)


def _built(config: ConfigDict) -> Any:
    from jaxcrypt.systems import catalog

    try:
        system = catalog.build(config.system, config)
        system.batch(config)
    except (KeyError, AttributeError) as error:
        lacking = " ".join(str(error).strip("'\"").split())[:200]
        what = f"config.model: is not one for the System {config.system}"
        raise usage(f"{what} (it lacks {lacking})") from error
    return system


def _origin() -> dict[str, Any]:
    """What made the run, besides its config: command, version and, where it is known, the commit."""
    from jaxcrypt.evaluation.circumstances import commit

    facts = {"command": ["python", "-m", "jaxcrypt.train", *sys.argv[1:]], "jaxcrypt": __version__}
    found = commit()
    return {**facts, "commit": found} if found else facts


def run() -> None:
    """The console script and ``python -m``: exits with the command's code, a refusal being one line."""
    several = "JAXCRYPT_COORDINATOR" in os.environ or any("distributed" in flag for flag in sys.argv)
    sys.exit(supervised(_one_of_several, _GONE) if several else cli.entry(main))


def _one_of_several() -> int:
    """As ``main``; ends without waiting for hosts that may be gone, but where all end together."""
    code = cli.entry(main)
    together = code == 0 or code > _SIGNALLED
    if runtime.joined():
        runtime.part(wait=together)
    return code


if __name__ == "__main__":
    run()
