"""Photos into sealed JPEGs: a region hidden behind a look, all else as it was, coefficient for coefficient.

No System makes pixels here: what is hidden travels in the file's segments, as the very file, or, where only
the picture travels, as the region's coefficients in the encrypted part of the header.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from jaxcrypt.crypto import jpegfile
from jaxcrypt.crypto.contents import Contents
from jaxcrypt.crypto.jpegfile import SYSTEM, SealedJpeg
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.pictures import blockcodec, coefficients, jpegmarkers, looks
from jaxcrypt.pictures.coefficients import Coefficients
from jaxcrypt.pictures.decoders import identify, open_image
from jaxcrypt.pictures.files import MODES, load_picture
from jaxcrypt.pictures.jpegmarkers import Damaged, Jpeg
from jaxcrypt.pictures.orientation import as_stored, orientation
from jaxcrypt.record import Progress
from jaxcrypt.sealing import inputs
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.seal import Plain, Sealer

QUALITY = 90
MASK, REGION, TURNED = "mask", "region", "turned"  # side arrays: docs/FORMAT.md
_JPEGS = ("JPEG", "MPO")


@dataclass(frozen=True)
class PlainJpeg(Plain):
    """A picture that was read and may be sealed as JPEG.

    Attributes:
      jpeg: the photo's own, or the one that it was encoded as; bare: its coefficients.
      inside: the minimum coded units that are hidden, bool ``[unit rows, unit columns]``.
      turned: its EXIF orientation.
      encoded: whether ``jpeg`` was made here.
    """

    jpeg: Jpeg = field(kw_only=True, repr=False)
    bare: Coefficients = field(kw_only=True, repr=False)
    inside: np.ndarray = field(kw_only=True, repr=False)
    turned: int = 1
    encoded: bool = False


def check(look: str = looks.LOOKS[0], quality: int = QUALITY) -> None:
    """Refuse a look or a quality that there is not, and all where coefficients cannot be read."""
    if look not in looks.LOOKS:
        raise usage(f"--look {look}: choose one of {', '.join(looks.LOOKS)}")
    if not 1 <= quality <= 100:
        raise usage(f"--quality {quality}: must be 1 to 100")
    coefficients.need_library()


class JpegSealer(Sealer):
    """Seals pictures as JPEGs under the same keys. May be shared by threads.

    Args:
      look: what strangers see of the region, one of :data:`jaxcrypt.pictures.looks.LOOKS`.
      quality: 1 to 100, of the JPEG that a photo becomes which is none.
      more: keys, what travels, who signs and the region, as :class:`Sealer` takes them.

    Raises:
      Refusal: whatever of these cannot be.
    """

    def __init__(self, keys: Keys, *, look: str = looks.LOOKS[0], quality: int = QUALITY, **more: Any):
        check(look, quality)
        super().__init__(keys, **more)
        self._look, self._quality = look, quality

    computes = False

    @property
    def label(self) -> str:
        """What reports call it."""
        return SYSTEM

    @property
    def room(self) -> int:
        """A JPEG hides no further pictures."""
        return 0

    def read(self, data: bytes, name: str = "picture", **beside: Any) -> PlainJpeg:
        """Decode a picture's file, and take its coefficients; see :meth:`Sealer.read`.

        Raises:
          Refusal: also a JPEG of four colours, and a picture with an alpha channel.
        """
        plain = super().read(data, name, **beside)
        known = identify(data)
        encoded = known is None or known[0] not in _JPEGS
        source = self._encoded(plain, name) if encoded else data
        turned = 1 if encoded else orientation(data)
        try:
            jpeg = jpegmarkers.take_apart(source)
            if not jpeg.space:
                hint = "a sealed JPEG is grey or has three colours; convert it, or take -o NAME.png"
                raise Refusal(f"{name}: is a JPEG of {len(jpeg.frame.ids)} colours (CMYK); {hint}")
            bare = coefficients.read(jpeg)
        except Damaged as reason:
            raise Refusal(f"{name}: damaged JPEG ({reason})") from None
        mask = np.ones(plain.pixels.shape[:2], bool) if plain.region is None else plain.region.mask
        stored = as_stored(mask, turned)
        if stored.shape != (bare.height, bare.width):
            raise Refusal(f"{name}: its EXIF orientation cannot be read; take -o NAME.png")
        changed = self.pixels_only and (encoded or plain.extras.changed)
        more = replace(plain.extras, changed=changed)
        changes = (
            (*plain.changes, f"encoded as JPEG of quality {self._quality}") if encoded else plain.changes
        )
        kept = {"extras": more, "changes": changes, "region": plain.region}
        own = {"jpeg": jpeg, "bare": bare, "inside": looks.units_of(stored, bare)}
        own |= {"turned": turned, "encoded": encoded}
        return PlainJpeg(plain.name, data, plain.shape, plain.pixels, **kept, **own)

    def _encoded(self, plain: Plain, name: str) -> bytes:
        """A picture that is no JPEG as one."""
        channels = plain.pixels.shape[2]
        if channels in (2, 4):
            hint = "JPEG has no alpha channel; take -o NAME.png, or flatten it"
            raise Refusal(f"{name}: is {MODES[channels]}; {hint}")
        made = io.BytesIO()
        pixels = plain.pixels[..., 0] if channels == 1 else plain.pixels
        with open_image(plain.data, name) as image:
            profile = image.info.get("icc_profile")
        how = {"quality": self._quality, "optimize": True, "icc_profile": profile}
        Image.fromarray(pixels).save(made, "JPEG", **how)
        return made.getvalue()

    def seal(self, pictures: Sequence[PlainJpeg], progress: Progress = None) -> list[SealedJpeg]:
        """Seal pictures, one after another.

        Raises:
          Refusal: no key to seal with; a region that a header has no room for.
        """
        made = []
        for done, plain in enumerate(pictures, 1):
            made.append(self._seal(plain))
            if progress is not None:
                progress(done / len(pictures))
        return made

    def _seal(self, plain: PlainJpeg) -> SealedJpeg:
        options: list[tuple[str, Any]] = [("look", self._look)]
        options += [("quality", self._quality)] if plain.encoded else []
        binding = ("region", inputs.digest([plain.inside]))
        file = self._contents(plain)
        key = self.keys.keyring.new_file_key(file, SYSTEM, (*options, binding))
        seen = looks.hide(plain.bare, plain.inside, self._look, key.subkey("look"))
        side = {**plain.extras.arrays(), MASK: blockcodec.pack_units(plain.inside)}
        if self.pixels_only:
            side[REGION] = np.frombuffer(blockcodec.pack(plain.bare, plain.inside), np.uint8)
            side[TURNED] = np.array([plain.turned], np.uint8)
        contents = Contents(plain.shape, plain.name, side, *self._travels(file))
        shape = plain.bare.height, plain.bare.width, len(plain.bare.planes)
        public = {"system": SYSTEM, "options": options, "shape": shape}
        mac = jpegfile.picture_mac(key, seen)
        header = contents.header(key, **public, mac=mac, signer=self._signer)
        written = jpegmarkers.take_apart(coefficients.write(plain.jpeg, seen))
        shown = (*jpegmarkers.orientation_segment(plain.turned), *plain.jpeg.colours())
        picture = Jpeg(shown, written.tables, written.scans, written.frame)
        return SealedJpeg(header, shape, picture, key.subkey("payload"), contents.file, contents.padded)

    def _travels(self, file: bytes) -> tuple[Any, ...]:
        """The payload's file, whether it is a bundle, and how it is padded."""
        return None if self.pixels_only else file, bool(self._further), self._padding

    def quality(self, plain: Plain) -> float | None:
        """PSNR in dB of the picture that comes back without its file; None where only the file does."""
        if not self.pixels_only or not isinstance(plain, PlainJpeg):
            return None
        if not plain.encoded:
            return math.inf
        shown = load_picture(plain.jpeg.with_applications(plain.jpeg.colours()), plain.name).pixels
        error = np.square(shown.astype(np.float32) - plain.pixels).mean()
        return 10 * math.log10(255**2 / error) if error else math.inf

    def notes(self) -> list[str]:
        """What whoever seals so should know, a line each."""
        notes = self.keys.keyring.advice()
        if self._region:
            notes.append("what lies outside the region stays open, for everybody to see")
        if self._look in looks.TELLING:
            hint = "noise and fill show nothing of it"
            notes.append(f"--look {self._look} shows the region's coarse colours; {hint}")
        notes.append("a program that encodes the JPEG anew (messengers do) loses what its segments carry")
        if self.keys.image_alone:
            notes.append("a key image that others may have is no secret: keep it to yourself")
        return notes
