"""The receiver's HTTP: each picture to its end. docs/NETWORK.md is the specification.

POST /1/hello                   hello           -> welcome
POST /1/login?welcome=DIGEST    login           -> the session's id, under its MAC
GET  /1/pictures/PICTURE                        -> its receipt, where it is here
POST /1/uploads                 manifest        -> how much of the picture is here, or its receipt
PUT  /1/uploads/UPLOAD?at=N     a piece         -> the new end; after the last one the receipt
"""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.signing import Signer, Verifier
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.network import transcript
from jaxcrypt.network.gate import Budget, Gate
from jaxcrypt.network.inbox import Corrupt, Inbox, read_manifest
from jaxcrypt.network.sessions import MAC, Answer, Open, Sessions, number
from jaxcrypt.network.store import DONE, Picture
from jaxcrypt.network.threat import Event, Level
from jaxcrypt.network.transcript import Offer, Suspicious

_BUSY = 30.0  # seconds for which an upload that nothing comes for keeps the place of its picture
_HANDSHAKE = 10.0  # seconds of TLS's
_ENDING = 2.0  # seconds for a body that nobody reads, and for requests when the receiver ends
_SILENT = logging.Logger("jaxcrypt.network", logging.CRITICAL)
_FOREVER = 1e9  # the gate closes idle connections, not aiohttp


@dataclass(frozen=True)
class Limits:
    """What one receiver takes on.

    Attributes:
      size: of a sealed picture; piece: of one request; memory: of all that are read at once; in bytes.
      connections: at once; seconds: in which each must bring its next request whole.
      sessions: that are open, or waiting for their login.
      uploads: pictures of one sender that arrive at once.
      verifying: pictures that are verified at once; waiting: that may wait for it.
    """

    size: int = 512 << 20
    piece: int = 1 << 20
    memory: int = 128 << 20
    connections: int = 512
    seconds: float = 90.0
    sessions: int = 1024
    uploads: int = 64
    verifying: int = 2
    waiting: int = 256


@dataclass
class _Upload:
    """A picture that is arriving."""

    picture: Picture
    name: str  # of the sender's folder
    touched: float
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    finishing: asyncio.Task | None = None


class Receiver:
    """One receiver's HTTP application.

    Args:
      inbox: where pictures go.
      signer: the receiver's identity.
      offer: what it says of itself; level and limits are filled in.
      allowed: public signing keys of senders -> the names of their folders.
      least: the user's floor of the threat.
      told: called with what happened, one line each.
    """

    def __init__(
        self,
        inbox: Inbox,
        signer: Signer,
        offer: Offer,
        allowed: Mapping[bytes, str],
        *,
        limits: Limits | None = None,
        least: Level = Level.CALM,
        told: Callable[[str], None] = lambda line: None,
    ):
        self.limits = limits or Limits()
        self._inbox, self._told = inbox, told
        self._disk = ThreadPoolExecutor(1, "disk")  # one thread: pieces and rows in their order
        self._verifying = ThreadPoolExecutor(self.limits.verifying, "verify")
        numbers = {"size": self.limits.size, "piece": self.limits.piece}
        offer = Offer(**{**vars(offer), "limits": numbers})
        how = {"least": least, "told": told, "most": self.limits.sessions}
        self.sessions = Sessions(signer, offer, allowed, inbox.store, self._blocking, **how)
        self._gate = Gate(self.limits.connections, self.limits.seconds)
        self._budget = Budget(self.limits.memory)
        self._uploads: dict[str, _Upload] = {}

    @asynccontextmanager
    async def listening(
        self, host: str, port: int, context: ssl.SSLContext
    ) -> AsyncIterator[tuple[str, int]]:
        """Serve until the block ends; gives host and port (for port 0: the one that was free).

        Raises:
          Refusal: the address cannot be had.
        """
        how = {"handle_signals": False, "shutdown_timeout": _ENDING, "lingering_time": _ENDING}
        how |= {"access_log": None, "logger": _SILENT}  # malformed requests are no news
        runner = web.AppRunner(self._application(), keepalive_timeout=_FOREVER, **how)
        await runner.setup()
        server = None
        try:
            server = await self._server(runner, host, port, context)
            yield server.sockets[0].getsockname()[:2]
        finally:
            if server is not None:
                server.close()  # not waited for: that would wait for connections, which the runner closes
            await runner.cleanup()
            await self._close()

    async def _server(
        self, runner: web.AppRunner, host: str, port: int, context: ssl.SSLContext
    ) -> asyncio.Server:
        if runner.server is None:
            raise ValueError("the runner is not set up")
        factory, loop = self._gate.guarded(runner.server), asyncio.get_running_loop()
        how = {"ssl": context, "ssl_handshake_timeout": _HANDSHAKE, "backlog": 1024}
        try:
            return await loop.create_server(factory, host, port, **how)
        except OSError as error:
            why = error.strerror or error
            raise Refusal(f"--listen {host}:{port}: cannot be had ({why})", ExitCode.FAILED) from None

    def _application(self) -> web.Application:
        app = web.Application(client_max_size=self.limits.piece)
        app.router.add_post("/1/hello", self._answered(self.sessions.hello))
        app.router.add_post("/1/login", self._answered(self.sessions.login))
        app.router.add_get("/1/pictures/{picture}", self._answered(self._in_session(self._ask)))
        app.router.add_post("/1/uploads", self._answered(self._in_session(self._begin)))
        app.router.add_put("/1/uploads/{upload}", self._answered(self._in_session(self._piece)))
        return app

    async def _close(self) -> None:
        tasks = [one.finishing for one in self._uploads.values() if one.finishing]
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._verifying.shutdown)
        await asyncio.to_thread(self._disk.shutdown)
        self._inbox.store.close()

    async def _blocking(self, function: Callable, *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._disk, function, *args)

    # -------------------------------------------------------------------------------- answering

    def _answered(self, handler: Callable) -> Callable:
        """Whatever a handler raises, as a response; and the gate hears of it."""

        async def respond(request: web.Request, peer: str) -> web.Response:
            try:
                return await handler(request, peer)
            except Answer as reply:
                return reply.response()
            except Suspicious as refusal:
                await self.sessions.seen(refusal.event, peer)
                return Answer(403, error=str(refusal), code=int(refusal.code)).response()
            except Refusal as refusal:
                return Answer(400, error=str(refusal), code=int(refusal.code)).response()
            except Malformed as reason:
                return Answer(400, error=f"malformed: {reason}").response()

        async def answer(request: web.Request) -> web.StreamResponse:
            transport, trusted = request.transport, False
            try:
                response = await respond(request, request.remote or "")
                trusted = response.status == 200 and MAC in response.headers
                return response
            finally:
                self._gate.served(transport, trusted)

        return answer

    def _in_session(self, handler: Callable) -> Callable:
        """A handler of requests that a session's MAC vouches for; its responses carry one too."""

        async def answer(request: web.Request, peer: str) -> web.Response:
            opened, count = self.sessions.find(request)
            size = request.content_length if request.body_exists else 0
            if size is None or size > self.limits.piece:
                raise Answer(413, error=f"a request holds {self.limits.piece} bytes, and says how many")
            async with self._budget.of(size):
                body = await request.read()
                self._gate.begun(request.transport)
                await self.sessions.authenticate(request, opened, count, body, peer)
                return await self._reply(handler, request, opened, count, body)

        return answer

    async def _reply(
        self, handler: Callable, request: web.Request, opened: Open, count: int, body: bytes
    ) -> web.Response:
        try:
            reply = Answer(200, **await handler(request, opened, body))
        except Answer as answer:
            reply = answer
        except Refusal as refusal:
            reply = Answer(422, error=str(refusal), code=int(refusal.code))
        except Malformed as reason:
            reply = Answer(400, error=f"malformed: {reason}")
        except OSError as error:
            self._told(f"{opened.name}: {error}")
            reply = Answer(503, retry=5, error=f"cannot be written there ({error.strerror})")
        except Exception as error:  # a bug costs one picture
            self._told(f"{opened.name}: internal error, {type(error).__name__}: {error}")
            reply = Answer(500, error="internal error", code=int(ExitCode.INTERNAL))
        return reply.response(opened.session, count)

    # ---------------------------------------------------------------------------------- uploads

    async def _ask(self, request: web.Request, opened: Open, body: bytes) -> dict[str, Any]:
        """Whether a picture is here already: then it need not be sealed again."""
        sender = transcript.fingerprint(opened.session.sender)
        known = await self._blocking(self._inbox.store.picture, sender, request.match_info["picture"])
        return {"receipt": _text(known.receipt)} if known is not None and known.state == DONE else {}

    async def _begin(self, request: web.Request, opened: Open, body: bytes) -> dict[str, Any]:
        """A manifest: how much of its picture is here."""
        signed, signature = transcript.split(body)
        sender = opened.session.sender
        if not Verifier(sender).verify(signature, transcript.digest("manifest", signed)):
            raise Refusal("the manifest's signature does not hold", ExitCode.BAD_SIGNATURE)
        manifest = read_manifest(signed)
        if manifest.receiver != transcript.fingerprint(self.sessions.public):
            raise Refusal("the manifest is for another receiver")
        if not 0 < manifest.size <= self.limits.size:
            raise Refusal(f"{manifest.size} bytes sealed; this receiver takes {self.limits.size}")
        key = transcript.fingerprint(sender)
        known = await self._blocking(self._inbox.store.picture, key, manifest.picture)
        if known is not None and known.state == DONE:
            return {"receipt": _text(known.receipt)}
        picture = Picture(key, manifest.picture, manifest.upload, "", manifest.size, manifest.digest)
        await self._note(known, picture, opened.name)
        return {"at": await self._blocking(self._inbox.offset, manifest.upload)}

    async def _note(self, known: Picture | None, picture: Picture, name: str) -> None:
        """Note an upload, unless another of the same picture is under way, or there are too many."""
        now = time.monotonic()
        if picture.upload in self._uploads:
            return
        if sum(one.finishing is not None for one in self._uploads.values()) >= self.limits.waiting:
            raise Answer(503, retry=2, error="too many pictures wait to be verified")
        self._forget_idle(picture.sender, now)
        mine = [one for one in self._uploads.values() if one.picture.sender == picture.sender]
        if any(one.picture.picture == picture.picture for one in mine):
            raise Answer(503, retry=5, error="the same picture is arriving from another process")
        if len(mine) >= self.limits.uploads:
            raise Answer(503, retry=2, error="too many pictures of this sender at once")
        self._uploads[picture.upload] = _Upload(picture, name, now)
        if known is None or known.upload != picture.upload:
            await self._blocking(self._inbox.begin, picture)

    def _forget_idle(self, sender: str, now: float) -> None:
        """Uploads that nothing comes for; what arrived stays on disk, and they may go on."""
        for id, one in list(self._uploads.items()):
            if one.picture.sender == sender and one.finishing is None and now - one.touched > _BUSY:
                del self._uploads[id]

    async def _piece(self, request: web.Request, opened: Open, body: bytes) -> dict[str, Any]:
        """The next bytes of a picture; with the last ones it is verified and kept."""
        upload = self._uploads.get(request.match_info["upload"])
        if upload is None or upload.picture.sender != transcript.fingerprint(opened.session.sender):
            raise Answer(404, error="no such upload: send its manifest again")
        at, picture = number(request.query.get("at", ""), "the place of a piece"), upload.picture
        upload.touched = time.monotonic()
        async with upload.lock:
            if upload.finishing is None:
                end = await self._blocking(self._inbox.offset, picture.upload)
                if body and (at != end or end + len(body) > picture.size):
                    raise Answer(409, at=end, error="a piece does not follow what is here")
                if body:
                    end = await self._blocking(self._inbox.write, picture.upload, end, body)
                if end < picture.size:
                    return {"at": end}
                upload.finishing = asyncio.create_task(self._finish(upload))
                upload.finishing.add_done_callback(_looked_at)
        receipt = await asyncio.shield(upload.finishing)
        return {"at": picture.size, "receipt": _text(receipt)}

    async def _finish(self, upload: _Upload) -> bytes:
        """Verify and keep a picture; it goes on when its sender is gone meanwhile."""
        picture, loop = upload.picture, asyncio.get_running_loop()
        try:
            receipt = await loop.run_in_executor(self._verifying, self._inbox.finish, picture, upload.name)
            self._told(f"{upload.name}: {picture.size} bytes verified and kept")
            return receipt
        except Corrupt:
            raise Answer(409, again=True, error="what arrived is not what was announced") from None
        except Refusal as refusal:
            self._told(f"{upload.name}: refused: {refusal}")
            if refusal.code == ExitCode.TAMPERED:
                await self.sessions.seen(Event.FORGED, upload.name, authenticated=True)
            raise
        finally:
            self._uploads.pop(picture.upload, None)


def _looked_at(task: asyncio.Task) -> None:
    """Whoever waited for it may be gone; what it raised was told."""
    if not task.cancelled():
        task.exception()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
