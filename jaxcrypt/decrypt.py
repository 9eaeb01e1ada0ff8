"""``python -m jaxcrypt.decrypt``: sealed pictures back into the very files, or nothing."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxcrypt import runtime
from jaxcrypt.cli import keyoptions
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry
from jaxcrypt.cli.jobs import Job, Report, plan_jobs
from jaxcrypt.cli.output import Targets, make_folder, write_stdout, write_whole
from jaxcrypt.errors import ExitCode, Refusal, usage
from jaxcrypt.record import Sealed
from jaxcrypt.sealing import cipher

_MARK = ".unauthenticated"

_DESCRIPTION = """Decrypt sealed pictures: the very file comes back, or nothing is written.

  python -m jaxcrypt.decrypt photo.jpg.png --key-image key.png     -> photo.jpg
  python -m jaxcrypt.decrypt sealed/ -o photos/ --passphrase
  python -m jaxcrypt.decrypt damaged.jpg --recover --header photo.hdr --key-file k
"""


@dataclass(frozen=True)
class _Result:
    """What came out of one sealed picture: names and bytes of files to write, and what to say of them."""

    files: list[tuple[str, bytes | bytearray | memoryview]]
    says: str
    is_picture: bool = False
    code: ExitCode = ExitCode.OK


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
            written = _write(job, result, targets, args.force)
        except Refusal as refusal:
            report.refused(job, refusal)
        else:
            facts = {"outputs": [str(path) for path in written]} if len(written) > 1 else {}
            report.done(job, written[0], result.says, code=result.code, **facts)
    return report.close()


def _is_sealed(path: Path) -> bool:
    return path.suffix.lower() == ".png" and not path.name.startswith(".")


def _write(job: Job, result: _Result, targets: Targets, force: bool) -> list[Path | None]:
    """Write verified results, and nothing before all of them may be written; where they went."""
    if job.target is None:
        if len(result.files) > 1:
            raise usage(f"{job.name}: holds {len(result.files)} files, and stdout takes one; give -o DIR")
        write_stdout(result.files[0][1])
        return [None]
    paths = _paths(job, result)
    for path in paths:
        targets.claim(path)
    for path, (_, data) in zip(paths, result.files, strict=True):
        write_whole(path, lambda file, data=data: file.write(data), force)
    return paths


def _paths(job: Job, result: _Result) -> list[Path]:
    """Where the results go: by their names into a folder, or beside the name that the first was given."""
    target, names = job.target, [name for name, _ in result.files]
    if job.into:
        make_folder(target)
        return [target / name for name in names]
    if result.is_picture and target.suffix.lower() != ".png":
        raise usage(f"-o {target}: a picture comes back as PNG; choose a name that ends in .png")
    if result.code == ExitCode.RECOVERED and _MARK not in target.name:
        target = target.with_name(f"{target.stem}{_MARK}.png")
    further = [f"{target.stem}.{number}{Path(name).suffix}" for number, name in enumerate(names[1:], 2)]
    return [target, *map(target.with_name, further)]


class _Opener:
    """Everything that is the same for all pictures of a run: keys, verifier, recovery options."""

    def __init__(self, args: argparse.Namespace, report: Report):
        from jaxcrypt.crypto import recipients, signing
        from jaxcrypt.crypto.filekey import Keyring
        from jaxcrypt.pictures.files import read_file

        self._args = args
        self._report = report
        self._header = read_file(args.header) if args.header else None
        self._verifier = signing.read_verifier(args.signed_by) if args.signed_by else None
        private = [recipients.read_identity(path) for path in args.identity]
        self._keyring = Keyring(keyoptions.read_sources(args, confirm=False), identities=private)
        self._systems: dict[tuple, cipher.Cipher] = {}

    def open(self, job: Job) -> _Result:
        """The file or picture in one sealed picture, verified whole unless ``--recover``."""
        data = job.read()
        return self._recovered(job, data) if self._args.recover else self._verified(job, data)

    def _verified(self, job: Job, data: bytes) -> _Result:
        from jaxcrypt.crypto import pngreader

        container = pngreader.read(data, job.name)
        opened = self._open_header(self._header or container.need_header(), job)
        pixels = opened.read_pixels(container)
        files = opened.open_files(container.payload)
        if files and not self._args.from_pixels:
            return _Result(files, _very(files))
        return self._from_pixels(opened, pixels)

    def _recovered(self, job: Job, data: bytes) -> _Result:
        try:
            return self._verified(job, data)
        except Refusal as refusal:
            if refusal.code not in (ExitCode.TAMPERED, ExitCode.BAD_INPUT):
                raise
        from jaxcrypt.sealing import recovery

        damaged = recovery.take_apart(data, job.name)
        opened = self._open_header(self._header or damaged.need_header(), job)
        files = recovery.open_files(opened, damaged)
        if files:
            return _Result(files, f"{_very(files)}; the pixels around are damaged")
        loaded = self._load(opened.header.system, opened.header.options, opened.source)
        pixels, missing = damaged.decode(opened.header.shape, loaded.aligns)
        whole = recovery.verified(opened, pixels)
        if whole is not None:
            lost = ", the file itself is lost" if opened.header.payload else ""
            return self._from_pixels(opened, whole, f"; pixels verified{lost}")
        lost = recovery.lost_pixels(missing, pixels.shape, self._args.lost)
        pictures, _ = self._decode(opened, pixels, lost)
        named = _named(Path(opened.name).stem + _MARK, pictures)
        return _Result(named, "RECOVERED, UNAUTHENTICATED", True, ExitCode.RECOVERED)

    def _from_pixels(self, opened, pixels, more: str = "") -> _Result:
        """What the verified cipher pixels decode to."""
        pictures, exact = self._decode(opened, pixels, None)
        says = "the picture's exact samples" if exact else "an approximation of the picture"
        return _Result(_named(Path(opened.name).stem, pictures), says + more, is_picture=True)

    def _open_header(self, blob: bytes, job: Job):
        from jaxcrypt.crypto import sealed

        opened = sealed.open_header(blob, self._keyring, job.name)
        if self._verifier:
            opened.check_signature(self._verifier)
        return opened

    def _decode(self, opened, pixels, lost) -> tuple[list[bytes], bool]:
        """The System's pictures as PNG bytes, and whether their samples are exact."""
        from jaxcrypt.pictures.files import encode_png

        loaded = self._load(opened.header.system, opened.header.options, opened.source)
        one = Sealed(pixels, opened.side)
        gaps = None if lost is None else [lost]
        progress = self._report.progress(1)
        try:
            [found] = loaded.decrypt(
                [one], [opened.key.subkey("system")], opened.header.original, gaps, progress
            )
        except Refusal as refusal:
            raise Refusal(f"{opened.source}: {refusal}", refusal.code) from None
        return [encode_png(picture) for picture in found.pictures], loaded.system.traits.exact

    def _load(self, name: str, options: tuple, source: str) -> cipher.Cipher:
        if (name, options) not in self._systems:
            runtime.start(self._args.device)
            loaded = cipher.load_stored(name, options, self._args.weights, source)
            if self._args.key_image and dict(loaded.options).get("key_image"):
                loaded = loaded.given({"key_image": keyoptions.key_pixels(self._args.key_image)})
            self._systems[name, options] = loaded
        return self._systems[name, options]


def _very(files: list) -> str:
    return "the very file" if len(files) == 1 else f"the {len(files)} very files"


def _named(stem: str, pictures: list[bytes]) -> list[tuple[str, bytes]]:
    """PNG files with names: ``stem.png``, ``stem.2.png``, …"""
    return [(f"{stem}.{n}.png" if n > 1 else f"{stem}.png", data) for n, data in enumerate(pictures, 1)]


if __name__ == "__main__":
    sys.exit(main())
