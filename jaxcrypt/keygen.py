"""Make keys: a key image, a key file, a pair for a recipient or for signing, or the key file of a picture."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from jaxcrypt.cli.command import EXIT_CODES, Parser, entry
from jaxcrypt.cli.output import Targets, write_whole
from jaxcrypt.errors import ExitCode, usage

PRIVATE, PUBLIC = 0o600, 0o644
_IMAGE_SIDE = 64
_KEEP = "Keep it secret, and keep a copy: without it nothing opens."

_EXAMPLES = """examples:
  python -m jaxcrypt.keygen --image key.png         a random key image, for --key-image
  python -m jaxcrypt.keygen --key my.key            a key file of 32 random bytes, for --key-file
  python -m jaxcrypt.keygen --recipient me          me (keep it) and me.pub (give it away)
  python -m jaxcrypt.keygen --signing signing       signing (keep it) and signing.pub (give it away)
  python -m jaxcrypt.keygen --from-picture cat.png  cat.png.key, which opens whatever cat.png opens

"""


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv)


def _main(argv: Sequence[str] | None) -> int:
    options = _parser().parse_args(argv)
    if options.output and not options.from_picture:
        raise usage("-o goes with --from-picture only; the other options name their file")
    if options.recipient:
        _pair(
            Path(options.recipient), options.force, _recipient_texts, "whoever encrypts for you (--recipient)"
        )
    elif options.signing:
        _pair(
            Path(options.signing), options.force, _signing_texts, "whoever checks your pictures (--signed-by)"
        )
    elif options.from_picture:
        picture = Path(options.from_picture)
        target = Path(options.output) if options.output else picture.with_name(picture.name + ".key")
        Targets([picture], options.force).claim(target)
        _save(target, _picture_key(picture), PRIVATE, options.force)
        print(f"{target}: opens what {picture} opens as key image. Keep both secret.")
        print("A picture that others may have is no secret: take one that never left your hands.")
    elif options.image:
        _single(Path(options.image), options.force, _random_image, "key image")
    else:
        _single(Path(options.key), options.force, _random_key, "key file")
    return ExitCode.OK


def _parser() -> Parser:
    parser = Parser(prog="jaxcrypt keygen", description=__doc__, epilog=_EXAMPLES + EXIT_CODES)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--image", metavar="FILE", help="write a key image (PNG) of random pixels")
    kind.add_argument("--key", metavar="FILE", help="write a random key file")
    kind.add_argument(
        "--recipient", metavar="FILE", help="write a pair for X25519 with ML-KEM-768: FILE, FILE.pub"
    )
    kind.add_argument(
        "--signing", metavar="FILE", help="write a pair for Ed25519 with ML-DSA-65: FILE, FILE.pub"
    )
    kind.add_argument("--from-picture", metavar="PICTURE", help="write the key file that PICTURE amounts to")
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


def _picture_key(path: Path) -> bytes:
    from jaxcrypt.crypto import keyimage, sources

    return sources.encode_key_file(keyimage.key_image(path)).encode()


def _random_image() -> bytes:
    import io

    import numpy as np

    from jaxcrypt.crypto import pngwriter

    samples = np.frombuffer(os.urandom(_IMAGE_SIDE * _IMAGE_SIDE * 3), np.uint8)
    buffer = io.BytesIO()
    pngwriter.write(buffer, samples.reshape(_IMAGE_SIDE, _IMAGE_SIDE, 3))
    return buffer.getvalue()


def _single(target: Path, force: bool, make: Callable[[], bytes], what: str) -> None:
    Targets([], force).claim(target)
    _save(target, make(), PRIVATE, force)
    print(f"{target}: {what}. {_KEEP}")


def _pair(private: Path, force: bool, make: Callable[[], tuple[str, str]], whom: str) -> None:
    public = private.with_name(private.name + ".pub")
    for target in (private, public):
        Targets([], force).claim(target)
    secret, shared = make()
    _save(private, secret.encode(), PRIVATE, force)
    _save(public, shared.encode(), PUBLIC, force)
    print(f"{private}: private. {_KEEP}")
    print(f"{public}: give it to {whom}.")


def _save(target: Path, data: bytes, mode: int, force: bool) -> None:
    write_whole(target, lambda file: file.write(data), force, mode)


if __name__ == "__main__":
    sys.exit(main())
