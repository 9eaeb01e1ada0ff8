"""Subcommands of whoever serves or watches a ledger: serve, witness."""

from __future__ import annotations

import http.server
from argparse import Namespace
from pathlib import Path
from typing import Any

from jaxcrypt.cli.command import one_line
from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import checkpoint, note, places, tiles, trust, witness
from jaxcrypt.errors import ExitCode, Refusal, usage

_TIMEOUT = 30
_IMMUTABLE = "public, max-age=31536000, immutable"


def serve(args: Namespace) -> int:
    """Serve a ledger's folder, as any web server can."""
    folder = Path(args.folder)
    places.opened(args.folder)
    _run(args.listen, type("Tiles", (Tiles,), {"folder": folder}), f"{folder}: read it as")
    return ExitCode.OK


def witness_of(args: Namespace) -> int:
    """Make a witness, tell it of logs, let it cosign a ledger, or let it answer requests."""
    folder = Path(args.folder)
    if args.new:
        made = witness.create(folder, args.new)
        print(f"{folder}: a witness; lines for policies that trust it:")
        print("\n".join(f"witness {args.new}-{key.kind} {key.text()}" for key in made))
        return ExitCode.OK
    watcher = witness.Witness(folder)
    if args.knows:
        logs = trust.read(args.knows).logs
        watcher.learn(logs)
        print(f"{folder}: knows {', '.join(sorted({log.name for log in logs}))}")
    if args.cosign:
        _cosign(watcher, args.cosign)
    if args.listen:
        _run(args.listen, type("Requests", (Requests,), {"witness": watcher}), f"{folder}: asked at")
    if not (args.knows or args.cosign or args.listen):
        raise usage("give --new NAME, --knows POLICY, --cosign PLACE or --listen HOST:PORT")
    return ExitCode.OK


def _cosign(watcher: witness.Witness, place: str) -> None:
    """Look at a ledger; where it is a folder, put the cosignatures onto its checkpoint, else print them."""
    fetch = places.opened(place)
    try:
        signed = note.decode(fetch(places.CHECKPOINT) or b"")
        head = checkpoint.decode(signed.body)
    except Malformed as reason:
        raise Refusal(f"{place}: no ledger's checkpoint ({reason})") from None
    lines = witness.ask(watcher, head, signed.encode(), tiles.TileReader(fetch, head.size, place))
    if places.is_url(place):
        print("".join(line.line() for line in lines), end="")
        return
    ours = {(line.name, line.key_id) for line in lines}
    kept = [line for line in signed.signatures if (line.name, line.key_id) not in ours]
    places.put(Path(place) / places.CHECKPOINT, note.Note(signed.body, (*kept, *lines)).encode())
    print(f"{place}: {head.size} entries, cosigned by {one_line(watcher.name)}")


def _run(listen: str, handler: type, says: str) -> None:
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit():
        raise usage(f"--listen {listen}: HOST:PORT, such as 127.0.0.1:8080")
    try:
        server = http.server.ThreadingHTTPServer((host.strip("[]"), int(port)), handler)
    except (OSError, OverflowError) as error:
        raise Refusal(f"--listen {listen}: cannot be listened at ({error})", ExitCode.FAILED) from None
    with server:
        print(f"{says} http://{server.server_address[0]}:{server.server_port}; ctrl-C ends it", flush=True)
        server.serve_forever()


class _Quiet(http.server.BaseHTTPRequestHandler):
    """What both servers share: a time limit, and nothing printed for each request."""

    timeout = _TIMEOUT
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: requests say who looks whom up."""

    def answer(self, status: int, data: bytes, kind: str, cache: str = "no-cache") -> None:
        """One whole response."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", cache)
        self.end_headers()
        self.wfile.write(data)


class Tiles(_Quiet):
    """GET of a ledger's files, and of nothing else."""

    folder: Path

    def do_GET(self) -> None:
        """A file by its path."""
        parts = self.path.lstrip("/").split("/")
        known = parts == [places.CHECKPOINT] or parts[0] in ("tile", "blob")
        safe = all(part and part[0] not in "." and "\\" not in part and ":" not in part for part in parts)
        data = places.load(self.folder.joinpath(*parts)) if known and safe else None
        if data is None:
            self.answer(404, b"no such file\n", "text/plain; charset=utf-8")
        elif parts == [places.CHECKPOINT]:
            self.answer(200, data, "text/plain; charset=utf-8")
        else:
            self.answer(200, data, "application/octet-stream", _IMMUTABLE)


class Requests(_Quiet):
    """POST of add-checkpoint (C2SP tlog-witness)."""

    witness: witness.Witness

    def do_POST(self) -> None:
        """A checkpoint to cosign."""
        length = self.headers.get("Content-Length", "")
        if self.path != "/add-checkpoint" or not length.isdigit() or int(length) > note.MAX_BYTES:
            self.close_connection = True
            self.answer(404, b"add-checkpoint, with its length\n", "text/plain; charset=utf-8")
            return
        try:
            lines = self.witness.add_checkpoint(*witness.decode_request(self.rfile.read(int(length))))
            self.answer(200, "".join(line.line() for line in lines).encode(), "text/plain; charset=utf-8")
        except witness.Rejected as rejected:
            if rejected.status == 409 and rejected.size is not None:
                self.answer(409, b"%d\n" % rejected.size, "text/x.tlog.size")
            else:
                self.answer(rejected.status, f"{rejected}\n".encode(), "text/plain; charset=utf-8")
