"""Train a System.

  python -m jaxcrypt.train --config configs/X.py --workdir W [--config.train.batch_size=32 …]

Run it again with the same --workdir and it goes on from the newest checkpoint. SIGTERM and ctrl-C save and
stop. On several hosts, set JAXCRYPT_COORDINATOR=host:port, JAXCRYPT_PROCESSES and JAXCRYPT_PROCESS, or leave
it to the cluster (SLURM, Cloud TPU) with --distributed.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from jaxcrypt import runtime
from jaxcrypt.cli import command as cli
from jaxcrypt.cli import configflags
from jaxcrypt.errors import usage

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run: checkpoints, logs.")
_DEVICE = flags.DEFINE_enum("device", "auto", runtime.DEVICES, "What to train on.")
_DISTRIBUTED = flags.DEFINE_bool("distributed", False, "Join the other hosts of the cluster first.")
_PROFILE = flags.DEFINE_integer("profile", 0, "Trace so many steps into <workdir>/profile.", lower_bound=0)
_MEMORY = flags.DEFINE_bool("memory", False, "Report peak memory at the end.")


def join_hosts() -> None:
    """Connect to the other hosts, where the environment or --distributed says that there are some."""
    import jax

    coordinator = os.environ.get("JAXCRYPT_COORDINATOR")
    if coordinator:
        jax.distributed.initialize(coordinator, _number("JAXCRYPT_PROCESSES"), _number("JAXCRYPT_PROCESS"))
    elif _DISTRIBUTED.value:
        jax.distributed.initialize()


def _number(variable: str) -> int:
    value = os.environ.get(variable, "")
    if not value.isdecimal():
        raise usage(f"{variable}={value}: must be a whole number where JAXCRYPT_COORDINATOR is set")
    return int(value)


def main(_=None) -> int:
    """The command, whose config and flags are absl's, from ``sys.argv``; returns its exit code."""
    config = configflags.parse(sys.argv, __doc__, __name__)
    if config is None:
        return 0
    if not _WORKDIR.value:
        raise usage("--workdir FOLDER is needed (try --help)")
    join_hosts()
    runtime.start(_DEVICE.value)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    from jaxcrypt.training.stopping import Stopped

    logging.getLogger("jaxcrypt").setLevel(logging.INFO)
    try:
        train(config, Path(_WORKDIR.value))
    except Stopped as stopped:
        print(f"jaxcrypt: {stopped}", file=sys.stderr)
        return stopped.code
    return 0


def train(config: ConfigDict, workdir: Path) -> Any:
    """Bring System, data and evaluators together and hand them to the loop."""
    import jax

    from jaxcrypt import zoo
    from jaxcrypt.evaluation.validation import training_pipeline, validation_evaluator
    from jaxcrypt.systems import catalog
    from jaxcrypt.training import run as training

    system = catalog.build(config.system, config)
    around = training.Surroundings(
        pipeline=lambda: training_pipeline(system, config),
        evaluators={"validation": validation_evaluator(system, config)},
        weights=lambda name: zoo.load(name)[1],
        profile_steps=_PROFILE.value if flags.FLAGS.is_parsed() else 0,
        report_memory=_MEMORY.value if flags.FLAGS.is_parsed() else False,
    )
    workdir.mkdir(parents=True, exist_ok=True)
    if jax.process_index() == 0:
        text = json.dumps(json.loads(config.to_json_best_effort()), indent=1)
        (workdir / "config.json").write_text(text)
    return training.train(system, config, workdir, around)


def run() -> None:
    """The console script and ``python -m``: exits with the command's code, a refusal being one line."""
    sys.exit(cli.entry(main))


if __name__ == "__main__":
    run()
