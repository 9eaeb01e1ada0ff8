"""A sender: pictures that go on where they were cut off, until the receiver acknowledges them."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jaxcrypt.crypto import kdf
from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.signing import Signer, Verifier
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.network import messages
from jaxcrypt.network.calls import Calls, Line, Rejected
from jaxcrypt.network.inbox import Manifest
from jaxcrypt.network.threat import Event, Level
from jaxcrypt.network.transcript import Suspicious, Welcomed

_VERIFYING = 900.0  # seconds for which the answer to a last piece may be waited for
_RESTARTS = 3
_PIECES = (32 << 10, 1 << 20)
_PIECE_SECONDS = 1.0  # that a piece should take


@dataclass(frozen=True)
class Receipt:
    """What a receiver acknowledged under its signature.

    Attributes:
      files: where it keeps what came out, in its inbox; signed: the receipt itself.
    """

    files: tuple[str, ...]
    signed: bytes = field(repr=False)


def picture_id(signer: Signer, data: bytes, name: str) -> str:
    """A sender's name for a picture: the same whenever it is sent; it tells nobody else what is in it."""
    key = kdf.hkdf(signer.private, "network picture")
    content = hashlib.sha256(data).digest() + name.encode("utf-8", "surrogateescape")
    return hmac.digest(key, content, "sha256").hex()


class Sender:
    """One receiver, as a sender sees it. Used inside ``async with``.

    Args:
      calls: how it is reached, and as whom.
    """

    def __init__(self, calls: Calls):
        self._calls = calls
        self.meter = calls.meter

    async def __aenter__(self) -> Sender:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._calls.close()

    async def welcome(self) -> Welcomed:
        """What the receiver offers, from a session that is open.

        Raises:
          Refusal: it cannot be reached, or is not whom it should be.
        """
        return (await self._calls.persist(self._calls.opened)).welcomed

    def level(self) -> Level:
        """The threat: the user's floor, what was seen here, and what the receiver says that it sees."""
        return self._calls.level()

    async def kept(self, picture: str) -> Receipt | None:
        """The receipt of a picture that the receiver has already."""

        async def ask() -> Receipt | None:
            line = await self._calls.opened()
            reply = await self._calls.call("GET", f"/1/pictures/{picture}", b"")
            return self._receipt(reply, line, picture) if "receipt" in reply else None

        try:
            return await self._calls.persist(ask)
        except Rejected as answer:
            raise _refusal(answer) from None

    async def send(self, data: bytes, picture: str, progress: Callable[[int], None] | None = None) -> Receipt:
        """Send a sealed picture, until the receiver has it.

        Args:
          picture: the sender's name for it, of :func:`picture_id`.
          progress: called with the bytes that the receiver has.

        Raises:
          Refusal: the receiver refuses it, or cannot be reached for too long.
        """
        digest, restarts = hashlib.sha256(data).digest(), 0
        reached = [0]

        def note(at: int) -> None:
            reached[0] = max(reached[0], at)
            if progress is not None:
                progress(at)

        while True:
            try:
                return await self._calls.persist(
                    lambda: self._once(data, digest, picture, note), lambda: reached[0]
                )
            except Rejected as answer:
                restarts += 1
                if not answer.fields.get("again") or restarts > _RESTARTS:
                    raise _refusal(answer) from None

    # ----------------------------------------------------------------------------------- upload

    async def _once(self, data: bytes, digest: bytes, picture: str, note: Callable[[int], None]) -> Receipt:
        """One try: from whatever the receiver has to the end."""
        line = await self._calls.opened()
        receiver = messages.fingerprint(line.welcomed.identity)
        manifest = Manifest(picture, len(data), digest, receiver).encode()
        signed = messages.joined(manifest, self._calls.signer.sign(messages.digest("manifest", manifest)))
        upload = messages.digest("upload", manifest)[:16].hex()
        started = time.monotonic()
        reply = await self._calls.call("POST", "/1/uploads", signed)
        self.meter.round_trip(time.monotonic() - started)
        largest = min(line.welcomed.offer.limits.get("piece", _PIECES[0]), _PIECES[1])
        while "receipt" not in reply:
            at = messages.field_of(reply, "at", int)
            if at > len(data):
                raise Malformed("the receiver has more than there is")
            note(at)
            piece = data[at : at + min(largest, self._piece_size())]
            reply = await self._put(upload, at, piece, at + len(piece) == len(data))
        return self._receipt(reply, line, picture)

    async def _put(self, upload: str, at: int, piece: bytes, last: bool) -> dict[str, Any]:
        path = f"/1/uploads/{upload}?at={at}"
        with self.meter.sending(len(piece)):
            try:
                return await self._calls.call("PUT", path, piece, *([_VERIFYING] if last else []))
            except Rejected as answer:
                if answer.status == 409 and type(answer.fields.get("at")) is int:
                    return answer.fields
                raise

    def _piece_size(self) -> int:
        """Bytes of the next piece: what takes about a second on one of the connections."""
        throughput = self.meter.network().throughput
        share = _PIECES[0] * 4 if throughput is None else throughput * _PIECE_SECONDS / self._calls.parallel
        return int(min(max(share, _PIECES[0]), _PIECES[1]))

    def _receipt(self, reply: dict[str, Any], line: Line, picture: str) -> Receipt:
        signed = messages.field_of(reply, "receipt", bytes)
        body, signature = messages.split(signed)
        if not Verifier(line.welcomed.identity).verify(signature, messages.digest("receipt", body)):
            raise Suspicious("a receipt is not signed by the receiver", Event.FAILED)
        fields = messages.decode(body)
        if messages.field_of(fields, "picture", str) != picture:
            raise Suspicious("a receipt is for another picture", Event.REPLAYED)
        return Receipt(tuple(messages.names_in(fields, "files")), signed)


def _refusal(answer: Rejected) -> Refusal:
    code = answer.fields.get("code")
    known = type(code) is int and code in set(ExitCode)
    return Refusal(f"the receiver refuses: {answer}", ExitCode(code) if known else ExitCode.FAILED)
