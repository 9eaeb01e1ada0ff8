"""browse: what the key opens is shown to whoever has the address, and to nobody else; nothing is written."""

import http.client
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jaxcrypt
from jaxcrypt import browse
from jaxcrypt.browsing.album import Album
from jaxcrypt.browsing.server import Server
from jaxcrypt.errors import ExitCode
from tests.support import photo

EVIL = "<b>a&b.jpg"


@pytest.fixture
def folder(tmp_path, key):
    """A folder with sealed pictures, one of another key, and one of which only the pixels travel."""
    keys = jaxcrypt.Keys(key_file=key)
    data = photo(tmp_path / "photo.jpg", (80, 60)).read_bytes()
    tiff = photo(tmp_path / "photo.tif", (20, 30)).read_bytes()
    into = tmp_path / "sealed"
    into.mkdir()
    for name, content, how in (
        ("a.png", data, {"name": "b10.jpg", "thumbnail": True}),
        ("b.png", tiff, {"name": "b2.tif"}),
        ("c.png", data, {"name": EVIL, "pixels_only": True}),
    ):
        (into / name).write_bytes(jaxcrypt.seal(content, keys, **how))
    (into / "d.png").write_bytes(jaxcrypt.seal(data, jaxcrypt.Keys(passphrase="another")))
    return into


@pytest.fixture
def server(folder, key):
    album = Album(sorted(folder.iterdir()), jaxcrypt.Keys(key_file=key))
    with Server(album, "holiday") as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join(10)


def get(server, path, host=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20)
    connection.request("GET", path, headers={} if host is None else {"Host": host})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_the_sheet(server):
    answer, body = get(server, f"/{server.token}/")
    text = body.decode()
    assert answer.status == 200
    assert text.index("b2.tif") < text.index("b10.jpg")
    assert "1 more that this key does not open" in text
    assert "<b>" not in text
    assert "a&amp;b.jpg" in text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_small_and_whole_pictures(server, tmp_path):
    index = [seen.name for seen in server.album.pictures].index("b10.jpg")
    answer, body = get(server, f"/{server.token}/small/{index}")
    assert answer.headers["Content-Type"] == "image/jpeg"
    (tmp_path / "small.jpg").write_bytes(body)
    assert Image.open(tmp_path / "small.jpg").size == (80, 60)
    answer, body = get(server, f"/{server.token}/whole/{index}")
    assert body == (tmp_path / "photo.jpg").read_bytes()
    assert b"80" in get(server, f"/{server.token}/view/{index}")[1]


def test_what_browsers_do_not_know_is_shown_as_png(server, tmp_path):
    index = [seen.name for seen in server.album.pictures].index("b2.tif")
    answer, body = get(server, f"/{server.token}/whole/{index}")
    assert answer.headers["Content-Type"] == "image/png"
    (tmp_path / "shown.png").write_bytes(body)
    shown, plain = (np.asarray(Image.open(tmp_path / name)) for name in ("shown.png", "photo.tif"))
    assert np.array_equal(shown, plain)


def test_pixels_alone_are_named_not_shown(server):
    index = next(i for i, seen in enumerate(server.album.pictures) if not seen.length)
    answer, body = get(server, f"/{server.token}/whole/{index}")
    assert (answer.status, b"only its pixels travel" in body) == (422, True)
    assert b"jaxcrypt decrypt c.png" in get(server, f"/{server.token}/view/{index}")[1]


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/", None),
        ("/wrong/", None),
        ("/{token}/", "example.org"),
        ("/{token}/whole/99", None),
        ("/{token}/whole/-1", None),
        ("/{token}/whole/../../etc/passwd", None),
        ("/{token}/other/0", None),
    ],
)
def test_nothing_else_is_answered(server, path, host):
    answer, body = get(server, path.format(token=server.token), host)
    assert (answer.status, body) == (404, b"")


def test_damage_is_said(server):
    index = [seen.name for seen in server.album.pictures].index("b10.jpg")
    path = server.album.pictures[index].path
    data = bytearray(path.read_bytes())
    data[data.index(b"jcPL") + 9] ^= 1
    path.write_bytes(data)
    answer, body = get(server, f"/{server.token}/whole/{index}")
    assert answer.status == 422
    assert b"tampered" in body


def test_list_in_the_terminal(folder, key, capsys):
    assert browse.main([str(folder), "--key-file", key, "--list"]) == ExitCode.FAILED
    told = capsys.readouterr()
    assert "a.png: b10.jpg, 80×60" in told.out
    assert "d.png: no key fits" in told.err
    assert browse.main([str(folder / "a.png"), "--key-file", key, "--list", "--json"]) == ExitCode.OK
    facts = json.loads(capsys.readouterr().out)
    assert (facts["name"], facts["thumbnail"]) == ("b10.jpg", {"width": 80, "height": 60})


def test_refusals(folder, key, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for argv, code in (
        ([str(folder)], ExitCode.USAGE),
        (["-", "--key-file", key], ExitCode.USAGE),
        ([str(tmp_path / "empty"), "--key-file", key], ExitCode.BAD_INPUT),
        ([str(folder / "d.png"), "--key-file", key], ExitCode.NO_KEY),
        ([str(folder), "--key-file", key, "--port", "99999"], ExitCode.USAGE),
        ([str(folder), "--key-file", key, "--json"], ExitCode.USAGE),
    ):
        assert browse.main(argv) == code, argv
        assert capsys.readouterr().err.count("\n") == 1


def test_nothing_is_written(server, folder):
    before = {path: path.stat().st_mtime_ns for path in Path(folder.parent).rglob("*")}
    for index in range(len(server.album.pictures)):
        for what in ("small", "view", "whole"):
            get(server, f"/{server.token}/{what}/{index}")
    assert before == {path: path.stat().st_mtime_ns for path in Path(folder.parent).rglob("*")}
