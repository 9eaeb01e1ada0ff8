"""Pictures over loopback: whole, once, from whom they should be, to whom they should go."""

import asyncio
import hashlib
import json
import os
import time

import pytest

from jaxcrypt.errors import Refusal
from jaxcrypt.network import verification
from jaxcrypt.network.client import picture_id
from jaxcrypt.network.inbox import STATE
from jaxcrypt.network.server import Limits
from jaxcrypt.network.store import Picture
from jaxcrypt.network.threat import Level
from jaxcrypt.network.transcript import Suspicious
from tests.network.place import HOST, Place, between, picture_file, run, seal


async def _send(place, signer, known, files, **how):
    async with place.sender(signer, known, **how) as sender:
        sent = (
            sender.send(seal(place.sealing, data, name), picture_id(signer, data, name))
            for name, data in files.items()
        )
        return await asyncio.gather(*sent), sender


def test_pictures_arrive_whole_in_the_folder_of_their_sender(place, alice, known):
    files = {f"{n}.png": picture_file(n) for n in range(6)}

    async def work():
        async with place.open():
            receipts, _ = await _send(place, alice, known, files)
        return receipts

    receipts = run(work())
    assert place.files() == {f"alice/{name}": data for name, data in files.items()}
    assert sorted(name for receipt in receipts for name in receipt.files) == sorted(place.files())
    assert not list((place.inbox / STATE / "partial").iterdir())


def test_a_picture_sent_again_is_kept_once_even_after_a_restart(place, alice, known):
    files = {"a.png": picture_file(1)}

    async def work():
        async with place.open():
            (first,), _ = await _send(place, alice, known, files)
        async with place.open():
            (again,), sender = await _send(place, alice, known, files)
        return first, again, sender

    first, again, _ = run(work())
    assert again.signed == first.signed
    assert place.files() == {"alice/a.png": files["a.png"]}


def test_pictures_of_one_name_do_not_overwrite_each_other(place, alice, known):
    async def work():
        async with place.open():
            await _send(place, alice, known, {"a.png": picture_file(1)})
            await _send(place, alice, known, {"a.png": picture_file(2)})

    run(work())
    assert place.files() == {"alice/a.png": picture_file(1), "alice/a-2.png": picture_file(2)}


def test_an_upload_that_was_cut_goes_on_where_it_was(tmp_path, identity, receiver, alice, known):
    place = Place(tmp_path, identity, receiver, {"alice": alice}, Limits(piece=4096, seconds=20))
    data = picture_file(3, side=64)
    made, picture = seal(place.sealing, data, "a.png"), picture_id(alice, data, "a.png")
    starts = []

    class Cut(Exception):
        """The sender goes away."""

    def cut(at):
        starts.append(at)
        if at >= 8192 and len(starts) < 5:
            raise Cut

    async def work():
        async with place.open(), place.sender(alice, known) as sender:
            with pytest.raises(Cut):
                await sender.send(made, picture, cut)
        async with place.open(), place.sender(alice, known) as sender:
            await sender.send(made, picture, starts.append)

    run(work())
    assert starts[:3] == [0, 4096, 8192]
    assert starts[3] == 8192  # what arrived before the restart was not sent again
    assert place.files() == {"alice/a.png": data}


def test_a_stranger_is_refused_and_raises_the_threat_for_its_own_address_only(place, mallory, known):
    async def work():
        async with place.open():
            for _ in range(4):
                with pytest.raises(Refusal, match="not among those that --allow names"):
                    await _send(place, mallory, known, {"a.png": picture_file(1)})
            return place.app.sessions.level(HOST), place.app.sessions.level("192.0.2.1")

    assert run(work()) == (Level.ALARMED, Level.CALM)
    assert place.files() == {}


def test_the_threat_outlives_a_restart(place, mallory, alice, known):
    async def work():
        async with place.open():
            for _ in range(4):
                with pytest.raises(Refusal):
                    await _send(place, mallory, known, {"a.png": picture_file(1)})
        async with place.open():
            level = place.app.sessions.level(HOST)
            _, sender = await _send(place, alice, known, {"a.png": picture_file(1)})
            return level, sender.level()

    assert run(work()) == (Level.ALARMED, Level.ALARMED)  # and the sender is told under a signature
    assert place.files()  # an allowed sender is served all the same


def test_another_key_under_a_known_address_is_refused(place, alice, mallory, known):
    async def work():
        async with place.open():
            await _send(place, alice, known, {"a.png": picture_file(1)})
        place.receiver = mallory
        async with place.open():
            await _send(place, alice, known, {"b.png": picture_file(2)})

    with pytest.raises(Suspicious, match="another receiver, or somebody between"):
        run(work())
    (entry,) = json.loads(known.read_text()).values()
    assert entry["score"] > 0


def test_somebody_between_with_a_certificate_of_their_own_is_found(place, alice, known, tmp_path):
    from jaxcrypt.network import tls

    pem = tmp_path / "mallory.pem"
    tls.own_certificate(pem)

    async def work():
        async with place.open(), between(place.port, pem, lambda direction, data: data) as port:
            await _send(place, alice, known, {"a.png": picture_file(1)}, port=port)

    with pytest.raises(Suspicious, match="somebody stands between"):
        run(work())
    assert place.files() == {}


@pytest.mark.parametrize(
    ("direction", "strong", "weak"),
    [
        ("up", b"-sha512", b"-sha256"),  # the sender's offer without the better suite
        ("down", b"-sha512", b"-sha256"),  # the receiver's choice and offer
        ("down", b'"level":0', b'"level":3'),
        ("down", b'"formats":[1,2,3]', b'"formats":[1,1,3]'),
        ("down", b'"systems":["logistic"', b'"systems":["mixing__"'),
    ],
)
def test_whoever_breaks_tls_and_rewrites_an_offer_gets_no_weaker_session(
    place, alice, known, direction, strong, weak
):
    """The man in the middle has the receiver's own certificate and key: TLS is worth nothing here."""
    hit = []

    def change(way, data):
        if way == direction and strong in data:
            hit.append(way)
            return data.replace(strong, weak)
        return data

    async def work():
        async with place.open(), between(place.port, place.inbox / STATE / "tls.pem", change) as port:
            with pytest.raises(Suspicious, match="altered on its way"):
                await _send(place, alice, known, {"a.png": picture_file(1)}, port=port)

    run(work())
    assert hit
    assert place.files() == {}
    assert json.loads(known.read_text()).popitem()[1]["score"] >= 4  # stripped: the next try is careful


def test_replayed_requests_change_nothing_and_are_noticed(place, alice, known):
    """Who breaks TLS records a whole session, and plays it again: in it, and after a restart."""
    heard = []

    def record(way, data):
        if way == "up":
            heard.append(data)
        return data

    async def again(requests):
        from jaxcrypt.network import tls

        answers = []
        for request in requests:
            reader, writer = await asyncio.open_connection(HOST, place.port, ssl=tls.asking())
            writer.write(request)
            answers.append(await reader.readline())
            writer.transport.abort()
        return answers

    async def work():
        async with place.open(), between(place.port, place.inbox / STATE / "tls.pem", record) as port:
            await _send(place, alice, known, {"a.png": picture_file(1)}, port=port)
            assert heard
            requests = b"".join(heard).split(b"POST /1/")
            login = next(b"POST /1/" + one for one in requests if one.startswith(b"login"))
            during = await again([login])
        async with place.open():
            after = await again([login])
            return during, after, place.app.sessions.level(HOST)

    during, after, level = run(work())
    assert b" 403 " in during[0]
    assert b" 403 " in after[0]
    assert level >= Level.WARY
    assert list(place.files()) == ["alice/a.png"]


def test_what_does_not_open_is_refused_and_nothing_is_kept(place, alice, known):
    from jaxcrypt.crypto import recipients
    from jaxcrypt.sealing.keys import Keys

    other = Keys(recipients=[recipients.generate().recipient()])
    data = picture_file(1)

    async def work():
        async with place.open(), place.sender(alice, known) as sender:
            with pytest.raises(Refusal, match="no key fits"):
                await sender.send(seal(other, data, "a.png"), picture_id(alice, data, "a.png"))
            broken = bytearray(seal(place.sealing, data, "a.png"))
            broken[len(broken) // 2] ^= 1
            with pytest.raises(Refusal, match="damaged"):
                await sender.send(bytes(broken), picture_id(alice, data, "b.png"))
            await sender.send(seal(place.sealing, data, "a.png"), picture_id(alice, data, "a.png"))

    run(work())
    assert list(place.files()) == ["alice/a.png"]


def test_kept_sealed_without_keys(tmp_path, identity, receiver, alice, known):
    place = Place(tmp_path, identity, receiver, {"alice": alice}, keep_sealed=True)
    data = picture_file(1)
    made = seal(place.sealing, data, "a.png")

    async def work():
        async with place.open(), place.sender(alice, known) as sender:
            await sender.send(made, picture_id(alice, data, "a.png"))
            with pytest.raises(Refusal):
                await sender.send(os.urandom(3000), "00" * 32)

    run(work())
    assert list(place.files().values()) == [made]


@pytest.mark.parametrize("written", [False, True])
def test_a_picture_is_kept_once_when_both_ends_were_killed_while_it_was_stored(
    place, alice, known, monkeypatch, written
):
    """The receiver ended after reserving a name, or after writing the file; the sender sealed anew."""
    from jaxcrypt.network import inbox

    data, keep = picture_file(1), inbox._keep

    class Killed(BaseException):
        """The process is gone."""

    def killed(*how):
        if written:
            keep(*how)
        raise Killed

    def arrive():
        made = seal(place.sealing, data, "a.png")
        box = inbox.Inbox(place.inbox, place.receiver, verification.opened(place.keys))
        body = inbox.Manifest("00" * 32, len(made), hashlib.sha256(made).digest(), "me").encode()
        manifest = inbox.read_manifest(body)
        picture = Picture("alice", manifest.picture, manifest.upload, "", manifest.size, manifest.digest)
        try:
            box.begin(picture)
            box.write(manifest.upload, 0, made)
            return box.finish(picture, "alice")
        finally:
            box.store.close()

    monkeypatch.setattr(inbox, "_keep", killed)
    with pytest.raises(Killed):
        arrive()
    monkeypatch.setattr(inbox, "_keep", keep)
    assert arrive()
    assert place.files() == {"alice/a.png": data}
    assert not list((place.inbox / STATE / "partial").iterdir())


def test_what_was_cut_off_long_ago_is_forgotten(place, alice, known):
    data = picture_file(1)
    partial = place.inbox / STATE / "partial"

    async def work():
        async with place.open():
            for name, age in {"old": 8 * 86400, "new": 60}.items():
                (partial / name).write_bytes(b"cut")
                os.utime(partial / name, (time.time() - age,) * 2)
        async with place.open():
            left = os.listdir(partial)
            await _send(place, alice, known, {"a.png": data})
        return left

    assert run(work()) == ["new"]
    assert place.files() == {"alice/a.png": data}
