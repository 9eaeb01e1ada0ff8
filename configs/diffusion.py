"""The diffusion cipher behind ``--system diffusion``: a ResNet-UNet for regions with noise of any level.

  JAXCRYPT_DATA=DIR python -m jaxcrypt.train --config configs/diffusion.py --workdir runs/diffusion

DIR holds photos (general photographs, short side 288; the last 64 by name validate), bsds200 (481x321, also
the key images) and celeba (faces; celeba/validation.txt names those that validate).

Where the settings of the source's train.py are here:

  --data_dir with Images/ and Key/   config.data.kind = "image_key", config.data.path, config.data.mix = {}
                                     and config.data.others = {}: Key/keyNAME belongs to Images/NAME
  --epochs, --batch_size             config.train.steps = epochs * pictures / config.train.batch_size
  --checkpoint_dir, --log_dir        --workdir: its folders checkpoints, tensorboard
  --samples_dir, --sample_interval   sheets in the TensorBoard log, every config.train.eval_every steps
  --resume                           the same --workdir again
  --learning_rate                    config.optimizer.lr
  --encryption_timestep              none in training: one net serves all; --timestep of encrypt
  --yolo_confidence                  of jaxcrypt.roi, whose masks config.model.masks = "data" trains on
  --use_gaussian_noise               config.model.key_image = False: the net never sees a key image
  --no_cuda                          --device cpu

The shipped weights: two minutes of one NVIDIA H100, 5,772 steps at a constant rate of 3e-3, averaged, with
12 data threads (--config.data.workers=0): 3,670 images/s, which is 109 TFLOP/s of products, 11% of the card's
peak in bfloat16. The rate never came down: the run was stopped before. The mean gain over the
noise, all levels, was 7.0 dB in one step, 7.1 in two. From there 6,000 steps more, the rate falling to 0
(--config.train.init_from=diffusion --config.optimizer.schedule=linear, two minutes of an H200, 2,000 of the
faces), brought nothing: boxes of 96 in three photos of Kodak24 36.27 dB after JPEG 75, before 36.32.
"""

import os
from pathlib import Path

from jaxcrypt.data import default_config
from jaxcrypt.training.defaults import get_defaults


def get_config():
    config = get_defaults()
    config.system = "diffusion"
    config.model.size = 128
    config.model.widths = (32, 64, 96, 128)  # channels at full size, a half, a quarter and an eighth
    config.model.blocks = (1, 2, 2, 3)
    config.model.attention = (3,)  # scales with self-attention, counted from full size
    config.model.levels = (0.25, 90.0)  # noise is drawn between these, log-uniform, in grey levels
    config.model.masks = "random"  # or data: NAME.mask.png beside the pictures, or config.data.masks
    config.model.key_image = True
    config.train.batch_size = 64
    config.train.steps = 10_000
    config.train.precision = "bfloat16"
    config.train.cpu_convolutions = "eigen"
    config.train.log_every = 100
    config.train.eval_every = 2_000
    config.train.eval_batches = 2
    config.train.checkpoint_every = 2_000
    config.optimizer.name = "muon"
    config.optimizer.lr = 3e-3
    config.optimizer.b1 = 0.95
    config.optimizer.schedule = "cosine"
    config.optimizer.end_factor = 0.01
    config.optimizer.warmup_steps = 200
    config.optimizer.clip_norm = 1.0
    config.data = _data(Path(os.environ.get("JAXCRYPT_DATA", "data")))
    return config


def _data(root):
    data = default_config()
    data.mix = {
        "photos": {"weight": 0.66, "path": str(root / "photos"), "validation": {"last": 64}},
        "bsds200": {"weight": 0.17, "path": str(root / "bsds200")},
        "celeba": {
            "weight": 0.17,
            "path": str(root / "celeba" / "img_align_celeba"),
            "validation": {"file": str(root / "celeba" / "validation.txt")},
            "fit": "cover",
            "filter": "bicubic",
        },
    }
    data.others = {"path": str(root / "bsds200")}
    data.in_memory = True
    data.threads = 12
    data.buffer = 8
    return data
