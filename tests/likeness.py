"""Small likenesses of the training configs, for tests."""

import importlib
from pathlib import Path

from ml_collections import ConfigDict

from jaxcrypt.training.defaults import complete

ROOT = Path(__file__).parents[1]
NAMES = sorted(p.stem for p in (ROOT / "configs").glob("*.py") if not p.stem.startswith("attacks"))
_SMALL = {"features": 4, "width": 8, "encoder_blocks": 1, "decoder_blocks": 1, "layers": 2, "size": 32}
_FEW = {"blocks": 1, "widths": 8}


def config_of(name):
    """The config called ``name``, complete."""
    return complete(importlib.import_module(f"configs.{name}").get_config())


def shrunk(model):
    """``config.model`` with narrow nets, few blocks, one scale less and small pictures."""
    small = _shrunk(model.to_dict())
    if {"widths", "blocks"} <= small.keys():  # by scale
        small |= {name: small[name][1:] for name in ("widths", "blocks")}
        if "attention" in small:
            small["attention"] = tuple(scale - 1 for scale in small["attention"])
    if "shares" in small:  # less than all of the bytes takes the same way
        small["shares"] = (1, 0, 0)
    return ConfigDict(small)


def _shrunk(node, name=""):
    if isinstance(node, dict):
        return {key: _shrunk(value, key) for key, value in node.items()}
    if name in _FEW:
        return tuple(_FEW[name] for _ in node) if isinstance(node, tuple | list) else _FEW[name]
    return _SMALL.get(name, node)
