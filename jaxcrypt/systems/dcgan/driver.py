"""Pictures as sheets of generated faces, and back: the driver of the System ``dcgan``.

    encrypt:  picture -> small file -> latents -> faces -> one sheet, face by face in rows
    decrypt:  sheet -> faces -> latents, in the order that their pilots tell -> the very file -> picture

The receiver's arithmetic need not be the sender's bit for bit: a difference in the last digits of G moves the
estimates by as little, far less than rounding to 8 bits does. The sender makes sure: it reads its own faces
back, and once more with the generator computed another way, and refuses to send what would not decode.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxcrypt.declared import Option, chosen
from jaxcrypt.errors import ExitCode, Refusal, usage
from jaxcrypt.functional import latents
from jaxcrypt.functional.levels import to_bytes
from jaxcrypt.models.dcgan import SIDE
from jaxcrypt.pictures import sheets
from jaxcrypt.record import Call, Outcome, Sealed, Shape
from jaxcrypt.systems.dcgan import code, covert, inner, reading
from jaxcrypt.systems.dcgan.training import Nets
from jaxcrypt.systems.drivers import host

MOST = 20_000  # faces of a picture
Decode = Callable[[np.ndarray, np.ndarray], code.Decoded]  # of z and sigma
# By what the faces outlive: bits of a latent, share of redundancy.
DENSITIES = {0: (8, 0.12), 90: (4, 0.2), 75: (3, 0.3), 50: (2, 0.3)}


@dataclass(frozen=True)
class Faces:
    """The :class:`~jaxcrypt.record.Driver`.

    Attributes:
      of: the nets.
      options: as the System declares them.
    """

    of: Nets
    options: tuple[Option, ...]

    def aligns(self, options: Any) -> bool:
        """Never: faces lie where the sheet begins."""
        return False

    def check(self, shape: Shape, options: Any) -> None:
        """Refuse options that there are not; how many faces it takes shows when the picture is compressed."""
        chosen(self.options, options)

    def plan(self, options: Any) -> code.Plan:
        """How densely the faces are filled."""
        return code.Plan(self.of.latent, *DENSITIES[chosen(self.options, options)["survives"]])

    def carry(self, data: bytes, key: bytes, options: Any = (), dithered: bool = True) -> np.ndarray:
        """Latents that carry ``data``: see :class:`~jaxcrypt.record.Prior`."""
        plan = self.plan(options)
        return code.encode(plan, key, data, plan.faces(len(data)), dithered)

    def read_back(self, z: np.ndarray, sigma: np.ndarray, key: bytes, options: Any = ()) -> code.Decoded:
        """What latents carry: see :class:`~jaxcrypt.record.Prior`."""
        return self._decode(self.plan(options), key, len(z), z, sigma, None)

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """As :class:`~jaxcrypt.record.Driver` says; the sheet is as square as it can be. The report tells
        the margin that the sender's own reading left."""
        self.check(pictures[0].shape, call.options)
        plan, quality = self.plan(call.options), chosen(self.options, call.options)["quality"]
        files = [inner.pack(picture, quality) for picture in pictures]
        counts = [whole_rows(plan.faces(len(file)), len(file)) for file in files]
        made = []
        for index, (file, key, count) in enumerate(zip(files, keys, counts, strict=True)):
            pixels = generate(self.of, call.variables, code.encode(plan, key, file, count))

            def decode(z, sigma, key=key, count=count):
                return self._decode(plan, key, count, z, sigma, None)

            share = host.share(call.progress, index, len(files))
            report = self._check_own(call, plan, pixels, file, decode, share)
            made.append(Sealed(sheets.sheet(pixels), {"faces": np.asarray(count, np.uint32)}, report))
        return made

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """As :class:`~jaxcrypt.record.Driver` says. The report has ``file``, the compressed picture's bytes,
        how much was mended, and the noise of the faces in grey levels."""
        host.check_sealed(sealed, shape, (1, 3))
        plan, outcomes = self.plan(call.options), []
        for index, (one, key) in enumerate(zip(sealed, keys, strict=True)):
            pixels = cells(one.pixels)
            count = int(host.side_array(one.side, "faces", (), np.uint32))
            gone = None if lost is None else cells(lost[index][..., None]).any(axis=(1, 2, 3))
            share = host.share(call.progress, index, len(sealed))
            read = reading.read(self.of, call.variables, pixels, share)
            decoded = self._decode(plan, key, count, read.z, read.sigma, gone)
            report = {"intact": True, "file": decoded.data, "mended": decoded.mended}
            report |= {"coded": decoded.total, "worst": decoded.worst}
            picture = inner.unpack(decoded.data, shape)
            report["noise"] = float(np.median(read.noise))  # of the faces: the picture has none
            outcomes.append(Outcome([picture], report=report))
        return outcomes

    def hide(
        self, call: Call, picture: np.ndarray, name: bytes, secret: bytes, key_of: covert.KeyOf
    ) -> Sealed:
        """As :class:`~jaxcrypt.record.Carrier` says.

        Raises:
          Refusal: options under which the faces may be re-encoded, which what opens them does not outlive.
        """
        if chosen(self.options, call.options)["survives"]:
            raise usage("--survives: faces that travel alone must arrive as they were sent; leave it out")
        plan, quality = self.plan(call.options), chosen(self.options, call.options)["quality"]
        data = bytes([picture.shape[2], len(name)]) + name + inner.pack(picture, quality)
        count = whole_rows(plan.faces(len(data)) + covert.LIDS, len(data))
        pixels = generate(self.of, call.variables, covert.encode(plan, secret, key_of, data, count))

        def decode(z, sigma):
            return covert.decode(plan, key_of, z, sigma)

        return Sealed(pixels, {}, self._check_own(call, plan, pixels, data, decode, call.progress))

    def find(self, call: Call, pictures: np.ndarray, key_of: covert.KeyOf) -> Outcome:
        """As :class:`~jaxcrypt.record.Carrier` says."""
        if len(pictures) > MOST:
            raise Refusal(f"{len(pictures)} faces, more than {MOST}")
        read = reading.read(self.of, call.variables, pictures, call.progress)
        decoded = covert.decode(self.plan(()), key_of, read.z, read.sigma)
        channels, length = decoded.data[:2]
        name, file = decoded.data[2 : 2 + length], decoded.data[2 + length :]
        report = {"name": name, "file": file, "mended": decoded.mended, "coded": decoded.total}
        return Outcome([inner.unpack_any(file, channels)], report=report)

    def _check_own(self, call: Call, plan: code.Plan, pixels, data: bytes, decode: Decode, progress) -> dict:
        """Read the faces as a receiver will, by two computations, and report what was left of the margin.

        Raises:
          Refusal: one of them does not find the data, which a sender must not find out from the receiver.
        """
        read, worst = reading.read(self.of, call.variables, pixels, progress, twice=True), None
        for z in (read.z, read.other):
            try:
                decoded = decode(z, read.sigma)
            except Refusal:
                decoded = None
            if decoded is None or decoded.data != data:
                reason = "the faces that these weights make cannot be read back surely enough"
                raise Refusal(f"{reason}; take a code with more redundancy with --survives", ExitCode.FAILED)
            worst = decoded if worst is None or decoded.worst > worst.worst else worst
        return margin(plan, worst, read)

    def _decode(self, plan: code.Plan, key: bytes, count: int, z, sigma, gone) -> code.Decoded:
        if not 0 < count <= MOST:
            raise host.misfit(f"{count} faces")
        drawn = code.material(plan, key, count)
        if gone is not None:
            sigma = np.where(gone[:, None], np.inf, sigma)
        places = code.order(z, sigma, drawn.pilots)
        return code.decode(plan, key, *code.placed(z, sigma, places), drawn)


def whole_rows(least: int, length: int) -> int:
    """At least so many faces, to whole rows of a sheet that is as square as it can be.

    Raises:
      Refusal: more than there may be; ``length`` is that of the data in bytes.
    """
    columns = math.ceil(math.sqrt(least))
    count = columns * math.ceil(least / columns)
    if count > MOST:
        hint = "take a lower quality or a smaller picture"
        raise Refusal(f"{length} bytes take {count} faces, more than {MOST}: {hint}")
    return count


def margin(plan: code.Plan, decoded: code.Decoded, read: reading.Reading) -> dict[str, Any]:
    """What the sender's own reading left of the margin, in words and numbers.

    ``redundancy_left``: share of its redundancy that the worst codeword did not need; ``apart``: by how much
    of a bin of the code the two computations differ, at most.
    """
    places = [np.asarray(latents.share(z[:, : plan.carriers])) for z in (read.z, read.other)]
    apart = float(np.abs(places[0] - places[1]).max() * 2**plan.bits)
    facts = {"mended": decoded.mended, "coded": decoded.total, "redundancy_left": 1 - decoded.worst}
    says = f"read back by two computations that differ by {apart:.1g} of a bin at most, where 0.5 is an error"
    says += f"; {decoded.mended} of {decoded.total} bytes to mend"
    says += f", {100 * facts['redundancy_left']:.0f}% of the redundancy left"
    return facts | {"apart": apart, "says": says}


def generate(of: Nets, variables: Any, z: np.ndarray) -> np.ndarray:
    """The faces of latents float32 ``[N, latent]``: uint8 ``[N, 64, 64, 3]``, a few at a time."""
    made = [
        np.asarray(to_bytes(reading.program(reading.generate, of)(variables, rows)))[: len(z) - start]
        for start, rows in reading.batches(np.asarray(z, np.float32))
    ]
    return np.concatenate(made) if made else np.zeros((0, SIDE, SIDE, 3), np.uint8)


def cells(picture: np.ndarray) -> np.ndarray:
    """The faces of a sheet ``[H, W, C]``: ``[N, 64, 64, C]``.

    Raises:
      Refusal: sides that are no multiples of 64.
    """
    height, width, _ = picture.shape
    if height % SIDE or width % SIDE:
        raise host.misfit(f"a sheet of {width}×{height}")
    return sheets.cells(picture, SIDE)
