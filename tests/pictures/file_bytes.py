"""Files of pictures made by hand, right ones and wrong ones, as bytes."""

import base64
import io
import struct
import zlib

import numpy as np
from PIL import Image


def encoded(image: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def png_header(width: int, height: int, bits: int = 8) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


def animation(format: str, colours) -> bytes:
    frames = [Image.fromarray(np.roll(colours, shift, 0)) for shift in range(3)]
    return encoded(frames[0], format, save_all=True, append_images=frames[1:])


def altered(data: bytes, kind: bytes, further: int) -> bytes:
    at = data.index(kind) + further
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def wide_jpeg(colours) -> bytes:
    data = encoded(Image.fromarray(colours), "JPEG")
    at = data.index(b"\xff\xc0") + 4
    return data[:at] + b"\x0c" + data[at + 1 :]


def bitfields_bmp() -> bytes:
    masks = struct.pack("<4I", 0xF00, 0xF0, 0xF, 0xF000)
    head = struct.pack("<IiiHHIIiiII", 56, 4, 4, 1, 16, 3, 32, 2835, 2835, 0, 0) + masks
    return b"BM" + struct.pack("<IHHI", 14 + 56 + 32, 0, 0, 70) + head + bytes(32)


def tiff(samples: np.ndarray, bits: int, format: int, compression: int = 1) -> bytes:
    """A TIFF of one strip by hand, little-endian: samples ``[H, W, C]`` as they are."""
    height, width, channels = samples.shape
    body = samples.tobytes()
    after = 8 + len(body)
    entries = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, channels, after), (259, 3, 1, compression),
        (262, 3, 1, 2), (273, 4, 1, 8), (277, 3, 1, channels), (278, 3, 1, height), (279, 4, 1, len(body)),
        (339, 3, channels, after + 2 * channels),
    ]  # fmt: skip
    values = struct.pack(f"<{2 * channels}H", *[bits] * channels, *[format] * channels)
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", after + len(values)) + body + values + directory + bytes(4)


def grey16(values, transparent=None) -> bytes:
    """A grey PNG of 16 bits."""
    body = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    mark = [] if transparent is None else [(b"tRNS", struct.pack(">H", transparent))]
    return png_file(values.shape[1], values.shape[0], 16, 0, body, *mark)


def png_file(width, height, bits, colour, body, *more) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    chunks = [(b"IHDR", head), *more, (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def with_chunk(data: bytes, kind: bytes, body: bytes, crc: int = 0) -> bytes:
    """The PNG with one chunk more after its header; ``crc`` is XORed to the right checksum."""
    whole = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) ^ crc)
    return data[:33] + whole + data[33:]


# 8×8 ramps by libavif, 10 and 12 bits a sample: Pillow opens both as 8 bits.
AVIF_10 = base64.b64decode(
    "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUEAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAA"
    "AAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAJAAAAChpaW5mAAAAAAABAAAAGmluZmUCAAAAAAEA"
    "AGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAACAAAAAgAAAAQcGl4aQAAAAADCgoKAAAADGF2MUOBIEAA"
    "AAAAE2NvbHJuY2x4AAIAAgAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAALG1kYXQSAAoIOAi/bwICBpAyFhlCYwTAADQAAACQ"
    "P5wjFSsFb9qFUoA="
)
AVIF_12 = base64.b64decode(
    "AAAAHGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZgAAAOttZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA"
    "AA5waXRtAAAAAAABAAAAHmlsb2MAAAAARAAAAQABAAAAAQAAAQ8AAAAjAAAAKGlpbmYAAAAAAAEAAAAaaW5mZQIAAAAAAQAAYXYw"
    "MUNvbG9yAAAAAGppcHJwAAAAS2lwY28AAAAUaXNwZQAAAAAAAAAIAAAACAAAABBwaXhpAAAAAAMMDAwAAAAMYXYxQ4FAYAAAAAAT"
    "Y29scm5jbHgAAgACAAaAAAAAF2lwbWEAAAAAAAAAAQABBAECgwQAAAArbWRhdBIACghYCL9rQICBojIVGUJjBMAANAAAkD+cIxUr"
    "BW/ahVKA"
)
