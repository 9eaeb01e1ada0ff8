"""What a PNG file's pixels need (ISO/IEC 15948), checked, without the rest.

Pillow looks at no checksum of pixel data and takes files that lack their end, and it stumbles over text of
more than 1 MiB and over errors in chunks that concern no pixel. Here it is the other way round: whatever the
pixels come from must be whole, and of the other chunks only those are kept that say how to show them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
_FRAMES = (b"acTL", b"fcTL", b"fdAT")
# Where orientation stands besides eXIf: ImageMagick's way, and Adobe's.
_ORIENTATION = {b"zTXt": b"Raw profile type exif\0", b"iTXt": b"XML:com.adobe.xmp\0"}
_MAX_TEXT = 1 << 20  # what Pillow takes


class Damaged(ValueError):
    """The pixels are not what the writer of the file meant; the text says how that is known."""


def essential(data: bytes | memoryview, strict: bool = True, animated: bool = False) -> bytes | memoryview:
    """The file with those chunks only that its pixels, their orientation and their colours need.

    Args:
      data: a file that begins with :data:`SIGNATURE`.
      strict: refuse damage; else pass it on to whoever decodes the file.
      animated: keep the frames of an animation too; else the picture for viewers that know none is left.

    Raises:
      Damaged: (strict) a wrong checksum where it matters, an unknown critical chunk, or no end.
    """
    view = memoryview(data)
    kept, at, kind = [view[:8]], 8, b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", view[at : at + 8]) if at + 8 <= len(view) else (0, b"")
        end = at + 12 + length
        if not kind or end > len(view):
            if strict:
                raise Damaged("it is cut short")
            kept.append(view[at:])
            break
        wanted = animated or kind not in _FRAMES
        if wanted and _is_kept(kind, view[at + 8 : end - 4], view[end - 4 : end], strict):
            kept.append(view[at:end])
        at = end
    return data if sum(map(len, kept)) == len(data) else b"".join(kept)


def frames(data: bytes) -> int:
    """How many frames an animated PNG says that it has; 1 of any other."""
    body = next((body for kind, body in _chunks(data) if kind == b"acTL"), b"")
    return max(1, int.from_bytes(body[:4], "big")) if len(body) == 8 else 1


def scale_transparency(image: Image.Image, data: bytes | memoryview) -> None:
    """Give the transparent level or colour of an opened PNG of up to 8 bits the scale of its samples.

    Pillow compares the number in ``tRNS`` (0 to 3 where a sample has 2 bits) with samples of 0 to 255.
    Of a number with more bits than a sample the low ones count.
    """
    if "transparency" not in image.info or image.mode not in ("1", "L", "RGB"):
        return
    mark = next((body for kind, body in _chunks(data) if kind == b"tRNS"), b"")
    if len(mark) not in (2, 6):
        del image.info["transparency"]
        return
    top = (1 << data[24]) - 1
    levels = [(level & top) * 255 // top for level in struct.unpack(f">{len(mark) // 2}H", mark)]
    image.info["transparency"] = levels[0] if len(levels) == 1 else tuple(levels)


def _chunks(data: bytes | memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Type and contents of the chunks before the pixels."""
    view, at, kind = memoryview(data), 8, b""
    while kind != b"IDAT" and at + 8 <= len(view):
        length, kind = struct.unpack(">I4s", view[at : at + 8])
        yield kind, view[at + 8 : at + 8 + length]
        at += 12 + length


def _is_kept(kind: bytes, body: memoryview, crc: memoryview, strict: bool) -> bool:
    sound = zlib.crc32(body, zlib.crc32(kind)) == int.from_bytes(crc, "big")
    if kind in _PIXELS:
        if strict and not sound:
            raise Damaged(f"the checksum of its {kind.decode()} is wrong")
        return True
    if not kind[0] & 0x20:
        if strict:
            raise Damaged(f"its critical chunk {kind.decode('ascii', 'replace')!a} is unknown")
        return True
    return sound and (kind in _FRAMES or kind == b"eXIf" or _is_small_text(kind, body))


def _is_small_text(kind: bytes, body: memoryview) -> bool:
    """Whether it is a colour profile, or text that tells the orientation, of a size that Pillow takes."""
    text = bytes(body[:100])
    if kind != b"iCCP" and not text.startswith(_ORIENTATION.get(kind, b"\1")):
        return False
    if kind == b"iTXt" and text[len(_ORIENTATION[kind])] == 0:  # not compressed
        return len(body) < _MAX_TEXT
    at = text.find(b"\0") + (6 if kind == b"iTXt" else 2)
    try:
        return len(zlib.decompressobj().decompress(body[at:], _MAX_TEXT)) < _MAX_TEXT
    except zlib.error:
        return False
