"""An ablation of the CycleGAN cipher: the key beside the picture, as further channels, and no keyed mixing.

    encrypt:  picture, key planes -> generator -> 8-bit cipher picture
    decrypt:  cipher picture, key planes -> generator -> picture

Key planes are uniform key stream, as large as the picture, so that a flipped key bit changes all of them. But
a convolution sees no further than its reach, and nothing makes it use the key: whatever the cipher hides,
training has to find. This is what the System is for: its attack table, beside that of keyed mixing, shows
what training did not find. It learns little more than a sum of photo and key planes: a wrong key adds noise
once more, is far off in squared error, and shows the photo nevertheless. Never for use.

Over photos x, keys k and k', and uniform noise pictures u, both generators together minimise

    log |D(E(x, k), k) - x|^2                                            cycle, in nepers
    + a ([D1(E(x, k)) - 1]^2 + [D2(D(E(x, k), k)) - 1]^2)                adversarial (Mao et al. 2017)
    + i (|E(u, k) - u| + |D(x, k) - x|)                                  identity (Zhu et al. 2017)
    + w max(0, 1 - |D(E(x, k), k') - x|^2 / var x)                       wrong key
    + v max(0, 1 - |Eve(E(x, k)) - x|^2 / var x)                         Eve

against D1 (uniform noise or cipher?), D2 (photo or decrypted?) and Eve, as in
:mod:`jaxcrypt.systems.cyclegan.losses`. Grey pictures go in as three equal planes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.functional.keyed import Purpose, draw
from jaxcrypt.functional.levels import to_levels, unit
from jaxcrypt.functional.rng import streams
from jaxcrypt.models.cyclegan import Discriminator, Eve
from jaxcrypt.models.cyclegan_concatenation import PATCH, Generator
from jaxcrypt.record import Call, Outcome, Phase, Progress, Sealed, Shape, Stage, System, chosen
from jaxcrypt.systems.catalog import entry
from jaxcrypt.systems.cyclegan.channel import passed
from jaxcrypt.systems.cyclegan.losses import hinge
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.drivers.windows import UNIT, map_picture

ENTRY = entry("concatenation")
GENERATORS = ("encryptor", "decryptor")
_FEW = 2  # photos of a batch that identity and wrong keys see


@dataclass(frozen=True)
class Weights:
    """Of the generators' losses beside the cycle's."""

    adversarial: float = 0.3
    identity: float = 0.1
    wrong_key: float = 1.0
    eve: float = 2.0


@dataclass(frozen=True)
class Nets:
    """All nets by the names of their parameters."""

    encryptor: Generator
    decryptor: Generator
    critic_cipher: Discriminator
    critic_photo: Discriminator
    eve: Eve

    def apply(self, params: Any, name: str, *args: jax.Array) -> jax.Array:
        """The net called ``name``."""
        return getattr(self, name).apply({"params": params[name]}, *args)

    def init(self, rng: jax.Array) -> dict[str, Any]:
        picture, made = jnp.zeros((1, UNIT, UNIT, 3)), {}
        for own, field in zip(jax.random.split(rng, 5), fields(self), strict=True):
            args = (picture, picture) if field.name in GENERATORS else (picture,)
            made[field.name] = getattr(self, field.name).init(own, *args)["params"]
        return made


def key_planes(subkey: jax.Array, shape: tuple[int, int]) -> jax.Array:
    """Uniform key stream, uint8 ``[B, H, W, 3]``, of subkeys uint32 ``[B, 8]``."""
    count = 3 * math.prod(shape)
    drawn = jax.vmap(lambda key: draw([(key, Purpose.PLANES, 0, -(-count // 4))])[0])(subkey)
    data = jax.lax.bitcast_convert_type(drawn, jnp.uint8).reshape(drawn.shape[0], -1)
    return data[:, :count].reshape(-1, *shape, 3)


def encrypt_levels(nets: Nets, params: Any, photo: jax.Array, planes: jax.Array) -> jax.Array:
    """The cipher of a ``photo`` in [-1, 1], in whole grey levels 0..255 with a gradient, float32."""
    made = to_levels(jnp.tanh(nets.apply(params, "encryptor", photo, planes)))
    return passed(made, jnp.round(made))


def decrypt_unit(nets: Nets, params: Any, cipher: jax.Array, planes: jax.Array) -> jax.Array:
    """The photo of a ``cipher`` in grey levels, in [-1, 1] where decryption is right."""
    return nets.apply(params, "decryptor", unit(cipher), planes)


# ----------------------------------------------------------------------------------------------- training


def _draw(batch: Any, rng: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Photos and fresh key planes in [-1, 1], and the subkeys of the planes."""
    photo = unit(batch["image"].astype(jnp.float32))
    subkey = jax.random.bits(rng, (photo.shape[0], 8), jnp.uint32)
    return photo, unit(key_planes(subkey, photo.shape[1:3]).astype(jnp.float32)), subkey


def _identity(nets: Nets, params: Any, photo: jax.Array, planes: jax.Array, rng: jax.Array) -> jax.Array:
    noise = jax.random.randint(rng, photo.shape, 0, 256).astype(jnp.float32)
    kept = encrypt_levels(nets, params, unit(noise), planes) - noise
    left = decrypt_unit(nets, params, to_levels(photo), planes) - photo
    return jnp.mean(jnp.abs(kept)) / 127.5 + jnp.mean(jnp.abs(left))


def generating(nets: Nets, weights: Weights) -> Callable:
    """The loss of both generators."""

    def loss(params, extra, batch, rng):
        key_rng, noise_rng = streams(rng, "subkeys", "noise")
        photo, planes, subkey = _draw(batch, key_rng)
        cipher = encrypt_levels(nets, params, photo, planes)
        back = decrypt_unit(nets, params, cipher, planes)
        error = jnp.mean(jnp.square(127.5 * (back - photo)), axis=(1, 2, 3))
        cycle = jnp.mean(jnp.log(error + 0.05))
        judged = (("critic_cipher", unit(cipher)), ("critic_photo", back))
        fooled = [jnp.mean(jnp.square(nets.apply(params, name, x) - 1)) for name, x in judged]
        few = slice(_FEW)
        other = unit(key_planes(jnp.roll(subkey[few], 1, axis=1), photo.shape[1:3]).astype(jnp.float32))
        wrong = hinge(to_levels(decrypt_unit(nets, params, cipher[few], other)), to_levels(photo[few]))
        caught = hinge(to_levels(nets.apply(params, "eve", unit(cipher))), to_levels(photo))
        same = _identity(nets, params, photo[few], planes[few], noise_rng)
        total = cycle + weights.adversarial * sum(fooled) + weights.identity * same
        total += weights.wrong_key * wrong + weights.eve * caught
        metrics = {"psnr": 20 * jnp.log10(255.0) - cycle * 10 / jnp.log(10.0), "identity": same}
        metrics |= {"fooled_cipher": fooled[0], "fooled_photo": fooled[1], "wrong_key": wrong, "eve": caught}
        return total, (extra, metrics)

    return loss


def discriminating(nets: Nets) -> Callable:
    """The loss of both discriminators."""

    def loss(params, extra, batch, rng):
        key_rng, noise_rng = streams(rng, "subkeys", "noise")
        photo, planes, _ = _draw(batch, key_rng)
        cipher = encrypt_levels(nets, params, photo, planes)
        noise = jax.random.randint(noise_rng, photo.shape, 0, 256).astype(jnp.float32)
        pairs = {
            "critic_cipher": (unit(noise), unit(cipher)),
            "critic_photo": (photo, decrypt_unit(nets, params, cipher, planes)),
        }
        total, metrics = 0.0, {}
        for name, (real, made) in pairs.items():
            real, made = (nets.apply(params, name, jax.lax.stop_gradient(x)) for x in (real, made))
            total += jnp.mean(jnp.square(real - 1)) + jnp.mean(jnp.square(made))
            metrics |= {f"{name}_real": jnp.mean(real), f"{name}_made": jnp.mean(made)}
        return total, (extra, metrics)

    return loss


def eavesdropping(nets: Nets) -> Callable:
    """Eve's loss: her squared error."""

    def loss(params, extra, batch, rng):
        photo, planes, _ = _draw(batch, rng)
        cipher = jax.lax.stop_gradient(encrypt_levels(nets, params, photo, planes))
        error = jnp.mean(jnp.square(nets.apply(params, "eve", unit(cipher)) - photo))
        return error, (extra, {"psnr": 10 * jnp.log10(4 / error)})

    return loss


# -------------------------------------------------------------------------------------------------- in use


def _bytes(levels: jax.Array) -> jax.Array:
    return jnp.clip(jnp.round(levels), 0, 255).astype(jnp.uint8)


def _programs(nets: Nets) -> dict[str, Callable]:
    """For :func:`map_picture`, on a picture and its key planes as six channels: ``see_`` in floats."""

    def parts(both):
        return (x.astype(jnp.float32) for x in jnp.split(both, 2, axis=-1))

    def see_encrypt(params, both):
        photo, planes = parts(both)
        return encrypt_levels(nets, params, unit(photo), unit(planes))

    def see_decrypt(params, both):
        cipher, planes = parts(both)
        return to_levels(decrypt_unit(nets, params, cipher, unit(planes)))

    return {
        "see_encrypt": see_encrypt,
        "see_decrypt": see_decrypt,
        "encrypt": lambda params, both: _bytes(see_encrypt(params, both)),
        "decrypt": lambda params, both: _bytes(see_decrypt(params, both)),
    }


def _pad(picture: Any) -> Any:
    """``[…, H, W, C]`` as three planes, its borders repeated up to multiples of 16."""
    height, width, channels = picture.shape[-3:]
    pad = ((0, 0),) * (picture.ndim - 3) + ((0, -height % UNIT), (0, -width % UNIT), (0, 0))
    array = np if isinstance(picture, np.ndarray) else jnp
    return array.pad(array.repeat(picture, 3 // channels, axis=-1), pad, mode="edge")


def _whole_patches(shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Of a padded picture what the cipher picture keeps: sides are multiples of 4."""
    return tuple(slice(side + -side % PATCH) for side in shape[:2])


def _encrypt(nets: Nets, variables, inputs, subkey, options) -> Sealed:
    chosen((), options)
    image = jnp.asarray(inputs["image"])
    padded = _pad(image)
    both = jnp.concatenate([padded, key_planes(subkey, padded.shape[1:3])], axis=-1)
    made = _programs(nets)["encrypt"](variables["params"], both)
    return Sealed(made[:, *_whole_patches(image.shape[1:])])


def _decrypt(nets: Nets, variables, sealed, inputs, subkey, options) -> dict[str, Any]:
    """In RGB, sides multiples of 4; the driver cuts it to the header's shape."""
    chosen((), options)
    cipher = jnp.asarray(sealed.pixels)
    padded = _pad(cipher)
    both = jnp.concatenate([padded, key_planes(subkey, padded.shape[1:3])], axis=-1)
    made = _programs(nets)["decrypt"](variables["params"], both)
    return {"image": made[:, : cipher.shape[1], : cipher.shape[2]]}


def _outputs(nets: Nets, variables, batch, rng) -> dict[str, Any]:
    """``image``, ``cipher`` and ``decrypted``, float32 in [0, 1]."""
    subkey = jax.random.bits(rng, (batch["image"].shape[0], 8), jnp.uint32)
    sealed = _encrypt(nets, variables, batch, subkey, ())
    opened = _decrypt(nets, variables, sealed, {}, subkey, ())
    shown = {"image": batch["image"], "cipher": sealed.pixels, "decrypted": opened["image"]}
    return {name: jnp.asarray(x).astype(jnp.float32) / 255 for name, x in shown.items()}


_key_planes = jax.jit(key_planes, static_argnums=1)


@functools.cache
def _jitted(nets: Nets) -> dict[str, Callable]:
    return {name: jax.jit(function) for name, function in _programs(nets).items()}


@dataclass(frozen=True)
class ConcatenationDriver:
    """The :class:`~jaxcrypt.record.Driver` for pictures of any size: window by window, as far around each as
    the generators see."""

    nets: Nets

    def aligns(self, options) -> bool:
        """Never."""
        return False

    def check(self, shape: Shape, options) -> None:
        """Refuse alpha."""
        chosen((), options)
        if shape[2] not in ENTRY.traits.channels:
            raise Refusal(f"this System takes grey and RGB pictures, not {shape[2]} channels")

    def _map(self, name: str, call: Call, picture, key: bytes, progress: Progress) -> np.ndarray:
        run, padded = _jitted(self.nets), _pad(picture)
        planes = np.asarray(_key_planes(jnp.asarray(host.words(key)[None]), padded.shape[:2]))[0]
        both = np.concatenate([padded, planes], axis=2)
        return map_picture(run[name], run[f"see_{name}"], call.variables["params"], both, progress)

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says; the side information is empty."""
        self.check(pictures[0].shape, call.options)
        made = []
        for i, (picture, key) in enumerate(zip(pictures, keys, strict=True)):
            whole = self._map("encrypt", call, picture, key, host.share(call.progress, i, len(pictures)))
            made.append(Sealed(np.ascontiguousarray(whole[_whole_patches(picture.shape)])))
        return made

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says; ``lost`` pixels are read as they are."""
        chosen((), call.options)
        host.check_sealed(sealed, shape, ENTRY.traits.channels)
        results = []
        for i, (one, key) in enumerate(zip(sealed, keys, strict=True)):
            host.check_shape(one.pixels, (*(s.stop for s in _whole_patches(tuple(shape))), 3))
            whole = self._map("decrypt", call, one.pixels, key, host.share(call.progress, i, len(sealed)))
            image = whole[: shape[0], : shape[1]]
            if shape[2] == 1:
                image = np.rint(image.mean(axis=2, keepdims=True)).astype(np.uint8)
            results.append(Outcome([np.ascontiguousarray(image)]))
        return results


def nets_of(model: Any) -> Nets:
    """The nets that ``config.model`` describes."""
    critics = (Discriminator(**dict(model.get("critic", {}))) for _ in range(2))
    generators = (Generator(**dict(model.get("generator", {}))) for _ in range(2))
    return Nets(*generators, *critics, Eve(**dict(model.get("eve", {}))))


def build(config: Any = None) -> System:
    """The System of ``config.model`` (see ``configs/cyclegan_concatenation.py``)."""
    if config is None:
        raise usage("--system concatenation: needs the config that its weights were trained with")
    nets, weights = nets_of(config.model), Weights(**dict(config.model.get("weights", {})))

    def init(rng, batch):
        params = nets.init(rng)
        return params, {name: {} for name in params}

    def batch(config):
        shape = (config.train.batch_size, config.model.size, config.model.size, 3)
        return {"image": jax.ShapeDtypeStruct(shape, jnp.uint8)}

    phases = {
        "generators": Phase(GENERATORS, generating(nets, weights)),
        "critics": Phase(("critic_cipher", "critic_photo"), discriminating(nets)),
        "eve": Phase(("eve",), eavesdropping(nets)),
    }
    return System(
        init=init,
        batch=batch,
        stages=(Stage(phases, int(config.train.steps)),),
        encrypt=functools.partial(_encrypt, nets),
        decrypt=functools.partial(_decrypt, nets),
        outputs=functools.partial(_outputs, nets),
        ema=GENERATORS,
        driver=ConcatenationDriver(nets),
        **ENTRY.declared(),
    )
