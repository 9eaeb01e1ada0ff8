"""A sender's requests: a session that renews itself, genuine answers, and tries until one succeeds."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.signing import Signer
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.network import messages, tls, transcript
from jaxcrypt.network.floor import floor
from jaxcrypt.network.known import Known
from jaxcrypt.network.measuring import Meter
from jaxcrypt.network.threat import Event, Level
from jaxcrypt.network.transcript import Session, Suspicious, Welcomed

_CONNECT = 15.0
_REQUEST = 90.0
_SLOWEST = 10.0  # seconds between two tries, at most
_FIRST = 0.2
_ANSWER = 1 << 20  # bytes
_SAID = 3  # tries after which it is said that there is trouble


class Again(Exception):
    """A try came to nothing, and the next may not."""


class Rejected(Exception):
    """An answer under the session's MAC that is no success."""

    def __init__(self, status: int, fields: dict[str, Any]):
        super().__init__(str(fields.get("error", status)))
        self.status, self.fields = status, fields


@dataclass
class Line:
    """A session with the connections that it uses."""

    welcomed: Welcomed
    session: Session
    http: aiohttp.ClientSession
    until: float
    count: int = 0
    active: int = 0  # requests that are under way


class Calls:
    """Requests to one receiver.

    Args:
      host, port: where it listens.
      signer: the sender's identity.
      known: whose key is trusted there, and the threat seen.
      least: the user's floor of the threat.
      give_up: seconds without progress after which tries end.
      parallel: connections.
      told: called with what happened, one line each.
    """

    def __init__(
        self,
        host: str,
        port: int,
        signer: Signer,
        known: Known,
        *,
        least: Level = Level.CALM,
        give_up: float = 300.0,
        parallel: int = 8,
        told: Callable[[str], None] = lambda line: None,
    ):
        self._where, self.signer, self._known = (host, port), signer, known
        self._least, self._give_up, self._told, self.parallel = least, give_up, told, parallel
        self._line: Line | None = None
        self._theirs = Level.CALM  # the threat that the receiver sees
        self._opening = asyncio.Lock()
        self.meter = Meter()

    async def close(self) -> None:
        """Leave the session."""
        await self._hang_up(self._line)

    def level(self) -> Level:
        """The threat: the user's floor, what was seen here, and what the receiver says that it sees."""
        return max(self._known.level(self._least), self._theirs)

    # ---------------------------------------------------------------------------------- retrying

    async def persist(self, work: Callable, reached: Callable[[], int] = lambda: 0) -> Any:
        """Call ``work`` until it succeeds; give up after too long without progress."""
        tries, since, before = 0, time.monotonic(), reached()
        while True:
            try:
                result = await work()
                self.meter.tried(lost=False)
                return result
            except Suspicious as refusal:
                self._known.seen(refusal.event)
                raise
            except (Again, aiohttp.ClientError, OSError, TimeoutError, Malformed) as error:
                self.meter.tried(lost=True)
                if reached() > before:
                    tries, since, before = 0, time.monotonic(), reached()
                host, port = self._where
                what = str(error) or type(error).__name__
                if tries == _SAID:
                    self._told(f"{host}:{port}: {what}; trying on for {self._give_up:g} s")
                if time.monotonic() - since > self._give_up:
                    raise Refusal(f"{host}:{port}: cannot be reached ({what})", ExitCode.FAILED) from None
                if isinstance(error, aiohttp.ServerFingerprintMismatch):
                    await self._hang_up(self._line)
                await asyncio.sleep(min(_SLOWEST, _FIRST * 2**tries) * random.uniform(0.5, 1.0))
                tries += 1

    # ----------------------------------------------------------------------------------- session

    async def opened(self) -> Line:
        """The session, renewed where it is over."""
        async with self._opening:
            if self._line is None or time.monotonic() > self._line.until:
                await self._hang_up(self._line)
                self._line = await self._open()
            return self._line

    async def _open(self) -> Line:
        host, port = self._where
        demanded = floor(self._known.level(self._least))
        certificate = await tls.shown(host, port, _CONNECT)
        connector = aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(certificate), limit=self.parallel)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT)
        base = f"https://{f'[{host}]' if ':' in host else host}:{port}"
        http = aiohttp.ClientSession(base, connector=connector, timeout=timeout)
        try:
            hello = transcript.hello(demanded.suite)
            answer = await _exchange(http, "/1/hello", hello)
            welcomed = transcript.check(hello, answer, certificate, least=demanded.suite)
            if said := self._known.check(messages.fingerprint(welcomed.identity)):
                self._told(said)
            login, session = transcript.login(welcomed, self.signer)
            seconds = await _log_in(http, answer, login, session)
        except BaseException:
            await http.close()
            raise
        self._theirs = Level(min(max(welcomed.offer.level, 0), max(Level)))
        self._told(f"session opened, {session.suite.name}")
        return Line(welcomed, session, http, time.monotonic() + min(seconds, demanded.rotate) * 0.9)

    async def _hang_up(self, line: Line | None) -> None:
        """Leave a session; its connections are closed once no request is under way on them."""
        if line is not None:
            if self._line is line:
                self._line = None
            if not line.active:
                await line.http.close()

    async def call(self, method: str, path: str, body: bytes, seconds: float = _REQUEST) -> dict[str, Any]:
        """One request of the session; its answer, genuine.

        Raises:
          Rejected: the receiver says no; Again: nobody whom the session's key vouches for said anything.
        """
        line = await self.opened()
        line.count += 1
        session, count = line.session, line.count
        headers = {"Jaxcrypt-Session": session.id, "Jaxcrypt-Count": str(count)}
        headers["Jaxcrypt-Mac"] = session.request_mac(method, path, count, body)
        line.active += 1
        try:
            how = {"data": body, "headers": headers}
            async with asyncio.timeout(seconds), line.http.request(method, path, **how) as got:
                data, mac = await _bounded(got), got.headers.get("Jaxcrypt-Mac", "")
                status, retry = got.status, got.headers.get("Retry-After", "")
        finally:
            line.active -= 1
            if self._line is not line:
                await self._hang_up(line)
        if not mac:
            if status in (401, 403):
                await self._hang_up(line)
            raise Again(f"an answer without a MAC: {status}")
        if not hmac.compare_digest(mac.encode(), session.response_mac(count, status, data).encode()):
            raise Suspicious("an answer's MAC does not hold: altered on its way", Event.FAILED)
        fields = messages.decode(data)
        if status == 503 or status == 404:
            await asyncio.sleep(min(_SLOWEST, float(retry)) if retry.isdecimal() else 0)
            raise Again(str(fields.get("error", status)))
        if status != 200:
            raise Rejected(status, fields)
        return fields


async def _exchange(http: aiohttp.ClientSession, path: str, body: bytes) -> bytes:
    """A request before the session; what its answer says of failure, nothing vouches for."""
    async with asyncio.timeout(_REQUEST), http.post(path, data=body) as got:
        data = await _bounded(got)
        if got.status == 200:
            return data
    if got.status in (401, 502, 503):
        raise Again(f"answered {got.status}")
    raise Refusal(f"the receiver says: {_words(data)}", ExitCode.FAILED)


async def _log_in(http: aiohttp.ClientSession, answer: bytes, login: bytes, session: Session) -> float:
    """Open the session on the receiver's side; gives the seconds that it lasts."""
    path = f"/1/login?welcome={hashlib.sha256(answer).hexdigest()}"
    async with asyncio.timeout(_REQUEST), http.post(path, data=login) as got:
        data, mac = await _bounded(got), got.headers.get("Jaxcrypt-Mac", "")
    if got.status == 401:
        raise Again("the receiver forgot its welcome")
    if got.status != 200:
        raise Refusal(f"the receiver says: {_words(data)}", ExitCode.FAILED)
    if not hmac.compare_digest(mac.encode(), session.response_mac(0, got.status, data).encode()):
        raise Suspicious("the receiver did not prove the session's key", Event.FAILED)
    return float(messages.field_of(messages.decode(data), "seconds", int))


async def _bounded(got: aiohttp.ClientResponse) -> bytes:
    data = b""
    async for piece in got.content.iter_chunked(64 << 10):
        data += piece
        if len(data) > _ANSWER:
            raise Again("an answer is too long")
    return data


def _words(data: bytes) -> str:
    try:
        text = json.loads(data)["error"]
    except (ValueError, KeyError, TypeError):
        return "nothing that is understood"
    return str(text)[:300]
