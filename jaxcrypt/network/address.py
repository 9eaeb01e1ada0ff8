"""``HOST:PORT`` as people type it."""

from __future__ import annotations

from jaxcrypt.errors import usage


def split_address(text: str, flag: str = "") -> tuple[str, int]:
    """``(host, port)``; the host of an IPv6 address stands in brackets.

    Raises:
      Refusal: it is none.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not host or (":" in host and not text.startswith("[")) or not port.isdecimal() or int(port) > 65535:
        raise usage(f"{flag} {text}: must be HOST:PORT".strip())
    return host, int(port)
