"""The options by which commands are told keys. A secret never stands on the command line itself."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jaxcrypt.errors import Refusal, usage


def add_key_options(parser: argparse.ArgumentParser, *, sealing: bool) -> None:
    """Add the options for passphrase, key image and key file, and recipients or identities."""
    group = parser.add_argument_group("keys (given together, all of them are needed)" if sealing else "keys")
    secret = group.add_mutually_exclusive_group()
    secret.add_argument("--passphrase", action="store_true", help="ask for a passphrase at the terminal")
    secret.add_argument("--passphrase-file", metavar="FILE", help="the passphrase is this file's content")
    secret.add_argument("--passphrase-fd", metavar="N", type=int, help="read it from this file descriptor")
    secret.add_argument("--passphrase-env", metavar="NAME", help="it is in this environment variable")
    group.add_argument("--key-image", metavar="FILE", help="a picture as the key; keep it to yourself")
    group.add_argument("--key-file", metavar="FILE", help="a key file made by jaxcrypt.keygen")
    if sealing:
        help = "also for this public key (again for further people)"
        group.add_argument("--recipient", metavar="FILE", action="append", default=[], help=help)
        group.add_argument("--sign", metavar="KEY", help="sign with this private signing key")
    else:
        help = "a private recipient key; may be given again"
        group.add_argument("--identity", metavar="FILE", action="append", default=[], help=help)
        group.add_argument("--signed-by", metavar="PUB", help="demand a signature by this public key")


def read_sources(args: argparse.Namespace, *, confirm: bool) -> list[Any]:
    """The symmetric secrets that the options name, read and checked."""
    from jaxcrypt.crypto import keyimage, sources

    found = []
    if args.passphrase or args.passphrase_fd is not None or args.passphrase_file or args.passphrase_env:
        found.append(
            sources.read_passphrase(
                prompt=args.passphrase,
                confirm=confirm,
                fd=args.passphrase_fd,
                file=args.passphrase_file,
                variable=args.passphrase_env,
            )
        )
    if args.key_image:
        found.append(keyimage.key_image(args.key_image))
    if args.key_file:
        found.append(sources.key_file(args.key_file))
    return found


def key_pixels(path: str) -> Any:
    """The samples of a key image that is a condition besides, uint8 ``[H, W, C]``.

    Raises:
      Refusal: not a PNG; decoders disagree on the samples of other formats.
    """
    from jaxcrypt.pictures.files import load_picture

    picture = load_picture(path)
    if picture.format != "PNG":
        raise Refusal(f"{path}: is {picture.format}; a key image that is a condition must be a PNG")
    return picture.pixels


def files_named(args: argparse.Namespace) -> list[Path]:
    """The files that the key options name: what no output may overwrite."""
    one = ("passphrase_file", "key_image", "key_file", "sign", "signed_by")
    several = ("recipient", "identity")
    names = [getattr(args, name, None) for name in one]
    names += [path for name in several for path in getattr(args, name, [])]
    return [Path(name) for name in names if name]


def require_some_key(args: argparse.Namespace, *, sealing: bool) -> None:
    """Refuse a command line that names no key at all, before anything is read."""
    public = args.recipient if sealing else args.identity
    named = (
        args.passphrase,
        args.passphrase_file,
        args.passphrase_env,
        args.key_image,
        args.key_file,
        public,
    )
    if not any(named) and args.passphrase_fd is None:
        other = "--recipient" if sealing else "--identity"
        raise usage(f"give a key: --key-image, --passphrase, --key-file or {other} (see --help)")
