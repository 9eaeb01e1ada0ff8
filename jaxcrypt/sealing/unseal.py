"""Sealed pictures back into the very files, or into pictures: bytes in, bytes out; nothing is printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jaxcrypt.crypto import pngreader, sealed, signing
from jaxcrypt.crypto.bundle import File
from jaxcrypt.crypto.names import safe_name
from jaxcrypt.crypto.sealed import Opened
from jaxcrypt.crypto.signing import Verifier
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures.files import read_file
from jaxcrypt.record import Progress
from jaxcrypt.sealing import naming, recovery
from jaxcrypt.sealing.begun import Begun, Unsealed
from jaxcrypt.sealing.cipher import Cipher, load_stored
from jaxcrypt.sealing.inputs import KEY_IMAGE
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.systems import catalog


@dataclass(frozen=True)
class _Policy:
    """How pictures are to be opened: see :class:`Opener`."""

    header: bytes | None = None
    recover: bool = False
    lost: recovery.Mask = None
    from_pixels: bool = False
    verifier: Verifier | None = None
    weights: str | None = None
    any_file: bool = False
    check_pixels: bool = False
    keep_noise: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)


class Opener:
    """Opens pictures with the same keys. May be shared by threads.

    Args:
      keys: to open with.
      header: the header that was saved beside, as bytes or as a path, instead of the picture's own.
      recover: decode damaged pixels, which nothing authenticates, where nothing else is left.
      lost: white where cipher pixels are known to be lost: a picture's path or bytes, or bool ``[H, W]``.
      from_pixels: decode the pixels even where the file travels.
      signed_by: the public key, or its path, of whoever must have signed.
      weights: a zoo entry or a path of weights to use instead of those that the header names.
      any_file: take whatever travels, not pictures only.
      check_pixels: also compare the pixels with the file that travels; with ``signed_by`` that is always done
        of Systems whose pixels are exact.
      keep_noise: give back recovered pictures that are nothing but noise.
      options: of decryption, by name, typed or stored; refused where a picture's System has none such.

    Raises:
      Refusal: a file that cannot be read or is no such key.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        header: bytes | str | Path | None = None,
        recover: bool = False,
        lost: recovery.Mask = None,
        from_pixels: bool = False,
        signed_by: Verifier | str | Path | None = None,
        weights: str | None = None,
        any_file: bool = False,
        check_pixels: bool = False,
        keep_noise: bool = False,
        options: Mapping[str, Any] | None = None,
    ):
        if isinstance(header, str | Path):
            header = read_file(header)
        if isinstance(signed_by, str | Path):
            signed_by = signing.read_verifier(signed_by)
        how = recover, lost, from_pixels, signed_by, weights, any_file, check_pixels, keep_noise
        self.keys, self.policy = keys, _Policy(header, *how, options or {})
        self._ciphers: dict[tuple, Cipher] = {}

    def begin(self, data: bytes, name: str = "input", header: bytes | None = None) -> Begun:
        """Open a picture as far as that needs no System: what it will give is known then.

        Args:
          name: what messages call it.
          header: one that was saved beside, of this picture alone.

        Raises:
          Refusal: no sealed picture, no key fits, damaged or tampered, a signature that is missing.
        """
        try:
            return self._verified(data, name, header)
        except Refusal as refusal:
            if not self.policy.recover or refusal.code not in (ExitCode.TAMPERED, ExitCode.BAD_INPUT):
                raise
        damaged = recovery.take_apart(data, name)
        opened = self._open_header(header or self.policy.header or damaged.need_header(), name)
        files, notes = self._fit(opened, recovery.open_files(opened, damaged))
        if files:
            return Begun(self, opened, files, notes=("the pixels around are damaged", *notes))
        return Begun(self, opened, damaged=damaged)

    def expects(self, data: bytes, name: str = "input", header: bytes | None = None) -> Path:
        """Where in a folder what comes back will most likely go, from the header alone: for resuming one.

        Raises:
          Refusal: no sealed picture, no key fits.
        """
        _, opened = self.open_container(data, name, header)
        folder = Path(*Begun(self, opened).folder)
        if opened.header.payload and not self.policy.from_pixels:
            return folder / safe_name(opened.name)
        return folder / naming.picture_names([opened.name], 1)[0]

    def open(self, data: bytes, name: str = "input", progress: Progress = None) -> Unsealed:
        """Open a picture; see :func:`unseal`."""
        return self.begin(data, name).finish(progress)

    def open_container(
        self, data: bytes, name: str, header: bytes | None = None
    ) -> tuple[pngreader.Container, Opened]:
        """A PNG's parts and its header, opened; pixels and payload are not verified yet."""
        header = header or self.policy.header
        try:
            container = pngreader.read(data, name)
        except Refusal as refusal:
            if header and refusal.code == ExitCode.BAD_INPUT and not self.policy.recover:
                hint = "to decode a copy that was saved in another format, give --recover as well"
                raise Refusal(f"{refusal}; {hint}", refusal.code) from None
            raise
        return container, self._open_header(header or container.need_header(), name)

    def _verified(self, data: bytes, name: str, header: bytes | None) -> Begun:
        container, opened = self.open_container(data, name, header)
        pixels = opened.read_pixels(container)
        files, notes = self._fit(opened, opened.open_files(container.payload))
        wanted = not files or self.policy.from_pixels or self._checks(opened)
        return Begun(self, opened, files, pixels if wanted else None, notes=notes)

    def _open_header(self, blob: bytes, name: str) -> Opened:
        opened = sealed.open_header(blob, self.keys.keyring, name)
        if self.policy.verifier:
            opened.check_signature(self.policy.verifier)
        return opened

    def _checks(self, opened: Opened) -> bool:
        """Whether to compare pixels and file: on request, and where that is sure and a signer vouches."""
        if self.policy.check_pixels or self.policy.verifier is None:
            return self.policy.check_pixels
        name = opened.header.system
        return name in catalog.NAMES and catalog.entry(name).traits.exact

    def _fit(self, opened: Opened, files: Sequence[File]) -> tuple[list[File], tuple[str, ...]]:
        """The files as they may be written, and what to say of names that were changed."""
        if self.policy.any_file or self.policy.from_pixels:  # there only their names are used
            fitted = naming.any_files(files)
        else:
            fitted = naming.pictures_only(files, opened.header.original, opened.source)
        return fitted, tuple(naming.renamed([name for name, _ in files], [name for name, _ in fitted]))

    def cipher(self, opened: Opened) -> Cipher:
        """The System that a header names; loading it starts JAX."""
        name, options = opened.header.system, opened.header.options
        if (name, options) not in self._ciphers:
            cipher = load_stored(name, options, self.policy.weights, opened.source)
            if dict(options).get(KEY_IMAGE):
                cipher = cipher.given({KEY_IMAGE: self.keys.key_pixels()})
            for option, value in self.policy.options.items():
                cipher = cipher.chosen(option, value)
            self._ciphers[name, options] = cipher
        return self._ciphers[name, options]


def unseal(
    data: bytes,
    keys: Keys,
    *,
    name: str = "input",
    header: bytes | str | Path | None = None,
    recover: bool = False,
    lost: recovery.Mask = None,
    from_pixels: bool = False,
    signed_by: Verifier | str | Path | None = None,
    weights: str | None = None,
    any_file: bool = False,
    check_pixels: bool = False,
    keep_noise: bool = False,
    options: Mapping[str, Any] | None = None,
    progress: Progress = None,
) -> Unsealed:
    """What was sealed: the very file, or the picture that the pixels give.

    Args:
      data: the sealed picture's bytes.
      name: what messages call it.
      header, recover, lost, keep_noise: for damaged pictures; see :class:`Opener`.
      from_pixels, signed_by, weights, any_file, check_pixels: how strict to be; see there too.
      options: how to decode, by name; see there too.
      progress: called with the share done, 0 to 1, where a System decodes.

    Raises:
      Refusal: no sealed picture (BAD_INPUT), no key fits (NO_KEY), damaged or tampered (TAMPERED), a
        signature that is missing or another's (BAD_SIGNATURE).
    """
    opener = Opener(
        keys,
        header=header,
        recover=recover,
        lost=lost,
        from_pixels=from_pixels,
        signed_by=signed_by,
        weights=weights,
        any_file=any_file,
        check_pixels=check_pixels,
        keep_noise=keep_noise,
        options=options,
    )
    opened = opener.open(data, name, progress)
    return replace(opened, files=[(file, bytes(content)) for file, content in opened.files])
