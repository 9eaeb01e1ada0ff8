"""What the page does, without the page: bytes and arrays in, results out; over the public API."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

import jaxcrypt
from jaxcrypt.crypto import pngreader
from jaxcrypt.declared import Entry
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.pictures import damages
from jaxcrypt.pictures.files import encode_png, load_picture, picture_size
from jaxcrypt.systems import catalog

MAX_MEGAPIXELS = 12
TRIAL_SIDE = 320  # of the copy that is damaged and opened with wrong keys: sliders want an answer soon
_KEY_IMAGE_SIDE = 64


@dataclass(frozen=True)
class File:
    """A file that was uploaded."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Chosen:
    """What was chosen to seal with.

    Attributes:
      system: its name; options: as typed, by name; cover: for Systems that want one.
      region: bool ``[h, w]`` drawn on a smaller copy, or what :func:`jaxcrypt.seal` takes; None for it all.
    """

    system: str
    options: Mapping[str, str] = field(default_factory=dict)
    cover: File | None = None
    region: Any = field(default=None, repr=False)

    def inputs(self) -> dict[str, Any]:
        """The System's further inputs."""
        wanted = wants_cover(catalog.entry(self.system))
        if wanted and self.cover is None:
            raise usage(f"{self.system} hides the photo in another picture: add one")
        return {wanted: (self.cover.name, self.cover.data)} if wanted and self.cover else {}


@dataclass(frozen=True)
class Encrypted:
    """A photo, what was made of it, and what comes back.

    Attributes:
      plain, cipher: uint8 ``[H, W, C]``; sealed: the sealed picture's bytes.
      opened: what its own pixels give with the right key; exact: whether that is the photo, sample by sample.
      refused: what opening it with another key is told.
      wrong: what a small copy gives under a key of which one bit is wrong; None where the System refuses.
      confidential: the System's own argument.
    """

    name: str
    plain: np.ndarray = field(repr=False)
    cipher: np.ndarray = field(repr=False)
    sealed: bytes = field(repr=False)
    opened: np.ndarray = field(repr=False)
    exact: bool
    refused: str
    wrong: np.ndarray | None = field(repr=False)
    confidential: str


def offered() -> list[Entry]:
    """The Systems that the page offers."""
    return [entry for entry in map(catalog.entry, catalog.NAMES) if entry.offered]


def wants_cover(entry: Entry) -> str:
    """The name of the picture that a System must be given; empty where it needs none."""
    return next((one.name for one in entry.inputs if one.required and one.kind == "picture"), "")


def takes_region(entry: Entry) -> bool:
    """Whether a System encrypts a region alone."""
    return any(one.kind == "mask" for one in entry.inputs)


def choices(entry: Entry) -> list[str]:
    """What may be chosen of a System, ``name=value`` each, where it wants no further input."""
    options = [one for one in entry.options if one.choices and not one.opening and not one.needs]
    return [f"{one.name}={text}" for one in options for text in one.shown]


def check_photo(file: File) -> np.ndarray:
    """The photo's pixels, uint8 ``[H, W, C]``.

    Raises:
      Refusal: no picture, or one that is too large for a page.
    """
    size = picture_size(file.data)
    if size and size[0] * size[1] > MAX_MEGAPIXELS * 10**6:
        raise Refusal(f"{file.name}: above {MAX_MEGAPIXELS} megapixels; the command line takes it")
    return load_picture(file.data, file.name).pixels


def keys_of(passphrase: str, key_image: File | None) -> jaxcrypt.Keys:
    """The keys that were given; both together are both needed.

    Raises:
      Refusal: none, or a picture that is no key.
    """
    if not passphrase and key_image is None:
        raise usage("give a passphrase, or a key image")
    return jaxcrypt.Keys(passphrase=passphrase or None, key_image=key_image and key_image.data)


def new_key_image() -> bytes:
    """A PNG of random pixels, to serve as a key."""
    side = _KEY_IMAGE_SIDE
    return encode_png(np.frombuffer(secrets.token_bytes(side * side * 3), np.uint8).reshape(side, side, 3))


def encrypt(file: File, keys: jaxcrypt.Keys, chosen: Chosen) -> Encrypted:
    """Seal a photo, open it again from its pixels, and see what other keys give.

    Raises:
      Refusal: what the System or the photo cannot be.
    """
    plain, entry = check_photo(file), catalog.entry(chosen.system)
    how = {"options": dict(chosen.options), "inputs": chosen.inputs(), "region": _region(chosen, plain)}
    sealed = jaxcrypt.seal(file.data, keys, name=file.name, system=chosen.system, **how)
    back = jaxcrypt.unseal(sealed, keys, from_pixels=True)
    try:
        jaxcrypt.unseal(sealed, jaxcrypt.Keys(passphrase=secrets.token_hex(16)), name=f"{file.name}.png")
        refused = ""
    except Refusal as refusal:
        refused = str(refusal)
    cipher = pngreader.read(sealed).decode()
    return Encrypted(
        file.name,
        plain,
        cipher,
        sealed,
        back.pictures[0],
        back.exact and back.pictures[0].shape == plain.shape,
        refused,
        _under_a_wrong_key(plain, chosen),
        entry.traits.argument,
    )


@dataclass(frozen=True)
class Opened:
    """What came out of a sealed picture: uint8 ``[H, W, C]`` each, files by name, and what to say of them."""

    pictures: list[np.ndarray] = field(repr=False)
    files: list[tuple[str, bytes]] = field(repr=False)
    says: str


def open_sealed(file: File, keys: jaxcrypt.Keys) -> Opened:
    """Open a sealed picture.

    Raises:
      Refusal: no sealed picture, no key fits, damaged or tampered.
    """
    opened = jaxcrypt.unseal(file.data, keys, name=file.name)
    names = ", ".join(name for name, _ in opened.files)
    if opened.from_pixels:
        says = "made from its pixels" + ("; exact" if opened.exact else "; close, not exact")
    else:
        says = f"the very file, {sum(len(data) for _, data in opened.files):,} bytes, nothing altered"
    return Opened(opened.pictures, opened.files, f"{names}: {says}")


@dataclass(frozen=True)
class Trial:
    """A small copy of a photo, sealed to be damaged.

    Attributes:
      plain, cipher: uint8 ``[H, W, C]``; header: what was saved of its header.
    """

    plain: np.ndarray = field(repr=False)
    cipher: np.ndarray = field(repr=False)
    header: bytes = field(repr=False)


def trial(plain: np.ndarray, keys: jaxcrypt.Keys, chosen: Chosen) -> Trial:
    """Seal a copy of at most :data:`TRIAL_SIDE` pixels a side, of which only the pixels travel."""
    small = _small(plain, chosen)
    how = {"options": dict(chosen.options), "inputs": chosen.inputs(), "pixels_only": True}
    region = _region(chosen, small)
    sealed = jaxcrypt.seal(encode_png(small), keys, system=chosen.system, region=region, **how)
    container = pngreader.read(sealed)
    return Trial(small, container.decode(), container.need_header())


def damaged(one: Trial, keys: jaxcrypt.Keys, spec: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """The cipher picture after damage, and what comes back of the photo: uint8 ``[H, W, C]`` both.

    Args:
      spec: kinds of :mod:`jaxcrypt.pictures.damages` and their strengths, in the order of their happening.

    Raises:
      Refusal: nothing of it can be decoded.
    """
    rng, pixels = np.random.default_rng(0), one.cipher
    for kind, strength in spec.items():
        pixels = damages.parse(f"{kind}={strength:g}")(pixels, rng).pixels
    opened = jaxcrypt.unseal(encode_png(pixels), keys, header=one.header, recover=True, keep_noise=True)
    return pixels, opened.pictures[0]


def _region(chosen: Chosen, plain: np.ndarray) -> Any:
    """The region as sealing takes it: a drawn mask at the photo's own size."""
    if not isinstance(chosen.region, np.ndarray):
        return chosen.region
    if not chosen.region.any():
        raise usage("nothing is drawn yet: paint over what is to be encrypted")
    size = plain.shape[1], plain.shape[0]
    mask = Image.fromarray(chosen.region.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)
    return np.asarray(mask) > 127


def _small(plain: np.ndarray, chosen: Chosen) -> np.ndarray:
    """A copy of at most :data:`TRIAL_SIDE` pixels a side, in channels that the System takes."""
    channels = 3 if plain.shape[2] > 2 else 1
    if channels not in catalog.entry(chosen.system).traits.channels:
        channels = 3
    image = Image.fromarray(plain[..., 0] if plain.shape[2] < 3 else plain[..., :3])
    image.thumbnail((TRIAL_SIDE, TRIAL_SIDE), Image.Resampling.LANCZOS)
    pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return pixels.reshape(*pixels.shape[:2], channels)


def _under_a_wrong_key(plain: np.ndarray, chosen: Chosen) -> np.ndarray | None:
    """A small copy decoded under a key of which one bit is wrong, all else known to whoever tries."""
    small, key = _small(plain, chosen), secrets.token_bytes(32)
    inputs = {name: load_picture(data, file).pixels for name, (file, data) in chosen.inputs().items()}
    cipher = jaxcrypt.load(chosen.system, options=dict(chosen.options), inputs=inputs)
    other = bytes([key[0] ^ 1]) + key[1:]
    try:
        (outcome,) = cipher.decrypt(cipher.encrypt([small], [key]), [other], small.shape)
    except Refusal:
        return None
    return outcome.pictures[0]
