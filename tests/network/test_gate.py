"""Connections that bring nothing, or nonsense, do not keep others out."""

import asyncio

import pytest

from jaxcrypt.network import tls
from jaxcrypt.network.client import picture_id
from jaxcrypt.network.gate import Budget, Gate
from jaxcrypt.network.server import Limits
from jaxcrypt.network.sessions import Counts
from tests.network.place import HOST, Place, picture_file, run, seal


class Wire:
    """A transport that can be aborted."""

    aborted = False

    def abort(self):
        self.aborted = True


def test_a_stranger_that_is_idle_makes_room_and_a_session_does_not():
    async def work():
        gate = Gate(2, 60.0)
        one, two, three, four = Wire(), Wire(), Wire(), Wire()
        assert gate.enter(one)
        assert gate.enter(two)
        gate.served(one, trusted=True)
        assert gate.enter(three)
        assert two.aborted
        assert not one.aborted
        gate.leave(two)
        gate.served(three, trusted=True)
        assert not gate.enter(four)
        for wire in (one, three):
            gate.leave(wire)
        assert gate.enter(four)
        gate.leave(four)

    run(work())


def test_whoever_brings_no_request_in_time_is_cut_off_unless_we_are_the_slow_ones():
    async def work():
        gate = Gate(9, 0.05)
        idle, busy = Wire(), Wire()
        gate.enter(idle)
        gate.enter(busy)
        gate.begun(busy)
        while not idle.aborted:
            await asyncio.sleep(0.01)
        assert not busy.aborted
        gate.served(busy, trusted=True)
        while not busy.aborted:
            await asyncio.sleep(0.01)

    run(work())


def test_memory_is_lent_and_given_back():
    async def work():
        budget, order = Budget(10), []

        async def take(size):
            async with budget.of(size):
                order.append(size)
                await asyncio.sleep(0.01)

        async with budget.of(8):
            tasks = [asyncio.create_task(take(size)) for size in (9, 2)]
            await asyncio.sleep(0.05)
            assert order == [2]
        await asyncio.gather(*tasks)
        assert order == [2, 9]

    run(work())


def test_counts_are_used_once_within_their_window():
    counts = Counts()
    assert all(counts.use(count) for count in (1, 3, 2, 5000, 4500))
    assert not any(counts.use(count) for count in (3, 5000, 4500, 1, 3900))


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"\x00" * 500 + b"\r\n\r\n",
        b"POST /1/hello HTTP/1.1\r\nHost: x\r\nContent-Le",
        b"POST /1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]",
        b'POST /1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n{"versions":[1]}',
        b"POST /1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n",
        b"POST /1/login?welcome=x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
        b"PUT /1/uploads/../../x HTTP/1.1\r\nHost: x\r\nJaxcrypt-Session: \xff\r\nContent-Length: 1\r\n\r\na",
        b"POST /1/uploads HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
    ],
)
def test_nonsense_costs_its_own_connection_only(tmp_path, identity, receiver, alice, known, nonsense):
    """More connections of strangers than there may be, and one of a sender: it is served."""
    place = Place(tmp_path, identity, receiver, {"alice": alice}, Limits(connections=8, seconds=20))
    data = picture_file(1)

    async def stranger():
        try:
            reader, writer = await asyncio.open_connection(HOST, place.port, ssl=tls.asking())
            writer.write(nonsense)
            await reader.read()
            writer.transport.abort()
        except OSError:
            pass

    async def work():
        async with place.open():
            strangers = [asyncio.create_task(stranger()) for _ in range(12)]
            await asyncio.sleep(0.1)
            async with place.sender(alice, known) as sender:
                await sender.send(seal(place.sealing, data, "a.png"), picture_id(alice, data, "a.png"))
            for task in strangers:
                task.cancel()
            await asyncio.gather(*strangers, return_exceptions=True)

    run(work())
    assert place.files() == {"alice/a.png": data}
