"""Outputs named by their input's digest, and receipts: how a job that was killed leaves every picture once.

A file key is random, so a picture that is sealed twice is two files. The name decides which of them counts:
it follows from the input alone, and a file gets it only once it is whole, and only if nobody else took it.
Then comes a receipt, likewise. A worker that starts again finds the receipt, or the output that lacks one.

Names are HMAC-SHA-256 under a key from the key file, where there is one: a plain digest would tell whoever
has a copy of a photo that it is among those that were sealed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from jaxcrypt.cli.output import make_folder, write_whole
from jaxcrypt.crypto import kdf
from jaxcrypt.errors import Refusal

_DIGITS = 40  # of a name: 160 bits
_RECEIPTS = "receipts"
_PURPOSE = "names of a bulk job"


def naming_key(secret: bytes) -> bytes:
    """The key of names, from the 32 random bytes of a key file."""
    return kdf.hkdf(secret, _PURPOSE)


@dataclass(frozen=True)
class Store:
    """A folder of outputs, 256 folders of them, with their receipts.

    Attributes:
      folder: on a file system that all workers share.
      key: of the names; empty for plain SHA-256.
    """

    folder: Path
    key: bytes = b""

    def name(self, data: bytes) -> str:
        """What an input's bytes are called."""
        digest = hmac.digest(self.key, data, "sha256").hex() if self.key else hashlib.sha256(data).hexdigest()
        return digest[:_DIGITS]

    def receipt(self, name: str) -> dict[str, Any] | None:
        """What is known of an output that is there; None where it is to be made (again).

        An output without a receipt was written by a worker that ended right after it: it gets one now.
        """
        path = self._receipt(name)
        if path.is_file():
            facts = json.loads(path.read_bytes())
            output = self.folder / facts["output"]
            if output.is_file() and output.stat().st_size == facts["bytes"]:
                return facts
            path.unlink(missing_ok=True)  # somebody took the output away
            return None
        paths = sorted(self._place(name).glob(f"{name}.*"))
        return self._sign_for(name, paths[0], {}) if paths else None

    def put(self, name: str, suffix: str, write: Callable[[BinaryIO], object], **facts: Any) -> bool:
        """Write an output and its receipt; whether it was new: another worker may have been faster.

        Raises:
          Refusal: the disk refuses.
        """
        target = self._place(name) / f"{name}{suffix}"
        make_folder(target.parent)
        new = _write_once(target, write)
        self._sign_for(name, target, facts if new else {})
        return new

    def _sign_for(self, name: str, output: Path, facts: dict[str, Any]) -> dict[str, Any]:
        data = output.read_bytes()
        known = {"output": output.relative_to(self.folder).as_posix(), "bytes": len(data)}
        known |= {"sha256": hashlib.sha256(data).hexdigest(), **facts}
        path = self._receipt(name)
        make_folder(path.parent)
        text = json.dumps(known).encode()
        _write_once(path, lambda file: file.write(text))
        return known

    def _place(self, name: str) -> Path:
        return self.folder / name[:2]

    def _receipt(self, name: str) -> Path:
        return self.folder / _RECEIPTS / name[:2] / f"{name}.json"


def _write_once(target: Path, write: Callable[[BinaryIO], object]) -> bool:
    try:
        write_whole(target, write, force=False)
    except Refusal:
        if target.is_file():
            return False
        raise
    return True
