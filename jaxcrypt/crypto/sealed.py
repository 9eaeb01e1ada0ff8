"""Sealed pictures: what the commands use. docs/FORMAT.md is the specification.

Sealing:  ``key = keyring.new_file_key(file, system, options)``; the System makes pixels from
``key.subkey("system")``; ``seal(key, …)`` makes the header; ``SealedPicture.write(file)`` writes the PNG.
Opening:  ``container = pngreader.read(data)``; ``opened = open_header(container.need_header(), keyring)``;
``opened.open_files(container.payload)`` gives the original file, or several where the System took several
pictures; ``opened.read_pixels(container)`` the verified cipher pixels.

Three integrity layers, each under a subkey of its own:

    header MAC = HMAC-SHA-256(subkey "header mac", all header bytes before it)          commits to FK
    pixel MAC  = HMAC-SHA-256(subkey "pixel mac", width || height || channels || samples)
    payload    = chunked AES-256-GCM, and SHA-256 of the file in the encrypted part of the header

A signature covers the header's body with the pixel MAC and the encrypted part, so whoever can read a picture
still cannot forge one.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from jaxcrypt.crypto import bundle, canonical, header, jpegfile, payload, pngpixels, pngreader, pngwriter
from jaxcrypt.crypto.contents import Contents, closed
from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.filekey import FileKey, Keyring
from jaxcrypt.crypto.names import clean_name
from jaxcrypt.crypto.signing import Signer, Verifier
from jaxcrypt.errors import ExitCode, Refusal, tampered
from jaxcrypt.pictures import recoding
from jaxcrypt.pictures.coefficients import Coefficients


@dataclass(frozen=True)
class SealedPicture:
    """A picture that is ready to be written.

    Attributes:
      header: the header's bytes: what ``--write-header`` saves.
      pixels: uint8 ``[H, W, C]``, the cipher picture.
      report: what whoever sealed it may be told of it; it is not written.
    """

    header: bytes
    pixels: np.ndarray = field(repr=False)
    report: Mapping[str, Any] = field(repr=False, default_factory=dict, kw_only=True)
    _key: bytes = field(repr=False, default=b"")
    _file: bytes | memoryview | None = field(repr=False, default=None)
    _padded: int = field(repr=False, default=0)

    @property
    def shape(self) -> header.Shape:
        """Height, width and channels of what everybody sees."""
        return self.pixels.shape

    def payload(self) -> Iterator[bytes]:
        """The encrypted original in pieces just under 1 MiB, made as they are asked for."""
        return iter(()) if self._file is None else payload.seal(self._key, self._file, self._padded)

    def write(self, file: BinaryIO) -> None:
        """Write the PNG, front to back."""
        pngwriter.write(file, self.pixels, self.header, self.payload())


def seal(
    key: FileKey,
    *,
    system: str,
    options: canonical.Options,
    pixels: np.ndarray,
    original: header.Shape,
    name: str,
    side: Mapping[str, Any] | None = None,
    file: bytes | memoryview | None = None,
    several: bool = False,
    signer: Signer | None = None,
    padding: Callable[[int], int] = payload.padme,
) -> SealedPicture:
    """Put a cipher picture and all that opens it together.

    Args:
      key: from :meth:`Keyring.new_file_key`, with the same system and options.
      pixels: uint8 ``[H, W, C]``, C-contiguous: what the System made.
      original: height, width, channels of the plain picture.
      name: the original file's name; folders are dropped.
      side: small arrays that decoding needs (uint8, uint32, int32, float32, bool).
      file: the original file's bytes, or None for ``--pixels-only``.
      several: ``file`` is a :mod:`~jaxcrypt.crypto.bundle`, whose first file has the name ``name``.
      signer: signs for ``--sign``.
      padding: the file's length to the one that shows: :func:`payload.padme` or :func:`payload.power_of_two`.

    Raises:
      ValueError: options or arrays without a canonical form.
      Refusal: side information beyond what a header holds.
    """
    contents = Contents(original, name, side or {}, file, several, padding)
    public = {"system": system, "options": options, "shape": pixels.shape, "mac": pixel_mac(key, pixels)}
    data = contents.header(key, signer=signer, **public)
    return SealedPicture(data, pixels, key.subkey("payload"), file, contents.padded)


def rekeyed(opened: Opened, stanzas: Sequence[bytes], signer: Signer | None = None) -> bytes:
    """The header of an opened picture with other stanzas for the same file key; pixels and payload stay.

    A signature covers the stanzas, so the old one is dropped; ``signer`` signs anew.
    """
    return closed(replace(opened.header, stanzas=tuple(stanzas), signature=None), opened.key, signer)


@dataclass(frozen=True)
class Opened:
    """A header that a key opened and whose MAC holds.

    Attributes:
      header: the public fields (system, options, shape, original, payload, …).
      key: subkeys; ``opened.key.subkey("system")`` is the System's.
      name: the original file's name, safe to use as one (no folders, no control characters).
      length: the original file's length, and ``padded`` the one that shows (0: no file travels).
      side: the System's side arrays.
      source: what messages call the sealed file.
    """

    header: header.Header
    key: FileKey = field(repr=False)
    name: str
    length: int
    padded: int
    side: dict[str, np.ndarray] = field(repr=False)
    source: str

    def verify_pixels(self, pixels: np.ndarray) -> bool:
        """Whether these are the pixels that were sealed: uint8 ``[H, W, C]``."""
        return pixels.shape == self.header.shape and hmac.compare_digest(
            pixel_mac(self.key, pixels), self.header.pixel_mac
        )

    def read_pixels(self, container: pngreader.Container) -> np.ndarray:
        """The verified cipher pixels, uint8 ``[H, W, C]``; anything else is a Refusal (TAMPERED).

        Sizes are compared before anything is decoded, so a small file cannot ask for much memory.
        """
        if container.shape[:2] != self.header.shape[:2]:
            raise tampered(f"{self.source}: pixels damaged or tampered (another size); nothing written")
        pixels = pngpixels.with_channels(container.decode(), self.header.shape[2])
        if pixels is None or not self.verify_pixels(pixels):
            raise tampered(f"{self.source}: pixels damaged or tampered; nothing written")
        return pixels

    def read_coefficients(self, container: jpegfile.Container) -> Coefficients:
        """The verified coefficients of a sealed JPEG; anything else is a Refusal (TAMPERED)."""
        if self.header.system != jpegfile.SYSTEM or container.shape != self.header.shape:
            raise tampered(f"{self.source}: picture damaged or tampered (another header's); nothing written")
        picture = container.read_coefficients()
        if not hmac.compare_digest(jpegfile.picture_mac(self.key, picture), self.header.pixel_mac):
            raise tampered(f"{self.source}: picture damaged or tampered; nothing written")
        return picture

    def open_files(self, pieces: Sequence[bytes | memoryview]) -> list[bundle.File]:
        """Name and bytes of each original file, the picture's own first; none with ``--pixels-only``.

        Raises:
          Refusal: (TAMPERED) as :meth:`open_payload`; or a bundle that no writer makes.
        """
        data = self.open_payload(pieces)
        if data is None:
            return []
        if self.header.payload != header.FILES:
            return [(self.name, data)]
        try:
            files = bundle.unpack(data)
        except Malformed as reason:
            # Only someone who holds a key can have made such a payload.
            raise tampered(f"{self.source}: payload malformed behind its MAC ({reason})") from None
        if files[0][0] != self.name:
            raise tampered(f"{self.source}: payload and header name the file differently")
        return files

    def open_payload(self, pieces: Sequence[bytes | memoryview]) -> bytearray | None:
        """What was sealed, byte for byte: a file or a bundle; None with ``--pixels-only``.

        Raises:
          Refusal: (TAMPERED) missing, damaged, cut, extended, or another file than the header names;
            (BAD_INPUT) Lepton, which recoded it, is not installed.
        """
        if not self.header.payload:
            if pieces:
                raise tampered(f"{self.source}: tampered (a payload was added)")
            return None
        if not pieces:
            raise tampered(f"{self.source}: payload missing (stripped or tampered)")
        try:
            key, digest = self.key.subkey("payload"), self.key.digest
            if self.header.payload == header.RECODED:
                return self._unpacked(payload.open_padded(key, pieces, self.padded))
            return payload.open_sealed(key, pieces, self.length, self.padded, digest)
        except payload.Forged as reason:
            raise tampered(f"{self.source}: payload damaged or tampered ({reason})") from None

    def _unpacked(self, packed: bytearray) -> bytearray:
        """The file that was recoded, if it is the one that the header names."""
        try:
            file = recoding.unpack(packed)
        except recoding.Missing as reason:
            raise Refusal(f"{self.source}: {reason}") from None
        except recoding.Lost as reason:
            raise payload.Forged(str(reason)) from None
        if len(file) != self.length or not hmac.compare_digest(
            hashlib.sha256(file).digest(), self.key.digest
        ):
            raise payload.Forged("it is not the file that the header names")
        return bytearray(file)

    def check_signature(self, verifier: Verifier) -> None:
        """Refuse (BAD_SIGNATURE) a picture that is not signed by ``verifier``'s signer.

        The signature covers pixels and file through the header; check those as well before using them.
        """
        if self.header.signature is None:
            raise Refusal(f"{self.source}: is not signed", ExitCode.BAD_SIGNATURE)
        if not verifier.verify(self.header.signature, self.header.body()):
            raise Refusal(f"{self.source}: signature is not by that key", ExitCode.BAD_SIGNATURE)


def open_header(data: bytes, keyring: Keyring, source: str = "input") -> Opened:
    """Open a header with whatever key fits.

    Args:
      data: the header chunk's bytes, or those of a file that ``--write-header`` saved.
      source: what to call the file in messages.

    Raises:
      Refusal: (BAD_INPUT) another version; (NO_KEY) no key fits; (TAMPERED) anything else.
    """
    head, mac = read_header(data, source)

    def fits(secret: bytes) -> bool:
        made = hmac.digest(FileKey(secret).subkey("header mac"), data[: -header.MAC_BYTES], "sha256")
        return hmac.compare_digest(made, mac)

    try:
        secret = keyring.open(head.stanzas, fits)
    except Refusal as refusal:
        raise Refusal(f"{source}: {refusal}", refusal.code) from None
    key = FileKey(secret)
    try:
        plain = AESSIV(key.subkey("header encryption", 64)).decrypt(head.hidden, None)
        hidden = header.decode_hidden(plain, head.version, head.payload)
    except (InvalidTag, Malformed) as reason:
        # Only someone who holds a key can have made such a header.
        what = f" ({reason})" if str(reason) else ""
        raise tampered(f"{source}: header damaged: malformed behind its MAC{what}") from None
    if hidden.name != clean_name(hidden.name):
        raise tampered(f"{source}: header names an unsafe file name")
    key = FileKey(secret, hidden.digest, hidden.length, head.stanzas)
    return Opened(head, key, hidden.name, hidden.length, hidden.padded, hidden.side, source)


def read_header(data: bytes, source: str = "input") -> tuple[header.Header, bytes]:
    """The public header and its MAC, without a key and so without knowing whether they are genuine.

    Raises:
      Refusal: (BAD_INPUT) another version of the format; (TAMPERED) malformed.
    """
    try:
        return header.decode(data)
    except header.UnknownVersion as version:
        raise Refusal(
            f"{source}: header version {version} is unknown; this program reads 1 to {header.VERSION}"
        ) from None
    except Malformed as reason:
        raise tampered(f"{source}: header damaged or tampered ({reason})") from None


def pixel_mac(key: FileKey, pixels: np.ndarray) -> bytes:
    """HMAC-SHA-256 over width, height, channels (u32, u32, u8) and the samples of uint8 ``[H, W, C]``."""
    height, width, channels = pixels.shape
    mac = hmac.new(key.subkey("pixel mac"), struct.pack(">IIB", width, height, channels), "sha256")
    mac.update(np.ascontiguousarray(pixels).data.cast("B"))
    return mac.digest()
