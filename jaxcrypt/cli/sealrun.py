"""A run of ``encrypt`` over many pictures: read, sealed together where they are of one shape, written.

Whatever one picture raises costs the run that picture only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxcrypt import runtime
from jaxcrypt.cli.command import explain
from jaxcrypt.cli.hiddennames import HiddenNames
from jaxcrypt.cli.jobs import Job, Report, plan_jobs, plan_reading
from jaxcrypt.cli.output import (
    Targets,
    is_stream,
    is_written,
    make_folder,
    refuse_other_suffix,
    write_piped,
    write_whole,
)
from jaxcrypt.cli.overlap import Outbox, Room, read_ahead
from jaxcrypt.cli.regionflags import SKIP
from jaxcrypt.errors import usage

if TYPE_CHECKING:
    from jaxcrypt.crypto.jpegfile import SealedJpeg
    from jaxcrypt.crypto.sealed import SealedPicture
    from jaxcrypt.sealing.carriers import CarrierPicture
    from jaxcrypt.sealing.extras import Stamp
    from jaxcrypt.sealing.seal import Plain, Sealer

_BATCH_SAMPLES = 1 << 22  # of pictures of one shape that go to the device together; few, to begin soon
_UNDER_WAY = 1 << 27  # samples of pictures that are read and not yet written


@dataclass(frozen=True)
class _Item:
    """A picture that was read.

    Attributes:
      target: where it goes; None: stdout. header: where its header goes besides.
      remarks: what to know of it. size: what it holds of the room.
    """

    job: Job
    target: Path | None
    header: Path | None
    plain: Plain
    remarks: list[str]
    size: int


class SealRun:
    """What is the same for all pictures of a run.

    Args:
      args: the command line: ``device``, ``force``, ``skip_existing``, ``write_header``, ``preserve``,
        ``dry_run``, ``pixels_only``, ``preview``, ``roi_empty``, ``hide_names``,
        ``suffixes`` (that outputs may have, the usual one first).
    """

    def __init__(self, args: Any, sealer: Sealer, targets: Targets, report: Report):
        self._args, self._sealer, self._targets, self._report = args, sealer, targets, report
        self._prepared, self._started, self._room = False, False, Room(_UNDER_WAY)
        self._hidden = HiddenNames(sealer.keys, args) if args.hide_names else None

    def work(self, jobs: list[Job]) -> int:
        """All of them; returns the exit code.

        Raises:
          Refusal: the System itself cannot be had: a device, weights or options that do not go together.
        """
        if self._sealer.foresees:
            self._prepare()
        threaded, planned = len(jobs) > 1, sorted(map(_sized, jobs), key=lambda one: one[0])
        self._sealer.expect(sum(_samples(sides) for sides, _ in planned))
        parts = self._batches(planned)
        with Outbox(threaded) as self._outbox:
            for part in read_ahead(parts, self._room) if threaded else parts:
                if callable(part):
                    self._outbox.put(part)
                    continue
                self._start()
                if self._args.dry_run:
                    self._estimate(part)
                else:
                    self._seal(part)
        return self._report.close()

    def _prepare(self) -> None:
        """Set JAX up, before anything imports it."""
        if self._sealer.computes and not self._prepared:
            runtime.prepare(self._args.device)
            self._prepared = True

    def _start(self) -> None:
        """Load the System, only now that a picture was read: a typo costs no start of JAX."""
        if not self._started:
            self._prepare()
            for note in self._sealer.notes():
                self._outbox.put(partial(print, "note:", note, file=sys.stderr))
            self._started = True

    def _batches(
        self, planned: list[tuple[tuple[int, int], Job]]
    ) -> Iterator[list[_Item] | Callable[[], object]]:
        """Pictures of one shape that go to the device together, and what is to be said before them."""
        batch: list[_Item] = []
        for sides, job in planned:
            size = _samples(sides)
            if batch and not self._room.fits(size):
                yield batch
                batch = []
            self._room.take(size)
            read = self._read(job, size)
            if not isinstance(read, _Item):
                yield from read
                self._room.free(size)
                continue
            for remark in read.remarks:
                yield partial(print, f"note: {job.name}: {remark}", file=sys.stderr)
            if batch and not _goes_with(batch, read):
                yield batch
                batch = []
            batch.append(read)
        if batch:
            yield batch

    def _read(self, job: Job, size: int) -> _Item | list[Callable[[], object]]:
        """One picture, or what there is to say where it is not to be sealed."""
        from jaxcrypt.regions.request import NothingFound

        try:
            job.check()
            target, header = self._targets_of(job)
            if self._args.skip_existing and target and not self._targets.taken(target) and is_written(target):
                return [partial(self._report.skipped, job, target)]
            if not self._args.dry_run:
                self._claim(job, target, header)
            folder = self._hidden.folder(job) if self._hidden else ()
            plain = self._sealer.read(job.read(), job.file_name, stamp=self._stamp(job), folder=folder)
            self._preview(job, plain)
            return _Item(job, target, header, plain, self._sealer.remarks(plain), size)
        except NothingFound as nothing:
            if self._args.roi_empty == SKIP:
                says = "nothing was found to encrypt: left out, not written"
                return [partial(self._report.told, job, says, empty=True)]
            return [partial(self._report.refused, job, nothing)]
        except Exception as error:
            return [partial(self._report.refused, job, explain(error, job.name))]

    def _preview(self, job: Job, plain: Plain) -> None:
        """The photo with its region drawn on it, where that is asked for."""
        if self._args.preview is None:
            return
        from jaxcrypt.pictures.files import encode_png
        from jaxcrypt.regions.preview import preview

        path = Path(self._args.preview)
        if _is_folder(self._args.preview):
            path /= f"{job.file_name}.png"
            make_folder(path.parent)
        self._targets.claim(path)
        drawn = encode_png(preview(plain.pixels, plain.region))
        write_whole(path, lambda file: file.write(drawn), self._args.force)

    def _targets_of(self, job: Job) -> tuple[Path | None, Path | None]:
        """Where the sealed picture and its header go."""
        hidden = self._hidden if job.into else None
        target = hidden.target(job) if hidden else _shown_target(self._args, job)
        return target, _sidecar(self._args, job, target)

    def _claim(self, job: Job, target: Path | None, header: Path | None) -> None:
        if job.into and target:
            make_folder(target.parent)
        if header and _is_folder(self._args.write_header):
            make_folder(header.parent)
        for path in filter(None, (target, header)):
            self._targets.claim(path)

    def _stamp(self, job: Job) -> Stamp | None:
        from jaxcrypt.sealing.extras import Stamp

        if not self._args.preserve or job.source is None:
            return None
        status = job.source.stat()
        return Stamp(int(status.st_mtime), status.st_mode)

    def _seal(self, batch: list[_Item]) -> None:
        try:
            progress = self._report.progress(len(batch))
            made = self._sealer.seal([item.plain for item in batch], progress)
        except Exception as error:
            if len(batch) == 1:
                refusal = explain(error, batch[0].job.name)
                self._say(batch[0], partial(self._report.refused, batch[0].job, refusal))
                return
            for item in batch:  # one of them: the others may be sealed all the same
                self._seal([item])
            return
        for item, picture in zip(batch, made, strict=True):
            self._say(item, partial(self._written, item, picture))

    def _say(self, item: _Item, call: Callable[[], object]) -> None:
        """Have ``call`` made in its turn; then there is room for another picture."""
        self._outbox.put(call)
        self._outbox.put(partial(self._room.free, item.size))

    def _written(self, item: _Item, picture: SealedPicture | SealedJpeg | CarrierPicture) -> None:
        try:
            self._write(item, picture)
        except Exception as error:
            self._report.refused(item.job, explain(error, item.job.name))

    def _put(self, item: _Item, picture: SealedPicture | SealedJpeg | CarrierPicture) -> None:
        """The header first, then the picture, or neither: a picture whose header is missing would be passed
        over when the run is resumed."""
        if item.header:
            write_whole(item.header, lambda file: file.write(picture.header), self._args.force)
        try:
            if item.target:
                write_whole(item.target, picture.write, self._args.force)
            else:
                write_piped(picture.write)
        except BaseException:
            if item.header and not is_stream(item.header):
                item.header.unlink(missing_ok=True)
            raise

    def _write(self, item: _Item, picture: SealedPicture | SealedJpeg | CarrierPicture) -> None:
        self._put(item, picture)
        height, width, _ = picture.shape
        system = self._sealer.label
        says = f"{system}, {width}×{height}" + (", pixels only" if self._args.pixels_only else "")
        region = item.plain.region
        says += "" if region is None else f"; {region.words()}"
        facts = {} if region is None else {"places": len(region.things), "share": round(region.share, 5)}
        says += f"; as pixels {', '.join(item.plain.changes)}" if item.plain.changes else ""
        facts |= picture.report
        says += f"; {facts.pop('says')}" if "says" in facts else ""
        self._report.done(item.job, item.target, says, system=system, width=width, height=height, **facts)

    def _estimate(self, batch: list[_Item]) -> None:
        """Say what encryption would give, and write nothing."""
        from jaxcrypt.sealing.estimate import estimate

        for item in batch:
            try:
                estimated = estimate(self._sealer, item.plain)
            except Exception as error:
                self._say(item, partial(self._report.refused, item.job, explain(error, item.job.name)))
                continue
            says = f"dry run: {estimated.words()}; nothing written"
            self._say(item, partial(self._report.told, item.job, says, **estimated.facts()))


def _sized(job: Job) -> tuple[tuple[int, int], Job]:
    """A job with its picture's width and height: those of one size go together."""
    from jaxcrypt.pictures.files import picture_size

    return (picture_size(job.source) if job.source else None) or (0, 0), job


def _samples(sides: tuple[int, int]) -> int:
    return 3 * sides[0] * sides[1]


def _goes_with(batch: list[_Item], item: _Item) -> bool:
    """Whether a picture may be sealed together with those before it."""
    shape = item.plain.pixels.shape
    alike = shape == batch[0].plain.pixels.shape
    return alike and (len(batch) + 1) * item.plain.pixels.size <= _BATCH_SAMPLES


def _shown_target(args: Any, job: Job) -> Path | None:
    """Where the sealed picture goes, by the photo's own name."""
    return job.folder / f"{job.file_name}{args.suffixes[0]}" if job.into else job.target


def _sidecar(args: Any, job: Job, target: Path | None) -> Path | None:
    """Where the header goes that is saved beside; None: nowhere."""
    sidecar = args.write_header
    if sidecar is None or not _is_folder(sidecar):
        return sidecar and Path(sidecar)
    top = None if args.hide_names or not job.into else args.output
    inner = job.folder.relative_to(top) if top else Path()
    name = target.name if target else f"picture{args.suffixes[0]}"
    return Path(sidecar) / inner / f"{name}.hdr"


def plan_pictures(args: Any) -> list[Job]:
    """The jobs of a command line, pictures that are of no kind that is read among them."""
    from jaxcrypt.pictures.files import is_other_picture_name, is_picture_name

    kinds = is_picture_name, is_other_picture_name
    if args.dry_run:
        return plan_reading(args.inputs, *kinds, args.skip_unsupported)
    return plan_jobs(args.inputs, args.output, *kinds, args.skip_unsupported)


def refuse_misfits(args: Any, jobs: list[Job], targets: Targets) -> None:
    """Refuse, before any work and before a passphrase is asked for, what could not be written at its end."""
    if args.json and not args.dry_run and any(job.target is None for job in jobs):
        raise usage("--json and the picture cannot both go to stdout; give -o FILE")
    if args.write_header and len(jobs) > 1 and not _is_folder(args.write_header):
        raise usage(f"--write-header {args.write_header}: several headers need a folder; end it in /")
    if args.preview and len(jobs) > 1 and not _is_folder(args.preview):
        raise usage(f"--preview {args.preview}: several previews need a folder; end it in /")
    target = jobs[0].target
    if target and not jobs[0].into:
        refuse_other_suffix(target, suffixes=args.suffixes)
    if args.hide_names and not args.dry_run and not jobs[0].into:
        raise usage("--hide-names: chooses the name itself; name a folder, such as -o sealed/")
    if len(jobs) == 1 and not (args.skip_existing or args.dry_run or args.hide_names):
        target = _shown_target(args, jobs[0])
        for path in filter(None, (target, _sidecar(args, jobs[0], target))):
            if path.parent.is_dir() or not (jobs[0].into or args.write_header):
                targets.check(path)


def _is_folder(name: str) -> bool:
    return name.endswith(("/", os.sep)) or Path(name).is_dir()
