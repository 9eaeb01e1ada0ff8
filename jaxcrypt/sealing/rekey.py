"""Other keys for a sealed picture: its pixels and its payload stay, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from jaxcrypt.crypto import jpegfile, pngwriter, sealed, signing
from jaxcrypt.crypto.signing import Signer, Verifier
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.unseal import Opener


@dataclass(frozen=True)
class Rekeyed:
    """A picture that is ready to be written.

    Attributes:
      header: its new one.
      write: writes the file, front to back.
      jpeg: whether that is a JPEG, not a PNG.
      was_signed: whether its old signature is gone.
    """

    header: bytes = field(repr=False)
    write: Callable[[BinaryIO], None] = field(repr=False)
    jpeg: bool = False
    was_signed: bool = False


class Rekeyer:
    """Lets other keys open sealed pictures, after all of each was verified.

    Whoever could open a picture before may have kept the file key, and can open the new one with it: to shut
    somebody out, seal the photo anew.

    Args:
      keys: those that open pictures now; new: those that shall.
      signer: signs anew, an object or its path; an old signature does not fit other keys.
      signed_by: the public key, or its path, of whoever must have signed.

    Raises:
      Refusal: a file that is no such key.
    """

    def __init__(
        self,
        keys: Keys,
        new: Keys,
        *,
        signer: Signer | str | Path | None = None,
        signed_by: Verifier | str | Path | None = None,
    ):
        self._new, self._opener = new, Opener(keys, signed_by=signed_by, any_file=True)
        self._signer = signing.read_signer(signer) if isinstance(signer, str | Path) else signer

    def rekey(self, data: bytes, name: str = "input") -> Rekeyed:
        """A sealed picture's bytes with other stanzas; ``name`` is what messages call it.

        Raises:
          Refusal: no sealed picture, no key fits, damaged or tampered, no new key.
        """
        sealed_jpeg = jpegfile.is_sealed(data)
        opening = self._opener.open_jpeg if sealed_jpeg else self._opener.open_container
        container, opened = opening(data, name)
        opened.open_payload(container.payload)
        header = sealed.rekeyed(opened, self._new.keyring.wrap(opened.key.secret), self._signer)
        was_signed = opened.header.signature is not None and self._signer is None
        if isinstance(container, jpegfile.Container):
            opened.read_coefficients(container)
            write = partial(jpegfile.write, jpeg=container.jpeg, header=header, pieces=container.payload)
        else:
            pixels = opened.read_pixels(container)
            write = partial(pngwriter.write, pixels=pixels, header=header, payload=container.payload)
        return Rekeyed(header, write, sealed_jpeg, was_signed)
