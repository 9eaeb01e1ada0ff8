"""Sealed pictures back into the very files, or into pictures: bytes in, bytes out; nothing is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jaxcrypt.crypto import carried as in_pixels
from jaxcrypt.crypto import jpegfile, pngreader, sealed
from jaxcrypt.crypto.names import safe_name
from jaxcrypt.crypto.sealed import Opened
from jaxcrypt.errors import ExitCode, Refusal, usage
from jaxcrypt.record import Progress
from jaxcrypt.sealing import carried, jpegopen, logged, naming, recovery
from jaxcrypt.sealing import covert as alone
from jaxcrypt.sealing.begun import Begun, Unsealed
from jaxcrypt.sealing.jpegopen import BegunJpeg
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.policy import Policy


class Opener:
    """Opens pictures with the same keys. May be shared by threads.

    Args:
      keys: to open with.
      how: header, recover, lost and more, by name: all that a :class:`~jaxcrypt.sealing.policy.Policy` takes.

    Raises:
      Refusal: a file that cannot be read or is no such key.
    """

    def __init__(self, keys: Keys, **how: Any):
        self.policy = Policy(keys, **how)

    def begin(self, data: bytes, name: str = "input", header: bytes | None = None) -> Begun | BegunJpeg:
        """Open a picture as far as that needs no System: what it will give is known then.

        Args:
          name: what messages call it.
          header: one that was saved beside, of this picture alone.

        Raises:
          Refusal: no sealed picture, no key fits, damaged or tampered, a signature that is missing.
        """
        carrying = self._found(data, name, header)
        if carrying is not None:
            return carried.begin(self.policy, carrying, self.open_carried(carrying, name), name)
        try:
            return self._verified(data, name, header)
        except Refusal as refusal:
            if not self.policy.recover or refusal.code not in (ExitCode.TAMPERED, ExitCode.BAD_INPUT):
                raise
        if jpegfile.is_sealed(data):
            return jpegopen.recover(self.policy, *self.open_jpeg(data, name, header))
        damaged = recovery.take_apart(data, name)
        opened = self._open_header(header or self.policy.saved_header or damaged.need_header(), name)
        files, notes = self.policy.fit(opened, recovery.open_files(opened, damaged))
        if files:
            return Begun(self.policy, opened, files, notes=("the pixels around are damaged", *notes))
        return Begun(self.policy, opened, damaged=damaged)

    def expects(self, data: bytes, name: str = "input", header: bytes | None = None) -> Path:
        """Where in a folder what comes back will most likely go, from the header alone: for resuming one.

        Raises:
          Refusal: no sealed picture, no key fits.
        """
        if jpegfile.is_sealed(data):
            _, opened = self.open_jpeg(data, name, header)
            return jpegopen.expected(opened)
        carrying = self._found(data, name, header)
        opened = self.open_carried(carrying, name) if carrying else self.open_container(data, name, header)[1]
        folder = Path(*Begun(self.policy, opened).folder)
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
        header = header or self.policy.saved_header
        try:
            if jpegfile.is_jpeg(data):
                jpegfile.read(data, name)  # its refusal says more of a JPEG that was encoded anew
            container = pngreader.read(data, name)
        except Refusal as refusal:
            if header and refusal.code == ExitCode.BAD_INPUT and not self.policy.recover:
                hint = "to decode a copy that was saved in another format, give --recover as well"
                raise Refusal(f"{refusal}; {hint}", refusal.code) from None
            raise
        return container, self._open_header(header or container.need_header(), name)

    def open_jpeg(
        self, data: bytes, name: str, header: bytes | None = None
    ) -> tuple[jpegfile.Container, Opened]:
        """A sealed JPEG's parts and its header, opened; picture and payload are not verified yet."""
        container = jpegfile.read(data, name)
        return container, self._open_header(
            header or self.policy.saved_header or container.need_header(), name
        )

    def _verified(self, data: bytes, name: str, header: bytes | None) -> Begun | BegunJpeg:
        if jpegfile.is_sealed(data):
            return jpegopen.begin(self.policy, *self.open_jpeg(data, name, header))
        container, opened = self.open_container(data, name, header)
        pixels = opened.read_pixels(container)
        files, notes = self.policy.fit(opened, opened.open_files(container.payload))
        wanted = not files or self.policy.from_pixels or self.policy.checks_pixels(opened)
        return Begun(self.policy, opened, files, pixels if wanted else None, notes=notes)

    def _open_header(self, blob: bytes, name: str) -> Opened:
        return self._checked(sealed.open_header(blob, self.policy.keys.keyring, name))

    def _checked(self, opened: Opened) -> Opened:
        """A header that is signed and logged as the policy wants it."""
        if self.policy.verifier:
            opened.check_signature(self.policy.verifier)
        if self.policy.trusted:
            logged.check(opened, self.policy.keys.keyring, self.policy.trusted)
        return opened

    def _found(self, data: bytes, name: str, header: bytes | None) -> carried.Found | None:
        """What the picture carries in its own pixels, where it has no other header."""
        return None if header or self.policy.saved_header else carried.find(data, name)

    def open_carried(self, carrying: carried.Found, name: str) -> Opened:
        """Open the header that a picture carries in its pixels."""
        return self._checked(in_pixels.open_carried(carrying.read, self.policy.keys.keyring, name))


def unseal(
    data: bytes | Sequence[bytes],
    keys: Keys,
    *,
    name: str = "input",
    covert: bool = False,
    progress: Progress = None,
    **how: Any,
) -> Unsealed:
    """What was sealed: the very file, or the picture that the pixels give.

    Args:
      data: the sealed picture's bytes.
      name: what messages call it.
      covert: the picture, or each of several, has no header and is made of generated ones (``seal`` with
        ``covert``); with ``how`` goes ``weights``.
      progress: called with the share done, 0 to 1, where a System decodes.
      how: ``header``, ``recover``, ``lost``, ``keep_noise`` for damaged pictures; ``from_pixels``,
        ``signed_by``, ``ledger``, ``weights``, ``any_file``, ``check_pixels``, ``options`` for how strict to
        be, and how to decode. What each takes stands at :class:`~jaxcrypt.sealing.policy.Policy`.

    Raises:
      Refusal: no sealed picture (BAD_INPUT), no key fits (NO_KEY), damaged or tampered (TAMPERED), a
        signature that is missing or another's (BAD_SIGNATURE), no proof of a key ledger (LEDGER).
    """
    single = isinstance(data, (bytes, bytearray, memoryview))
    if covert:
        pictures = [bytes(data)] if single else [bytes(one) for one in data]
        return _found_alone(pictures, keys, name, progress, **how)
    if not single:
        raise usage("several pictures at once: only with covert")
    opened = Opener(keys, **how).open(bytes(data), name, progress)
    return replace(opened, files=[(file, bytes(content)) for file, content in opened.files])


def _found_alone(
    pictures: Sequence[bytes],
    keys: Keys,
    name: str,
    progress: Progress,
    weights: str | None = None,
    **others: Any,
) -> Unsealed:
    for given in others:
        raise usage(f"{given}: needs a header, which covert leaves out")
    file = alone.find([(name, data) for data in pictures], keys, weights, progress)
    return Unsealed([file], alone.able()[0], from_pixels=True, exact=False)
