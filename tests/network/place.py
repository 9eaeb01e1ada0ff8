"""A receiver in this process, pictures to send to it, and somebody who stands between."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager

from jaxcrypt.bench.parcels import picture_file, seal
from jaxcrypt.crypto import header
from jaxcrypt.network import tls, verification
from jaxcrypt.network.calls import Calls
from jaxcrypt.network.client import Sender
from jaxcrypt.network.inbox import STATE, Inbox
from jaxcrypt.network.known import Known
from jaxcrypt.network.server import Limits, Receiver
from jaxcrypt.network.transcript import Offer
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.systems import catalog

HOST = "127.0.0.1"
__all__ = ["HOST", "Place", "between", "picture_file", "run", "seal"]


class Place:
    """A receiver's folder, keys and address, over restarts in this process."""

    def __init__(self, folder, identity, receiver, senders, limits=None, keep_sealed=False):
        self.inbox, self.keys, self.receiver = folder / "inbox", Keys(identities=[identity]), receiver
        self.sealing = Keys(recipients=[identity.recipient()])
        self.allowed = {signer.verifier().public: name for name, signer in senders.items()}
        self.limits, self.lines, self.port = limits or Limits(seconds=20), [], 0
        self.keep_sealed = keep_sealed
        self.app = None

    @asynccontextmanager
    async def open(self):
        """Listen; at the same port again once one was taken."""
        verify = verification.kept_sealed(None) if self.keep_sealed else verification.opened(self.keys)
        inbox = Inbox(self.inbox, self.receiver, verify)
        pem = self.inbox / STATE / "tls.pem"
        tls.own_certificate(pem)
        context, digest = tls.serving(pem)
        recipients = tuple(one.public for one in self.keys.keyring.own_recipients())
        offer = Offer(digest, recipients, catalog.NAMES, header.VERSIONS)
        how = {"limits": self.limits, "told": self.lines.append}
        self.app = Receiver(inbox, self.receiver, offer, self.allowed, **how)
        await _until_free(self.port)
        async with self.app.listening(HOST, self.port, context) as (_, self.port):
            yield self

    def sender(self, signer, known, port=None, **how) -> Sender:
        """Somebody who sends here, or to whoever listens on ``port``."""
        port = port or self.port
        how = {"give_up": 20.0, **how}
        return Sender(Calls(HOST, port, signer, Known(known, f"{HOST}:{port}"), **how))

    def files(self) -> dict[str, bytes]:
        """What is in the inbox, without the receiver's own state."""
        files = (path for path in self.inbox.rglob("*") if path.is_file() and STATE not in path.parts)
        return {str(path.relative_to(self.inbox)): path.read_bytes() for path in files}


async def _until_free(port: int) -> None:
    """Somebody else's connection may have the port of a receiver that is to come back, for a moment."""
    for _ in range(100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                return
            except OSError:
                await asyncio.sleep(0.1)


@asynccontextmanager
async def between(port: int, pem, change):
    """Somebody who ends TLS with the certificate in ``pem`` and may change what passes.

    ``change(direction, data) -> data``, of "up" and "down"; it sees what one read gave.
    """

    async def serve(reader, writer):
        up_reader, up_writer = await asyncio.open_connection(HOST, port, ssl=tls.asking())

        async def pump(source, sink, direction):
            try:
                while data := await source.read(1 << 16):
                    sink.write(change(direction, data))
                    await sink.drain()
            except (OSError, ssl.SSLError):
                pass
            finally:
                sink.transport.abort()

        await asyncio.gather(pump(reader, up_writer, "up"), pump(up_reader, writer, "down"))

    context, _ = tls.serving(pem)
    server = await asyncio.start_server(serve, HOST, 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def run(coroutine, seconds: float = 60.0):
    """Run a coroutine, which may not hang."""

    async def bounded():
        async with asyncio.timeout(seconds):
            return await coroutine

    return asyncio.run(bounded())
