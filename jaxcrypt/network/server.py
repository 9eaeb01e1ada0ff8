"""The receiver's HTTP: each picture to its end. docs/NETWORK.md is the specification.

POST /1/hello                   hello           -> welcome
POST /1/login?welcome=DIGEST    login           -> the session's id, under its MAC
GET  /1/pictures/PICTURE                        -> its receipt, where it is here
POST /1/uploads                 manifest        -> how much of the picture is here, or its receipt
PUT  /1/uploads/UPLOAD?at=N     a piece         -> the new end; after the last one the receipt
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import web

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.signing import Signer
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.network.gate import Budget, Gate
from jaxcrypt.network.inbox import Inbox
from jaxcrypt.network.sessions import MAC, Answer, Open, Sessions
from jaxcrypt.network.threat import Level
from jaxcrypt.network.transcript import Offer, Suspicious
from jaxcrypt.network.uploads import Limits, Uploads

_HANDSHAKE = 10.0  # seconds of TLS's
_ENDING = 2.0  # seconds for a body that nobody reads, and for requests when the receiver ends
_SILENT = logging.Logger("jaxcrypt.network", logging.CRITICAL)
_FOREVER = 1e9  # the gate closes idle connections, not aiohttp


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
        numbers = {"size": self.limits.size, "piece": self.limits.piece}
        offer = replace(offer, limits=numbers)
        how = {"least": least, "told": told, "most": self.limits.sessions}
        self.sessions = Sessions(signer, offer, allowed, inbox.store, self._blocking, **how)
        self._gate = Gate(self.limits.connections, self.limits.seconds)
        self._budget = Budget(self.limits.memory)
        self._uploads = Uploads(inbox, self.sessions, self.limits, self._blocking, told)

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
        app.router.add_get("/1/pictures/{picture}", self._answered(self._in_session(self._uploads.ask)))
        app.router.add_post("/1/uploads", self._answered(self._in_session(self._uploads.begin)))
        app.router.add_put("/1/uploads/{upload}", self._answered(self._in_session(self._uploads.piece)))
        return app

    async def _close(self) -> None:
        await self._uploads.close()
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
