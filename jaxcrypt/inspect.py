"""Show sealed pictures' public headers, without a key: ``jaxcrypt inspect photo.jpg.png``.

Without a key nothing here is authenticated: it is what the file claims.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from jaxcrypt.cli.command import EXIT_CODES, Parser, entry, explain, one_line
from jaxcrypt.cli.jobs import Report, is_sealed, plan_reading
from jaxcrypt.errors import ExitCode, usage


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv, tells_json=True)


def _main(argv: Sequence[str] | None) -> int:
    options = _parser().parse_args(argv)
    if not options.files and options.header is None:
        raise usage("give a sealed picture, or --header FILE")
    if len(options.files) > 1 and options.header is not None:
        raise usage("--header belongs to one picture; inspect one at a time with it")
    if not options.files:
        _show(describe(None, header_path=options.header), options.json)
        return ExitCode.OK
    jobs = plan_reading(options.files, is_sealed)
    report = Report(jobs, options.json)
    for job in jobs:
        try:
            facts = describe(job.read(), job.name, options.header)
        except Exception as error:
            report.refused(job, explain(error, job.name))
        else:
            _show(facts, options.json)
    return report.close()


def describe(data: bytes | None, name: str = "input", header_path: str | None = None) -> dict[str, Any]:
    """The public header's fields by name.

    Args:
      data: a sealed picture's bytes, or None; ``name`` is what to call it.
      header_path: a header that ``--write-header`` saved, shown instead of the picture's own.

    Raises:
      Refusal: no sealed picture, no header, or a malformed one.
    """
    from jaxcrypt.crypto import header, pngreader, sealed, textfile
    from jaxcrypt.crypto.filekey import wanted

    container = None if data is None else pngreader.read(data, name)
    if header_path is not None:
        source, data = header_path, textfile.read_bounded(header_path, header.MAX_BYTES)
    else:
        source, data = name, container.need_header()
    head, _ = sealed.read_header(data, source)
    facts = {
        "file": source,
        "version": head.version,
        "system": head.system,
        "options": dict(head.options),
        "cipher": _shape(head.shape),
        "original": _shape(head.original),
        "payload": head.payload != header.NOTHING,
        "several_files": head.payload == header.FILES,
        "stanzas": len(head.stanzas),
        "opens_with": wanted(head.stanzas),
        "signed": head.signature is not None,
        "header_bytes": len(data),
    }
    if container is not None:
        facts["payload_bytes"] = sum(map(len, container.payload))
    return facts


def _parser() -> Parser:
    parser = Parser(prog="jaxcrypt inspect", description=__doc__, epilog=EXIT_CODES)
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="sealed pictures, folders of them, or - for stdin"
    )
    parser.add_argument(
        "--header", metavar="FILE", help="show this saved header instead of the picture's own"
    )
    parser.add_argument("--json", action="store_true", help="one JSON line a file")
    return parser


def _shape(shape: tuple[int, int, int]) -> dict[str, Any]:
    from jaxcrypt.pictures.files import MODES

    height, width, channels = shape
    return {"width": width, "height": height, "mode": MODES[channels]}


def _show(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(facts))
    else:
        _print(facts)


def _print(facts: dict[str, Any]) -> None:
    size = "{width}×{height} {mode}"
    options = ", ".join(f"{name}={value!r}" for name, value in facts["options"].items()) or "none"
    print(
        f"{one_line(facts['file'])}: sealed picture, format version {facts['version']}; "
        "nothing verified without a key"
    )
    print(f"system    {facts['system']} (options: {options})")
    print(f"cipher    {size.format(**facts['cipher'])}")
    print(f"original  {size.format(**facts['original'])}")
    print(f"payload   {_payload(facts)}")
    print(f"opens by  {facts['opens_with']}")
    print(f"signed    {'yes (by whom: decrypt --signed-by PUB)' if facts['signed'] else 'no'}")


def _payload(facts: dict[str, Any]) -> str:
    if not facts["payload"]:
        return "none: only the pixels travel (--pixels-only)"
    size = f", {facts['payload_bytes']} bytes encrypted" if "payload_bytes" in facts else ""
    return f"the original {'files, several' if facts['several_files'] else 'file'}, exact{size}"


if __name__ == "__main__":
    sys.exit(main())
