"""The driver that hides host pictures of any size in covers of any size.

What hides works on sides that are multiples of 16: the last rows and columns of another cover stay as they
are. A secret of another size is resized to the part that is used, and back when it is revealed; a grey one
is hidden as three equal colours, whose mean comes back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.systems.drivers.windows import share

UNIT = 16
Progress = Callable[[float], None] | None


def fit(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """uint8 ``[H, W, 1 or 3]`` as RGB of another size, bicubic; as it is where the size fits."""
    colour = np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture
    if colour.shape[:2] == (height, width):
        return colour
    return np.asarray(Image.fromarray(colour).resize((width, height), Image.Resampling.BICUBIC))


def unfit(picture: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """The inverse of :func:`fit`, as far as there is one: uint8 ``shape``."""
    height, width, channels = (int(side) for side in shape)
    picture = fit(picture, height, width)
    if channels == 1:
        picture = np.round(picture.mean(axis=2, keepdims=True)).astype(np.uint8)
    return np.ascontiguousarray(picture)


@dataclass(frozen=True)
class Pictures:
    """What :mod:`jaxcrypt.systems.drivers.tiled` calls for the System ``stego``.

    Attributes:
      hider: with ``hide_picture`` and ``reveal_picture``.
      net: the name of its parameters.
      secrets: how many pictures a cover takes.
      keyed: of ``options``, whether the subkey is used.
      inputs: see :meth:`given`.
    """

    hider: Any
    net: str
    secrets: int
    keyed: Callable[[tuple], bool]
    inputs: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def given(self, inputs: Mapping[str, Any]) -> Pictures:
        """The same driver with what encryption needs besides the pictures.

        Args:
          inputs: ``cover``, uint8 ``[H, W, 1 or 3]``, and optionally ``secrets``, further pictures
            ``[H, W, 1 or 3]`` of any size that are hidden with each.
        """
        return replace(self, inputs=dict(inputs))

    def encrypt_pictures(
        self,
        variables: Any,
        pictures: Sequence[np.ndarray],
        subkeys: Sequence[bytes],
        options: tuple = (),
        progress: Progress = None,
    ) -> list[tuple[np.ndarray, dict[str, np.ndarray]]]:
        """Hide each picture in the cover.

        Raises:
          Refusal: no cover, a cover below 16x16 or with alpha, more secrets than the weights were trained
          for.
        """
        if "cover" not in self.inputs:
            raise usage("--system stego: hides a picture in another; name that one with --cover FILE")
        cover, others = self.inputs["cover"], list(self.inputs.get("secrets", ()))
        if 1 + len(others) > self.secrets:
            raise usage(f"--secret: these weights hide {self.secrets} in all, not {1 + len(others)}")
        if cover.shape[2] not in (1, 3) or min(cover.shape[:2]) < UNIT:
            size = f"{cover.shape[1]}×{cover.shape[0]} with {cover.shape[2]} channels"
            raise Refusal(f"--cover: is {size}; must be grey or RGB and at least {UNIT}×{UNIT}")
        made = []
        for index, (picture, subkey) in enumerate(zip(pictures, subkeys, strict=True)):
            part = share(progress, index, len(pictures))
            made.append(self._hide(variables, cover, [picture, *others], subkey, options, part))
        return made

    def _hide(self, variables, cover, secrets, subkey, options, progress):
        stego = np.array(fit(cover, *cover.shape[:2]))
        height, width = (side // UNIT * UNIT for side in cover.shape[:2])
        fitted = [fit(secret, height, width) for secret in secrets]
        fitted += [np.zeros_like(fitted[0])] * (self.secrets - len(fitted))
        params, used = variables["params"][self.net], np.ascontiguousarray(stego[:height, :width])
        keyed = self.keyed(options)
        stego[:height, :width], side = self.hider.hide_picture(params, used, fitted, subkey, keyed, progress)
        if self.secrets > 1:
            side = side | {"shapes": np.array([secret.shape for secret in secrets], np.int32)}
        return stego, side

    def decrypt_pictures(
        self, variables, ciphers, sides, subkeys, options, shape, lost=None, progress=None
    ) -> list[dict[str, Any]]:
        """As :func:`jaxcrypt.systems.drivers.tiled.decrypt_pictures`; ``lost`` pixels are read as they are.

        Of several secrets the first is ``image``, the others ``image2``, ``image3``.
        """
        results = []
        for index, (stego, side, subkey) in enumerate(zip(ciphers, sides, subkeys, strict=True)):
            own = dict(side)
            shapes = own.pop("shapes", [shape])
            height, width = (length // UNIT * UNIT for length in stego.shape[:2])
            used = np.ascontiguousarray(stego[:height, :width])
            params, part = variables["params"][self.net], share(progress, index, len(ciphers))
            secrets, found = self.hider.reveal_picture(params, used, own, subkey, self.keyed(options), part)
            names = ["image", *(f"image{i}" for i in range(2, len(shapes) + 1))]
            backs = [unfit(secret, size) for secret, size in zip(secrets, shapes, strict=False)]
            results.append({**found, **dict(zip(names, backs, strict=True))})
        return results
