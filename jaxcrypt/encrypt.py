"""``python -m jaxcrypt.encrypt``: photos into sealed pictures."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jaxcrypt import runtime
from jaxcrypt.cli import keyoptions
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry
from jaxcrypt.cli.jobs import Job, Report, batched_by_shape, plan_jobs
from jaxcrypt.cli.output import Targets, make_folder, write_stdout, write_whole
from jaxcrypt.errors import ExitCode, Refusal, usage
from jaxcrypt.record import Options
from jaxcrypt.sealing import cipher
from jaxcrypt.systems import catalog

_BATCH_SAMPLES = 1 << 25  # of pictures of one shape that go to the device together

_DESCRIPTION = """Encrypt photos into sealed pictures: PNG files that any viewer opens.

  python -m jaxcrypt.encrypt photo.jpg --key-image key.png         -> photo.jpg.png
  python -m jaxcrypt.encrypt photos/ -o sealed/ --passphrase
  python -m jaxcrypt.encrypt - -o - --key-file k < in.jpg > out.png
  python -m jaxcrypt.encrypt --system stego --cover harmless.jpg photo.jpg --key-file k
"""


@dataclass(frozen=True)
class _Loaded:
    """A picture that was read and may be written."""

    job: Job
    target: Path | None
    data: bytes
    pixels: object


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv, tells_json=True)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m jaxcrypt.encrypt", description=_DESCRIPTION, epilog=EXIT_CODES)
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="pictures, folders of them, or - for stdin"
    )
    parser.add_argument("-o", "--output", metavar="OUT", help="file, folder, or - for stdout (INPUT.png)")
    keyoptions.add_key_options(parser, sealing=True)
    names = ", ".join(catalog.NAMES)
    parser.add_argument(
        "--system", default=catalog.DEFAULT, metavar="NAME", help=f"one of {names} (%(default)s)"
    )
    parser.add_argument(
        "--weights", metavar="NAME_OR_PATH", help="a zoo entry or training folder to use instead"
    )
    parser.add_argument("--cover", metavar="FILE", help="with --system stego: the picture to hide others in")
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="FILE",
        help="a further picture to hide in the cover, whose file travels as well",
    )
    parser.add_argument(
        "--robust",
        type=int,
        metavar="S",
        help="with denoiser and cyclegan: survive JPEG with 4:2:0 chroma, at 1, 2 or 3 times the pixels",
    )
    parser.add_argument(
        "--rate",
        choices=("1", "1/2", "1/4"),
        metavar="SHARE",
        help="with --system cyclegan: 1, 1/2 or 1/4 of the picture's bytes (1)",
    )
    parser.add_argument(
        "--condition-on-key-image",
        action="store_true",
        help="with --system cyclegan: the pixels need the key image itself, whatever other key fits",
    )
    parser.add_argument("--pixels-only", action="store_true", help="leave out the original file's bytes")
    parser.add_argument("--write-header", metavar="FILE", help="also save the header, for later recovery")
    parser.add_argument(
        "--device", default="auto", metavar="KIND", help="auto, cpu, gpu or tpu (%(default)s)"
    )
    parser.add_argument(
        "--skip-unsupported",
        action="store_true",
        help="pass over what a folder holds that cannot be read, and say so",
    )
    parser.add_argument("--json", action="store_true", help="one JSON line a file on stdout")
    parser.add_argument("--force", action="store_true", help="overwrite existing outputs")
    return parser


def _main(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    keyoptions.require_some_key(args, sealing=True)
    catalog.entry(args.system)
    from jaxcrypt.pictures.files import is_other_picture_name, is_picture_name

    kinds = is_picture_name, is_other_picture_name
    jobs = plan_jobs(args.inputs, args.output, *kinds, args.skip_unsupported)
    if args.json and any(job.target is None for job in jobs):
        raise usage("--json and the picture cannot both go to stdout; give -o FILE")
    if args.write_header and len(jobs) > 1:
        raise usage("--write-header names one file; encrypt one picture at a time with it")
    more = [Path(name) for name in (args.cover, *args.secret) if name]
    sources = [job.source for job in jobs if job.source] + keyoptions.files_named(args) + more
    sealer = _Sealer(args, Targets(sources, args.force))
    report = Report(jobs, args.json)
    for batch in batched_by_shape(sealer.load(jobs, report), lambda item: item.pixels.shape, _BATCH_SAMPLES):
        sealer.seal(batch, report)
    return report.close()


class _Sealer:
    """Everything that is the same for all pictures of a run: keys, System, options."""

    def __init__(self, args: argparse.Namespace, targets: Targets):
        from jaxcrypt.crypto import recipients, signing
        from jaxcrypt.crypto.filekey import Keyring

        self._args = args
        self._targets = targets
        if args.write_header:
            targets.claim(Path(args.write_header))
        signer = signing.read_signer(args.sign) if args.sign else None
        public = [recipients.read_recipient(path) for path in args.recipient]
        self._keyring = Keyring(keyoptions.read_sources(args, confirm=True), public)
        self._signer = signer
        self._loaded: cipher.Cipher | None = None
        self._binding: Options = ()
        self._further: list[tuple[str, bytes]] = []

    def load(self, jobs: list[Job], report: Report) -> Iterator[_Loaded]:
        """Read the pictures, those of one size together; what cannot be taken is reported and passed over."""
        from jaxcrypt.pictures.files import picture_size

        for job in sorted(jobs, key=lambda job: picture_size(job.source) or (0, 0) if job.source else (0, 0)):
            try:
                yield self._load_one(job)
            except Refusal as refusal:
                report.refused(job, refusal)

    def _load_one(self, job: Job) -> _Loaded:
        from jaxcrypt.pictures.files import load_picture

        target = job.target
        if job.into:
            make_folder(target)
            target = target / f"{job.file_name}.png"
        if target:
            self._targets.claim(target)
        data = job.read()
        picture = load_picture(data, job.name)
        self._ready().check(picture.pixels.shape, job.name)
        return _Loaded(job, target, data, picture.pixels)

    def _ready(self) -> cipher.Cipher:
        """The System, loaded once and only when a picture was read: a typo costs no start of JAX."""
        if self._loaded is None:
            runtime.start(self._args.device)
            args = self._args
            given = {
                "robust": args.robust,
                "rate": args.rate,
                "key_image": args.condition_on_key_image or None,
            }
            options = {name: str(int(v) if v is True else v) for name, v in given.items() if v is not None}
            self._loaded = self._with_inputs(cipher.load(args.system, args.weights, options))
            for note in self._notes(self._loaded):
                print("note:", note, file=sys.stderr)
        return self._loaded

    def _with_inputs(self, loaded: cipher.Cipher) -> cipher.Cipher:
        """The System with its cover and further secrets, or its key image, where it takes them."""
        from jaxcrypt.crypto import bundle
        from jaxcrypt.pictures.files import load_picture, read_file

        args = self._args
        if args.condition_on_key_image:
            if not args.key_image:
                raise usage("--condition-on-key-image: name that image with --key-image FILE")
            loaded = loaded.given({"key_image": keyoptions.key_pixels(args.key_image)})
        if not any(one.name == "cover" for one in loaded.system.inputs):
            if args.cover or args.secret:
                raise usage(f"--cover and --secret: --system {args.system} hides nothing in a cover")
            return loaded
        if not args.cover:
            raise usage(f"--system {args.system}: needs --cover FILE, the picture to hide others in")
        if len(args.secret) >= bundle.MAX_FILES:
            raise usage(f"--secret: {len(args.secret)} of them; at most {bundle.MAX_FILES - 1}")
        secrets = []
        for path in args.secret:
            data = read_file(path)
            picture = load_picture(data, path)
            loaded.check(picture.pixels.shape, path)
            secrets.append(picture.pixels)
            self._further.append((Path(path).name, data))
        cover = load_picture(args.cover).pixels
        self._binding = (("inputs", _digest([cover, *secrets])),)
        return loaded.given({"cover": cover, "secrets": secrets})

    def _notes(self, loaded: cipher.Cipher) -> Iterator[str]:
        exact = loaded.system.traits.exact
        if not exact or self._args.system != catalog.DEFAULT:
            yield f"{self._args.system}: {loaded.argument}"
        if self._args.pixels_only and not exact:
            yield "--pixels-only with this System gives back an approximation of the picture, not the file"
        if self._args.key_image and not (self._args.passphrase or self._args.key_file):
            yield "a picture that others may have is no secret: keep the key image to yourself"

    def seal(self, batch: list[_Loaded], report: Report) -> None:
        """Encrypt pictures of one shape together and write each."""
        loaded = self._ready()
        name = self._args.system
        # Cover and further secrets are bound as well: where the random source fails, keys differ with them.
        parameters = (*loaded.stored, *self._binding)
        keys = [self._keyring.new_file_key(self._contents(item), name, parameters) for item in batch]
        subkeys = [key.subkey("system") for key in keys]
        pictures = [item.pixels for item in batch]
        try:
            made = loaded.encrypt(pictures, subkeys, report.progress(len(batch)))
        except Refusal as refusal:
            if refusal.code == ExitCode.USAGE:
                raise
            for item in batch:  # too large or too small for this System; others may suit it
                report.refused(item.job, Refusal(f"{item.job.name}: {refusal}", refusal.code))
            return
        for item, key, one in zip(batch, keys, made, strict=True):
            try:
                self._write(item, key, one.pixels, one.side, loaded.stored)
            except Refusal as refusal:
                report.refused(item.job, refusal)
                continue
            height, width, _ = one.pixels.shape
            says = f"{name}, {width}×{height}" + (", pixels only" if self._args.pixels_only else "")
            report.done(item.job, item.target, says, system=name, width=width, height=height)

    @property
    def _several(self) -> bool:
        return bool(self._further) and not self._args.pixels_only

    def _contents(self, item: _Loaded) -> bytes:
        """What travels exactly: the picture's file, or the files of all that are hidden together.

        Made anew for key and payload, so that a batch does not hold it many times.
        """
        from jaxcrypt.crypto import bundle

        if not self._several:
            return item.data
        names = bundle.distinct_names([_name(item), *(name for name, _ in self._further)])
        return bundle.pack(list(zip(names, [item.data, *(data for _, data in self._further)], strict=True)))

    def _write(self, item: _Loaded, key, pixels, side, stored) -> None:
        from jaxcrypt.crypto import sealed

        picture = sealed.seal(
            key,
            system=self._args.system,
            options=stored,
            pixels=pixels,
            original=item.pixels.shape,
            name=_name(item),
            side=side,
            file=None if self._args.pixels_only else self._contents(item),
            several=self._several,
            signer=self._signer,
        )
        if item.target:
            write_whole(item.target, picture.write, self._args.force)
        else:
            buffer = io.BytesIO()
            picture.write(buffer)
            write_stdout(buffer.getbuffer())
        if self._args.write_header:
            sidecar = Path(self._args.write_header)
            write_whole(sidecar, lambda file: file.write(picture.header), self._args.force)


def _name(item: _Loaded) -> str:
    return item.job.file_name


def _digest(pictures: list) -> str:
    """SHA-256 of pictures, shapes and samples, as hex."""
    import hashlib

    digest = hashlib.sha256()
    for pixels in pictures:
        digest.update(repr(pixels.shape).encode() + pixels.tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
