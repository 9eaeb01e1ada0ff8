"""What surrounds the page: headers, hosts, its folder. No Gradio here."""

import asyncio
import os

import pytest

from jaxcrypt.demo import serve


def answer(headers, own=()):
    """Status and headers of an answer that went through the middleware."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": list(own)})
        await send({"type": "http.response.body", "body": b"x"})

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "headers": headers}
    asyncio.run(serve.Kept(app)(scope, None, send))
    return sent[0]["status"], dict(sent[0]["headers"])


def test_answers_keep_the_browser_here():
    own = [(b"Cache-Control", b"max-age=9"), (b"x-own", b"1")]
    status, headers = answer([(b"host", b"127.0.0.1:7860")], own)
    assert status == 200
    assert headers[b"cache-control"] == b"no-store"
    assert b"Cache-Control" not in headers
    assert headers[b"x-own"] == b"1"
    assert b"default-src 'self'" in headers[b"content-security-policy"]


@pytest.mark.parametrize("host", [b"example.org", b"example.org:7860", b"127.0.0.1.example.org:7860", b""])
def test_other_hosts_names_are_refused(host):
    assert answer([(b"host", host)])[0] == 421
    assert answer([])[0] == 421


def test_the_folder_goes(monkeypatch):
    with serve.private_folder() as folder:
        (folder / "inner").mkdir()
        (folder / "inner" / "file").write_bytes(b"x")
        assert os.stat(folder).st_mode & 0o077 == 0
        for name in (
            "GRADIO_TEMP_DIR",
            "GRADIO_ANALYTICS_ENABLED",
            "HF_HUB_OFFLINE",
            "HF_HUB_DISABLE_TELEMETRY",
        ):
            monkeypatch.setenv(name, "before")
        serve.keep_quiet(folder)
        assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert not folder.exists()
