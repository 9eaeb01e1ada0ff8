"""The autoencoder of configs/, small, on the folder of pictures that JAXCRYPT_TEST_PICTURES names."""

import importlib.util
import os
from pathlib import Path

from jaxcrypt.data import default_config

ROOT = Path(__file__).parents[1]


def get_config():
    spec = importlib.util.spec_from_file_location("full", ROOT / "configs" / "autoencoder.py")
    full = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(full)
    config = full.get_config()
    config.model.size = 32
    for net in (config.model.grey, config.model.colour):
        net.update({"features": 4, "encoder_blocks": 0, "decoder_blocks": 0})
    config.data = default_config()
    config.data.path = os.environ["JAXCRYPT_TEST_PICTURES"]
    config.data.validation.last = 4
    config.optimizer.warmup_steps = 0
    config.optimizer.schedule = "constant"  # a run of other steps is the same program, compiled once
    config.train.update({"batch_size": 8, "steps": 400, "log_every": 5})
    config.train.update({"eval_every": 20, "checkpoint_every": 5})
    return config
