"""Photos into sealed pictures: bytes in, bytes out; nothing is printed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.crypto import bundle, payload, sealed, signing
from jaxcrypt.crypto.bundle import File
from jaxcrypt.crypto.filekey import FileKey
from jaxcrypt.crypto.ledger import proof
from jaxcrypt.crypto.sealed import SealedPicture
from jaxcrypt.crypto.signing import Signer
from jaxcrypt.errors import usage
from jaxcrypt.pictures import thumbnails
from jaxcrypt.pictures.files import load_picture
from jaxcrypt.record import Progress, Sealed
from jaxcrypt.regions.request import Region, Request, request
from jaxcrypt.sealing import inputs as system_inputs
from jaxcrypt.sealing import residual
from jaxcrypt.sealing.cipher import Cipher, load
from jaxcrypt.sealing.extras import MAX_ICC, Extras, Stamp
from jaxcrypt.sealing.inputs import Source
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.systems import catalog

_SIDE = 512  # of the cut whose quality stands for the whole


@dataclass(frozen=True)
class Plain:
    """A picture that was read and may be sealed.

    Attributes:
      name: the file's name; data: its bytes.
      shape: height, width and channels of the picture.
      pixels: uint8 ``[H, W, C]``: what the System gets, without the alpha channel where that travels beside.
      extras: what travels in the header besides.
      changes: what the pixels lack of the file, in words.
      region: what of it is encrypted; None for all of it.
      recoded: the file as :func:`jaxcrypt.pictures.recoding.pack` made it, where that travels instead.
    """

    name: str
    data: bytes = field(repr=False)
    shape: tuple[int, int, int]
    pixels: np.ndarray = field(repr=False)
    extras: Extras = field(default_factory=Extras, repr=False)
    changes: tuple[str, ...] = ()
    region: Region | None = None
    recoded: bytes | None = field(default=None, repr=False)


class Sealer:
    """Seals pictures under the same keys, System and options. May be shared by threads.

    Args:
      keys: with a passphrase, key image, key file or recipients.
      system: a System's name.
      weights: a zoo entry or a path of weights to use instead of the System's own.
      options: the System's, by name, as a person types them (``"1/2"``) or as headers store them.
      inputs: the System's further inputs by name, such as a cover: paths, bytes or ``(name, bytes)``.
      pixels_only: leave out the file's bytes.
      attach: further files of any kind that travel beside the picture's own.
      signer: a private signing key, or its path.
      hide_size: pad what travels to the next power of two, so that its length names hardly any file.
      region: what of each picture is encrypted, as :func:`jaxcrypt.regions.request.request` takes it; the
        rest stays open. None for all of it.
      thumbnail: a small picture travels in the header, encrypted, so that a folder can be looked through.
      exact: with ``pixels_only``: what the System leaves out of the samples travels too, in the header.

    Raises:
      Refusal: whatever of these cannot be; the System itself is loaded when the first picture is sealed.
    """

    def __init__(
        self,
        keys: Keys,
        system: str = catalog.DEFAULT,
        *,
        weights: str | None = None,
        options: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Source | Sequence[Source]] | None = None,
        pixels_only: bool = False,
        attach: Sequence[Source] = (),
        signer: Signer | str | Path | None = None,
        hide_size: bool = False,
        region: Any = None,
        thumbnail: bool = False,
        exact: bool = False,
    ):
        self._thumbnail, self._exact = thumbnail, exact
        self.keys, self.pixels_only, self.entry = keys, pixels_only, catalog.entry(system)
        self._weights = weights
        self._region: Request | None = None if region is None else request(region)
        self._padding = payload.power_of_two if hide_size else payload.padme
        keys.keyring.check_sealing()
        system_inputs.check_exact(self.entry, exact, pixels_only)
        self._options = system_inputs.read_options(self.entry, options or {})
        self._mask = system_inputs.mask_name(self.entry, self._options) if self._region else ""
        self._inputs = system_inputs.read_inputs(self.entry, inputs or {}, self._options, keys)
        self._signer = signing.read_signer(signer) if isinstance(signer, str | Path) else signer
        system_inputs.check_attached(attach, pixels_only)
        self._attached = tuple(map(system_inputs.read_source, attach))
        count = len(self._inputs.files) + len(self._attached)
        if count >= bundle.MAX_FILES:
            raise usage(f"{count} further files; at most {bundle.MAX_FILES - 1} travel with a picture")

    _expected = 0
    computes = True  # whether sealing needs a System
    foresees = False  # whether reading a picture does, too

    def expect(self, samples: int) -> None:
        """Say how many samples are to be sealed in all, before the first: starting what is fast may pay."""
        self._expected = samples

    @property
    def label(self) -> str:
        """What reports call the way of sealing."""
        return self.entry.name

    @property
    def room(self) -> int:
        """How many further pictures the weights hide with one."""
        return sum(one.most for one in self.cipher.system.inputs if one.kind == "pictures")

    @cached_property
    def cipher(self) -> Cipher:
        """The System with its weights; loading it starts JAX."""
        return replace(self._load(), expected=self._expected)

    def _load(self) -> Cipher:
        return load(self.entry.name, self._weights, self._options, self._inputs.arrays)

    def read(
        self,
        data: bytes,
        name: str = "picture",
        *,
        stamp: Stamp | None = None,
        folder: Sequence[str] = (),
    ) -> Plain:
        """Decode a picture's file.

        Args:
          name: the file's, which travels encrypted.
          stamp: modification time and mode of the file, to travel as well.
          folder: names of the folders that it lay in, the outermost first, to travel as well.

        Raises:
          Refusal: no picture, one that the System does not take, or the key image itself; as a
            :class:`~jaxcrypt.regions.request.NothingFound` one without the region that is asked for.
        """
        if self.keys.is_key_image(data):
            raise usage(f"{name}: is the key image itself; a picture cannot be its own key")
        picture = load_picture(data, name)
        system_inputs.check_channels(self.entry, picture, name)
        pixels, alpha = picture.pixels, None
        if pixels.shape[2] not in self.entry.traits.channels:
            pixels, alpha = np.ascontiguousarray(pixels[..., :-1]), pixels[..., -1]
        further = tuple(name for name, _ in self._inputs.files) if self.pixels_only else ()
        icc = picture.icc if self.pixels_only and len(picture.icc) <= MAX_ICC else b""
        changed = self.pixels_only and bool(picture.changes)
        small = thumbnails.encode(picture.pixels) if self._thumbnail else b""
        logged = proof.pack(self.keys.proofs)
        extras = Extras(alpha, icc, changed, further, stamp, tuple(folder), small, logged)
        region = self._region.find(pixels, name) if self._region else None
        return Plain(Path(name).name, data, picture.pixels.shape, pixels, extras, picture.changes, region)

    def seal(self, pictures: Sequence[Plain], progress: Progress = None) -> list[SealedPicture]:
        """Seal pictures of one shape together.

        Args:
          progress: called with the share done, 0 to 1.

        Raises:
          Refusal: a picture or an option that the System cannot take, no key to seal with.
        """
        keyring, parameters = self.keys.keyring, (*self.cipher.stored, *self._inputs.binding)
        # The files are put together anew for key and payload, so that a batch does not hold them many times.
        keys = [
            keyring.new_file_key(self._contents(plain), self.entry.name, (*parameters, *_binding(plain)))
            for plain in pictures
        ]
        made = self._encrypt(pictures, [key.subkey("system") for key in keys], progress)
        if self._exact:
            pictures = [self._mended(*three) for three in zip(pictures, keys, made, strict=True)]
        return [self._put_together(*three) for three in zip(pictures, keys, made, strict=True)]

    def _mended(self, plain: Plain, key: FileKey, made: Sealed) -> Plain:
        """The picture with what its cipher leaves out of it, found by decoding that."""
        (outcome,) = self.of(plain).decrypt([made], [key.subkey("system")], plain.pixels.shape)
        left = residual.code(plain.pixels, outcome.pictures[0])
        extras = replace(plain.extras, residual=left, samples=residual.digest(plain.pixels))
        return replace(plain, extras=extras)

    def _encrypt(self, pictures: Sequence[Plain], keys: list[bytes], progress: Progress) -> list[Sealed]:
        """Those without a region together, since they are of one shape; each other with its own mask."""
        if all(plain.region is None for plain in pictures):
            return self.cipher.encrypt([plain.pixels for plain in pictures], keys, progress)
        made = []
        for done, (plain, key) in enumerate(zip(pictures, keys, strict=True), 1):
            made += self.of(plain).encrypt([plain.pixels], [key])
            if progress is not None:
                progress(done / len(pictures))
        return made

    def of(self, plain: Plain) -> Cipher:
        """The System as it encrypts that picture: its region and no more."""
        return self.cipher if plain.region is None else self.cipher.given({self._mask: plain.region.mask})

    def _put_together(self, plain: Plain, key, made) -> SealedPicture:
        picture = sealed.seal(
            key,
            system=self.entry.name,
            options=self.cipher.stored,
            pixels=made.pixels,
            original=plain.shape,
            name=plain.name,
            side={**made.side, **plain.extras.arrays()},
            file=None if self.pixels_only else self._contents(plain),
            several=bool(self._further),
            signer=self._signer,
            padding=self._padding,
        )
        return replace(picture, report=made.report)

    @property
    def _further(self) -> tuple[File, ...]:
        return () if self.pixels_only else (*self._inputs.files, *self._attached)

    def _contents(self, plain: Plain) -> bytes:
        """What travels exactly: the picture's file, or that and further ones."""
        if not self._further:
            return plain.data
        names = bundle.distinct_names([plain.name, *(name for name, _ in self._further)])
        return bundle.pack(list(zip(names, [plain.data, *(data for _, data in self._further)], strict=True)))

    def travelling(self, plain: Plain) -> int:
        """Bytes of the files that travel with a picture, as they are."""
        return 0 if self.pixels_only else len(plain.data) + sum(len(data) for _, data in self._further)

    def quality(self, plain: Plain) -> float | None:
        """PSNR in dB of what the pixels give back: of the 512×512 in the middle, or of the region.

        A System that hides the picture in a cover resizes it to that, so it is measured as a whole. Infinite
        where exact; None where nothing is decoded.
        """
        if self._exact:
            return math.inf
        whole = self.entry.traits.covert or plain.region is not None
        cut = plain.pixels if whole else np.ascontiguousarray(_middle(plain.pixels))
        key, cipher = [bytes(range(32))], self.of(plain)  # nothing of this is kept
        outcome, *_ = cipher.decrypt(cipher.encrypt([cut], key), key, cut.shape)
        measured = ... if plain.region is None else plain.region.mask
        error = np.square(outcome.pictures[0].astype(np.float32) - cut)[measured].mean()
        return 10 * math.log10(255**2 / error) if error else math.inf

    def notes(self) -> list[str]:
        """What whoever seals with this System and these keys should know, a line each."""
        system, notes = self.entry.name, self.keys.keyring.advice()
        if not self.cipher.system.traits.exact or system != catalog.DEFAULT:
            notes.append(f"how confidential the pixels of {system} are: {self.cipher.argument}")
        if self._region:
            notes.append("what lies outside the region stays open, for everybody to see")
        if self._exact:
            notes.append("exact where the same machine and version decrypts; another may differ, and says so")
        elif self.pixels_only and not self.cipher.system.traits.exact:
            notes.append(f"{system} with --pixels-only: decrypt gives back a close picture, not the file")
        if self.keys.image_alone:
            notes.append("a key image that others may have is no secret: keep it to yourself")
        return notes

    def remarks(self, plain: Plain) -> list[str]:
        """What to know of a picture before it is sealed, a line each."""
        return []


def _middle(pixels: np.ndarray) -> np.ndarray:
    top, left = (max(0, (side - _SIDE) // 2) for side in pixels.shape[:2])
    return pixels[top : top + _SIDE, left : left + _SIDE]


def _binding(plain: Plain) -> tuple[tuple[str, str], ...]:
    """What of the region goes into the file key."""
    return () if plain.region is None else (("region", system_inputs.digest([plain.region.mask])),)
