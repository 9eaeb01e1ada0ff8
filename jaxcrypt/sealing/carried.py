"""Finding and opening what a picture carries in its own pixels, whatever became of it on its way."""

from __future__ import annotations

from dataclasses import dataclass, field

from jaxcrypt.crypto import carried, jpegfile, payload, pngreader, pngwriter
from jaxcrypt.crypto.sealed import Opened
from jaxcrypt.errors import Refusal, tampered
from jaxcrypt.pictures.decoders import identify
from jaxcrypt.pictures.files import load_picture
from jaxcrypt.sealing.begun import Begun
from jaxcrypt.sealing.carriers import CarriedPlane
from jaxcrypt.sealing.policy import Policy
from jaxcrypt.travel import carrier
from jaxcrypt.travel import received as receiving
from jaxcrypt.travel.carrier import Layout
from jaxcrypt.travel.received import Received


@dataclass(frozen=True)
class Found:
    """A received carrier in its place, and the header in its pixels: ``header`` is its bytes."""

    header: bytes
    read: carried.Carried
    received: Received = field(repr=False)


def find(data: bytes, name: str) -> Found | None:
    """The carrier that a picture's file shows, or None where it is none.

    Raises:
      Refusal: a header of an unknown version, or malformed.
    """
    try:
        pixels = load_picture(data, name).pixels if _may_carry(data) else None
    except Refusal:  # whoever opens it otherwise says why
        return None
    if pixels is None or pixels.shape[2] < 3:
        return None
    received = receiving.receive(data, pixels)
    match = carrier.find(received)
    if match is None:
        return None
    head, place = match
    read = carried.read(head, name)
    size = read.carrier.height, read.carrier.width
    return Found(head, read, carrier.settled(received, head, place, size))


def begin(policy: Policy, carrying: Found, opened: Opened, name: str) -> Begun:
    """What a carrier gives: the files of its digits, or what is left of its plane.

    Raises:
      Refusal: digits that do not hold, or a plane that nothing vouches for, without ``policy.recover``.
    """
    layout = _layout(carrying.read, opened)
    if layout is None:
        raise tampered(f"{name}: its header says a layout that no encryption makes")
    why = "nothing in it vouches for the pixels"
    if layout.way:
        data = carrier.read_digits(carrying.received, layout, opened.key.subkey("carrier digits"))
        if data is not None:
            files, notes = policy.fit(opened, opened.open_files([data]))
            return Begun(policy, opened, files, notes=notes)
        why = f"its digits do not hold: damaged on a way rougher than JPEG {layout.way}, or tampered"
    if not layout.plane[0]:
        raise tampered(f"{name}: {why}; nothing written")
    if not policy.recover:
        raise tampered(f"{name}: {why}; --recover decodes the pixels, unauthenticated; nothing written")
    plane, missing = carrier.read_plane(carrying.received, layout)
    return Begun(policy, opened, damaged=CarriedPlane(plane, missing))


def _layout(read: carried.Carried, opened: Opened) -> Layout | None:
    length = payload.sealed_length(opened.padded) if opened.header.payload else 0
    place = read.carrier
    layout = Layout(place.height, place.width, place.plane, place.way, length, read.version)
    return layout if layout.possible() else None


def _may_carry(data: bytes) -> bool:
    """Whether a file is a picture without the chunks or segments of a sealed one."""
    if jpegfile.is_sealed(data):
        return False
    if not data.startswith(pngwriter.SIGNATURE):
        return identify(data) is not None
    container = pngreader.read(data, lenient=True)
    return container.header is None and not container.payload
