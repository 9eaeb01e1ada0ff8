"""The driver of the CycleGAN cipher for host pictures of any size, whole or damaged on the way.

Nets run window by window with as much around each as they see, so that there are no seams. Every mixing tile
holds symbols of the whole picture: a hole in the cipher dims the picture everywhere, a little. Damaged
ciphers are decoded by turns (:mod:`jaxcrypt.systems.decoding.turbo`), the decrypting generator being the
denoiser of
symbols. ``robust`` picks the layout of :mod:`jaxcrypt.functional.robust`, which JPEG with 4:2:0 leaves alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.functional import companding, outermost
from jaxcrypt.functional.block_transform import BLOCK, PLANE, analyse
from jaxcrypt.systems.cyclegan import code
from jaxcrypt.systems.decoding import received as damage
from jaxcrypt.systems.decoding import robust, turbo
from jaxcrypt.systems.drivers.windows import pad_to, share, spans

OPTIONS = (("rate", 1), ("robust", 0), ("key_image", 0))
MEGAPIXELS = 40  # more would not fit into the memory of an ordinary machine
_SMALL, _TOGETHER = 64 * 64 * 3, 64  # samples of pictures that are encrypted together, and how many
_MOST = 1e6  # above every spread that pictures have
_WINDOW, _REACH = 40, 4  # blocks: of windows, and of what nets see around a position


def chosen_options(given: tuple) -> dict[str, int]:
    """The options with their defaults. Raises a Refusal for unknown ones."""
    found = dict(OPTIONS) | dict(given)
    if set(found) != {name for name, _ in OPTIONS}:
        raise usage(f"--system cyclegan: unknown options among {', '.join(dict(given))}")
    if found["rate"] not in code.RATES:
        raise usage(f"--rate: choose one of {', '.join(f'1/{n}' if n > 1 else '1' for n in code.RATES)}")
    if found["robust"] not in (0, *robust.STRENGTHS):
        raise usage(f"--robust {found['robust']}: choose one of {', '.join(map(str, robust.STRENGTHS))}")
    if found["key_image"] not in (0, 1):
        raise usage(f"option key_image={found['key_image']}: must be 0 or 1")
    if found["robust"] and found["rate"] != 1:
        raise usage("--robust decides how large the cipher is: leave out --rate")
    return found


@cache
def _programs(nets) -> dict[str, Any]:
    """The jitted parts, compiled once for each shape of window in the life of the process."""

    def put(picture):
        return jnp.broadcast_to(picture.astype(jnp.float32), (*picture.shape[:3], 3))

    def coefficients(picture, mean):
        return analyse(put(picture) - mean[:, None, None])

    return {
        "analyse": jax.jit(coefficients),
        "digits": jax.jit(lambda params, c: nets.encoder.apply({"params": params["encoder"]}, c)),
        "scales": jax.jit(
            lambda params, d: nets.encoder.apply({"params": params["encoder"]}, d, method="scales")
        ),
        "restore": jax.jit(lambda params, got: code.restore(nets.denoiser, nets.context, params, got)),
    }


@cache
def _sealer(seal: Callable[..., Any]) -> Callable[..., Any]:
    def run(variables, image, subkey, options):
        sealed = seal(variables, {"image": image}, subkey, options)
        return sealed.pixels, sealed.side

    return jax.jit(run, static_argnums=3)


_compand = jax.jit(companding.compand)
_measure, _expand = jax.jit(outermost.measure), jax.jit(outermost.expand)
_with_key_image = jax.jit(code.with_key_image)


class _Whole:
    """One picture's blocks, and the nets over them."""

    def __init__(self, nets, params, rows: int, columns: int, planes: int):
        self._run, self._params = _programs(nets), params
        self.rows, self.columns, self.planes = rows, columns, planes

    def _windows(self, function, depth: int, scale: int = 1, reach: int = 0) -> np.ndarray:
        """``function(rows, columns)`` of every window, put together: ``[h·scale, w·scale, depth]``."""
        out = np.empty((self.rows * scale, self.columns * scale, depth), np.float32)
        for a in spans(self.rows, _WINDOW, reach):
            for b in spans(self.columns, _WINDOW, reach):
                made = function(slice(a.first, a.first + a.size), slice(b.first, b.first + b.size))
                inner = (slice((s.start - s.first) * scale, (s.stop - s.first) * scale) for s in (a, b))
                out[tuple(slice(s.start * scale, s.stop * scale) for s in (a, b))] = made[tuple(inner)]
        return out

    def analyse(self, picture: np.ndarray, mean: np.ndarray) -> np.ndarray:
        """``[16h, 16w, 1 or 3]`` to coefficients ``[h, w, 256·planes]``."""

        def one(rows, columns):
            cut = picture[
                rows.start * BLOCK : rows.stop * BLOCK, columns.start * BLOCK : columns.stop * BLOCK
            ]
            return np.asarray(self._run["analyse"](cut[None], mean[None]))[0, ..., : self.planes * PLANE]

        return self._windows(one, self.planes * PLANE)

    def digits(self, coefficients: np.ndarray) -> np.ndarray:
        def one(rows, columns):
            cut = coefficients[rows, columns]
            cut = np.pad(cut, ((0, 0), (0, 0), (0, (3 - self.planes) * PLANE)))
            return np.asarray(self._run["digits"](self._params, cut[None]))[0]

        return self._windows(one, code.DIGITS, reach=_REACH)

    def scales(self, digits: np.ndarray) -> np.ndarray:
        """int16 ``[h, w, 256·planes]``, which sorts fast."""

        def one(rows, columns):
            found = self._run["scales"](self._params, digits[None, rows, columns])
            return np.asarray(found)[0, ..., : self.planes * PLANE]

        return self._windows(one, self.planes * PLANE).astype(np.int16)

    def restore(self, coefficients, there, scales, level, mean) -> np.ndarray:
        """float32 ``[16h, 16w, 3]``, grey levels."""

        def one(rows, columns):
            cut = (x[None, rows, columns] for x in (coefficients, there, scales.astype(np.float32), level))
            got = code.Received(*cut, mean[None])
            return np.asarray(self._run["restore"](self._params, got))[0]

        return self._windows(one, 3, BLOCK, _REACH)


class _Symbols:
    """Which coefficients of a picture are symbols, in the order of mixing tiles."""

    def __init__(self, scales: np.ndarray, plan: code.Plan):
        order = np.argsort(-scales.reshape(-1), kind="stable")[: plan.symbols[-1]]
        self.place = np.sort(order)[plan.order()]
        self.scales = scales
        self.weight = np.exp2(-0.5 / code.OCTAVE * scales.reshape(-1)[self.place]).astype(np.float32)

    def take(self, coefficients: np.ndarray) -> np.ndarray:
        return coefficients.reshape(-1)[self.place] * self.weight

    def put(self, weighed: np.ndarray) -> np.ndarray:
        return self.spread_out(weighed / self.weight)

    def spread_out(self, values: np.ndarray) -> np.ndarray:
        flat = np.zeros(self.scales.size, np.float32)
        flat[self.place] = values
        return flat.reshape(self.scales.shape)


def _words(subkey: bytes) -> np.ndarray:
    return np.frombuffer(subkey, "<u4").astype(np.uint32)


def _run(subkey: bytes, plan: code.Plan) -> turbo.Run:
    """Mixing of symbols: they have mean 0 and spread 1 already."""
    count = plan.count
    none, one = np.zeros(count, np.float32), np.ones(count, np.float32)
    return turbo.Run(_words(subkey), 0, plan.size, plan.symbols, plan.cipher, none, one)


def _levelled(weighed: np.ndarray, key: jax.Array, plan: code.Plan) -> tuple[np.ndarray, np.ndarray]:
    """As :func:`code.levelled`, of symbols in the order of tiles: float32 ``[k]`` and ``[t]``."""
    sizes, lengths = _sizes(weighed, plan), np.diff(plan.symbols)
    spread = np.where(np.square(sizes) >= code.FLAT, sizes, 0).astype(np.float32)
    if not spread.all():
        fill = np.asarray(code.noise(key, weighed.size))[0, plan.order()]
        weighed = np.where(np.repeat(spread > 0, lengths), weighed, fill)
    return weighed / np.repeat(_sizes(weighed, plan), lengths).astype(np.float32), spread


def _sizes(symbols: np.ndarray, plan: code.Plan) -> np.ndarray:
    """Root mean square by tile."""
    power = np.add.reduceat(np.square(symbols, dtype=np.float64), plan.symbols[:-1])
    return np.sqrt(power / np.diff(plan.symbols))


def _checked(side: Mapping[str, Any], plan: code.Plan) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Digits, mean and spread of a header. Raises a Refusal where no encryption gives them."""
    digits, mean, spread = (np.asarray(side[name]) for name in ("digits", "mean", "spread"))
    shapes = (plan.rows, plan.columns, code.DIGIT_BYTES), (3,), (plan.count,)
    fits = (digits.shape, mean.shape, spread.shape) == shapes
    fits = fits and (digits.dtype, mean.dtype) == (np.uint8, np.uint32)
    if not fits or not ((spread >= 0) & (spread <= _MOST)).all():
        raise Refusal("the header's side information does not fit the picture: header damaged")
    return digits, mean, spread.astype(np.float32)


def _plan(shape: tuple[int, int, int], given: dict[str, int]) -> tuple[code.Plan, Any]:
    """The plan of a picture of ``shape``, and its layout where that is robust."""
    rows, columns = (-(-side // BLOCK) for side in shape[:2])
    if given["robust"]:
        layout = robust.plan(shape, given["robust"])
        return code.plan(rows, columns, shape[2], layout.symbols), layout
    total = int(np.prod(code.cipher_shape(shape, given["rate"])))
    return code.plan(rows, columns, shape[2], total), None


@dataclass(frozen=True)
class Pictures:
    """What :mod:`jaxcrypt.systems.drivers.tiled` calls for the System ``cyclegan``.

    Attributes:
      seal: ``System.encrypt``, for many small pictures at once.
      inputs: see :meth:`given`.
    """

    nets: Any
    seal: Callable[..., Any]
    inputs: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def given(self, inputs: Mapping[str, Any]) -> Pictures:
        """The same driver with ``key_image``, uint8 ``[H, W, C]``, that the option of that name wants."""
        return replace(self, inputs=dict(inputs))

    def _key(self, subkey: bytes, given: dict[str, int]) -> bytes:
        if not given["key_image"]:
            return subkey
        if "key_image" not in self.inputs:
            raise usage(
                "--condition-on-key-image: the key image is a condition here; name it with --key-image"
            )
        key_image = jnp.asarray(self.inputs["key_image"])[None]
        return np.asarray(_with_key_image(jnp.asarray(_words(subkey)[None]), key_image)).tobytes()

    def aligns(self, given: tuple) -> bool:
        """Whether a cipher picture that was cut or enlarged is put in its place by decryption."""
        return bool(chosen_options(given)["robust"])

    def encrypt_pictures(self, variables, pictures, subkeys, given=(), progress=None):
        """As :func:`jaxcrypt.systems.drivers.tiled.encrypt_pictures`."""
        found, made = chosen_options(given), []
        if len(pictures) > 1 and pictures[0].size <= _SMALL and not found["robust"]:
            keys = [self._key(subkey, found) for subkey in subkeys]
            return self._encrypt_small(variables, pictures, keys, found["rate"], progress)
        for index, (picture, subkey) in enumerate(zip(pictures, subkeys, strict=True)):
            made.append(self._encrypt(variables["params"], picture, self._key(subkey, found), found))
            if progress is not None:
                progress((index + 1) / len(pictures))
        return made

    def _encrypt_small(self, variables, pictures, subkeys, rate: int, progress):
        """Small pictures of one shape, :data:`_TOGETHER` at a time."""
        made, options = [], (("rate", rate),)
        for start in range(0, len(pictures), _TOGETHER):
            images = np.stack(pictures[start : start + _TOGETHER])
            words = np.stack([_words(subkey) for subkey in subkeys[start : start + _TOGETHER]])
            rest = ((0, _TOGETHER - len(images)), *[(0, 0)] * 3)  # one shape, compiled once
            full, keys = np.pad(images, rest), np.pad(words, rest[:2])
            pixels, side = jax.tree.map(np.asarray, _sealer(self.seal)(variables, full, keys, options))
            for i in range(len(images)):
                made.append((pixels[i], {name: value[i] for name, value in side.items()}))
            if progress is not None:
                progress(len(made) / len(pictures))
        return made

    def _encrypt(self, params, picture, subkey, given):
        if picture.shape[0] * picture.shape[1] > MEGAPIXELS * 1_000_000:
            raise Refusal(f"--system cyclegan: takes pictures of up to {MEGAPIXELS} megapixels")
        plan, layout = _plan(picture.shape, given)
        whole = _Whole(self.nets, params, plan.rows, plan.columns, plan.planes)
        padded = pad_to(picture, BLOCK)
        mean = np.broadcast_to(padded.mean(axis=(0, 1), dtype=np.float64), (3,))
        mean = (np.round(mean * code.MEAN_STEPS) / code.MEAN_STEPS).astype(np.float32)
        coefficients = whole.analyse(padded, mean)
        digits = whole.digits(coefficients)
        symbols = _Symbols(whole.scales(digits), plan)
        weighed = symbols.take(coefficients)
        key, run = jnp.asarray(_words(subkey)[None]), _run(subkey, plan)
        levelled, spread = _levelled(weighed, key, plan)
        mixed = run.mix(levelled)
        packed = np.asarray(code.pack(jnp.asarray(digits[None]), key))[0]
        side = {"digits": packed, "mean": np.asarray(code.pack_mean(mean[None], key))[0], "spread": spread}
        if layout is not None:
            return robust.lay_out(mixed, subkey, layout), side
        dither = run.dither()
        data = _compand(mixed, dither)
        counts = _measure(mixed[None], dither[None], data[None])
        side["beyond"] = np.asarray(code.pack_counts(counts, key))[0]
        return np.asarray(data).reshape(code.cipher_shape(picture.shape, given["rate"])), side

    def decrypt_pictures(
        self, variables, ciphers, sides, subkeys, given, shape, lost=None, progress=None
    ) -> list[dict[str, Any]]:
        """As :func:`jaxcrypt.systems.drivers.tiled.decrypt_pictures`."""
        found, results = chosen_options(given), []
        for i, (cipher, side, subkey) in enumerate(zip(ciphers, sides, subkeys, strict=True)):
            gaps = None if lost is None else lost[i]
            part = share(progress, i, len(ciphers))
            key = self._key(subkey, found)
            results.append(self._decrypt(variables["params"], cipher, side, key, shape, found, gaps, part))
        return results

    def _decrypt(self, params, cipher, side, subkey, shape, given, lost, progress):
        plan, layout = _plan(tuple(shape), given)
        packed, mean, spread = _checked(side, plan)
        key, run = jnp.asarray(_words(subkey)[None]), _run(subkey, plan)
        spread = run.by_sample(spread)
        whole = _Whole(self.nets, params, plan.rows, plan.columns, plan.planes)
        digits = np.asarray(code.unpack(jnp.asarray(packed[None]), key))[0]
        mean = np.asarray(code.unpack_mean(jnp.asarray(mean[None]), key))[0]
        symbols = _Symbols(whole.scales(digits), plan)

        def picture_of(noisy, levels):
            received = symbols.put(noisy * spread)
            there = symbols.spread_out(np.ones(noisy.shape, np.float32)) > 0
            level = symbols.spread_out(levels * spread)
            return whole.restore(received, there, symbols.scales, level, mean)

        def denoise(noisy, levels):
            return symbols.take(whole.analyse(picture_of(noisy, levels), mean)) / np.maximum(spread, 1e-3)

        if layout is not None:
            _, noisy, levels = robust.decode(run, cipher, subkey, layout, denoise, lost, progress)
        else:
            counts = np.asarray(code.unpack_counts(_beyond(side, cipher.size)[None], key))
            noisy, levels = _decode_bytes(run, cipher, denoise, lost, counts)
        picture = picture_of(noisy, run.by_sample(levels))[: shape[0], : shape[1]]
        if shape[2] == 1:
            picture = picture.mean(axis=2, keepdims=True)
        if progress is not None:
            progress(1.0)
        image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
        return {"image": image, "noise": np.float32(np.sqrt(np.mean(levels**2)))}


def _beyond(side: Mapping[str, Any], total: int) -> np.ndarray:
    """The outermost bytes' step counts of a header. Raises a Refusal where no encryption gives them."""
    found = np.asarray(side["beyond"])
    if found.dtype != np.uint8 or found.shape != (code.count_bytes(total),):
        raise Refusal("the header's side information does not fit the picture: header damaged")
    return found


def _decode_bytes(run: turbo.Run, cipher: np.ndarray, denoise, lost, counts: np.ndarray):
    """Symbols and the levels of their errors by tile, from a cipher of bytes, damaged or not."""
    gaps = damage.flat_blocks(cipher)
    if lost is not None:
        gaps = gaps | lost
    if not gaps.any():
        values = np.asarray(_expand(cipher.reshape(1, -1), run.dither()[None], counts))[0]
        symbols, measured = run.unmix(values)
        claimed, pilots = outermost.error(), int(run.pilots.sum())
        if np.average(measured, weights=run.pilots) < claimed * (1 + 5 * np.sqrt(2 / pilots)):
            return symbols, turbo.level(claimed, measured, run.pilots)  # the pilots say: nothing happened
    quality = damage.find_quality(cipher, gaps)
    gaps = np.repeat(gaps.reshape(-1), cipher.shape[2]) if gaps.any() else None
    _, noisy, levels = damage.decode(run, cipher, (0, cipher.size), gaps, quality, denoise)
    return noisy, levels
