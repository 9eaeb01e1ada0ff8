"""``python -m jaxcrypt.decrypt``: sealed pictures back into the very files, or nothing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxcrypt import keyoptions, loading, runtime
from jaxcrypt.cli import EXIT_CODES, Parser, entry
from jaxcrypt.errors import ExitCode, Refusal, tampered, usage
from jaxcrypt.jobs import Job, Report, plan_jobs
from jaxcrypt.output import Targets, make_folder, write_stdout, write_whole

_MARK = ".unauthenticated"
# What Systems raise on options, shapes or side arrays that no encryption gave them.
_MISFITS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)

_DESCRIPTION = """Decrypt sealed pictures: the very file comes back, or nothing is written.

  python -m jaxcrypt.decrypt photo.jpg.png --key-image key.png     -> photo.jpg
  python -m jaxcrypt.decrypt sealed/ -o photos/ --passphrase
  python -m jaxcrypt.decrypt damaged.jpg --recover --header photo.hdr --key-file k
"""


@dataclass(frozen=True)
class _Result:
    """What came out of one sealed picture: bytes to write, under which name, and what to say of them.

    ``more`` holds further pictures that were hidden with it, PNG bytes each.
    """

    data: bytes | bytearray
    name: str
    says: str
    is_picture: bool = False
    code: ExitCode = ExitCode.OK
    more: tuple[bytes, ...] = ()


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv, tells_json=True)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m jaxcrypt.decrypt", description=_DESCRIPTION, epilog=EXIT_CODES)
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="sealed pictures, folders, or - for stdin")
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="file, folder, or - for stdout (the original name)"
    )
    keyoptions.add_key_options(parser, sealing=False)
    parser.add_argument(
        "--from-pixels", action="store_true", help="decode the pixels even if the file travels"
    )
    parser.add_argument(
        "--weights", metavar="NAME_OR_PATH", help="a zoo entry or training folder to use instead"
    )
    recovery = parser.add_argument_group("recovery from damage")
    recovery.add_argument("--recover", action="store_true", help="decode damaged pixels, unauthenticated")
    recovery.add_argument("--header", metavar="FILE", help="the header that --write-header saved")
    recovery.add_argument("--lost", metavar="MASK.png", help="white where cipher pixels are known to be lost")
    parser.add_argument(
        "--device", default="auto", metavar="KIND", help="auto, cpu, gpu or tpu (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON line a file on stdout")
    parser.add_argument("--force", action="store_true", help="overwrite existing outputs")
    return parser


def _main(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    keyoptions.require_some_key(args, sealing=False)
    if args.lost and not args.recover:
        raise usage("--lost only makes sense with --recover")
    jobs = plan_jobs(args.inputs, args.output, _is_sealed)
    if args.json and any(job.target is None for job in jobs):
        raise usage("--json and the file cannot both go to stdout; give -o FILE")
    if (args.header or args.lost) and len(jobs) > 1:
        raise usage("--header and --lost belong to one picture; decrypt one at a time with them")
    report = Report(jobs, args.json)
    opener = _Opener(args, report)
    more = [Path(name) for name in (args.header, args.lost) if name]
    sources = [job.source for job in jobs if job.source] + keyoptions.files_named(args) + more
    targets = Targets(sources, args.force)
    for job in jobs:
        try:
            result = opener.open(job)
            target = _write(job, result, targets, args.force)
        except Refusal as refusal:
            report.refused(job, refusal)
        else:
            report.done(job, target, result.says, code=result.code)
    return report.close()


def _is_sealed(path: Path) -> bool:
    return path.suffix.lower() == ".png" and not path.name.startswith(".")


def _write(job: Job, result: _Result, targets: Targets, force: bool) -> Path | None:
    """Write a verified result; nothing of it is written anywhere before this."""
    if job.target is None:
        write_stdout(result.data)
        return None
    target = job.target
    if job.into:
        make_folder(target)
        target = target / result.name
    elif result.is_picture and target.suffix.lower() != ".png":
        raise usage(f"-o {target}: a picture comes back as PNG; choose a name that ends in .png")
    elif result.code == ExitCode.RECOVERED and _MARK not in target.name:
        target = target.with_name(f"{target.stem}{_MARK}.png")
    targets.claim(target)
    write_whole(target, lambda file: file.write(result.data), force)
    for number, data in enumerate(result.more, 2):
        further = target.with_name(f"{target.stem}.{number}.png")
        targets.claim(further)
        write_whole(further, lambda file, data=data: file.write(data), force)
    return target


class _Opener:
    """Everything that is the same for all pictures of a run: keys, verifier, recovery options."""

    def __init__(self, args: argparse.Namespace, report: Report):
        from jaxcrypt.crypto import recipients, signing
        from jaxcrypt.crypto.filekey import Keyring
        from jaxcrypt.imaging import read_file

        self._args = args
        self._report = report
        self._header = read_file(args.header) if args.header else None
        self._verifier = signing.read_verifier(args.signed_by) if args.signed_by else None
        private = [recipients.read_identity(path) for path in args.identity]
        self._keyring = Keyring(keyoptions.read_sources(args, confirm=False), identities=private)
        self._systems: dict[tuple, loading.Loaded] = {}

    def open(self, job: Job) -> _Result:
        """The file or picture in one sealed picture, verified whole unless ``--recover``."""
        data = job.read()
        return self._recovered(job, data) if self._args.recover else self._verified(job, data)

    def _verified(self, job: Job, data: bytes) -> _Result:
        from jaxcrypt.crypto import pngreader

        container = pngreader.read(data, job.name)
        opened = self._open_header(self._header or container.need_header(), job)
        pixels = opened.read_pixels(container)
        file = opened.open_payload(container.payload)
        if file is not None and not self._args.from_pixels:
            return _Result(file, opened.name, "the very file")
        image, exact, more = self._decode(opened, pixels, None)
        says = "the picture's exact samples" if exact else "an approximation of the picture"
        return _Result(image, f"{Path(opened.name).stem}.png", says, is_picture=True, more=more)

    def _recovered(self, job: Job, data: bytes) -> _Result:
        try:
            return self._verified(job, data)
        except Refusal as refusal:
            if refusal.code not in (ExitCode.TAMPERED, ExitCode.BAD_INPUT):
                raise
        from jaxcrypt import recovery

        damaged = recovery.read_damaged(data, job.name)
        opened = self._open_header(self._header or damaged.need_header(), job)
        file = recovery.open_payload(opened, damaged)
        if file is not None:
            return _Result(file, opened.name, "the very file; the pixels around it are damaged")
        loaded = self._load(opened.header.system, opened.header.options, opened.source)
        aligns = getattr(loaded.system.tiles, "aligns", None)  # finds its place in what was cut or enlarged
        pixels = damaged.pixels if aligns and aligns(loaded.options) else damaged.fitted(opened.header.shape)
        lost = recovery.lost_pixels(damaged, pixels.shape, self._args.lost)
        image, _, more = self._decode(opened, pixels, lost)
        name = f"{Path(opened.name).stem}{_MARK}.png"
        return _Result(image, name, "RECOVERED, UNAUTHENTICATED", True, ExitCode.RECOVERED, more)

    def _open_header(self, blob: bytes, job: Job):
        from jaxcrypt.crypto import sealed

        opened = sealed.open_header(blob, self._keyring, job.name)
        if self._verifier:
            opened.check_signature(self._verifier)
        return opened

    def _decode(self, opened, pixels, lost) -> tuple[bytes, bool, tuple[bytes, ...]]:
        """The System's picture as PNG bytes, whether its samples are exact, and further pictures."""
        from jaxcrypt.imaging import encode_png

        loaded = self._load(opened.header.system, opened.header.options, opened.source)
        from jaxcrypt.systems import streaming

        try:
            results = streaming.decrypt_pictures(
                loaded.system,
                loaded.variables,
                [pixels],
                [opened.side],
                [opened.key.subkey("system")],
                loaded.options,
                opened.header.original,
                None if lost is None else [lost],
                self._report.progress(1),
            )
        except _MISFITS as error:
            # The header is genuine, but whoever holds a key can seal nonsense in one.
            reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            system = f"the System {opened.header.system!r}"
            raise tampered(f"{opened.source}: its header does not fit {system} ({reason})") from error
        found = results[0]
        more = tuple(encode_png(found[name]) for name in sorted(found) if name[:5] == "image" and name[5:])
        return encode_png(found["image"]), loaded.system.lossless, more

    def _load(self, name: str, options: tuple, source: str) -> loading.Loaded:
        if (name, options) not in self._systems:
            runtime.start(self._args.device)
            self._systems[name, options] = loading.load_stored(name, options, self._args.weights, source)
        return self._systems[name, options]


if __name__ == "__main__":
    sys.exit(main())
