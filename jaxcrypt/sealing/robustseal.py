"""Sealing pictures that survive messengers: with their header in their pixels, and where asked their file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from jaxcrypt.crypto import carried, header, payload
from jaxcrypt.crypto.filekey import RECIPIENT_BYTES, FileKey
from jaxcrypt.crypto.sealed import SealedPicture
from jaxcrypt.errors import usage
from jaxcrypt.pictures import recoding
from jaxcrypt.record import Progress, Sealed
from jaxcrypt.sealing import carriers
from jaxcrypt.sealing.carriers import CarrierPicture, TooSmall
from jaxcrypt.sealing.cipher import Cipher
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.seal import Plain, Sealer
from jaxcrypt.travel import digits, headline
from jaxcrypt.travel.lattice import lattice
from jaxcrypt.travel.planes import SIDE

_PUBLIC, _SLACK = 64, 8  # bytes of a header's public part and what frames it; and of what carriers add
_HIDDEN, _UNIT = 49, 32  # of its hidden part besides name and arrays, padded to units


class RobustSealer(Sealer):
    """A :class:`~jaxcrypt.sealing.seal.Sealer` of robust pictures, which carry header and maybe file.

    Args:
      how: what :func:`jaxcrypt.sealing.carriers.travel` made of the options.
      others: as for a :class:`~jaxcrypt.sealing.seal.Sealer`.

    Raises:
      Refusal: as there; a file in the pixels that is to be left out, or signed.
    """

    foresees = True  # how large sealed picture and header will be

    def __init__(self, keys: Keys, system: str, how: carriers.Travel, **others: Any):
        if how.way:
            _refuse(others, "--survives", ("--pixels-only", "pixels_only"))
            _refuse_signer(others)
        _refuse(others, "--robust", ("--exact", "exact"))  # its pixels change once they are encrypted
        if how.inner is not None:
            raise usage("--inner-quality: with --robust exact only")
        super().__init__(keys, system, **others)
        self._how = how

    @cached_property
    def cipher(self) -> Cipher:
        """As :attr:`~jaxcrypt.sealing.seal.Sealer.cipher`, told whether carriers may grow for digits.

        With a bound, or with recipients' long stanzas, there is no room to give away.
        """
        bound = self._how.pixels or self._how.fit or RECIPIENT_BYTES in self.keys.keyring.stanza_sizes
        return replace(self._load(), grows=bool(self._how.way) and not bound)

    def read(self, data: bytes, name: str = "picture", **others: Any) -> Plain:
        """As :meth:`~jaxcrypt.sealing.seal.Sealer.read`.

        Raises:
          Refusal: also where a file in the pixels has a header that is too long for them.
        """
        plain = super().read(data, name, **others)
        if not self._how.way:
            return plain
        needs = headline.length_of(bytes(self._header(plain)[0]))
        if needs > headline.MOST:
            raise usage(
                f"{name}: its header takes {needs} bytes, and at most {headline.MOST} go into pixels; take "
                "fewer recipients, no --thumbnail, or --write-header in place of --survives"
            )
        return plain if self._further else _recoded(plain)

    def _header(self, plain: Plain) -> tuple[int, int, int]:
        """Bytes of the header, where there are digits a few more; and height and width of the System's
        picture."""
        cipher = self.cipher
        empty = cipher.system.outline(plain.pixels.shape, cipher.options, cipher.grows)
        height, width, _ = empty.pixels.shape
        stanzas = tuple(map(bytes, self.keys.keyring.stanza_sizes))
        key = FileKey(bytes(32), bytes(32), len(plain.data), stanzas)
        place = carried.Carrier(height, width, (height, width), self._how.way)
        kind = header.FILE if self._how.way else header.NOTHING
        try:
            size = len(carried.seal(key, place, **self._facts(plain, empty.side), payload=kind))
        except carried.TooLong as long:
            size = long.args[0]
        return size + (_SLACK if self._how.way else 0), height, width

    def _facts(self, plain: Plain, side: Mapping[str, Any]) -> dict[str, Any]:
        """What the header says besides where everything is."""
        facts = {"system": self.entry.name, "options": self.cipher.stored, "original": plain.shape}
        return facts | {"name": plain.name, "side": {**side, **plain.extras.arrays()}}

    def _put_together(self, plain: Plain, key: FileKey, made: Sealed) -> SealedPicture | CarrierPicture:
        facts = self._facts(plain, made.side)
        if not self._how.way:
            self._check_fit(plain, made)
            pixels = carriers.with_header(key, made.pixels, facts)
            return super()._put_together(plain, key, replace(made, pixels=pixels))
        file, kind = _carried(plain, self._contents(plain), bool(self._further))
        padded = self._padding(len(file))
        try:
            return carriers.with_digits(self._how, key, facts, file, padded, kind, made.pixels)
        except TooSmall as small:
            raise carriers.refusal(plain.name, self._how, small.args[0], plain.pixels, 0) from None

    def _check_fit(self, plain: Plain, made: Sealed) -> None:
        """Refuse a picture whose longest side is longer than ``--fit`` allows."""
        height, width, _ = made.pixels.shape
        if self._how.fit is not None and max(height, width) > self._how.fit:
            share = self._how.fit / max(height, width)
            most = [int(side * share) for side in plain.shape[1::-1]]
            raise usage(
                f"{plain.name}: becomes {width}×{height}, longer than --fit {self._how.fit}; "
                f"shrink the photo to {most[0]}×{most[1]}, or take a smaller --robust"
            )

    def remarks(self, plain: Plain) -> list[str]:
        """Where a picture will be too small for its header."""
        if self._how.way:
            return []
        size, height, width = self._header(plain)
        if headline.fits(headline.length_of(bytes(size)), height // SIDE, width // SIDE):
            return []
        return ["its pixels will not carry its header, which is too long: keep a copy with --write-header"]


def _refuse_signer(given: Mapping[str, Any]) -> None:
    if given.get("signer"):
        raise usage(
            "--sign: a signature takes 3.4 kB, more than pixels tell of a header; "
            "not with --survives or --robust exact"
        )


def _refuse(given: Mapping[str, Any], beside: str, *flags: tuple[str, str]) -> None:
    for flag, name in flags:
        if given.get(name):
            raise usage(f"{flag} with {beside}: cannot be; leave out one of them")


class DigitSealer(Sealer):
    """A :class:`~jaxcrypt.sealing.seal.Sealer` that puts the file, and nothing else, into the pixels.

    Args:
      how: what :func:`jaxcrypt.sealing.carriers.travel` made of the options.
      others: as for a :class:`~jaxcrypt.sealing.seal.Sealer`.

    Raises:
      Refusal: what cannot travel so: signatures, regions, pictures without their file.
    """

    computes = False

    def __init__(self, keys: Keys, system: str, how: carriers.Travel, **others: Any):
        flags = ("--pixels-only", "pixels_only"), ("--roi", "region")
        _refuse(others, "--robust exact", *flags, ("--exact", "exact"))
        _refuse_signer(others)
        super().__init__(keys, system, **others)
        self._how = how

    @property
    def label(self) -> str:
        """What reports call the way of sealing."""
        return f"digits through JPEG {self._how.way}"

    def read(self, data: bytes, name: str = "picture", **others: Any) -> Plain:
        """As :meth:`~jaxcrypt.sealing.seal.Sealer.read`; the photo encoded anew where that is wanted.

        Raises:
          Refusal: also a file that does not fit.
        """
        plain = super().read(data, name, **others)
        if self._how.inner is not None:
            made = carriers.encoded(plain.pixels, self._inner(plain, name))
            plain = replace(plain, data=made, name=carriers.inner_name(plain.name))
        if not self._further:
            plain = _recoded(plain)
        self._layout(plain, name)
        return plain

    def _inner(self, plain: Plain, name: str) -> int:
        """The AVIF quality: what was asked for, or the best that fits."""
        if self._how.inner != carriers.FIT:
            return int(self._how.inner or 0)
        quality = carriers.best_inner(self._how, plain.pixels, _header_size(self.keys, plain))
        if quality is None:
            raise usage(f"{name}: no AVIF file of it fits; take more --pixels, or a longer --fit")
        return quality

    def _file(self, plain: Plain) -> tuple[bytes, int]:
        return _carried(plain, self._contents(plain), bool(self._further))

    def _layout(self, plain: Plain, name: str):
        length = payload.sealed_length(self._padding(len(self._file(plain)[0])))
        head = _header_size(self.keys, plain)
        if headline.length_of(bytes(head)) > headline.MOST:
            raise usage(f"{name}: its header is too long for its pixels; fewer recipients, or no --thumbnail")
        try:
            return carriers.plan(self._how, plain.shape, length, head)
        except TooSmall as small:
            raise carriers.refusal(name, self._how, small.args[0], plain.pixels, head) from None

    def remarks(self, plain: Plain) -> list[str]:
        """What fits, told before the work."""
        layout = self._layout(plain, plain.name)
        grid = lattice(self._how.way)
        room = digits.capacity(layout.cells, self._how.way, grid)
        times = layout.height * layout.width / (plain.shape[0] * plain.shape[1])
        told = [
            f"{layout.width}×{layout.height} ({times:.2f} times the photo's pixels) carry {room} bytes, "
            f"its file is {len(self._contents(plain))}"
            + (f", recoded {len(plain.recoded)}" if plain.recoded else "")
        ]
        if self._how.inner is not None:
            told.append(
                f"the photo was encoded anew as {Path(plain.name).suffix[1:].upper()}: "
                "what comes back exactly is that file, not the original"
            )
        return told

    def seal(self, pictures: Sequence[Plain], progress: Progress = None) -> list[CarrierPicture]:
        """One carrier each.

        Raises:
          Refusal: a file that does not fit, no key to seal with.
        """
        made = []
        for done, plain in enumerate(pictures, 1):
            key = self.keys.keyring.new_file_key(self._contents(plain), self.entry.name, ())
            side = plain.extras.arrays()
            facts = {"system": self.entry.name, "options": (), "original": plain.shape, "name": plain.name}
            facts |= {"side": side}
            file, kind = self._file(plain)
            made.append(carriers.with_digits(self._how, key, facts, file, self._padding(len(file)), kind))
            if progress is not None:
                progress(done / len(pictures))
        return made

    def quality(self, plain: Plain) -> float | None:
        """Exact."""
        return math.inf

    def notes(self) -> list[str]:
        """What whoever seals with these keys should know, a line each."""
        notes = self.keys.keyring.advice()
        notes.append("the pixels carry the sealed file itself, masked with ChaCha20: as confidential as that")
        if self.keys.image_alone:
            notes.append("a key image that others may have is no secret: keep it to yourself")
        return notes


def _recoded(plain: Plain) -> Plain:
    return replace(plain, recoded=recoding.pack(plain.data))


def _carried(plain: Plain, contents: bytes, several: bool) -> tuple[bytes, int]:
    """What becomes digits, and how headers call it."""
    if plain.recoded is not None:
        return plain.recoded, header.RECODED
    return contents, header.FILES if several else header.FILE


def _header_size(keys: Keys, plain: Plain) -> int:
    """Bytes of a picture's header, or a few more."""
    arrays = sum(array.nbytes + 64 for array in plain.extras.arrays().values())
    hidden = _HIDDEN + len(plain.name.encode("utf-8", "replace")) + arrays
    return _PUBLIC + sum(keys.keyring.stanza_sizes) + -(-hidden // _UNIT) * _UNIT
