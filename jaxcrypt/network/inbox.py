"""What arrives: piece by piece into a file, verified as a whole, on disk under its own name, exactly once.

A picture is acknowledged when this happened, in this order, each step on disk before the next:

    verified -> names reserved in the store -> files written whole (fsync, link, fsync of the folder) -> done

A receiver that is ended between two steps does the rest when the sender asks again: a reserved name that is
there holds the very bytes, or the name is taken by somebody else and the picture is refused.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxcrypt.cli.output import make_folder, write_whole
from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.signing import Signer
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.network import messages
from jaxcrypt.network.store import File, Picture, Store

Files = Sequence[tuple[str, bytes | bytearray | memoryview]]
Verify = Callable[[bytes, Picture], Files]
STATE = ".jaxcrypt"
_FORGOTTEN = 7 * 24 * 3600.0  # seconds after which what was cut off begins anew


class Corrupt(Refusal):
    """What arrived is not what was announced: the sender begins that picture anew."""


@dataclass(frozen=True)
class Manifest:
    """What a sender signs of one picture.

    Attributes:
      picture: the sender's name for it, the same however often it is sealed and sent.
      size, digest: of the sealed bytes.
      receiver: fingerprint of whom it is for.
      upload: names this manifest; made of its bytes.
    """

    picture: str
    size: int
    digest: bytes
    receiver: str
    upload: str = ""

    def encode(self) -> bytes:
        """The bytes that are signed."""
        fields = {"picture": self.picture, "size": self.size, "digest": self.digest, "to": self.receiver}
        return messages.encode(fields)


def read_manifest(body: bytes) -> Manifest:
    """A manifest from its bytes.

    Raises:
      Malformed: no manifest.
    """
    fields, of = messages.decode(body), messages.field_of
    picture, digest = of(fields, "picture", str), of(fields, "digest", bytes)
    if len(picture) != 64 or len(digest) != 32 or not set(picture) <= set("0123456789abcdef"):
        raise Malformed("a manifest names its picture in another form")
    upload = messages.digest("upload", body)[:16].hex()
    return Manifest(picture, of(fields, "size", int), digest, of(fields, "to", str), upload)


class Inbox:
    """A folder that pictures arrive in, with the receiver's state in ``.jaxcrypt`` inside. Blocking.

    Args:
      folder: made if need be; each sender's pictures go into a folder of the sender's name in it.
      signer: signs receipts.
      verify: ``(sealed bytes, picture) -> files to keep``; a Refusal where it does not verify.

    Raises:
      Refusal: the folder cannot be had, or another receiver works there.
    """

    def __init__(self, folder: Path, signer: Signer, verify: Verify):
        self._folder, self._signer, self._verify = folder, signer, verify
        self._partial = folder / STATE / "partial"
        make_folder(self._partial)
        self.store = Store(folder / STATE / "received.sqlite3")
        for path in self._partial.iterdir():
            if time.time() - path.stat().st_mtime > _FORGOTTEN:
                path.unlink()

    def offset(self, upload: str) -> int:
        """How much of an upload is here."""
        try:
            return self._path(upload).stat().st_size
        except FileNotFoundError:
            return 0

    def begin(self, picture: Picture) -> None:
        """Note an upload that is new, and drop what an earlier one of the same picture left."""
        earlier = self.store.picture(picture.sender, picture.picture)
        if earlier is not None:
            self._path(earlier.upload).unlink(missing_ok=True)
        self.store.open(picture)

    def write(self, upload: str, offset: int, piece: bytes) -> int:
        """Append a piece at ``offset``, which must be the end; returns the new end."""
        with open(self._path(upload), "ab") as file:
            if file.tell() != offset:
                raise Corrupt("a piece does not follow what is here")
            file.write(piece)
        return offset + len(piece)

    def discard(self, upload: str) -> None:
        """Forget an upload that came to nothing."""
        self.store.forget(upload)
        self._path(upload).unlink(missing_ok=True)

    def finish(self, picture: Picture, sender: str) -> bytes:
        """Verify what arrived whole and keep it; returns the receipt.

        Args:
          sender: the name of the sender's folder.

        Raises:
          Corrupt: other bytes than were announced.
          Refusal: it does not verify, or cannot be written.
        """
        try:
            data = self._read(picture)
            files = self._verify(data, picture)
        except Refusal:
            self.discard(picture.upload)
            raise
        folder = self._folder / sender
        make_folder(folder)
        wished = [(name, hashlib.sha256(content).hexdigest()) for name, content in files]
        reserved = self.store.reserve(picture.upload, sender, wished, lambda name: (folder / name).exists())
        for file, (_, content) in zip(reserved, files, strict=True):
            _keep(folder / file.name, file, content)
        receipt = self._receipt(picture, [f"{sender}/{file.name}" for file in reserved])
        self.store.done(picture.upload, receipt)
        self._path(picture.upload).unlink(missing_ok=True)
        return receipt

    def _read(self, picture: Picture) -> bytes:
        data = self._path(picture.upload).read_bytes()
        if len(data) != picture.size or hashlib.sha256(data).digest() != picture.digest:
            raise Corrupt("what arrived is not what was announced")
        return data

    def _receipt(self, picture: Picture, files: list[str]) -> bytes:
        fields = {"upload": picture.upload, "picture": picture.picture, "digest": picture.digest}
        body = messages.encode({**fields, "files": files, "time": int(time.time())})
        return messages.joined(body, self._signer.sign(messages.digest("receipt", body)))

    def _path(self, upload: str) -> Path:
        return self._partial / upload


def _keep(path: Path, file: File, content: bytes | bytearray | memoryview) -> None:
    """Write a file under the name reserved for it, unless an attempt that was cut short did."""
    if path.exists():
        if path.is_file() and _digest(path) == file.digest:
            _sync(path)
            return
        raise Refusal(f"{path.name}: somebody else's file has the name reserved for it", ExitCode.FAILED)
    write_whole(path, lambda out: out.write(content), force=False)


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """What an attempt wrote that ended before its folder was on disk."""
    for name in (path, path.parent):
        descriptor = os.open(name, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
