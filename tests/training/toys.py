"""Small Systems, data and configs for the tests of training."""

from __future__ import annotations

import time

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.record import Phase, Sealed, Stage, System
from jaxcrypt.training.defaults import get_defaults

SIZE = 8


class Denoiser(nn.Module):
    width: int = 16

    @nn.compact
    def __call__(self, x):
        h = nn.relu(nn.Conv(self.width, (3, 3))(x))
        return x + nn.Conv(x.shape[-1], (3, 3), kernel_init=nn.initializers.zeros)(h)


def floats(image, like):
    """uint8 to [-1, 1] in the dtype of the parameters."""
    return (image.astype(jnp.float32) / 127.5 - 1).astype(jax.tree.leaves(like)[0].dtype)


def batch_spec(config):
    return {"image": jax.ShapeDtypeStruct((config.train.batch_size, SIZE, SIZE, 1), jnp.uint8)}


def denoiser(config) -> System:
    """One phase, one net, noise from rng."""
    net = Denoiser(config.model.get("width", 16))

    def init(rng, batch):
        return {"net": net.init(rng, jnp.zeros((1, SIZE, SIZE, 1)))["params"]}, {"net": {}}

    def loss(params, extra, batch, rng):
        clean = floats(batch["image"], params)
        noise = jax.random.normal(rng, clean.shape)  # drawn in float32: bfloat16 draws other numbers
        noisy = clean + (0.3 * noise).astype(clean.dtype)
        out = net.apply({"params": params["net"]}, noisy)
        value = jnp.mean(jnp.square((out - clean).astype(jnp.float32)))
        return value, (extra, {"mse": value})

    def outputs(variables, batch, rng):
        clean = floats(batch["image"], variables["params"])
        noisy = clean + 0.3 * jax.random.normal(rng, clean.shape)
        out = net.apply({"params": variables["params"]["net"]}, noisy)
        return {"image": (clean + 1) / 2, "cipher": (noisy + 1) / 2, "decrypted": (out + 1) / 2}

    stage = Stage({"net": Phase(("net",), loss)}, config.train.steps)
    return system(init, (stage,), outputs, ema=("net",))


class Generator(nn.Module):
    @nn.compact
    def __call__(self, x, train=True):
        h = nn.BatchNorm(use_running_average=not train, momentum=0.9)(nn.Conv(8, (3, 3), use_bias=False)(x))
        return nn.Conv(1, (3, 3))(nn.relu(h))


class Critic(nn.Module):
    @nn.compact
    def __call__(self, x, train=True):
        h = nn.BatchNorm(use_running_average=not train, momentum=0.9)(
            nn.Conv(8, (3, 3), strides=2, use_bias=False)(x)
        )
        return nn.Dense(1)(nn.leaky_relu(h).reshape(x.shape[0], -1))[:, 0]


def gan(config, every=1) -> System:
    """Two phases, BatchNorm in both nets, each phase reporting its own metric."""
    gen, disc = Generator(), Critic()

    def init(rng, batch):
        one, two = jax.random.split(rng)
        x = jnp.zeros((2, SIZE, SIZE, 1))
        g, d = gen.init(one, x), disc.init(two, x)
        return (
            {"gen": g["params"], "disc": d["params"]},
            {"gen": g["batch_stats"], "disc": d["batch_stats"]},
        )

    def play(params, extra, batch, rng):
        real = floats(batch["image"], params)
        noise = jax.random.normal(rng, real.shape, real.dtype)
        fake, g = gen.apply(
            {"params": params["gen"], "batch_stats": extra["gen"]}, noise, mutable=["batch_stats"]
        )
        d = {"params": params["disc"], "batch_stats": extra["disc"]}
        on_real, stats = disc.apply(d, real, mutable=["batch_stats"])
        on_fake, stats = disc.apply({**d, **stats}, fake, mutable=["batch_stats"])
        new = {"gen": g["batch_stats"], "disc": stats["batch_stats"]}
        return on_real.astype(jnp.float32), on_fake.astype(jnp.float32), new

    def disc_loss(params, extra, batch, rng):
        real, fake, new = play(params, extra, batch, rng)
        value = jnp.mean(jax.nn.softplus(-real) + jax.nn.softplus(fake))
        return value, (new, {"accuracy": jnp.mean(real > 0)})

    def gen_loss(params, extra, batch, rng):
        _, fake, new = play(params, extra, batch, rng)
        return jnp.mean(jax.nn.softplus(-fake)), (new, {"fooled": jnp.mean(fake > 0)})

    def outputs(variables, batch, rng):
        return {"image": batch["image"] / 255.0, "decrypted": batch["image"] / 255.0}

    phases = {"disc": Phase(("disc",), disc_loss), "gen": Phase(("gen",), gen_loss, every)}
    return system(init, (Stage(phases, config.train.steps),), outputs, ema=("gen",))


def system(init, stages, outputs, ema=()):
    def encrypt(variables, inputs, subkey, options):
        return Sealed(inputs["image"])

    def decrypt(variables, sealed, inputs, subkey, options):
        return {"image": sealed.pixels}

    return System(init, batch_spec, stages, encrypt, decrypt, outputs, name="toy", ema=ema)


def config(**train):
    made = get_defaults()
    made.system = "toy"
    made.train.update({"batch_size": 16, "steps": 12, "log_every": 1, "eval_every": 4, "checkpoint_every": 4})
    made.train.update(train)
    return made


class Data:
    """Endless (training) or finite (validation) batches of smooth pictures, a function of (seed, index)."""

    def __init__(self, batch_size, seed=0, count=None, process_index=0, process_count=1, delay=0.0):
        self.batch_size, self.seed, self.count = batch_size, seed, count
        self.index, self.part, self.delay = 0, (process_index, process_count), delay

    def __iter__(self):
        return self

    def __next__(self):
        if self.count is not None and self.index * self.batch_size >= self.count:
            raise StopIteration
        time.sleep(self.delay)
        batch = pictures(self.batch_size, self.seed, self.index)
        index, count = self.part
        own = slice(index * self.batch_size // count, (index + 1) * self.batch_size // count)
        if self.count is not None:
            first = self.index * self.batch_size
            batch["valid"] = np.arange(first, first + self.batch_size) < self.count
        self.index += 1
        return {name: value[own] for name, value in batch.items()}

    def get_state(self):
        return {"index": self.index}

    def set_state(self, state):
        self.index = state["index"]


def pictures(count, seed, index):
    rng = np.random.default_rng([seed, index])
    slope = rng.uniform(-12, 12, (count, 2, 1, 1))
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    ramp = 128 + slope[:, 0] * (y - 4) + slope[:, 1] * (x - 4)
    return {"image": np.clip(ramp, 0, 255).astype(np.uint8)[..., None]}


def build(config) -> System:
    """The System called ``toy``, or the two-phase one with ``config.model.gan``."""
    return gan(config) if config.model.get("gan") else denoiser(config)


def pipeline(config, batch_spec, *, split, seed, process_index, process_count):
    """What jaxcrypt.data.pipeline promises, on made-up pictures."""
    size = batch_spec["image"].shape[0] * process_count
    if split == "validation":
        return Data(size, seed + 1, config.get("validation", 24), process_index, process_count)
    return Data(size, seed, None, process_index, process_count, config.get("delay", 0.0))
