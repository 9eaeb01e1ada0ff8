"""Train a System.

  python -m jaxcrypt.train --config configs/X.py --workdir W [--config.train.batch_size=32 …]

Run it again with the same --workdir and it goes on from the newest checkpoint; --restart puts what is there
aside instead. SIGTERM and ctrl-C save and stop. On several hosts, which must all see the --workdir, set
JAXCRYPT_COORDINATOR=host:port, JAXCRYPT_PROCESSES and JAXCRYPT_PROCESS, or leave it to the cluster (SLURM,
Cloud TPU) with --distributed.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from jaxcrypt import runtime
from jaxcrypt.cli import command as cli
from jaxcrypt.cli import configflags
from jaxcrypt.errors import usage

_LINGER = 2.0  # seconds
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run: checkpoints, logs.")
_DEVICE = flags.DEFINE_enum("device", "auto", runtime.DEVICES, "What to train on.")
_RESTART = flags.DEFINE_bool("restart", False, "Put the run that is in --workdir aside and begin anew.")
_DISTRIBUTED = flags.DEFINE_bool("distributed", False, "Join the other hosts of the cluster first.")
_PROFILE = flags.DEFINE_integer("profile", 0, "Trace so many steps into <workdir>/profile.", lower_bound=0)
_MEMORY = flags.DEFINE_bool("memory", False, "Report peak memory at the end.")


def main(_=None) -> int:
    """The command, whose config and flags are absl's, from ``sys.argv``; returns its exit code."""
    config = configflags.parse(sys.argv, __doc__, __name__)
    if config is None:
        return 0
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


def train(config: ConfigDict, workdir: Path) -> Any:
    """Bring System, data and evaluators together and hand them to the loop."""
    from jaxcrypt import zoo
    from jaxcrypt.evaluation.validation import training_pipeline, validation_evaluator
    from jaxcrypt.systems import catalog
    from jaxcrypt.training import run as training
    from jaxcrypt.training.defaults import check

    check(config)
    system = catalog.build(config.system, config)
    around = training.Surroundings(
        pipeline=lambda: training_pipeline(system, config),
        evaluators={"validation": validation_evaluator(system, config)} if config.train.eval_every else {},
        weights=lambda name: zoo.load(name)[1],
        restart=_RESTART.value,
        profile_steps=_PROFILE.value,
        report_memory=_MEMORY.value,
    )
    return training.train(system, config, workdir, around)


def run() -> None:
    """The console script and ``python -m``: exits with the command's code, a refusal being one line."""
    code = cli.entry(main)
    if runtime.joined() and 0 < code < 128:
        sys.stdout.flush()
        sys.stderr.flush()
        time.sleep(_LINGER)  # host 0 serves the others: they leave first
        os._exit(code)  # an orderly end would wait for hosts that may be gone
    sys.exit(code)


if __name__ == "__main__":
    run()
