"""The options by which commands are told keys. A secret never stands on the command line itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from jaxcrypt.cli import ledgerflags
from jaxcrypt.errors import usage

if TYPE_CHECKING:
    from jaxcrypt.sealing.keys import Keys


def add_key_options(parser: argparse.ArgumentParser, *, sealing: bool, signatures: bool = True) -> None:
    """Add the options for passphrase, key image, key file, recipients or identities, and ``signatures``."""
    group = parser.add_argument_group("keys (given together, all of them are needed)" if sealing else "keys")
    secret = group.add_mutually_exclusive_group()
    secret.add_argument("--passphrase", action="store_true", help="ask for a passphrase at the terminal")
    secret.add_argument("--passphrase-file", metavar="FILE", help="the passphrase is this file's content")
    secret.add_argument("--passphrase-fd", metavar="N", type=int, help="read it from this file descriptor")
    secret.add_argument("--passphrase-env", metavar="NAME", help="it is in this environment variable")
    group.add_argument("--key-image", metavar="FILE", help="a picture as the key; keep it to yourself")
    group.add_argument("--key-file", metavar="FILE", help="a key file that jaxcrypt keygen made")
    if sealing:
        help = "also for this public key (again for further people)"
        group.add_argument("--recipient", metavar="FILE", action="append", default=[], help=help)
        ledgerflags.add_sealing_flags(group)
        name, metavar, help = "--sign", "KEY", "sign with this private signing key"
    else:
        help = "a private recipient key; may be given again"
        group.add_argument("--identity", metavar="FILE", action="append", default=[], help=help)
        name, metavar, help = "--signed-by", "PUB", "demand a signature by this public key"
    if signatures:
        group.add_argument(name, metavar=metavar, help=help)


def add_new_key_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for the keys that shall open a picture from now on."""
    group = parser.add_argument_group("new keys (as encrypt takes them)")
    secret = group.add_mutually_exclusive_group().add_argument
    secret("--new-passphrase", action="store_true", help="ask for the new passphrase at the terminal")
    secret("--new-passphrase-file", metavar="FILE", help="the new passphrase is this file's content")
    secret("--new-passphrase-fd", metavar="N", type=int, help="read it from this file descriptor")
    secret("--new-passphrase-env", metavar="NAME", help="it is in this environment variable")
    add = group.add_argument
    add("--new-key-image", metavar="FILE", help="a picture as the new key")
    add("--new-key-file", metavar="FILE", help="a new key file")
    help = "for this public key (again for further people)"
    add("--new-recipient", metavar="FILE", action="append", default=[], help=help)
    add("--sign", metavar="KEY", help="sign anew with this private signing key")


def read_keys(args: argparse.Namespace, *, confirm: bool, prefix: str = "") -> Keys:
    """The keys that the options name, read and checked.

    Args:
      confirm: ask for a passphrase twice.
      prefix: of the options' names: ``new_`` for those of :func:`add_new_key_options`.

    Raises:
      Refusal: a file that is no such key, a passphrase that cannot be had, a secret given twice.
    """
    from jaxcrypt.crypto import sources
    from jaxcrypt.sealing.keys import Keys

    names = ("passphrase", "passphrase_fd", "passphrase_file", "passphrase_env", "key_image", "key_file")
    given = {name: getattr(args, prefix + name) for name in names}
    passphrase = None
    if any(given[name] for name in names[:4]) or given["passphrase_fd"] is not None:
        passphrase = sources.read_passphrase(
            prompt=given["passphrase"],
            confirm=confirm,
            fd=given["passphrase_fd"],
            file=given["passphrase_file"],
            variable=given["passphrase_env"],
        )
    return Keys(
        passphrase=passphrase,
        key_image=given["key_image"],
        key_file=given["key_file"],
        recipients=ledgerflags.recipients(args, getattr(args, f"{prefix}recipient", [])),
        identities=getattr(args, f"{prefix}identity", ()),
    )


def files_named(args: argparse.Namespace) -> list[Path]:
    """The files that the key options name: what no output may overwrite."""
    one = ("passphrase_file", "key_image", "key_file")
    one = (*one, *(f"new_{name}" for name in one), "sign", "signed_by", "ledger", "ledger_policy")
    several = ("recipient", "new_recipient", "identity")
    names = [getattr(args, name, None) for name in one]
    names += [path for name in several for path in getattr(args, name, [])]
    return [Path(name) for name in names if name]


def require_new_key(args: argparse.Namespace) -> None:
    """Refuse a command line that names no new key, before anything is read."""
    names = ("passphrase", "passphrase_file", "passphrase_env", "key_image", "key_file", "recipient")
    if not any(getattr(args, f"new_{name}") for name in names) and args.new_passphrase_fd is None:
        raise usage("give a new key: --new-recipient, --new-key-file, … (see --help)")


def names_some_key(args: argparse.Namespace, *, sealing: bool) -> bool:
    """Whether a command line names any key to seal with, or to open with."""
    public = args.recipient if sealing else args.identity
    secret = args.passphrase, args.passphrase_file, args.passphrase_env, args.key_image, args.key_file
    return any(secret) or bool(public) or args.passphrase_fd is not None


def require_some_key(args: argparse.Namespace, *, sealing: bool) -> None:
    """Refuse a command line that names no key at all, before anything is read."""
    if not names_some_key(args, sealing=sealing):
        other = "--recipient" if sealing else "--identity"
        raise usage(f"give a key: --key-image, --passphrase, --key-file or {other} (see --help)")
