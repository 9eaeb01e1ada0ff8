"""The benches themselves, small: a line between namespaces where that can be, and a crowd on loopback."""

import asyncio
import contextlib

import pytest

from jaxcrypt.bench import crowd, lines
from jaxcrypt.bench.wire import Wire, serve
from jaxcrypt.errors import Refusal
from jaxcrypt.network.client import picture_id
from tests.network.place import HOST, picture_file, run, seal

pytestmark = pytest.mark.timeout(240)


def test_pictures_arrive_over_a_shaped_line_with_a_kill(tmp_path):
    if why := lines.possible():
        pytest.skip(why)
    with contextlib.ExitStack() as stack:
        try:
            near, far = stack.enter_context(lines.line(10))
        except Refusal as refusal:
            pytest.skip(f"no namespaces here: {refusal}")
        row = lines.interrupted(tmp_path, near, far, 8, 60_000, kills_at=(0.3,))
    assert row["whole"], row
    assert row["exit"] == 0


def test_a_crowd_among_hostile_clients_loses_nothing():
    row = asyncio.run(crowd.load(6, 2.0, 20_000))
    assert row["pictures"] >= 6
    assert row["failed"] == row["lost"] == row["twice"] == 0


def test_pictures_arrive_through_a_wire_that_delays_loses_and_cuts(place, alice, known):
    files = {f"{n}.png": picture_file(n, side=100) for n in range(6)}

    async def work():
        async with place.open():
            wire = await serve(Wire(delay=0.01, loss=0.02, cut=0.6), (HOST, 0), (HOST, place.port))
            port = wire.sockets[0].getsockname()[1]
            async with wire, place.sender(alice, known, port=port, give_up=60.0) as sender:
                sends = (
                    sender.send(seal(place.sealing, data, name), picture_id(alice, data, name))
                    for name, data in files.items()
                )
                await asyncio.gather(*sends)

    run(work(), 120)
    assert place.files() == {f"alice/{name}": data for name, data in files.items()}
