"""Many senders at once, among clients that are slow or make no sense: ``bench network load``."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from jaxcrypt.bench import parcels
from jaxcrypt.bench.post import Post
from jaxcrypt.network import tls
from jaxcrypt.network.calls import Calls
from jaxcrypt.network.client import Sender, picture_id
from jaxcrypt.network.known import Known

_HOST = "127.0.0.1"
_HOSTILE = 16


class _Tally:
    """What the senders were told."""

    def __init__(self):
        self.acknowledged: list[str] = []
        self.seconds: list[float] = []
        self.bytes = self.failed = 0
        self.memory: list[float] = []


async def load(senders: int, seconds: float, size: int) -> dict[str, Any]:
    """Let ``senders`` send for ``seconds``, each one picture after the other; what came of it, by name."""
    with tempfile.TemporaryDirectory(prefix="jaxcrypt-load-") as name:
        post = Post(Path(name), senders)
        port = await asyncio.to_thread(post.start)
        tally, until = _Tally(), time.monotonic() + seconds
        hostile = [asyncio.create_task(_hostile(port)) for _ in range(_HOSTILE)]
        watching = asyncio.create_task(_watch(post, tally))
        try:
            work = (_one(post, number, port, size, until, tally) for number in range(senders))
            await asyncio.gather(*work)
            took, cpu, peak = time.monotonic() - until + seconds, post.cpu(), post.memory()[1]
            arrived = post.arrived()
        finally:
            for task in (*hostile, watching):
                task.cancel()
            post.kill()
    return _facts(tally, arrived, took, cpu, peak)


async def _one(post: Post, number: int, port: int, size: int, until: float, tally: _Tally) -> None:
    signer, side = post.senders[number], parcels.side_for(size)
    known = Known(post.folder / f"known{number}", f"{_HOST}:{port}")
    async with Sender(Calls(_HOST, port, signer, known, parallel=1, give_up=60.0)) as sender:
        turn = 0
        while not turn or time.monotonic() < until:
            turn += 1
            name = f"{turn}.png"
            data = parcels.picture_file(number << 20 | turn, side)
            made = parcels.seal(post.keys, data, name)
            started = time.monotonic()
            try:
                await sender.send(made, picture_id(signer, data, name))
            except Exception:  # counted, and the run says so
                tally.failed += 1
                continue
            tally.seconds.append(time.monotonic() - started)
            tally.acknowledged.append(hashlib.sha256(data).hexdigest())
            tally.bytes += len(made)


async def _watch(post: Post, tally: _Tally) -> None:
    while True:
        tally.memory.append(post.memory()[0])
        await asyncio.sleep(1)


async def _hostile(port: int) -> None:
    """One client after the other that no receiver wants."""
    kinds = (_noise, _half_a_header, _no_http, _no_hello, _no_session)
    while True:
        try:
            async with asyncio.timeout(random.uniform(1, 20)):
                await random.choice(kinds)(port)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass


async def _open(port: int, data: bytes, encrypted: bool = True) -> None:
    context = tls.asking() if encrypted else None
    reader, writer = await asyncio.open_connection(_HOST, port, ssl=context)
    try:
        writer.write(data)
        await writer.drain()
        while await reader.read(4096):
            pass
    finally:
        writer.transport.abort()


async def _noise(port: int) -> None:
    await _open(port, os.urandom(3000), encrypted=False)


async def _half_a_header(port: int) -> None:
    await _open(port, b"POST /1/hello HTTP/1.1\r\nHost: x\r\nContent-Le")


async def _no_http(port: int) -> None:
    await _open(port, os.urandom(2000) + b"\r\n\r\n")


async def _no_hello(port: int) -> None:
    await _open(port, b'POST /1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n{"versions":')


async def _no_session(port: int) -> None:
    head = b"PUT /1/uploads/00?at=0 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    await _open(port, head + bytes(1_000_000))


def _facts(tally: _Tally, arrived: list[str], took: float, cpu: float, peak: float) -> dict[str, Any]:
    waits = sorted(tally.seconds) or [0.0]
    half = len(tally.memory) // 2
    return {
        "pictures": len(tally.acknowledged),
        "failed": tally.failed,
        "lost": len(set(tally.acknowledged) - set(arrived)),
        "twice": len(arrived) - len(set(arrived)),
        "seconds": round(took, 1),
        "megabytes_per_second": round(tally.bytes / took / 1e6, 2),
        "median_seconds": round(statistics.median(waits), 3),
        "worst_seconds": round(waits[-1], 3),
        "receiver_cpu_seconds": round(cpu, 1),
        "peak_memory_mib": round(peak, 1),
        "memory_half_way_mib": round(max(tally.memory[:half], default=0.0), 1),
    }
