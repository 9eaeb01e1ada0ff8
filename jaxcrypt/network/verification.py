"""What a receiver asks of a picture before it acknowledges it; ``--recover`` is none of it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from jaxcrypt import runtime
from jaxcrypt.crypto import pngreader, sealed
from jaxcrypt.crypto.names import safe_name
from jaxcrypt.network.inbox import Files, Verify
from jaxcrypt.network.store import Picture

if TYPE_CHECKING:
    from jaxcrypt.sealing.keys import Keys

_STARTING = threading.Lock()
_ALLOWANCE = 60.0  # seconds for which one allowance of slow key derivations lasts


def opened(
    keys: Keys,
    *,
    any_file: bool = False,
    check_pixels: bool = False,
    ledger: str | None = None,
    device: str = "auto",
) -> Verify:
    """A check that opens a picture, and keeps what comes out: the very files, or PNGs of the pixels.

    Args:
      any_file: keep whatever the sender attached, not pictures only.
      check_pixels: also compare the pixels with the file that travels.
      ledger: the policy's file by which a proof must show the recipient's key in a key ledger.
      device: where Systems compute, if one must.
    """
    from jaxcrypt.sealing.unseal import Opener

    how = {"any_file": any_file, "check_pixels": check_pixels, "ledger": ledger}
    opener, made = Opener(keys, **how), time.monotonic()

    def verify(data: bytes, picture: Picture) -> Files:
        nonlocal opener, made
        if time.monotonic() - made > _ALLOWANCE:
            opener, made = Opener(keys.anew(), **how), time.monotonic()
        begun = opener.begin(data, "the picture")
        if begun.decodes:
            with _STARTING:
                runtime.start(device)
        return begun.finish().files

    return verify


def kept_sealed(keys: Keys | None) -> Verify:
    """A check that keeps the sealed picture itself: opened with the keys, or where there are none, read.

    Without keys it must be a whole PNG with a header of a known version; its MACs say nothing then, and what
    vouches for it is the sender's signature over its digest. Its name is made of the sender's for it.
    """
    open_it = None if keys is None else opened(keys, any_file=True)

    def verify(data: bytes, picture: Picture) -> Files:
        if open_it is not None:
            (name, _), *_ = open_it(data, picture)
            return [(f"{safe_name(name)}.png", data)]
        container = pngreader.read(data, "the picture")
        sealed.read_header(container.need_header(), "the picture")
        return [(f"{picture.picture[:16]}.png", data)]

    return verify
