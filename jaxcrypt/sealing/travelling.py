"""Which sealer a request wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jaxcrypt.errors import usage
from jaxcrypt.sealing import carriers
from jaxcrypt.sealing.carriers import Travel
from jaxcrypt.sealing.inputs import read_options
from jaxcrypt.sealing.jpegseal import JpegSealer
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.robustseal import DigitSealer, RobustSealer
from jaxcrypt.sealing.seal import Sealer
from jaxcrypt.systems import catalog


def sealer_for(
    keys: Keys,
    system: str,
    jpeg: Mapping[str, Any] | None,
    travel: Travel | None,
    own: Mapping[str, Any],
    **how: Any,
) -> Sealer | JpegSealer:
    """The sealer for what was asked for.

    Args:
      jpeg: what a :class:`~jaxcrypt.sealing.jpegseal.JpegSealer` takes, where the output is a JPEG.
      travel: how the picture travels, where it is to survive messengers.
      own: weights, options and inputs of the System, and whether it is to be mended (``exact``).
      how: what every sealer takes.
    """
    if jpeg is not None:
        return JpegSealer(keys, **jpeg, **how)
    if travel is None:
        return Sealer(keys, system, **own, **how)
    mine = {option.name for option in catalog.entry(system).travel}
    options = {name: value for name, value in (own.get("options") or {}).items() if name not in mine}
    kind = DigitSealer if travel.digits else RobustSealer
    return kind(keys, system, travel, **{**own, "options": options}, **how)


def asked(
    keys: Keys,
    *,
    system: str = catalog.DEFAULT,
    options: Mapping[str, Any] | None = None,
    pixels: float | None = None,
    fit: int | None = None,
    inner_quality: int | str | None = None,
    **how: Any,
) -> Sealer:
    """The sealer for what is given by name; ``pixels``, ``fit``, ``inner_quality`` as ``encrypt`` has them.

    Raises:
      Refusal: what makes no sense together.
    """
    entry = catalog.entry(system)
    own = {"options": options or {}}
    travel = None
    if entry.travel:
        travel = carriers.travel(entry, read_options(entry, own["options"]), pixels, fit, inner_quality)
    elif pixels or fit or inner_quality:
        raise usage(f"--pixels, --fit and --inner-quality: not with --system {system}")
    return sealer_for(keys, system, None, travel, own, **how)
