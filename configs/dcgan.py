"""The source's DCGAN of 64x64 faces, and an extractor that reads z back from them.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/dcgan.py --workdir runs/dcgan

DIR holds faces64/train (pictures of CelebA's official test partition, cut to 64x64: training on it departs
from the official partition) and celeba (aligned pictures of 89x109 from the train partition, of which
validation.txt names those for validation).

train.steps is the length of the game between generator and discriminator, model.reading_steps that of the
extractor's training after it. The rates are constant and what is kept is averaged, so a game may be ended at
any checkpoint: run again with --config.train.steps=N, N its step, and the extractor's training follows.

Generator and discriminator are those of the source to the parameter; the loss is not (see
jaxcrypt/systems/dcgan/training.py). As far as it was run: 5,412 steps of the game and 1,500 of the extractor,
8 minutes on an NVIDIA H100 that seven other runs shared, 2,340 images/s. The extractor's error was 0.033 (of
a variance of 1, under the damage of its training), a face read and made again 28.3 dB. The faces are coarser
than those of configs/dcgan_light.py after as long; the weights are not shipped, for their size.
"""

import os
from pathlib import Path

from jaxcrypt.data import default_config
from jaxcrypt.training.defaults import get_defaults


def get_config():
    config = get_defaults()
    config.system = "dcgan"
    config.model.generator = {
        "start": 128,
        "widths": (128, 256, 512),
        "kernel": 5,
        "latent": 100,
        "batch_norm": False,
    }
    config.model.discriminator = {
        "widths": (64, 128, 128),
        "dropout": 0.2,
        "batch_norm": False,
        "spectral_norm": False,
    }
    config.model.extractor = {"widths": (48, 96, 160, 224), "latent": 100}
    config.model.penalty = 10.0
    config.model.legible = 0.5
    config.model.distortions = ("none", "none", "jpeg", "noise")
    config.model.reading_steps = 3000
    config.data = _data(Path(os.environ.get("JAXCRYPT_DATA", "data")))
    config.optimizer.lr = 2e-4
    config.optimizer.b1 = 0.0
    config.optimizer.b2 = 0.99
    config.phases.extractor = {"optimizer": {"lr": 1e-3, "b1": 0.9, "schedule": "cosine"}}
    config.train.batch_size = 64
    config.train.steps = 20_000
    config.train.precision = "bfloat16"
    config.train.cpu_convolutions = "eigen"
    config.train.eval_every = 1000  # a sheet of faces, from the same latents every time
    config.train.eval_batches = 2
    config.train.checkpoint_every = 1000
    config.train.keep_best = 0  # the newest counts: nothing that validation measures says how good faces are
    config.train.best = ""
    return config


def _data(root):
    data = default_config()
    data.mix = {
        "faces64": {
            "weight": 15579.0,
            "path": str(root / "faces64" / "train"),
            "validation": {"last": 64},
        },
        "celeba": {
            "weight": 9470.0,
            "path": str(root / "celeba" / "img_align_celeba"),
            "validation": {"file": str(root / "celeba" / "validation.txt")},
            "box": (21, 4, 101, 84),  # the framing of faces64
            "fit": "resize",
            "filter": "bicubic",
        },
    }
    data.in_memory = True
    return data
