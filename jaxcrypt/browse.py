"""``jaxcrypt browse``: look through a folder of sealed pictures with its key; nothing is written."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jaxcrypt.cli import keyoptions
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry, one_line
from jaxcrypt.cli.headerwords import opened_facts
from jaxcrypt.cli.jobs import is_sealed, plan_reading
from jaxcrypt.errors import ExitCode, Refusal, usage

if TYPE_CHECKING:
    from jaxcrypt.browsing.album import Album

_DESCRIPTION = """Look through sealed pictures with their key: a contact sheet, decrypted in memory alone.

  jaxcrypt browse sealed/ --key-file k           prints an address for your browser; Ctrl-C ends it
  jaxcrypt browse sealed/ --key-file k --list    names and sizes, in the terminal

The sheet is served on this machine's loopback, to whoever has the address. Nothing is written to disk, and
the browser is told to keep nothing. Pictures sealed with --thumbnail show at once; of others the file is
decrypted for it.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv, tells_json=True)


def _parser() -> Parser:
    parser = Parser(prog="jaxcrypt browse", description=_DESCRIPTION, epilog=EXIT_CODES)
    parser.usage = "jaxcrypt browse FOLDER … KEYS [OPTIONS]"
    add = parser.add_argument
    add("inputs", nargs="+", metavar="FOLDER", help="folders of sealed pictures, or single ones")
    add("--list", action="store_true", help="names and sizes in the terminal instead")
    add("--port", type=int, default=0, metavar="N", help="of the loopback address (any that is free)")
    add("--json", action="store_true", help="with --list: one JSON line a picture")
    keyoptions.add_key_options(parser, sealing=False, signatures=False)
    return parser


def _main(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    keyoptions.require_some_key(args, sealing=False)
    if args.json and not args.list:
        raise usage("--json: goes with --list")
    if not 0 <= args.port < 1 << 16:
        raise usage(f"--port {args.port}: is no port")
    files = [_file(job.source) for job in plan_reading(args.inputs, is_sealed) if not job.left_out]
    from jaxcrypt.browsing.album import Album

    album = Album(files, keyoptions.read_keys(args, confirm=False))
    if not album.pictures:
        raise album.refused[0][1]
    for _, refusal in album.refused if args.list else ():
        print("jaxcrypt:", one_line(str(refusal)), file=sys.stderr)
    if args.list:
        _list(album, args.json)
        return ExitCode.FAILED if album.refused else ExitCode.OK
    return _serve(album, Path(args.inputs[0]).name or "sealed pictures", args.port)


def _file(source: Path | None) -> Path:
    if source is None:
        raise Refusal("- (stdin): name a folder or a file", ExitCode.USAGE)
    return source


def _list(album: Album, as_json: bool) -> None:
    for seen in album.pictures:
        if as_json:
            facts = {"file": str(seen.path), **opened_facts(seen), "system": seen.system}
            print(json.dumps(facts))
            continue
        height, width, _ = seen.shape
        name = "/".join((*seen.folder, seen.name))
        print(
            one_line(
                f"{seen.path}: {name}, {width}×{height}, {seen.length or 'no file in it'}, {seen.system}"
            )
        )


def _serve(album: Album, title: str, port: int) -> int:
    from jaxcrypt.browsing.server import Server

    with Server(album, title, port) as server:
        refused = f"; {len(album.refused)} more that this key does not open" if album.refused else ""
        print(f"{len(album.pictures)} pictures{refused}. Open in your browser, and end with Ctrl-C:")
        print(server.address, flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return ExitCode.OK
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main())
