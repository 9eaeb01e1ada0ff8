"""The sender's HTTP: a session that renews itself, and pictures that go on where they were cut off."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from jaxcrypt.crypto import kdf
from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.signing import Signer, Verifier
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.network import tls, transcript
from jaxcrypt.network.floor import floor
from jaxcrypt.network.inbox import Manifest
from jaxcrypt.network.known import Known
from jaxcrypt.network.measuring import Meter
from jaxcrypt.network.threat import Event, Level
from jaxcrypt.network.transcript import Session, Suspicious, Welcomed

_CONNECT = 15.0
_REQUEST = 90.0
_VERIFYING = 900.0  # seconds for which the answer to a last piece may be waited for
_SLOWEST = 10.0  # seconds between two tries, at most
_FIRST = 0.2
_ANSWER = 1 << 20  # bytes
_RESTARTS = 3
_SAID = 3  # tries after which it is said that there is trouble
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


class _Again(Exception):
    """A try came to nothing, and the next may not."""


class _Rejected(Exception):
    """An answer under the session's MAC that is no success."""

    def __init__(self, status: int, fields: dict[str, Any]):
        super().__init__(str(fields.get("error", status)))
        self.status, self.fields = status, fields


@dataclass
class _Line:
    """A session with the connections that it uses."""

    welcomed: Welcomed
    session: Session
    http: aiohttp.ClientSession
    until: float
    count: int = 0
    active: int = 0  # requests that are under way


def picture_id(signer: Signer, data: bytes, name: str) -> str:
    """A sender's name for a picture: the same whenever it is sent; it tells nobody else what is in it."""
    key = kdf.hkdf(signer.private, "network picture")
    content = hashlib.sha256(data).digest() + name.encode("utf-8", "surrogateescape")
    return hmac.digest(key, content, "sha256").hex()


class Sender:
    """One receiver, as a sender sees it. Used inside ``async with``.

    Args:
      host, port: where it listens.
      signer: the sender's identity.
      known: whose key is trusted there, and the threat seen.
      least: the user's floor of the threat.
      give_up: seconds without progress after which a picture is given up.
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
        parallel: int = 4,
        told: Callable[[str], None] = lambda line: None,
    ):
        self._where, self._signer, self._known = (host, port), signer, known
        self._least, self._give_up, self._parallel, self._told = least, give_up, parallel, told
        self._public = signer.verifier().public
        self._line: _Line | None = None
        self._theirs = Level.CALM  # the threat that the receiver sees
        self._opening = asyncio.Lock()
        self.meter = Meter()

    async def __aenter__(self) -> Sender:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._hang_up(self._line)

    async def welcome(self) -> Welcomed:
        """What the receiver offers, from a session that is open.

        Raises:
          Refusal: it cannot be reached, or is not whom it should be.
        """
        return (await self._persist(self._opened)).welcomed

    def level(self) -> Level:
        """The threat: the user's floor, what was seen here, and what the receiver says that it sees."""
        return max(self._known.level(self._least), self._theirs)

    async def kept(self, picture: str) -> Receipt | None:
        """The receipt of a picture that the receiver has already."""

        async def ask() -> Receipt | None:
            line = await self._opened()
            reply = await self._call("GET", f"/1/pictures/{picture}", b"")
            return self._receipt(reply, line, picture) if "receipt" in reply else None

        return await self._persist(ask)

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
                return await self._persist(
                    lambda: self._once(data, digest, picture, note), lambda: reached[0]
                )
            except _Rejected as answer:
                restarts += 1
                if not answer.fields.get("again") or restarts > _RESTARTS:
                    raise _refusal(answer) from None

    # ---------------------------------------------------------------------------------- retrying

    async def _persist(self, work: Callable, reached: Callable[[], int] = lambda: 0) -> Any:
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
            except (_Again, aiohttp.ClientError, OSError, TimeoutError, Malformed) as error:
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

    async def _opened(self) -> _Line:
        """The session, renewed where it is over."""
        async with self._opening:
            if self._line is None or time.monotonic() > self._line.until:
                await self._hang_up(self._line)
                self._line = await self._open()
            return self._line

    async def _open(self) -> _Line:
        host, port = self._where
        demanded = floor(self._known.level(self._least))
        certificate = await tls.shown(host, port, _CONNECT)
        connector = aiohttp.TCPConnector(ssl=aiohttp.Fingerprint(certificate), limit=self._parallel)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT)
        base = f"https://{f'[{host}]' if ':' in host else host}:{port}"
        http = aiohttp.ClientSession(base, connector=connector, timeout=timeout)
        try:
            hello = transcript.hello(demanded.suite)
            answer = await _exchange(http, "/1/hello", hello)
            welcomed = transcript.check(hello, answer, certificate, least=demanded.suite)
            if said := self._known.check(transcript.fingerprint(welcomed.identity)):
                self._told(said)
            login, session = transcript.login(welcomed, self._signer)
            seconds = await _log_in(http, answer, login, session)
        except BaseException:
            await http.close()
            raise
        self._theirs = Level(min(max(welcomed.offer.level, 0), max(Level)))
        self._told(f"session opened, {session.suite.name}")
        return _Line(welcomed, session, http, time.monotonic() + min(seconds, demanded.rotate) * 0.9)

    async def _hang_up(self, line: _Line | None) -> None:
        """Leave a session; its connections are closed once no request is under way on them."""
        if line is not None:
            if self._line is line:
                self._line = None
            if not line.active:
                await line.http.close()

    async def _call(self, method: str, path: str, body: bytes, seconds: float = _REQUEST) -> dict[str, Any]:
        """One request of the session; its answer, genuine.

        Raises:
          _Rejected: the receiver says no; _Again: nobody whom the session's key vouches for said anything.
        """
        line = await self._opened()
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
            raise _Again(f"an answer without a MAC: {status}")
        if not hmac.compare_digest(mac.encode(), session.response_mac(count, status, data).encode()):
            raise Suspicious("an answer's MAC does not hold: altered on its way", Event.FAILED)
        fields = transcript.decode(data)
        if status == 503 or status == 404:
            await asyncio.sleep(min(_SLOWEST, float(retry)) if retry.isdecimal() else 0)
            raise _Again(str(fields.get("error", status)))
        if status != 200:
            raise _Rejected(status, fields)
        return fields

    # ----------------------------------------------------------------------------------- upload

    async def _once(self, data: bytes, digest: bytes, picture: str, note: Callable[[int], None]) -> Receipt:
        """One try: from whatever the receiver has to the end."""
        line = await self._opened()
        receiver = transcript.fingerprint(line.welcomed.identity)
        manifest = Manifest(picture, len(data), digest, receiver).encode()
        signed = transcript.joined(manifest, self._signer.sign(transcript.digest("manifest", manifest)))
        upload = transcript.digest("upload", manifest)[:16].hex()
        started = time.monotonic()
        reply = await self._call("POST", "/1/uploads", signed)
        self.meter.round_trip(time.monotonic() - started)
        largest = min(line.welcomed.offer.limits.get("piece", _PIECES[0]), _PIECES[1])
        while "receipt" not in reply:
            at = transcript.field_of(reply, "at", int)
            note(at)
            piece = data[at : at + min(largest, self._piece_size())]
            reply = await self._put(upload, at, piece, at + len(piece) == len(data))
        return self._receipt(reply, line, picture)

    async def _put(self, upload: str, at: int, piece: bytes, last: bool) -> dict[str, Any]:
        path = f"/1/uploads/{upload}?at={at}"
        with self.meter.sending(len(piece)):
            try:
                return await self._call("PUT", path, piece, _VERIFYING if last else _REQUEST)
            except _Rejected as answer:
                if answer.status == 409 and type(answer.fields.get("at")) is int:
                    return answer.fields
                raise

    def _piece_size(self) -> int:
        """Bytes of the next piece: what takes about a second on one of the connections."""
        throughput = self.meter.network().throughput
        share = _PIECES[0] * 4 if throughput is None else throughput * _PIECE_SECONDS / self._parallel
        return int(min(max(share, _PIECES[0]), _PIECES[1]))

    def _receipt(self, reply: dict[str, Any], line: _Line, picture: str) -> Receipt:
        signed = transcript.field_of(reply, "receipt", bytes)
        body, signature = transcript.split(signed)
        if not Verifier(line.welcomed.identity).verify(signature, transcript.digest("receipt", body)):
            raise Suspicious("a receipt is not signed by the receiver", Event.FAILED)
        fields = transcript.decode(body)
        if transcript.field_of(fields, "picture", str) != picture:
            raise Suspicious("a receipt is for another picture", Event.REPLAYED)
        return Receipt(tuple(transcript.names_in(fields, "files")), signed)


async def _exchange(http: aiohttp.ClientSession, path: str, body: bytes) -> bytes:
    """A request before the session; what its answer says of failure, nothing vouches for."""
    async with asyncio.timeout(_REQUEST), http.post(path, data=body) as got:
        data = await _bounded(got)
        if got.status == 200:
            return data
    if got.status in (401, 502, 503):
        raise _Again(f"answered {got.status}")
    raise Refusal(f"the receiver says: {_words(data)}", ExitCode.FAILED)


async def _log_in(http: aiohttp.ClientSession, answer: bytes, login: bytes, session: Session) -> float:
    """Open the session on the receiver's side; gives the seconds that it lasts."""
    path = f"/1/login?welcome={hashlib.sha256(answer).hexdigest()}"
    async with asyncio.timeout(_REQUEST), http.post(path, data=login) as got:
        data, mac = await _bounded(got), got.headers.get("Jaxcrypt-Mac", "")
    if got.status == 401:
        raise _Again("the receiver forgot its welcome")
    if got.status != 200:
        raise Refusal(f"the receiver says: {_words(data)}", ExitCode.FAILED)
    if not hmac.compare_digest(mac.encode(), session.response_mac(0, got.status, data).encode()):
        raise Suspicious("the receiver did not prove the session's key", Event.FAILED)
    return float(transcript.field_of(transcript.decode(data), "seconds", int))


async def _bounded(got: aiohttp.ClientResponse) -> bytes:
    data = b""
    async for piece in got.content.iter_chunked(64 << 10):
        data += piece
        if len(data) > _ANSWER:
            raise _Again("an answer is too long")
    return data


def _words(data: bytes) -> str:
    try:
        text = json.loads(data)["error"]
    except (ValueError, KeyError, TypeError):
        return "nothing that is understood"
    return str(text)[:300]


def _refusal(answer: _Rejected) -> Refusal:
    code = answer.fields.get("code")
    known = type(code) is int and code in set(ExitCode)
    return Refusal(f"the receiver refuses: {answer}", ExitCode(code) if known else ExitCode.FAILED)
