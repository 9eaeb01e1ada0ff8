"""What a receiver asks of a picture before it acknowledges it; ``--recover`` is none of it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from jaxcrypt import runtime
from jaxcrypt.crypto import jpegfile, pngreader, sealed
from jaxcrypt.crypto.names import safe_name
from jaxcrypt.network.inbox import Files, Verify
from jaxcrypt.network.store import Picture

if TYPE_CHECKING:
    from jaxcrypt.sealing.keys import Keys

_STARTING = threading.Lock()
_ALLOWANCE = 60.0  # seconds for which one allowance of slow key derivations lasts


def opened(keys: Keys, *, device: str = "auto", **how: Any) -> Verify:
    """A check that opens a picture, and keeps what comes out: the very files, or PNGs of the pixels.

    Args:
      device: where Systems compute, if one must.
      how: ``any_file``, ``check_pixels``, ``ledger``, as a :class:`~jaxcrypt.sealing.policy.Policy` has them.
    """
    from jaxcrypt.sealing.unseal import Opener

    opener, made = Opener(keys, **how), time.monotonic()

    def verify(data: bytes, picture: Picture) -> Files:
        nonlocal opener, made
        if time.monotonic() - made > _ALLOWANCE:
            opener, made = Opener(keys.anew(), **how), time.monotonic()
        begun = opener.begin(data, "the picture")
        if begun.decodes:
            with _STARTING:
                runtime.prepare(device)
        return begun.finish().files

    return verify


def _suffix(data: bytes) -> str:
    return ".jpg" if jpegfile.is_sealed(data) else ".png"


def kept_sealed(keys: Keys | None, **how: Any) -> Verify:
    """A check that keeps the sealed picture itself: opened with the keys, or where there are none, read.

    Without keys it must be a whole PNG or JPEG with a header of a known version; its MACs say nothing then,
    and what vouches for it is the sender's signature over its digest. Its name is made of the sender's.
    """
    open_it = None if keys is None else opened(keys, **{**how, "any_file": True})

    def verify(data: bytes, picture: Picture) -> Files:
        if open_it is not None:
            (name, _), *_ = open_it(data, picture)
            return [(f"{safe_name(name)}{_suffix(data)}", data)]
        reader = jpegfile if jpegfile.is_sealed(data) else pngreader
        sealed.read_header(reader.read(data, "the picture").need_header(), "the picture")
        return [(f"{picture.picture[:16]}{_suffix(data)}", data)]

    return verify
