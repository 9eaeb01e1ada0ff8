"""How sealed pictures are opened: with which keys, how strictly, and by which Systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from jaxcrypt.crypto import signing
from jaxcrypt.crypto.bundle import File
from jaxcrypt.crypto.ledger import trust
from jaxcrypt.crypto.sealed import Opened
from jaxcrypt.crypto.signing import Verifier
from jaxcrypt.pictures.files import read_file
from jaxcrypt.sealing import naming, recovery
from jaxcrypt.sealing.cipher import Cipher, load_stored
from jaxcrypt.sealing.inputs import KEY_IMAGE
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.systems import catalog


@dataclass(frozen=True, eq=False)
class Policy:
    """How pictures are to be opened.

    Attributes:
      keys: to open with.
      header: the header that was saved beside, as bytes or as a path, instead of the picture's own.
      recover: decode damaged pixels, which nothing authenticates, where nothing else is left.
      lost: white where cipher pixels are known to be lost: a picture's path or bytes, or bool ``[H, W]``.
      from_pixels: decode the pixels even where the file travels.
      signed_by: the public key, or its path, of whoever must have signed.
      ledger: the policy, or its path, by which a proof must show the recipient's key in a key ledger.
      weights: a zoo entry or a path of weights to use instead of those that the header names.
      any_file: take whatever travels, not pictures only.
      check_pixels: also compare the pixels with the file that travels; with ``signed_by`` that is always done
        of Systems whose pixels are exact.
      keep_noise: give back recovered pictures that are nothing but noise.
      options: of decryption, by name, typed or stored; refused where a picture's System has none such.
      expected: about how many samples are to be opened in all, where more pictures are to come.

    Raises:
      Refusal: a file that cannot be read or is no such key.
    """

    keys: Keys
    _: KW_ONLY
    header: bytes | str | Path | None = None
    recover: bool = False
    lost: recovery.Mask = None
    from_pixels: bool = False
    signed_by: Verifier | str | Path | None = None
    ledger: trust.Policy | str | Path | None = None
    weights: str | None = None
    any_file: bool = False
    check_pixels: bool = False
    keep_noise: bool = False
    options: Mapping[str, Any] | None = None
    expected: int = 0

    def __post_init__(self):
        _ = (
            self.saved_header,
            self.verifier,
            self.trusted,
        )  # what cannot be read is refused now, not with the first picture

    @cached_property
    def saved_header(self) -> bytes | None:
        """The bytes of ``header``."""
        return read_file(self.header) if isinstance(self.header, str | Path) else self.header

    @cached_property
    def verifier(self) -> Verifier | None:
        """The key ``signed_by``."""
        given = self.signed_by
        return signing.read_verifier(given) if isinstance(given, str | Path) else given

    @cached_property
    def trusted(self) -> trust.Policy | None:
        """The logs and witnesses that ``ledger`` trusts."""
        return trust.read(self.ledger) if isinstance(self.ledger, str | Path) else self.ledger

    def checks_pixels(self, opened: Opened) -> bool:
        """Whether to compare pixels and file: on request, and where that is sure and a signer vouches."""
        if self.check_pixels or self.verifier is None:
            return self.check_pixels
        name = opened.header.system
        return name in catalog.NAMES and catalog.entry(name).traits.exact

    def fit(self, opened: Opened, files: Sequence[File]) -> tuple[list[File], tuple[str, ...]]:
        """The files as they may be written, and what to say of names that were changed."""
        if self.any_file or self.from_pixels:  # there only their names are used
            fitted = naming.any_files(files)
        else:
            fitted = naming.pictures_only(files, opened.header.original, opened.source)
        return fitted, tuple(naming.renamed([name for name, _ in files], [name for name, _ in fitted]))

    def cipher(self, opened: Opened) -> Cipher:
        """The System that a header names; loading it starts JAX."""
        name, stored = opened.header.system, opened.header.options
        if (name, stored) not in self._ciphers:
            cipher = load_stored(name, stored, self.weights, opened.source)
            if dict(stored).get(KEY_IMAGE):
                cipher = cipher.given({KEY_IMAGE: self.keys.key_pixels()})
            for option, value in (self.options or {}).items():
                cipher = cipher.chosen(option, value)
            self._ciphers[name, stored] = replace(cipher, expected=self.expected)
        return self._ciphers[name, stored]

    @cached_property
    def _ciphers(self) -> dict[tuple, Cipher]:
        return {}
