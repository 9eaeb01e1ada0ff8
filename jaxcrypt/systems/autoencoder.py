"""A face as the encrypted latents of a convolutional autoencoder: lossy, a quarter of the picture's bytes.

    encrypt:  picture -> encoder -> quantiser -> bytes -> logistic -> cipher picture
    decrypt:  the inverse, as far as there is one

Every 16x16 patch becomes 8x8 cipher pixels of as many channels, whatever it shows: the code has a fixed rate,
so the size of the cipher picture tells nothing but the size of the picture. There is one net for grey and one
for RGB pictures, trained side by side on the mean squared error

    loss = mean (x - decode(encode(x)))^2,    x in [-1, 1],

the grey one on the luma of the same pictures. Trained on faces of 64x64; being convolutional, the nets take
any size. What keeps the picture secret is the System ``logistic``, which encrypts the latents' bytes; the
nets only compress.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.declared import chosen
from jaxcrypt.errors import usage
from jaxcrypt.functional.bitpack import pack, unpack
from jaxcrypt.functional.levels import to_bytes, to_floats
from jaxcrypt.models.autoencoder import PATCH, Autoencoder
from jaxcrypt.models.layers import depth_to_space, space_to_depth
from jaxcrypt.record import Call, Outcome, Phase, Sealed, Shape, Stage, System
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.drivers import host, tiles, windows
from jaxcrypt.systems.logistic import tiles as logistic

ENTRY = entry("autoencoder")
CHANNELS = {"grey": 1, "colour": 3}
_CIPHER = PATCH // 2  # side of the cipher pixels of one patch
_WINDOW = 32  # patches on a side of what goes through a net at once
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's mode L


def luma(image: jax.Array) -> jax.Array:
    """RGB uint8 ``[..., 3]`` to grey uint8 ``[..., 1]``."""
    return jnp.round(image.astype(jnp.float32) @ jnp.asarray(_LUMA)[:, None]).astype(jnp.uint8)


def compress(net: Autoencoder, params: Any, image: jax.Array) -> jax.Array:
    """uint8 ``[B, 16h, 16w, C]`` to the latents' bytes, uint8 ``[B, 8h, 8w, C]``, not yet encrypted."""
    indices = net.apply({"params": params}, to_floats(image), method="encode")
    return depth_to_space(pack(indices, net.widths), _CIPHER)


def expand(net: Autoencoder, params: Any, packed: jax.Array) -> jax.Array:
    """The latents' bytes, uint8 ``[B, 8h, 8w, C]``, to the picture, uint8 ``[B, 16h, 16w, C]``."""
    indices = unpack(space_to_depth(packed, _CIPHER), net.widths)
    return to_bytes(net.apply({"params": params}, indices, method="decode"))


def _nets(model: Mapping[str, Any]) -> tuple[tuple[str, Autoencoder], ...]:
    nets = []
    for name, channels in CHANNELS.items():
        settings = dict(model[name])
        bits = tuple(int(count) for count in settings.pop("bits"))
        if sum(bits) != 8 * _CIPHER**2 * channels:
            raise usage(f"config.model.{name}.bits: {sum(bits)} in all; must be {8 * _CIPHER**2 * channels}")
        nets.append((name, Autoencoder(bits=bits, channels=channels, **settings)))
    return tuple(nets)


def _of(image: Any, name: str) -> jax.Array:
    """What the net called ``name`` is trained on: RGB pictures, or their luma."""
    return luma(image) if name == "grey" else image


def _phase(name: str, net: Autoencoder) -> Phase:
    def loss(params, extra, batch, rng):
        x = to_floats(_of(batch["image"], name))
        error = jnp.mean(jnp.square(net.apply({"params": params[name]}, x) - x))
        return error, (extra, {"psnr": 10 * jnp.log10(4 / error)})

    return Phase((name,), loss)


@dataclass(frozen=True)
class AutoencoderDriver:
    """The :class:`~jaxcrypt.record.Driver` for pictures of any size: nets window by window, the cipher tile
    by tile.

    Attributes:
      nets: by name, ``grey`` and ``colour``.
    """

    nets: tuple[tuple[str, Autoencoder], ...]

    def aligns(self, options) -> bool:
        """Never."""
        return False

    def check(self, shape: Shape, options) -> None:
        """Refuse channels that no net takes."""
        chosen((), options)
        host.check_channels(shape, ENTRY.traits.channels)

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says."""
        self.check(pictures[0].shape, call.options)
        name, net = _net_for(self.nets, pictures[0].shape[2])
        run, params = _program(compress, net), call.variables["params"][name]
        packed = [
            windows.map_windows(
                lambda window: run(params, window),
                (windows.pad_to(picture, PATCH),),
                (PATCH, _CIPHER),
                _WINDOW,
                net.reach[0] // PATCH,
                host.share(call.progress, index, len(pictures)),
            )
            for index, picture in enumerate(pictures)
        ]
        return logistic.SYSTEM.driver.encrypt(Call(), packed, keys)

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says; ``lost`` pixels are decoded as they are."""
        chosen((), call.options)
        host.check_sealed(sealed, shape, ENTRY.traits.channels)
        cipher = (*(-(-side // PATCH) * _CIPHER for side in shape[:2]), shape[2])
        name, net = _net_for(self.nets, shape[2])
        run, params = _program(expand, net), call.variables["params"][name]
        results = []
        for index, one in enumerate(logistic.SYSTEM.driver.decrypt(Call(), sealed, keys, cipher)):
            whole = windows.map_windows(
                lambda window: run(params, window),
                one.pictures,
                (_CIPHER, PATCH),
                _WINDOW,
                net.reach[1] // PATCH,
                host.share(call.progress, index, len(sealed)),
            )
            results.append(replace(one, pictures=[np.ascontiguousarray(whole[: shape[0], : shape[1]])]))
        return results


@functools.cache
def _program(function: Callable, net: Autoencoder) -> Callable:
    return jax.jit(functools.partial(function, net))


def _net_for(nets: tuple[tuple[str, Autoencoder], ...], channels: int) -> tuple[str, Autoencoder]:
    """The net for pictures of so many channels, 1 or 3, and its name."""
    return next((name, net) for name, net in nets if net.channels == channels)


def _encrypt(nets, variables, inputs, subkey, options) -> Sealed:
    chosen((), options)
    image = jnp.asarray(inputs["image"])
    host.check_channels(image.shape[1:], ENTRY.traits.channels)
    name, net = _net_for(nets, image.shape[3])
    height, width = image.shape[1:3]
    image = jnp.pad(image, ((0, 0), (0, -height % PATCH), (0, -width % PATCH), (0, 0)), mode="edge")
    packed = compress(net, variables["params"][name], image)
    return tiles.encrypt_whole(logistic.TILES, packed, subkey)


def _decrypt(nets, variables, sealed, inputs, subkey, options) -> dict[str, Any]:
    """The whole patches: sides are multiples of 16; the driver cuts them to those of the header."""
    chosen((), options)
    opened = tiles.decrypt_whole(logistic.TILES, sealed, subkey, sealed.pixels.shape[1:])
    name, net = _net_for(nets, sealed.pixels.shape[3])
    return {**opened, "image": expand(net, variables["params"][name], opened["image"])}


def _outputs(nets, variables, batch, rng) -> dict[str, Any]:
    """``image``, ``cipher``, ``decrypted`` in colour, ``grey_``… the same in grey, float32 in [0, 1]."""
    image = jnp.asarray(batch["image"])
    subkey = jax.random.bits(rng, (image.shape[0], 8), jnp.uint32)
    made = {}
    for name, _ in nets:
        plain = _of(image, name)
        sealed = _encrypt(nets, variables, {"image": plain}, subkey, ())
        opened = _decrypt(nets, variables, sealed, {}, subkey, ())
        made[name] = {"image": plain, "cipher": sealed.pixels, "decrypted": opened["image"]}
    shown = made["colour"] | {f"grey_{part}": x for part, x in made["grey"].items()}
    return {part: x.astype(jnp.float32) / 255 for part, x in shown.items()}


def build(config: Any = None) -> System:
    """The System of ``config.model`` (see ``configs/autoencoder.py``)."""
    if config is None:
        raise usage("--system autoencoder: needs the config that its weights were trained with")
    nets = _nets(config.model)

    def init(rng, batch):
        rngs = jax.random.split(rng, len(nets))
        params = {
            name: net.init(own, to_floats(_of(batch["image"], name)))["params"]
            for own, (name, net) in zip(rngs, nets, strict=True)
        }
        return params, {name: {} for name in params}

    def batch(config):
        shape = (config.train.batch_size, config.model.size, config.model.size, 3)
        return {"image": jax.ShapeDtypeStruct(shape, jnp.uint8)}

    phases = {name: _phase(name, net) for name, net in nets}
    return System(
        init=init,
        batch=batch,
        stages=(Stage(phases, config.train.steps),),
        encrypt=functools.partial(_encrypt, nets),
        decrypt=functools.partial(_decrypt, nets),
        outputs=functools.partial(_outputs, nets),
        ema=tuple(name for name, _ in nets),
        driver=AutoencoderDriver(nets),
        **ENTRY.declared(),
    )
