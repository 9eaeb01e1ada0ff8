"""The settings that every training config has, with their defaults: here and nowhere else.

A config starts from :func:`get_defaults` and sets what it wants::

    def get_config():
        config = get_defaults()
        config.system = "autoencoder"
        config.model.width = 64
        config.train.steps = 20_000
        return config

``model`` and ``data`` belong to the System and to the pipeline; the sections ``train``, ``optimizer``,
``mesh`` are the trainer's, and a name that is not below is refused there.
"""

from __future__ import annotations

import difflib
import importlib.util
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from jaxcrypt.errors import Refusal, usage

CPU_CONVOLUTIONS = ("xla", "eigen")


def get_defaults() -> ConfigDict:
    """A config with every setting of the trainer and empty ``model`` and ``data``."""
    return ConfigDict(
        {
            "system": "",
            "model": {},
            "data": {},
            "ema": 0.999,  # decay of the averaged parameters of System.ema
            "optimizer": optimizer_defaults(),
            "phases": {},  # phases.<name>.optimizer.<field> overrides optimizer.<field> for one phase
            "mesh": {"data": -1, "fsdp": 1},  # devices on each axis; -1: all that are left
            "train": train_defaults(),
        }
    )


def config_beside(file: str, name: str) -> ConfigDict:
    """What ``NAME.py`` in the folder of the config ``file`` gives, for a config that is a variation of it.

    As ``config_beside(__file__, "stego")``: an import would depend on the folder that one stands in.
    """
    path = Path(file).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"config_{name}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise usage(f"{file}: is a variation of {path}, which is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.get_config()


def train_defaults() -> dict[str, Any]:
    """``config.train``: how long, on how much, how exactly, and what is kept of it."""
    return {
        "batch_size": 64,  # over all hosts
        "steps": 1000,  # read by the System for its stages
        "seed": 0,
        "init_from": "",  # a zoo entry or the folder of a run whose nets the first stage starts from
        "substeps": 1,  # steps per dispatch, by lax.scan
        "precision": "float32",  # or bfloat16: of layers and what they give; parameters and losses stay
        "remat": False,  # a tenth to a fifth less memory of a GPU for an eighth more time; not on CPU
        "cpu_convolutions": "xla",  # or eigen: faster on CPU where pictures are many, slower where few
        "log_every": 100,
        "eval_every": 1000,  # 0: never, and no validation pictures are wanted
        "eval_batches": 16,  # validation batches per evaluation; 0: all
        "checkpoint_every": 1000,
        "keep_last": 2,
        "keep_best": 1,
        "best": "validation/psnr",  # what "best" means: always measured on the validation split
        "best_mode": "max",
        "wandb": "",  # a project of Weights & Biases that gets the log too (extra wandb)
    }


def optimizer_defaults() -> dict[str, Any]:
    """``config.optimizer``, and what ``config.phases.<name>.optimizer`` may override for one phase."""
    return {
        "name": "adam",  # or adamw, lion, muon, rmsprop, sgd
        "lr": 1e-3,
        "schedule": "constant",  # or cosine, linear: down to lr * end_factor
        "end_factor": 0.0,
        "warmup_steps": 0,  # updates from 0 to lr
        "b1": 0.9,  # adam: decay of the mean; sgd and muon: momentum (muon's usual one is 0.95)
        "b2": 0.999,
        "eps": 1e-8,
        "weight_decay": 0.0,
        "decay_mask": "kernels",  # which parameters decay: kernels (two axes or more), or all
        "clip_norm": 0.0,  # global norm of the gradient; 0: no clipping
        "accumulate": 1,  # steps whose gradients are averaged into one update
    }


def complete(config: ConfigDict | Mapping[str, Any]) -> ConfigDict:
    """``config`` over the defaults, with the trainer's own sections checked.

    A config that was stored by an older version, or came through JSON, gets what was added since.

    Raises:
      Refusal: an unknown name in a section of the trainer, with the nearest known one.
    """
    given = config.to_dict() if isinstance(config, ConfigDict) else dict(config)
    full = get_defaults().to_dict()
    for section in ("train", "optimizer", "mesh"):
        check_names(given.get(section, {}), full[section], f"config.{section}")
        full[section].update(given.get(section, {}))
    for name, phase in given.get("phases", {}).items():
        check_names(phase, ("optimizer",), f"config.phases.{name}")
        check_names(phase.get("optimizer", {}), full["optimizer"], f"config.phases.{name}.optimizer")
    full.update({name: value for name, value in given.items() if name not in ("train", "optimizer", "mesh")})
    return ConfigDict(full)


def flat_names(node: Any, path: str = "") -> dict[str, Any]:
    """The values of a nested config by dotted name, as ``--config.NAME`` has them."""
    if not isinstance(node, Mapping):
        return {path: node}
    values: dict[str, Any] = {}
    for name, value in node.items():
        values |= flat_names(value, f"{path}.{name}" if path else name)
    return values


def check_names(given: Iterable[str], known: Iterable[str], where: str) -> None:
    """Refuse the first name of ``given`` that is not in ``known``, with the nearest known one."""
    for name in given:
        if name not in known:
            raise unknown(f"{where}.{name}", name, known, where + ".")


def unknown(what: str, name: str, known: Iterable[str], prefix: str = "") -> Refusal:
    """The refusal of a name that nobody knows."""
    near = difflib.get_close_matches(name, list(known), 1, 0.5)
    hint = f"did you mean {prefix}{near[0]}?" if near else f"known: {', '.join(sorted(known))}"
    return usage(f"{what}: unknown; {hint}")


def positive(value: Any, name: str) -> int:
    """``value`` as a whole number of at least 1, or a Refusal that names the setting."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise usage(f"{name}={value}: must be a whole number of at least 1")
    return value


def check(config: ConfigDict) -> None:
    """Refuse numbers that make no sense, naming the setting; before anything is read, made or compiled."""
    for name, least in _LEAST.items():
        value = config.train[name]
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise usage(f"config.train.{name}={value}: must be a whole number of at least {least}")
    chosen = config.train.cpu_convolutions
    if chosen not in CPU_CONVOLUTIONS:
        raise unknown(f"config.train.cpu_convolutions={chosen}", chosen, CPU_CONVOLUTIONS)
    _within(config.ema, "config.ema", 0.0, 1.0)
    _check_rule(config.optimizer, "config.optimizer")
    for phase, settings in config.phases.items():
        _check_rule(settings.get("optimizer", {}), f"config.phases.{phase}.optimizer")


_LEAST = {
    "batch_size": 1,
    "steps": 1,
    "seed": 0,
    "substeps": 1,
    "log_every": 1,
    "eval_every": 0,
    "eval_batches": 0,
    "checkpoint_every": 1,
    "keep_last": 1,
    "keep_best": 0,
}
_SHARES = ("b1", "b2")  # of what was before
_NOT_BELOW_0 = ("end_factor", "weight_decay", "clip_norm", "warmup_steps")
_ABOVE_0 = ("lr", "eps")


def _check_rule(optimizer: Mapping[str, Any], where: str) -> None:
    for name, value in optimizer.items():
        if name in _SHARES:
            _within(value, f"{where}.{name}", 0.0, 1.0)
        elif name in _NOT_BELOW_0 and not (_finite(value) and value >= 0):
            raise usage(f"{where}.{name}={value}: must be 0 or more")
        elif name in _ABOVE_0 and not (_finite(value) and value > 0):
            raise usage(f"{where}.{name}={value}: must be above 0")


def _within(value: Any, name: str, least: float, below: float) -> None:
    if not (_finite(value) and least <= value < below):
        raise usage(f"{name}={value}: must be from {least:g} to below {below:g}")


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
