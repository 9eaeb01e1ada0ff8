"""What travels in a header's encrypted part besides what the System itself asks for.

========= ============ =====================================================================
name      array        what
========= ============ =====================================================================
alpha     uint8 [n]    PNG of the alpha channel, where the System takes colours only
icc       uint8 [n]    the picture's ICC profile, where only its pixels travel
changed   uint8 [1]    1 where only the pixels travel, and lack what the file has (bits, frames, colours)
names     uint8 [n]    names of further secrets, a zero byte between them, where no file of theirs travels
file      uint32 [3]   modification time in seconds (high and low word) and mode bits of the file
folder    uint8 [n]    names of the folders that the file lay in, a zero byte between them, with hidden names
thumbnail uint8 [4096] what :mod:`jaxcrypt.pictures.thumbnails` makes of the picture
ledger    uint8 [n]    packed proofs that recipients' keys are logged (:mod:`jaxcrypt.crypto.ledger.proof`)
residual  uint8 [n]    what the System leaves out of the samples (:mod:`jaxcrypt.sealing.residual`)
samples   uint8 [32]   digest of the samples, where a residual travels
========= ============ =====================================================================

A System's own side arrays never have these names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxcrypt.crypto.names import clean_name, decode_name, encode_name
from jaxcrypt.errors import Refusal, tampered

NAMES = ("alpha", "icc", "changed", "names", "file", "folder", "thumbnail", "ledger", "residual", "samples")
MAX_ICC = 1 << 20
MAX_FOLDERS = 32
_WORD = 1 << 32
_MODE_BITS = 0o7777


@dataclass(frozen=True)
class Stamp:
    """Modification time in whole seconds and permission bits of a file."""

    seconds: int
    mode: int


@dataclass(frozen=True)
class Extras:
    """See the module; what is not there is None or empty.

    ``alpha`` is uint8 ``[H, W]``; ``folder`` has the outermost first.
    """

    alpha: np.ndarray | None = None
    icc: bytes = b""
    changed: bool = False
    names: tuple[str, ...] = ()
    stamp: Stamp | None = None
    folder: tuple[str, ...] = ()
    thumbnail: bytes = b""
    ledger: bytes = b""
    residual: bytes = b""
    samples: bytes = b""

    def arrays(self) -> dict[str, np.ndarray]:
        """As side arrays."""
        from jaxcrypt.pictures.files import encode_png

        arrays = {}
        if self.alpha is not None:
            arrays["alpha"] = _bytes(encode_png(self.alpha[..., None]))
        if self.icc:
            arrays["icc"] = _bytes(self.icc)
        if self.changed:
            arrays["changed"] = _bytes(b"\1")
        if self.names:
            arrays["names"] = _joined(self.names)
        if self.stamp:
            seconds = self.stamp.seconds % (1 << 64)
            words = [seconds // _WORD, seconds % _WORD, self.stamp.mode & _MODE_BITS]
            arrays["file"] = np.array(words, np.uint32)
        if self.folder:
            arrays["folder"] = _joined(self.folder)
        if self.thumbnail:
            arrays["thumbnail"] = _bytes(self.thumbnail)
        if self.ledger:
            arrays["ledger"] = _bytes(self.ledger)
        if self.residual:
            arrays |= {"residual": _bytes(self.residual), "samples": _bytes(self.samples)}
        return arrays


def split(side: Mapping[str, Any], shape: Sequence[int], source: str) -> tuple[Extras, dict[str, Any]]:
    """What :meth:`Extras.arrays` made, and the System's own side arrays.

    Args:
      shape: height, width and channels of the plain picture; source: what messages call the sealed file.

    Raises:
      Refusal: (TAMPERED) arrays that no encryption makes.
    """
    own = {name: array for name, array in side.items() if name not in NAMES}
    try:
        return Extras(
            alpha=_alpha(side, shape),
            icc=_text(side, "icc"),
            changed=_flag(side, "changed"),
            names=_names(side, "names"),
            stamp=_stamp(side),
            folder=_names(side, "folder", MAX_FOLDERS),
            thumbnail=_text(side, "thumbnail"),
            ledger=_text(side, "ledger"),
            residual=_text(side, "residual"),
            samples=_text(side, "samples"),
        ), own
    except (Refusal, ValueError) as reason:
        raise tampered(f"{source}: its header does not fit ({reason})") from None


def _bytes(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


def _joined(names: Sequence[str]) -> np.ndarray:
    return _bytes(b"\0".join(encode_name(clean_name(name)) for name in names))


def _names(side: Mapping[str, Any], name: str, most: int | None = None) -> tuple[str, ...]:
    text = _text(side, name)
    names = tuple(map(clean_name, map(decode_name, text.split(b"\0")))) if text else ()
    if most is not None and len(names) > most:
        raise ValueError(f"its array {name} holds too many names")
    return names


def _text(side: Mapping[str, Any], name: str) -> bytes:
    if name not in side:
        return b""
    array = np.asarray(side[name])
    if array.dtype != np.uint8 or array.ndim != 1:
        raise ValueError(f"its array {name} has another type")
    return array.tobytes()


def _flag(side: Mapping[str, Any], name: str) -> bool:
    flag = _text(side, name)
    if flag not in (b"", b"\1"):
        raise ValueError(f"its array {name} is no flag")
    return bool(flag)


def _alpha(side: Mapping[str, Any], shape: Sequence[int]) -> np.ndarray | None:
    from jaxcrypt.pictures.files import load_picture, picture_size

    data = _text(side, "alpha")
    if not data:
        return None
    if shape[2] not in (2, 4):
        raise ValueError("it has an alpha channel too many")
    if picture_size(data) != (shape[1], shape[0]):  # before anything of that size is decoded
        raise ValueError("its alpha channel has another size")
    pixels = load_picture(data, "alpha").pixels
    if pixels.shape[2] != 1:
        raise ValueError("its alpha channel is coloured")
    return pixels[..., 0]


def _stamp(side: Mapping[str, Any]) -> Stamp | None:
    if "file" not in side:
        return None
    words = np.asarray(side["file"])
    if words.dtype != np.uint32 or words.shape != (3,):
        raise ValueError("its array file has another type")
    high, low, mode = (int(word) for word in words)
    seconds = high * _WORD + low
    return Stamp(seconds - (1 << 64 if seconds >> 63 else 0), mode & _MODE_BITS)
