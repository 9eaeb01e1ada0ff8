"""Make keys: key images, key files, passphrases, pairs for recipients and signing, a picture's key file."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jaxcrypt.cli.command import EXIT_CODES, Parser, entry, one_line
from jaxcrypt.cli.output import STDIO, Targets, is_stream, write_stdout, write_whole
from jaxcrypt.errors import ExitCode, Refusal, usage

PRIVATE, PUBLIC = 0o600, 0o644
_IMAGE_SIDE = 64
_RENAME = "another name"
_KEEP = "Keep it secret, and keep a copy: without it nothing opens."

_EXAMPLES = """examples:
  jaxcrypt keygen --image key.png         a random key image, for --key-image
  jaxcrypt keygen --key my.key            a key file of 32 random bytes, for --key-file
  jaxcrypt keygen --passphrase            a passphrase of 80 random bits, for --passphrase; it is printed
  jaxcrypt keygen --passphrase words.txt  the same into a file, for --passphrase-file
  jaxcrypt keygen --recipient me          me (keep it) and me.pub (give it away)
  jaxcrypt keygen --recipient me --publish keys --name alice   … and me.owner, into a key ledger
  jaxcrypt keygen --signing signing       signing (keep it) and signing.pub (give it away)
  jaxcrypt keygen --from-picture cat.png  cat.png.key, which opens whatever cat.png opens

"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv)


def _main(argv: Sequence[str] | None) -> int:
    options = _parser().parse_args(argv)
    if options.output and not options.from_picture:
        raise usage("-o goes with --from-picture only; the other options name their file")
    if options.publish is not None or options.name is not None:
        _published(options)
    elif options.recipient:
        whom = "whoever encrypts for you (--recipient)"
        _pair(options.recipient, options.force, _recipient_texts, whom, "it opens with --identity")
    elif options.signing:
        whom = "whoever checks your pictures (--signed-by)"
        _pair(options.signing, options.force, _signing_texts, whom, "it signs with --sign")
    elif options.from_picture:
        _from_picture(Path(options.from_picture), options.output, options.force)
    elif options.image:
        _single(options.image, options.force, _random_image, "key image")
    elif options.key:
        _single(options.key, options.force, _random_key, "key file")
    else:
        _single(options.passphrase, options.force, _random_passphrase, "passphrase")
    return ExitCode.OK


def _parser() -> Parser:
    parser = Parser(prog="jaxcrypt keygen", description=__doc__, epilog=_EXAMPLES + EXIT_CODES)
    kind = parser.add_mutually_exclusive_group(required=True)
    add = kind.add_argument
    add("--image", metavar="FILE", help="write a key image (PNG) of random pixels")
    add("--key", metavar="FILE", help="write a random key file")
    add("--passphrase", metavar="FILE", nargs="?", const=STDIO, help="print a random passphrase, or write it")
    add("--recipient", metavar="FILE", help="write a pair for X25519 with ML-KEM-768: FILE, FILE.pub")
    add("--signing", metavar="FILE", help="write a pair for Ed25519 with ML-DSA-65: FILE, FILE.pub")
    add("--from-picture", metavar="PICTURE", help="write the key file that PICTURE amounts to")
    add = parser.add_argument
    add("--publish", metavar="LEDGER", help="with --recipient: log the public key in that folder's ledger")
    add("--name", metavar="NAME", help="with --publish: as whose key")
    parser.add_argument("-o", "--output", metavar="FILE", help="with --from-picture: instead of PICTURE.key")
    parser.add_argument("--force", action="store_true", help="overwrite")
    return parser


def _recipient_texts() -> tuple[str, str]:
    from jaxcrypt.crypto import recipients

    identity = recipients.generate()
    return identity.text(), identity.recipient().text()


def _signing_texts() -> tuple[str, str]:
    from jaxcrypt.crypto import signing

    signer = signing.generate()
    return signer.text(), signer.verifier().text()


def _random_key() -> bytes:
    from jaxcrypt.crypto import sources

    return sources.encode_key_file(
        sources.Source(sources.Kind.KEY_FILE, os.urandom(sources.SECRET_BYTES))
    ).encode()


def _random_passphrase() -> bytes:
    from jaxcrypt.crypto import passphrases

    return f"{passphrases.make()}\n".encode()


def _picture_key(path: Path) -> bytes:
    from jaxcrypt.crypto import keyimage, sources

    source = keyimage.key_image(path)
    if source.weak:
        raise Refusal(source.weak)
    return sources.encode_key_file(source).encode()


def _random_image() -> bytes:
    import io

    import numpy as np

    from jaxcrypt.crypto import pngwriter

    samples = np.frombuffer(os.urandom(_IMAGE_SIDE * _IMAGE_SIDE * 3), np.uint8)
    buffer = io.BytesIO()
    pngwriter.write(buffer, samples.reshape(_IMAGE_SIDE, _IMAGE_SIDE, 3))
    return buffer.getvalue()


def _from_picture(picture: Path, output: str | None, force: bool) -> None:
    if output == STDIO:
        write_stdout(_picture_key(picture))
        return
    target = Path(output or picture.with_name(picture.name + ".key"))
    Targets([picture], force).claim(target)
    _save(target, _picture_key(picture), PRIVATE, force)
    _say(target, f"{target}: opens what {picture} opens as key image. Keep both secret.")
    _say(target, "A picture that others may have is no secret: take one that never left your hands.")


def _single(name: str, force: bool, make: Callable[[], bytes], what: str) -> None:
    """One secret into a file; ``-`` is stdout, which then gets nothing else."""
    if name == STDIO:
        write_stdout(make(), to_terminal=what == "passphrase")
        print(f"{what}: {_KEEP}", file=sys.stderr)
        return
    target = Path(name)
    Targets([], force, _RENAME).claim(target)
    _save(target, make(), PRIVATE, force)
    _say(target, f"{target}: {what}. {_KEEP}")


def _pair(name: str, force: bool, make: Callable[[], tuple[str, str]], whom: str, use: str) -> None:
    private = Path(name)
    if name == STDIO or is_stream(private):
        raise usage(f"{name}: a pair is two files; name one that can have NAME.pub beside it")
    public = private.with_name(private.name + ".pub")
    for target in (private, public):
        Targets([], force, _RENAME).claim(target)
    secret, shared = make()
    _save(private, secret.encode(), PRIVATE, force)
    _save(public, shared.encode(), PUBLIC, force)
    _say(private, f"{private}: private; {use}. {_KEEP}")
    _say(public, f"{public}: give it to {whom}.")


def _published(options: Any) -> None:
    """A pair for a recipient, the key that owns its name, and the entry in the ledger."""
    if None in (options.publish, options.name, options.recipient):
        raise usage("--recipient FILE, --publish LEDGER and --name NAME go together")
    from jaxcrypt.cli.ledger import writing
    from jaxcrypt.crypto import recipients, signing

    ledger, owner_file = Path(options.publish), Path(f"{options.recipient}.owner")
    writing.check_new(ledger, options.name)
    Targets([], options.force, _RENAME).claim(owner_file)
    identity, owner = recipients.generate(), signing.generate()
    texts = identity.text(), identity.recipient().text()
    whom = f"whoever encrypts for you (--recipient {options.name} --ledger {options.publish} finds it)"
    _pair(options.recipient, options.force, lambda: texts, whom, "it opens with --identity")
    _save(owner_file, owner.text().encode(), PRIVATE, options.force)
    _say(
        owner_file,
        f"{owner_file}: private; it rotates and revokes {options.name}. Keep it and a copy secret.",
    )
    told = writing.first_key(options.name, identity.recipient().public, owner.verifier().public)
    writing.add(ledger, [told])


def _save(target: Path, data: bytes, mode: int, force: bool) -> None:
    write_whole(target, lambda file: file.write(data), force, mode)


def _say(target: Path, text: str) -> None:
    """On stdout, but on stderr where the secret itself may have gone there."""
    print(one_line(text), file=sys.stderr if is_stream(target) else sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
