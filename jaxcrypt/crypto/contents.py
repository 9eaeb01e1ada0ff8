"""What travels in a sealed picture, and the header that says so, whatever kind of file carries it."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from jaxcrypt.crypto import canonical, payload
from jaxcrypt.crypto import header as headers
from jaxcrypt.crypto.filekey import FileKey
from jaxcrypt.crypto.header import Shape
from jaxcrypt.crypto.names import clean_name
from jaxcrypt.crypto.signing import Signer
from jaxcrypt.errors import usage


@dataclass(frozen=True)
class Contents:
    """What travels encrypted, and the shape of the plain picture: see :func:`jaxcrypt.crypto.sealed.seal`."""

    original: Shape
    name: str
    side: Mapping[str, Any] = field(repr=False)
    file: bytes | memoryview | None = field(default=None, repr=False)
    several: bool = False
    padding: Callable[[int], int] = payload.padme

    @property
    def padded(self) -> int:
        """The length that the file is padded to; 0 where none travels."""
        return 0 if self.file is None else self.padding(len(self.file))

    @property
    def kind(self) -> int:
        """What the payload holds, as headers say it."""
        return headers.NOTHING if self.file is None else headers.FILES if self.several else headers.FILE

    def header(
        self,
        key: FileKey,
        *,
        system: str,
        options: canonical.Options,
        shape: Shape,
        mac: bytes,
        signer: Signer | None = None,
    ) -> bytes:
        """A header's bytes, with its MAC.

        Args:
          shape: of what everybody sees; mac: over that, under a subkey.
          system, options, signer: as :func:`jaxcrypt.crypto.sealed.seal` takes them.

        Raises:
          ValueError: options or arrays without a canonical form.
          Refusal: side information beyond what a header holds.
        """
        side = dict(self.side)
        hidden = headers.Hidden(clean_name(self.name), key.digest, key.length, side, self.padded).encode()
        if len(hidden) > headers.MAX_BYTES // 2:
            raise usage(f"--system {system}: its side information does not fit into a header")
        height, width, channels = self.original
        head = headers.Header(
            system=system,
            options=tuple(sorted(options, key=lambda entry: entry[0])),
            shape=shape,
            original=(height, width, channels),
            payload=self.kind,
            stanzas=key.stanzas,
            pixel_mac=mac,
            hidden=AESSIV(key.subkey("header encryption", 64)).encrypt(hidden, None),
        )
        return closed(head, key, signer)


def closed(head: headers.Header, key: FileKey, signer: Signer | None) -> bytes:
    """A header's bytes: signed where somebody signs, then authenticated."""
    if signer is not None:
        head = replace(head, signature=signer.sign(head.body()))
    data = head.authenticated()
    return data + hmac.digest(key.subkey("header mac"), data, "sha256")
