"""Train a System.

  python -m jaxcrypt.train --config configs/X.py --workdir W [--config.train.batch_size=32 …]

Run it again with the same --workdir and it goes on from the newest checkpoint. SIGTERM and ctrl-C save and
stop. On several hosts, set JAXCRYPT_COORDINATOR=host:port, JAXCRYPT_PROCESSES and JAXCRYPT_PROCESS, or leave
it to the cluster (SLURM, Cloud TPU) with --distributed.
"""

from __future__ import annotations

import difflib
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict, config_flags

from jaxcrypt import cli, runtime
from jaxcrypt.errors import Refusal, usage

_CONFIG = config_flags.DEFINE_config_file("config", None, "The experiment.", lock_config=True)
_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run: checkpoints, logs.")
_DEVICE = flags.DEFINE_enum("device", "auto", runtime.DEVICES, "What to train on.")
_DISTRIBUTED = flags.DEFINE_bool("distributed", False, "Join the other hosts of the cluster first.")
_PROFILE = flags.DEFINE_integer("profile", 0, "Trace so many steps into <workdir>/profile.", lower_bound=0)
_MEMORY = flags.DEFINE_bool("memory", False, "Report peak memory at the end.")


def parse(argv: Sequence[str]) -> ConfigDict:
    """The complete config of the command line.

    Raises:
      Refusal: an unknown flag or field (with the nearest known one), a wrong type, a config file that fails.
    """
    from jaxcrypt.training.defaults import complete

    try:
        rest = flags.FLAGS(argv)
        if _CONFIG.value is None or not _WORKDIR.value:
            raise usage("--config FILE and --workdir FOLDER are both needed (try --help)")
        config = complete(_CONFIG.value)
    except Refusal:
        raise
    except Exception as error:  # a config file may raise anything at all
        raise usage(_one_line(error, argv)) from None
    if rest[1:]:
        raise usage(f"{rest[1]}: what is this? settings are given as --config.name=value")
    return config


def _one_line(error: Exception, argv: Sequence[str]) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()] or [type(error).__name__]
    if not isinstance(error, (flags.Error, AttributeError, KeyError, TypeError)):
        return f"--config: {lines[-1]}"
    for argument in argv[1:]:
        name = argument.lstrip("-").split("=")[0]
        if argument.startswith("--config.") and "config" in flags.FLAGS:
            hint = _suggestion(name.split(".")[1:])
            if hint:
                return f"--{name}: unknown; {hint}"
    return lines[-1].strip("'\"")


def _suggestion(path: Sequence[str]) -> str | None:
    """What the first name of ``path`` that the config lacks may have meant; None when it lacks none."""
    node: Any = flags.FLAGS["config"].value
    for depth, name in enumerate(path):
        if not isinstance(node, ConfigDict) or node.is_type_safe and name in node:
            node = node[name] if isinstance(node, ConfigDict) else None
            continue
        near = difflib.get_close_matches(name, list(node), 1, 0.5)
        where = ".".join(["--config", *path[:depth]])
        return f"did you mean {where}.{near[0]}?" if near else f"{where} has {', '.join(sorted(node))}"
    return None


def join_hosts() -> None:
    """Connect to the other hosts, where the environment or --distributed says that there are some."""
    import jax

    coordinator = os.environ.get("JAXCRYPT_COORDINATOR")
    if coordinator:
        count, index = int(os.environ["JAXCRYPT_PROCESSES"]), int(os.environ["JAXCRYPT_PROCESS"])
        jax.distributed.initialize(coordinator, count, index)
    elif _DISTRIBUTED.value:
        jax.distributed.initialize()


def main(argv: Sequence[str] | None = None) -> int:
    argv = sys.argv if argv is None else ["train", *argv]
    if any(argument in ("--help", "-h") for argument in argv[1:]):
        print(f"{__doc__}\n{sys.modules[__name__].flags.FLAGS.module_help(sys.modules[__name__])}")
        return 0
    config = parse(argv)
    join_hosts()
    runtime.start(_DEVICE.value)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    from jaxcrypt.training import loop

    logging.getLogger("jaxcrypt").setLevel(logging.INFO)
    try:
        train(config, Path(_WORKDIR.value))
    except loop.Stopped as stopped:
        print(f"jaxcrypt: {stopped}", file=sys.stderr)
        return stopped.code
    return 0


def train(config: ConfigDict, workdir: Path) -> Any:
    """Bring System, data and evaluators together and hand them to the loop."""
    from jaxcrypt import systems, zoo
    from jaxcrypt.checkpoint_evaluation import training_pipeline, validation_evaluator
    from jaxcrypt.training import loop

    system = systems.build(config.system, config)
    around = loop.Surroundings(
        pipeline=lambda: training_pipeline(system, config),
        evaluators={"validation": validation_evaluator(system, config)},
        weights=lambda name: zoo.load(name)[1],
        profile_steps=_PROFILE.value if flags.FLAGS.is_parsed() else 0,
        report_memory=_MEMORY.value if flags.FLAGS.is_parsed() else False,
    )
    workdir.mkdir(parents=True, exist_ok=True)
    (workdir / "config.json").write_text(json.dumps(json.loads(config.to_json_best_effort()), indent=1))
    return loop.train(system, config, workdir, around)


def run() -> None:
    sys.exit(cli.entry(main))


if __name__ == "__main__":
    run()
