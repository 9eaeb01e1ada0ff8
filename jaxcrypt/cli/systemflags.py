"""Options and inputs of Systems as flags, made from the catalog: no command knows a System by name."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jaxcrypt.cli import travelflags
from jaxcrypt.cli.command import Parser
from jaxcrypt.declared import Entry, Input, Option
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.systems import catalog

_KEY_IMAGE = "key_image"  # this input comes by the key options, and a mask by those of regions
HELP = "how the pixels are made (%(default)s); --system --help lists all, --system NAME --help what one takes"


def named_system(argv: Sequence[str]) -> str | None:
    """What follows ``--system`` on a command line, before the rest of it is read: None without the option.

    Where no name follows, that is the empty string.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--system", nargs="?", const="")
    return parser.parse_known_args([text for text in argv if text not in ("--help", "-h")])[0].system


def add_system_flags(parser: argparse.ArgumentParser, system: str | None) -> None:
    """Add what the catalog declares of a System: its options, and the inputs that sealing takes.

    Args:
      system: its name; None for the usual one, whose flags are then taken, and left out of the help text.
    """
    entry = catalog.entry(system or catalog.DEFAULT)
    flags = [*_sealing(entry), *(one for one in entry.inputs if _is_flag(one))]
    if not flags:
        return
    group = parser if system is None else parser.add_argument_group(f"of --system {system}")
    for declared in flags:
        _add(group, declared, hidden=system is None)


def add_opening_flags(parser: argparse.ArgumentParser) -> None:
    """Add the options that Systems have for decryption."""
    group = parser.add_argument_group("how some Systems decode")
    for declared, names in _opening().values():
        _add(group, declared, f"{', '.join(names)}: ")


def chosen_opening(args: argparse.Namespace) -> dict[str, str]:
    """What a command line gave of :func:`add_opening_flags`, by the options' names, as typed."""
    return _given({name: getattr(args, _dest(option)) for name, (option, _) in _opening().items()})


def chosen(args: argparse.Namespace, system: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """``(options, inputs)`` that a command line gave, by the System's names for them."""
    entry = catalog.entry(system)
    options = {one.name: getattr(args, _dest(one)) for one in _sealing(entry)}
    options = {name: 1 if value is True else value for name, value in options.items()}  # a switch stores 1
    inputs = {one.name: getattr(args, _dest(one)) for one in entry.inputs if _is_flag(one)}
    return _given(options), _given(inputs)


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def files_named(inputs: dict[str, Any]) -> list[Path]:
    """The files among :func:`chosen` inputs: what no output may overwrite."""
    files = (value if isinstance(value, list) else [value] for value in inputs.values())
    return [Path(file) for several in files for file in several]


def parse(parser: argparse.ArgumentParser, argv: Sequence[str], system: str) -> argparse.Namespace:
    """Parse, and say of an unknown flag which System has it, or which flag was meant.

    Raises:
      Refusal: a flag that this command or this System does not have.
    """
    args, unknown = parser.parse_known_args(list(argv))
    if not unknown:
        return args
    flag = unknown[0].partition("=")[0]
    having = _having(flag)
    if having:
        raise usage(f"{flag}: is of --system {having}, not of {system}")
    own = [text for text in parser._option_string_actions if text.startswith("--")]
    others = {text for other in catalog.NAMES for text in _flags(other)}
    near = difflib.get_close_matches(flag, {*own, *others}, 1, 0.6) if flag.startswith("-") else []
    where = "" if not near or near[0] in own else f" of --system {_having(near[0])}"
    raise usage(f"{flag}: no such option ({f'did you mean {near[0]}{where}?' if near else 'try --help'})")


def show(system: str) -> str:
    """The help text of one System: what it is, and its own flags; of none named, a list of all.

    Raises:
      Refusal: no such System.
    """
    if not system:
        return _list()
    entry = catalog.entry(system)
    parser = Parser(add_help=False, usage=argparse.SUPPRESS)
    add_system_flags(parser, system)
    travelflags.add_travel_flags(parser, system)
    flags = parser.format_help().strip() or f"of --system {system}: no options of its own"
    return f"{system}: {entry.summary}\n{entry.traits.argument}\n\n{flags}\n"


def _list() -> str:
    offered = [entry for entry in map(catalog.entry, catalog.NAMES) if entry.offered]
    width = max(len(entry.name) for entry in offered)
    lines = "\n".join(f"  {entry.name:{width}}  {entry.summary}" for entry in offered)
    return f"{lines}\n\n--system NAME --help lists the options of one.\n"


def _add(group: Any, declared: Option | Input, front: str = "", hidden: bool = False) -> None:
    help = f"{front}{declared.help}".replace("%", "%%")  # argparse fills in what follows such a sign
    if isinstance(declared, Input):
        more = {"action": "append"} if declared.kind == "pictures" else {}
        group.add_argument(declared.flag, dest=_dest(declared), metavar="FILE", help=help, **more)
    elif declared.is_switch:
        group.add_argument(declared.flag, dest=_dest(declared), action="store_true", help=help)
    else:
        typed = {value: text for text, value in declared.choices.items()}
        default = typed.get(declared.default, "off")
        help = argparse.SUPPRESS if hidden else f"{help} (one of {declared.words}; {default})"
        group.add_argument(declared.flag, dest=_dest(declared), metavar="VALUE", help=help)


def _dest(declared: Option | Input) -> str:
    return f"system_{declared.name}"


def _is_flag(declared: Input) -> bool:
    return declared.name != _KEY_IMAGE and declared.kind != "mask"


def _having(flag: str) -> str:
    """The Systems that have a flag, in words; empty where none has."""
    return " and ".join(name for name in catalog.NAMES if flag in _flags(name))


def _flags(system: str) -> set[str]:
    try:
        entry = catalog.entry(system)
    except Refusal:
        return set()
    return {one.flag for one in (*_sealing(entry), *filter(_is_flag, entry.inputs))}


def _sealing(entry: Entry) -> list[Option]:
    return [*(option for option in entry.options if not option.opening), *entry.travel]


def _opening() -> dict[str, tuple[Option, list[str]]]:
    """The options of decryption by name, each with the Systems that have it."""
    declared: dict[str, tuple[Option, list[str]]] = {}
    for entry in map(catalog.entry, catalog.NAMES):
        for option in entry.options:
            if option.opening:
                declared.setdefault(option.name, (option, []))[1].append(entry.name)
    return declared
