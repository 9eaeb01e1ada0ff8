"""A web server on this machine's loopback alone, for whoever has its address.

The address holds 128 random bits. Every answer says that it is not to be stored; pages have no scripts and
load nothing from elsewhere; requests under another host's name are refused, so that no web site reaches in by
DNS.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from jaxcrypt.browsing import page
from jaxcrypt.browsing.album import Album, Shown
from jaxcrypt.errors import ExitCode, Refusal

LOOPBACK = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Server(ThreadingHTTPServer):
    """Serves an album until :meth:`shutdown`.

    Attributes:
      address: what to open in a browser: nothing is shown without it.

    Args:
      title: of the contact sheet.
      port: 0 takes any that is free.

    Raises:
      Refusal: the port is taken.
    """

    daemon_threads = True

    def __init__(self, album: Album, title: str, port: int = 0):
        self.album, self.title, self.token = album, title, secrets.token_urlsafe(16)
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except OSError as error:
            raise Refusal(f"--port {port}: {error.strerror}", ExitCode.FAILED) from None
        self.hosts = {f"{name}:{self.server_port}" for name in (LOOPBACK, "localhost")}
        self.address = f"http://{LOOPBACK}:{self.server_port}/{self.token}/"

    def handle_error(self, request, client_address) -> None:
        """A browser that goes away in the middle of a picture is no error."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "jaxcrypt", ""

    def do_GET(self) -> None:
        """Answer one request."""
        _, token, *rest = self.path.split("/")
        known = hmac.compare_digest(token.encode(), self.server.token.encode())
        if self.headers.get("Host") not in self.server.hosts or not known:
            self._answer(HTTPStatus.NOT_FOUND, Shown(b"", "text/plain"))
            return
        try:
            shown = self._find("/".join(rest))
            self._answer(HTTPStatus.OK if shown else HTTPStatus.NOT_FOUND, shown or Shown(b"", "text/plain"))
        except Refusal as refusal:
            self._answer(HTTPStatus.UNPROCESSABLE_ENTITY, _html(page.refusal(str(refusal))))

    def _find(self, path: str) -> Shown | None:
        album = self.server.album
        if not path:
            return _html(page.sheet(album, self.server.title))
        pages: dict[str, Callable[[int], Shown | None]] = {
            "view": lambda index: _html(page.view(album, index)),
            "small": album.small,
            "whole": album.whole,
        }
        what, _, number = path.partition("/")
        if what not in pages or not (number.isascii() and number.isdigit()):
            return None
        return pages[what](int(number)) if int(number) < len(album.pictures) else None

    def _answer(self, status: HTTPStatus, shown: Shown) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Type", shown.kind)
        self.send_header("Content-Length", str(len(shown.data)))
        self.end_headers()
        self.wfile.write(shown.data)

    def log_message(self, format: str, *args) -> None:
        """Nothing: the address is a secret."""


def _html(text: str) -> Shown:
    return Shown(text.encode("utf-8", "replace"), "text/html; charset=utf-8")
