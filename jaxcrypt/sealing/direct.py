"""A photo's file into a sealed picture in one call, of whichever kind is asked for."""

from __future__ import annotations

import io
from typing import Any

from jaxcrypt.errors import usage
from jaxcrypt.pictures.files import encode_png
from jaxcrypt.pictures.sheets import sheet
from jaxcrypt.record import Progress
from jaxcrypt.sealing import covert as alone
from jaxcrypt.sealing.jpegseal import JpegSealer
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.seal import Sealer
from jaxcrypt.sealing.travelling import asked

_ALONE = {"system", "weights", "options", "inputs"}  # what goes with covert


def seal(
    data: bytes,
    keys: Keys,
    *,
    name: str = "picture",
    covert: bool = False,
    progress: Progress = None,
    **how: Any,
) -> bytes:
    """A photo's file as a sealed picture: a PNG that any viewer opens; with ``look`` a JPEG.

    Args:
      data: the file's bytes.
      name: its name, which travels encrypted.
      covert: as one sheet of generated pictures and nothing else: no header, no chunk. With ``how`` goes what
        makes them; :func:`~jaxcrypt.sealing.unseal.unseal` has to be told, too.
      progress: called with the share done, 0 to 1.
      how: ``system``, ``weights``, ``options``, ``inputs`` for which System, and with what; ``pixels_only``,
        ``exact``, ``attach``, ``signer``, ``hide_size``, ``thumbnail`` for what travels, and how; ``region``
        for what of the picture is encrypted, such as ``"faces"``: what each takes stands at
        :class:`~jaxcrypt.sealing.seal.Sealer`. Or ``look``, ``quality`` and no System: see
        :class:`~jaxcrypt.sealing.jpegseal.JpegSealer`. For pictures that go through messengers also
        ``pixels``, ``fit`` and ``inner_quality``: see docs/MESSENGERS.md.

    Raises:
      Refusal: no picture, one that the System does not take, or options that make no sense.
    """
    if covert:
        return _hidden(data, keys, name, progress, **how)
    sealer: Any = (JpegSealer if {"look", "quality"} & how.keys() else asked)(keys, **how)
    (picture,) = sealer.seal([sealer.read(data, name)], progress)
    file = io.BytesIO()
    picture.write(file)
    return file.getvalue()


def _hidden(data: bytes, keys: Keys, name: str, progress: Progress, **how: Any) -> bytes:
    for given in how.keys() - _ALONE:
        raise usage(f"{given}: needs a header, which covert leaves out")
    sealer = Sealer(keys, how.pop("system", None) or alone.able()[0], pixels_only=True, **how)
    return encode_png(sheet(alone.hide(sealer, sealer.read(data, name), progress).pixels))
