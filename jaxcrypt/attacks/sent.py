"""Pictures as they are sent: with the header, and where asked for the file, in their own pixels.

What travels there is encrypted and masked, and coded as multiples of JPEG's steps, so a picture that is sent
is no uniform noise either. Its null is what sealing makes of a flat photo, whose file is brought to the same
length: whoever sees the picture knows how long the file is, and shall know no more. Each statistic's
distributions over photos and over flat ones are compared, as in :mod:`jaxcrypt.attacks.nulls`; the control is
the same on flat ones with a photo shining through.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from jaxcrypt.attacks import nulls
from jaxcrypt.attacks.rows import Row
from jaxcrypt.crypto.sources import Kind, Source, encode_key_file
from jaxcrypt.errors import usage
from jaxcrypt.metrics import cipher as statistics
from jaxcrypt.pictures.files import load_picture
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.travelling import asked

_QUALITY = 60  # of the photos' files
_GREY = 128


@dataclass(frozen=True)
class _Sender:
    """Seals files of photos as they are to be sent.

    Attributes:
      how: what :func:`jaxcrypt.sealing.travelling.asked` takes: System, options, how many pixels.
    """

    how: Mapping[str, Any]
    keys: Keys

    def sent(self, files: Sequence[bytes]) -> np.ndarray:
        """uint8 ``[N, H', W', C']``.

        Raises:
          Refusal: pictures that come out in several sizes.
        """
        sealer, made = asked(self.keys, **self.how), []
        for file in files:
            (picture,) = sealer.seal([sealer.read(file, "photo.jpg")])
            out = io.BytesIO()
            picture.write(out)
            made.append(load_picture(out.getvalue()).pixels)
        if len({one.shape for one in made}) > 1:
            raise usage("sent: pictures of several sizes; set how many pixels they have")
        return np.stack(made)


def rows(name: str, photos: np.ndarray, seed: int, how: Mapping[str, Any]) -> list[Row]:
    """Statistics and block means of pictures as they are sent, against those that show nothing.

    Args:
      name: the System's; photos: uint8 ``[N, H, W, C]``; how: options and pixels.
    """
    random = np.random.default_rng([seed, 14])
    keys = Keys(key_file=encode_key_file(Source(Kind.KEY_FILE, random.bytes(32))).encode())
    sender = _Sender({"system": name, **how}, keys)
    files = [_file(photo) for photo in photos]
    flat = [_flat(photo.shape, len(file), random) for photo, file in zip(photos, files, strict=True)]
    seen, first, second = (sender.sent(several) for several in (files, flat, flat))
    shining = nulls.shine(second, photos)
    mean = np.bincount(first.reshape(-1), minlength=256) / first.size
    attack = f"as sent, {', '.join(f'{option} {value}' for option, value in how['options'].items())}"
    granted, expected = f"pictures of {len(photos)} photos, and of flat ones", nulls.of_bytes(second, mean)
    control = nulls.compared(attack, nulls.SHINING, nulls.of_bytes(shining, mean), expected)
    made = [nulls.compared(f"{attack}: statistics", granted, nulls.of_bytes(seen, mean), expected, control)]
    likeness = [{"correlation": _likeness(one, photos)} for one in (seen, first, shining)]
    control = nulls.compared(attack, nulls.SHINING, likeness[2], likeness[1])
    return [*made, nulls.compared(f"{attack}: block means", granted, likeness[0], likeness[1], control)]


def _file(photo: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(photo if photo.shape[2] > 1 else photo[..., 0]).save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


def _flat(shape: Sequence[int], length: int, random: np.random.Generator) -> bytes:
    """A flat grey picture's file, with bytes after its end that bring it to a length."""
    file = _file(np.full(tuple(shape), _GREY, np.uint8))
    return file + random.bytes(max(0, length - len(file)))


def _likeness(pictures: np.ndarray, photos: np.ndarray) -> np.ndarray:
    """Correlation of 8×8 block means with the photo's."""
    seen = nulls.brought(photos, pictures.shape[1:])
    pair = [statistics.block_means(one) for one in (pictures.astype(np.float32), seen)]
    return np.nan_to_num(np.asarray(statistics.correlation(*pair)))
