"""Sealed JPEGs back into the very file, or into the JPEG with its region put back; no System decodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np

from jaxcrypt.crypto import jpegfile
from jaxcrypt.crypto.bundle import File
from jaxcrypt.crypto.names import safe_name
from jaxcrypt.crypto.sealed import Opened
from jaxcrypt.errors import tampered, usage
from jaxcrypt.pictures import blockcodec, coefficients, jpegmarkers
from jaxcrypt.pictures.coefficients import Coefficients
from jaxcrypt.pictures.files import load_picture
from jaxcrypt.pictures.jpegmarkers import Damaged, Jpeg
from jaxcrypt.record import Progress
from jaxcrypt.sealing import extras, logged, naming, recovery
from jaxcrypt.sealing.begun import Unsealed
from jaxcrypt.sealing.extras import Extras
from jaxcrypt.sealing.jpegseal import MASK, REGION, TURNED
from jaxcrypt.sealing.policy import Policy


@dataclass(frozen=True)
class BegunJpeg:
    """A sealed JPEG whose header opened; see :class:`jaxcrypt.sealing.begun.Begun`.

    Attributes:
      seen: what everybody sees; verified, unless ``damaged``.
      jpeg: its file's segments.
    """

    policy: Policy = field(repr=False)
    opened: Opened = field(repr=False)
    files: Sequence[File] = field(repr=False)
    seen: Coefficients | None = field(repr=False)
    jpeg: Jpeg = field(repr=False)
    damaged: bool = False
    notes: tuple[str, ...] = ()
    decodes = False
    stepwise = False

    @property
    def unauthenticated(self) -> bool:
        """Whether nothing vouches for what will come back."""
        return self.damaged and not self.files

    @property
    def from_pixels(self) -> bool:
        """Whether what comes back is a JPEG that is made from the region's coefficients."""
        return not self.files

    @property
    def names(self) -> list[str]:
        """Names of what comes back."""
        if self.files:
            return [name for name, _ in self.files]
        return [picture_name(self.opened, naming.MARK if self.damaged else "")]

    @property
    def folder(self) -> tuple[str, ...]:
        """The folders that the file lay in, the outermost first, where that travelled; with safe names."""
        return _folder(self._extras)

    @cached_property
    def logged(self) -> tuple[str, ...]:
        """What its proofs of a key ledger show, a line each."""
        return logged.words(self.opened, self.policy.keys.keyring, self.policy.trusted)

    def finish(self, progress: Progress = None) -> Unsealed:
        """What the picture gives; see :meth:`jaxcrypt.sealing.begun.Begun.finish`.

        Raises:
          Refusal: (TAMPERED) a picture that shows another one than the file, a region that does not fit;
            (USAGE) pixels are asked for where the file alone travels.
        """
        policy = self.policy
        if self.files and policy.from_pixels:
            raise usage("--from-pixels: what a sealed JPEG hides travels as the file alone; leave it out")
        more = self._extras
        facts = {"signed": policy.verifier is not None, "stamp": more.stamp}
        facts["notes"] = (*self.notes, *self.logged)
        if self.files:
            if self.seen is not None and (policy.check_pixels or policy.verifier):
                self._compare(self.seen)
            return Unsealed(list(self.files), jpegfile.SYSTEM, from_pixels=False, exact=True, **facts)
        if self.seen is None:
            raise tampered(f"{self.opened.source}: nothing of the picture can be read; nothing written")
        exact = not (more.changed or self.damaged)
        facts |= {"authenticated": not self.damaged}
        files: list[File] = [(self.names[0], self._restored(self.seen))]
        return Unsealed(files, jpegfile.SYSTEM, from_pixels=True, exact=exact, **facts)

    def _restored(self, seen: Coefficients) -> bytes:
        """The JPEG with its region put back, as it was before all but what shows it was left out."""
        if REGION not in self.opened.side:
            raise tampered(f"{self.opened.source}: header malformed behind its MAC (no region)")
        try:
            data = np.asarray(self.opened.side[REGION]).tobytes()
            whole = blockcodec.unpack(data, seen, self._inside)
            written = jpegmarkers.take_apart(coefficients.write(self.jpeg, whole))
        except Damaged as reason:
            raise tampered(f"{self.opened.source}: its region does not fit ({reason})") from None
        # Nothing vouches for the applications around: colours and orientation come from the header.
        colour, profile = jpegmarkers.colour_segment(seen.space), self._extras.icc
        turned = jpegmarkers.orientation_segment(self._turned)
        return written.with_applications((colour, *turned, *jpegmarkers.profile_segments(profile)))

    @cached_property
    def _extras(self) -> Extras:
        return _extras_of(self.opened)

    @property
    def _turned(self) -> int:
        """The EXIF orientation that the header tells."""
        turned = np.asarray(self.opened.side.get(TURNED, 0))
        if turned.shape != (1,) or not 1 <= turned[0] <= 8:
            raise tampered(f"{self.opened.source}: header malformed behind its MAC (no orientation)")
        return int(turned[0])

    @cached_property
    def _inside(self) -> np.ndarray:
        """The hidden units, bool ``[unit rows, unit columns]``."""
        rows, columns, _, _ = coefficients.units(*self.jpeg.frame.size, self.jpeg.frame.sampling)
        try:
            return blockcodec.unpack_units(self.opened.side.get(MASK, ()), (rows, columns))
        except Damaged as reason:
            raise tampered(f"{self.opened.source}: its header does not fit ({reason})") from None

    def _compare(self, seen: Coefficients) -> None:
        """Refuse a picture that is not that of the file which travels with it, where it is open to see."""
        name, data = self.files[0]
        if not self._shows(seen, bytes(data), name):
            what = f"it shows another picture than the file {name}"
            raise tampered(f"{self.opened.source}: {what}; nothing written")

    def _shows(self, seen: Coefficients, data: bytes, name: str) -> bool:
        if jpegfile.is_jpeg(data):
            try:
                photo = coefficients.read(jpegmarkers.take_apart(data))
            except Damaged:
                return False
            return blockcodec.same_outside(seen, photo, self._inside)
        # The photo was encoded, by whatever encoder the sender had: near is all that can be asked for.
        photo = load_picture(data, name).pixels
        shown = load_picture(self.jpeg.with_applications(self.jpeg.colours()), name).pixels
        if shown.shape != photo.shape:
            return False
        height, width, _ = shown.shape
        _, _, tall, wide = coefficients.units(height, width, self.jpeg.frame.sampling)
        hidden = np.repeat(np.repeat(self._inside, tall, axis=0), wide, axis=1)[:height, :width]
        return recovery.alike(np.where(hidden[..., None], photo, shown), photo, False)


def begin(policy: Policy, container: jpegfile.Container, opened: Opened) -> BegunJpeg:
    """What a sealed JPEG will give, verified.

    Raises:
      Refusal: (TAMPERED) damaged or tampered.
    """
    seen = opened.read_coefficients(container)
    files, notes = policy.fit(opened, opened.open_files(container.payload))
    return BegunJpeg(policy, opened, files, seen, container.jpeg, notes=notes)


def recover(policy: Policy, container: jpegfile.Container, opened: Opened) -> BegunJpeg:
    """What is left of a damaged one: its exact files, or its region in whatever is around it.

    Raises:
      Refusal: (TAMPERED) nothing.
    """
    files: list[File] = []
    if opened.header.payload:
        files, _ = policy.fit(opened, opened.open_files(container.payload))
        note = "the picture around is damaged"
        return BegunJpeg(policy, opened, files, None, container.jpeg, True, (note,))
    if container.shape != opened.header.shape:
        raise tampered(f"{opened.source}: another size than was sealed, which cannot be recovered")
    return BegunJpeg(policy, opened, files, container.read_coefficients(), container.jpeg, True)


def expected(opened: Opened) -> Path:
    """Where in a folder what comes back will most likely go."""
    name = safe_name(opened.name) if opened.header.payload else picture_name(opened)
    return Path(*_folder(_extras_of(opened)), name)


def _extras_of(opened: Opened) -> Extras:
    return extras.split(opened.side, opened.header.original, opened.source)[0]


def _folder(more: Extras) -> tuple[str, ...]:
    return tuple(map(safe_name, more.folder))


def picture_name(opened: Opened, mark: str = "") -> str:
    """The name of the JPEG that a region is put back into."""
    return safe_name(f"{PurePosixPath(safe_name(opened.name)).stem}{mark}.jpg")
