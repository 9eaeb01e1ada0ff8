"""A TCP proxy that makes a connection worse: ``python -m jaxcrypt.bench.wire FROM TO``, each HOST:PORT.

It works on the stream, so it loses no bytes for good: what a packet's loss does to a stream, a pause of one
retransmission, is what it adds. Cuts are real: both sides see their connection reset.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from jaxcrypt.cli import command as cli
from jaxcrypt.errors import ExitCode, usage

_SEGMENT = 1448  # bytes of one packet
_RETRANSMISSION = 0.2  # seconds


@dataclass(frozen=True)
class Wire:
    """How bad it is: delay each way in seconds, share of segments lost, mean seconds to a cut (0: none)."""

    delay: float = 0.0
    loss: float = 0.0
    cut: float = 0.0


async def serve(wire: Wire, listen: tuple[str, int], to: tuple[str, int]) -> asyncio.Server:
    """The proxy, listening."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*to)
        except OSError:
            writer.transport.abort()
            return
        ways = [_pump(wire, reader, far_writer), _pump(wire, far_reader, writer)]
        tasks = [asyncio.create_task(way) for way in ways]
        life = random.expovariate(1 / wire.cut) if wire.cut else None
        await asyncio.wait(tasks, timeout=life, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        for end in (writer, far_writer):
            end.transport.abort()

    return await asyncio.start_server(carry, *listen)


async def _pump(wire: Wire, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """One way: what arrives is passed on ``delay`` later, in order."""
    queue: asyncio.Queue = asyncio.Queue(256)
    loop = asyncio.get_running_loop()

    async def take() -> None:
        while data := await source.read(16 << 10):
            segments = -(-len(data) // _SEGMENT)
            lost = random.random() < 1 - (1 - wire.loss) ** segments
            await queue.put((loop.time() + wire.delay + lost * _RETRANSMISSION, data))
        await queue.put((0.0, b""))

    taking = asyncio.create_task(take())
    try:
        while True:
            due, data = await queue.get()
            if not data:
                break
            await asyncio.sleep(max(0.0, due - loop.time()))
            sink.write(data)
            await sink.drain()
    except OSError:
        pass
    finally:
        taking.cancel()


def main(argv: Sequence[str] | None = None) -> int:
    """The command: until it is ended."""
    from jaxcrypt.network.address import split_address

    parser = cli.Parser(prog="python -m jaxcrypt.bench.wire", description=__doc__)
    parser.add_argument("listen", metavar="FROM", help="HOST:PORT to listen on")
    parser.add_argument("to", metavar="TO", help="HOST:PORT to connect to")
    parser.add_argument("--delay", type=float, default=0.02, help="seconds each way (%(default)s)")
    parser.add_argument("--loss", type=float, default=0.01, help="share of segments (%(default)s)")
    parser.add_argument(
        "--cut", type=float, default=10.0, help="mean seconds to a cut, 0: none (%(default)s)"
    )
    args = parser.parse_args(argv)
    if not 0 <= args.loss < 1 or args.delay < 0 or args.cut < 0:
        raise usage("--delay and --cut are no less than 0, --loss below 1")

    async def work() -> None:
        wire = Wire(args.delay, args.loss, args.cut)
        server = await serve(wire, split_address(args.listen), split_address(args.to))
        print("ready", flush=True)
        await server.serve_forever()

    asyncio.run(work())
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(cli.entry(main))
