"""An Ethereum node's JSON-RPC over HTTP, in front of the EVM in this process: as web3 meets a real one."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def served(node: Any) -> Iterator[str]:
    """The URL at which a ``web3.Web3`` with an EVM answers, for as long as the context lasts."""
    handler = type(
        "Rpc", (_Rpc,), {"ask": staticmethod(node.provider.request_func(node, node.middleware_onion))}
    )
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Rpc(BaseHTTPRequestHandler):
    ask: Any
    timeout = 30

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": asked["id"]}
        try:
            answer["result"] = _plain(self.ask(asked["method"], asked.get("params", []))["result"])
        except Exception as error:  # the EVM raises where a node answers with an error
            answer["error"] = {"code": 3, "message": str(error)}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _plain(value: Any) -> Any:
    """As JSON-RPC writes it: numbers and bytes in hexadecimal."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return hex(value)
    if isinstance(value, bytes | bytearray):
        return f"0x{bytes(value).hex()}"
    if hasattr(value, "items"):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value]
