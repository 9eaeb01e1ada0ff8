"""Show what the headers of sealed pictures say: ``jaxcrypt inspect photo.jpg.png``.

Without a key nothing here is authenticated: it is what the file claims. With one the header is verified, and
what is encrypted in it is shown as well: the name, and the small picture that encrypt --thumbnail put there.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxcrypt.cli import keyoptions, ledgerflags
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry, explain
from jaxcrypt.cli.headerwords import carried_facts, encrypted_facts, opened_facts, public_facts, text
from jaxcrypt.cli.jobs import Report, is_sealed, plan_reading
from jaxcrypt.cli.output import Targets, refuse_other_suffix, write_whole
from jaxcrypt.errors import ExitCode, Refusal, usage

if TYPE_CHECKING:
    from jaxcrypt.sealing.keys import Keys


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv, tells_json=True)


def _main(argv: Sequence[str] | None) -> int:
    options = _parser().parse_args(argv)
    if not options.files and options.header is None:
        raise usage("give a sealed picture, or --header FILE")
    if len(options.files) > 1 and options.header is not None:
        raise usage("--header belongs to one picture; inspect one at a time with it")
    keys = _keys(options)
    if options.thumbnail:
        return _thumbnail(options, keys)
    if not options.files:
        _show(
            describe(None, header_path=options.header, keys=keys, policy=options.ledger_policy), options.json
        )
        return ExitCode.OK
    jobs = plan_reading(options.files, is_sealed)
    report = Report(jobs, options.json)
    for job in jobs:
        try:
            facts = describe(job.read(), job.name, options.header, keys, options.ledger_policy)
        except Exception as error:
            report.refused(job, explain(error, job.name))
        else:
            _show(facts, options.json)
    return report.close()


def describe(
    data: bytes | None,
    name: str = "input",
    header_path: str | None = None,
    keys: Keys | None = None,
    policy: str | None = None,
) -> dict[str, Any]:
    """The header's fields by name.

    Args:
      data: a sealed picture's bytes, or None; ``name`` is what to call it.
      header_path: a header that ``--write-header`` saved, shown instead of the picture's own.
      keys: those that open it; without them only what is public is shown.
      policy: whom to trust of its proofs of a key ledger: a file; None: they are not verified.

    Raises:
      Refusal: no sealed picture, no header, or a malformed one; no key fits.
    """
    from jaxcrypt.crypto import header, jpegfile, pngreader, sealed, textfile

    if data is not None and header_path is None and (seen := carried_facts(data, name, keys)):
        return seen
    reader = jpegfile if data is not None and jpegfile.is_jpeg(data) else pngreader
    container = None if data is None else reader.read(data, name)
    if header_path is not None:
        source, data = header_path, textfile.read_bounded(header_path, header.MAX_BYTES)
    else:
        source, data = name, container.need_header()
    head, _ = sealed.read_header(data, source)
    facts = {"file": source, **public_facts(head, len(data))}
    if container is not None:
        facts["payload_bytes"] = sum(map(len, container.payload))
    if keys is not None:
        facts |= encrypted_facts(data, source, keys, policy)
    return facts


def _keys(options: Any) -> Keys | None:
    """The keys that were named; None where none was."""
    if not keyoptions.names_some_key(options, sealing=False):
        if options.thumbnail:
            raise usage("--thumbnail: is encrypted; give the key as well, such as --key-file")
        if options.ledger_policy:
            raise usage("--ledger-policy: the proof is encrypted; give the key as well, such as --identity")
        return None
    return keyoptions.read_keys(options, confirm=False)


def _thumbnail(options: Any, keys: Keys | None) -> int:
    """Write the small picture of one sealed picture, of whose file only the header is read."""
    if len(options.files) != 1 or options.header is not None or not Path(options.files[0]).is_file():
        raise usage("--thumbnail: name one sealed picture with it; jaxcrypt browse shows a folder of them")
    source, target = Path(options.files[0]), Path(options.thumbnail)
    refuse_other_suffix(target, "the thumbnail is")
    targets = Targets([source, *keyoptions.files_named(options)], options.force)
    targets.check(target)
    from jaxcrypt.pictures.files import encode_png
    from jaxcrypt.sealing.glance import glance

    seen = glance(source, keys)
    if seen.thumbnail is None:
        hint = "encrypt --thumbnail puts one there; jaxcrypt browse makes one of the file itself"
        raise Refusal(f"{source}: has no thumbnail in its header; {hint}")
    made = encode_png(seen.thumbnail)
    write_whole(target, lambda file: file.write(made), options.force)
    if options.json:
        print(json.dumps({"file": str(source), "output": str(target), **opened_facts(seen)}))
    return ExitCode.OK


def _parser() -> Parser:
    parser = Parser(prog="jaxcrypt inspect", description=__doc__, epilog=EXIT_CODES)
    parser.usage = "jaxcrypt inspect FILE … [KEYS] [OPTIONS]"
    add = parser.add_argument
    add("files", nargs="*", metavar="FILE", help="sealed pictures, folders of them, or - for stdin")
    add("--header", metavar="FILE", help="show this saved header instead of the picture's own")
    add("--thumbnail", metavar="OUT.png", help="write the small picture that its header carries")
    add("--force", action="store_true", help="overwrite OUT.png")
    add("--json", action="store_true", help="one JSON line a file")
    keyoptions.add_key_options(parser, sealing=False, signatures=False)
    ledgerflags.add_opening_flags(parser)
    return parser


def _show(facts: dict[str, Any], as_json: bool) -> None:
    print(json.dumps(facts) if as_json else text(facts))


if __name__ == "__main__":
    sys.exit(main())
