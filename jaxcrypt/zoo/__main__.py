"""Trained weights and their model cards: ``python -m jaxcrypt.zoo list|show|verify|download|cards``.

python -m jaxcrypt.zoo list              every entry, what it is and where its file lies
python -m jaxcrypt.zoo show NAME         its model card: data and terms, training, measures, limits, biases
python -m jaxcrypt.zoo verify [NAME …]   compare the files with their digests
python -m jaxcrypt.zoo download [NAME …] fetch files that do not ship with jaxcrypt, by URL and digest
python -m jaxcrypt.zoo cards [--check]   write the facts of the cards anew from the manifest
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from jaxcrypt import zoo
from jaxcrypt.cli import command
from jaxcrypt.cli.output import write_whole
from jaxcrypt.errors import ExitCode, Refusal, usage

Entries = dict[str, dict[str, Any]]


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return command.entry(_main, argv)


def _main(argv: Sequence[str] | None) -> int:
    parser = command.Parser(prog="python -m jaxcrypt.zoo", description=__doc__, epilog=command.EXIT_CODES)
    parser.usage = "python -m jaxcrypt.zoo VERB [NAME …] [--json] [--check]"
    parser.add_argument("verb", choices=list(_VERBS), metavar="VERB", help=", ".join(_VERBS))
    parser.add_argument("names", nargs="*", metavar="NAME", help="entries (all of them)")
    parser.add_argument("--json", action="store_true", help="with list: one JSON line an entry")
    parser.add_argument(
        "--check", action="store_true", help="with cards: write nothing, and fail where one is old"
    )
    args = parser.parse_args(argv)
    for flag, verb in (("json", "list"), ("check", "cards")):
        if getattr(args, flag) and args.verb != verb:
            raise usage(f"--{flag}: goes with {verb}")
    if args.verb == "show" and not args.names:
        raise usage("show: name an entry; python -m jaxcrypt.zoo list names all")
    return _VERBS[args.verb](_chosen(args.names), args)


def _chosen(names: Sequence[str]) -> Entries:
    entries = zoo.manifest()
    return {name: zoo.named(name) for name in names} if names else entries


def _list(entries: Entries, args: Any) -> int:
    width = max(map(len, entries), default=0)
    for name, entry in entries.items():
        where = "ships with jaxcrypt" if "file" in entry else zoo.place(entry)
        if args.json:
            facts = {
                "name": name,
                "system": entry["system"],
                "bytes": entry["bytes"],
                "sha256": entry["sha256"],
            }
            print(json.dumps({**facts, "where": str(where), "date": entry.get("date")}))
            continue
        old = f"; superseded by {entry['superseded']}" if "superseded" in entry else ""
        print(f"{name:{width}}  {_title(name)}; {entry['bytes'] / 1e6:.1f} MB, {where}{old}")
    return ExitCode.OK


def _title(name: str) -> str:
    from jaxcrypt.zoo import cards

    return cards.read(name).partition("\n")[0].partition(": ")[2]


def _show(entries: Entries, args: Any) -> int:
    from jaxcrypt.zoo import cards

    print("\n".join(cards.read(name) for name in entries), end="")
    return ExitCode.OK


def _verify(entries: Entries, args: Any) -> int:
    return _each(entries, _read_here, "not downloaded yet")


def _read_here(entry: dict[str, Any]) -> bytes | None:
    return zoo.read(entry, download=False) if zoo.is_here(entry) else None


def _download(entries: Entries, args: Any) -> int:
    elsewhere = {name: entry for name, entry in entries.items() if "url" in entry}
    for name in entries.keys() - elsewhere.keys() if args.names else ():
        print(f"{name}: ships with jaxcrypt")
    if not elsewhere and not args.names:
        print("all weights ship with jaxcrypt; nothing to download")
    return _each(elsewhere, zoo.read, "")


def _each(entries: Entries, read: Callable[[dict[str, Any]], bytes | None], absent: str) -> int:
    """Read every entry, and go on after one that is bad."""
    failed = []
    for name, entry in entries.items():
        try:
            data = read(entry)
        except Refusal as refusal:
            failed.append(refusal)
            print("jaxcrypt:", command.one_line(str(refusal)), file=sys.stderr)
        else:
            where = "" if "file" in entry else f", {zoo.place(entry)}"
            says = absent if data is None else f"{len(data):,} bytes, as the manifest says{where}"
            print(f"{name}: {says}")
    return max((refusal.code for refusal in failed), default=ExitCode.OK)


def _cards(entries: Entries, args: Any) -> int:
    """The cards' facts, written or compared."""
    from jaxcrypt.zoo import cards

    old = []
    for name, entry in entries.items():
        card = cards.read(name)
        fresh = cards.renewed(entry, card, _read_here(entry))
        if fresh != card:
            old.append(name)
            if not args.check:
                data = fresh.encode()
                write_whole(cards.FOLDER / f"{name}.md", lambda file, data=data: file.write(data), force=True)
    if old and args.check:
        hint = "python -m jaxcrypt.zoo cards writes them anew"
        raise Refusal(f"not what the manifest says: {', '.join(old)}; {hint}", ExitCode.FAILED)
    print(
        f"{len(old)} of {len(entries)} cards written anew"
        if old
        else f"{len(entries)} cards say what it says"
    )
    return ExitCode.OK


_VERBS = {"list": _list, "show": _show, "verify": _verify, "download": _download, "cards": _cards}


if __name__ == "__main__":
    sys.exit(main())
