"""The receiver's sessions: who is let in, whose requests are genuine, and what threat is seen.

Requests of a session carry its id, a count that is used once, and a MAC; so do responses.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.signing import Signer
from jaxcrypt.network import messages, transcript
from jaxcrypt.network.floor import floor
from jaxcrypt.network.store import Store
from jaxcrypt.network.threat import Event, Level
from jaxcrypt.network.transcript import Offer, Opening, Session, Suspicious

SESSION, COUNT, MAC = "Jaxcrypt-Session", "Jaxcrypt-Count", "Jaxcrypt-Mac"
_WINDOW = 1024  # how far the counts of concurrent requests may lie apart
_DIGITS = 15  # of a number in a request
_OPENING = 16 * 1024  # bytes of a hello or a login
_SAVING = 1.0  # seconds between reports of a threat that stays as it is


class Answer(Exception):
    """A response that ends a request: a status and fields; ``retry``: seconds until to come again."""

    def __init__(self, status: int, retry: int = 0, **fields: Any):
        super().__init__(fields.get("error", ""))
        self.status, self.retry, self.fields = status, retry, fields

    def response(self, session: Session | None = None, count: int = 0) -> web.Response:
        """As HTTP, under the session's MAC where there is one."""
        body = json.dumps(self.fields).encode()
        headers = {"Retry-After": str(self.retry)} if self.retry else {}
        if session is not None:
            headers[MAC] = session.response_mac(count, self.status, body)
        return web.Response(status=self.status, body=body, content_type="application/json", headers=headers)


class Counts:
    """Counts of requests, each used once: a window below the highest, as IPsec has it (RFC 4303, 3.4.3)."""

    def __init__(self):
        self._highest, self._seen = 0, set()

    def use(self, count: int) -> bool:
        """Whether ``count`` is new."""
        if count <= self._highest - _WINDOW or count in self._seen:
            return False
        self._seen.add(count)
        self._highest = max(self._highest, count)
        if len(self._seen) > 2 * _WINDOW:
            self._seen = {one for one in self._seen if one > self._highest - _WINDOW}
        return True


@dataclass
class Open:
    """A session that is open: ``name`` of the sender's folder, ``until`` its end (monotonic seconds)."""

    session: Session
    name: str
    until: float
    counts: Counts = field(default_factory=Counts)


class Sessions:
    """All sessions of a receiver.

    Args:
      signer: the receiver's identity.
      offer: what it says of itself; the level is filled in.
      allowed: public signing keys of senders -> the names of their folders.
      store: remembers used logins and the threat.
      blocking: ``await blocking(function, *args)``: runs what waits for the disk.
      least: the user's floor of the threat.
      told: called with what happened, one line each.
      most: sessions, and openings that wait for their login, at once.
    """

    def __init__(
        self,
        signer: Signer,
        offer: Offer,
        allowed: Mapping[bytes, str],
        store: Store,
        blocking: Callable,
        *,
        least: Level,
        told: Callable[[str], None],
        most: int = 1024,
    ):
        self._signer, self._offer, self._allowed = signer, offer, allowed
        self._store, self._blocking, self._least, self._told, self._most = store, blocking, least, told, most
        self.public = signer.verifier().public
        self._openings: OrderedDict[str, Opening] = OrderedDict()
        self._open: OrderedDict[str, Open] = OrderedDict()
        self.watch, self._saved = store.watch(), float("-inf")

    def level(self, peer: str) -> Level:
        """The threat that is seen for a peer."""
        return self.watch.level(peer, time.time(), self._least)

    async def seen(self, event: Event, peer: str, *, authenticated: bool = False) -> None:
        """The threat rises: for everybody only where a key vouches for who did it."""
        before = self.level(peer)
        self.watch = self.watch.seen(event, peer, time.time(), authenticated=authenticated)
        if self.level(peer) == before and time.monotonic() - self._saved < _SAVING:
            return  # a flood of failures is no flood of lines and writes
        self._saved = time.monotonic()
        whom = "everybody" if authenticated else peer
        self._told(f"threat: {event.words}; {self.level(peer).name.lower()} for {whom}")
        await self._blocking(self._store.save_watch, self.watch)

    async def hello(self, request: web.Request, peer: str) -> web.Response:
        """Answer a hello with the signed welcome."""
        level = self.level(peer)
        offer = replace(self._offer, level=int(level))
        data, opening = transcript.welcome(
            await _message(request), offer, self._signer, least=floor(level).suite
        )
        self._openings[hashlib.sha256(data).hexdigest()] = opening
        while len(self._openings) > self._most:
            self._openings.popitem(last=False)
        return web.Response(body=data)

    async def login(self, request: web.Request, peer: str) -> web.Response:
        """Open a session for a sender that is allowed."""
        data = await _message(request)
        opening = self._openings.pop(request.query.get("welcome", ""), None)
        used = hashlib.sha256(data).digest()
        if opening is None:
            if await self._blocking(self._store.was_used, used):
                raise Suspicious("this login was used before", Event.REPLAYED)
            raise Answer(401, error="no such opening: begin anew")
        session = transcript.accept(opening, data, self.public)
        name = self._allowed.get(session.sender)
        if name is None:
            whom = messages.fingerprint(session.sender)
            raise Suspicious(f"sender {whom} is not among those that --allow names", Event.FAILED)
        await self._blocking(self._store.use_login, used, time.time())
        seconds = floor(self.level(peer)).rotate
        self._open[session.id] = Open(session, name, time.monotonic() + seconds)
        while len(self._open) > self._most:
            self._open.popitem(last=False)
        self._told(f"{name} ({peer}): session opened, {session.suite.name}")
        return Answer(200, session=session.id, seconds=int(seconds)).response(session)

    def find(self, request: web.Request) -> tuple[Open, int]:
        """The session and the count that a request names, before its body is read.

        Raises:
          Answer: there is no such session.
        """
        id, count = request.headers.get(SESSION, ""), request.headers.get(COUNT, "")
        opened = self._open.get(id)
        if opened is None or opened.until < time.monotonic():
            self._open.pop(id, None)
            raise Answer(401, error="no such session: log in again")
        return opened, number(count, "the count")

    async def authenticate(
        self, request: web.Request, opened: Open, count: int, body: bytes, peer: str
    ) -> None:
        """Refuse a request that is not the sender's, or was seen before.

        Raises:
          Suspicious: its MAC does not hold, or its count was used.
        """
        expected = opened.session.request_mac(request.method, request.path_qs, count, body)
        given = request.headers.get(MAC, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, expected.encode()):
            raise Suspicious("the request's MAC does not hold", Event.FAILED)
        if not opened.counts.use(count):
            raise Suspicious("the request was seen before", Event.REPLAYED)


def number(text: str, what: str) -> int:
    """A whole number in a request; anything else is Malformed."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS):
        raise Malformed(f"{what} is no number")
    return int(text)


async def _message(request: web.Request) -> bytes:
    if (request.content_length or 0) > _OPENING:
        raise Malformed("a message is too long")
    data = await request.content.read(_OPENING + 1)
    while len(data) <= _OPENING and (piece := await request.content.read(_OPENING)):
        data += piece
    if len(data) > _OPENING:
        raise Malformed("a message is too long")
    return data
