"""The pictures that arrive at a receiver: from a manifest over its pieces to the receipt."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from jaxcrypt.crypto.signing import Verifier
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.network import messages
from jaxcrypt.network.inbox import Corrupt, Inbox, read_manifest
from jaxcrypt.network.sessions import Answer, Open, Sessions, number
from jaxcrypt.network.store import DONE, Picture
from jaxcrypt.network.threat import Event

_BUSY = 30.0  # seconds for which an upload that nothing comes for keeps the place of its picture


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


class Uploads:
    """All pictures that arrive at a receiver.

    Args:
      inbox: where they go.
      sessions: hears of pictures that do not verify.
      blocking: ``await blocking(function, *args)``: runs what waits for the disk, in order.
      told: called with what happened, one line each.
    """

    def __init__(
        self,
        inbox: Inbox,
        sessions: Sessions,
        limits: Limits,
        blocking: Callable,
        told: Callable[[str], None],
    ):
        self._inbox, self._sessions, self._limits = inbox, sessions, limits
        self._blocking, self._told = blocking, told
        self._verifying = ThreadPoolExecutor(limits.verifying, "verify")
        self._uploads: dict[str, _Upload] = {}

    async def close(self) -> None:
        """Finish what is being verified."""
        tasks = [one.finishing for one in self._uploads.values() if one.finishing]
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.to_thread(self._verifying.shutdown)

    async def ask(self, request: web.Request, opened: Open, body: bytes) -> dict[str, Any]:
        """Whether a picture is here already: then it need not be sealed again."""
        sender = messages.fingerprint(opened.session.sender)
        known = await self._blocking(self._inbox.store.picture, sender, request.match_info["picture"])
        return {"receipt": _text(known.receipt)} if known is not None and known.state == DONE else {}

    async def begin(self, request: web.Request, opened: Open, body: bytes) -> dict[str, Any]:
        """A manifest: how much of its picture is here."""
        signed, signature = messages.split(body)
        sender = opened.session.sender
        if not Verifier(sender).verify(signature, messages.digest("manifest", signed)):
            raise Refusal("the manifest's signature does not hold", ExitCode.BAD_SIGNATURE)
        manifest = read_manifest(signed)
        if manifest.receiver != messages.fingerprint(self._sessions.public):
            raise Refusal("the manifest is for another receiver")
        if not 0 < manifest.size <= self._limits.size:
            raise Refusal(f"{manifest.size} bytes sealed; this receiver takes {self._limits.size}")
        key = messages.fingerprint(sender)
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
        if sum(one.finishing is not None for one in self._uploads.values()) >= self._limits.waiting:
            raise Answer(503, retry=2, error="too many pictures wait to be verified")
        self._forget_idle(picture.sender, now)
        mine = [one for one in self._uploads.values() if one.picture.sender == picture.sender]
        if any(one.picture.picture == picture.picture for one in mine):
            raise Answer(503, retry=5, error="the same picture is arriving from another process")
        if len(mine) >= self._limits.uploads:
            raise Answer(503, retry=2, error="too many pictures of this sender at once")
        self._uploads[picture.upload] = _Upload(picture, name, now)
        if known is None or known.upload != picture.upload:
            await self._blocking(self._inbox.begin, picture)

    def _forget_idle(self, sender: str, now: float) -> None:
        """Uploads that nothing comes for; what arrived stays on disk, and they may go on."""
        for id, one in list(self._uploads.items()):
            if one.picture.sender == sender and one.finishing is None and now - one.touched > _BUSY:
                del self._uploads[id]

    async def piece(self, request: web.Request, opened: Open, body: bytes) -> dict[str, Any]:
        """The next bytes of a picture; with the last ones it is verified and kept."""
        upload = self._uploads.get(request.match_info["upload"])
        if upload is None or upload.picture.sender != messages.fingerprint(opened.session.sender):
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
                await self._sessions.seen(Event.FORGED, upload.name, authenticated=True)
            raise
        finally:
            self._uploads.pop(picture.upload, None)


def _looked_at(task: asyncio.Task) -> None:
    """Whoever waited for it may be gone; what it raised was told."""
    if not task.cancelled():
        task.exception()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
