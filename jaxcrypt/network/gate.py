"""What keeps strangers and slow clients from taking a receiver's connections and memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class _Connection:
    """One connection: when its last request was answered, and what is known of it."""

    transport: asyncio.Transport
    since: float
    busy: bool = False  # its request was read whole: what takes time now is ours
    trusted: bool = False  # a session's MAC held on it
    timer: asyncio.TimerHandle | None = None


class Gate:
    """Limits of connections: how many, and how long one may take to bring a whole request.

    Where there are too many, the one that has been idle for longest and that no session vouches for makes
    room; where all are vouched for, the new one is closed.

    Args:
      most: connections at once.
      seconds: from the last answer to the end of the next request.
    """

    def __init__(self, most: int, seconds: float):
        self._most, self._seconds = most, seconds
        self._all: dict[Any, _Connection] = {}

    def guarded(self, inner: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """A protocol factory whose connections pass through this gate."""
        return lambda: _Guard(self, inner())

    def begun(self, transport: Any) -> None:
        """A request was read whole: its connection is not timed while it is worked on."""
        if transport in self._all:
            self._all[transport].busy = True

    def served(self, transport: Any, trusted: bool) -> None:
        """A request was answered."""
        if transport in self._all:
            connection = self._all[transport]
            connection.busy, connection.trusted = False, connection.trusted or trusted
            self._time(connection)

    def enter(self, transport: asyncio.Transport) -> bool:
        """Whether a new connection may come in."""
        if len(self._all) >= self._most:
            strangers = [one for one in self._all.values() if not one.trusted and not one.busy]
            if not strangers:
                return False
            min(strangers, key=lambda one: one.since).transport.abort()
        self._all[transport] = connection = _Connection(transport, 0.0)
        self._time(connection)
        return True

    def leave(self, transport: Any) -> None:
        """A connection is gone."""
        connection = self._all.pop(transport, None)
        if connection is not None and connection.timer is not None:
            connection.timer.cancel()

    def _time(self, connection: _Connection) -> None:
        loop = asyncio.get_running_loop()
        connection.since = loop.time()
        if connection.timer is not None:
            connection.timer.cancel()
        connection.timer = loop.call_later(self._seconds, self._expire, connection)

    def _expire(self, connection: _Connection) -> None:
        if not connection.busy:
            connection.transport.abort()


class _Guard(asyncio.Protocol):
    """Hands everything on to the protocol inside, once the gate let the connection in."""

    def __init__(self, gate: Gate, inner: Any):
        self._gate, self._inner, self._transport, self._in = gate, inner, None, False

    def connection_made(self, transport: Any) -> None:
        self._transport, self._in = transport, self._gate.enter(transport)
        if self._in:
            self._inner.connection_made(transport)
        else:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._in:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._in else None

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._gate.leave(self._transport)
        if self._in:
            self._inner.connection_lost(exc)


class Budget:
    """Bytes that may be in memory at once; who wants more than is free waits, in turn."""

    def __init__(self, total: int):
        self._free, self._changed = total, asyncio.Condition()

    @asynccontextmanager
    async def of(self, size: int) -> AsyncIterator[None]:
        """Hold ``size`` bytes."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._free >= size)
            self._free -= size
        try:
            yield
        finally:
            async with self._changed:
                self._free += size
                self._changed.notify_all()
