"""The driver that hides host pictures of any size in covers of any size.

What hides works on sides that are multiples of 16: the last rows and columns of another cover stay as they
are. A secret of another size is resized to the part that is used, and back when it is revealed; a grey one
is hidden as three equal colours, whose mean comes back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from jaxcrypt.declared import Option, chosen
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.record import Call, Outcome, Progress, Sealed, Shape
from jaxcrypt.systems.drivers import host
from jaxcrypt.systems.drivers.windows import UNIT


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
class CoverDriver:
    """The :class:`~jaxcrypt.record.Driver` of the System ``stego``.

    A call's inputs are ``cover``, uint8 ``[H, W, 1 or 3]``, and optionally ``secrets``, further pictures
    ``[H, W, 1 or 3]`` of any size that are hidden with each.

    Attributes:
      hider: with ``hide_picture`` and ``reveal_picture``.
      net: the name of its parameters.
      secrets: how many pictures a cover takes.
      options: as the System declares them; ``keyed`` says whether the subkey is used.
    """

    hider: Any
    net: str
    secrets: int
    options: tuple[Option, ...]

    def aligns(self, options) -> bool:
        """Never."""
        return False

    def check(self, shape: Shape, options) -> None:
        """Refuse alpha."""
        chosen(self.options, options)
        host.check_channels(shape, (1, 3))

    def encrypt(self, call: Call, pictures: Sequence[np.ndarray], keys: Sequence[bytes]) -> list[Sealed]:
        """Hide each picture in the cover.

        Raises:
          Refusal: no cover, a cover below 16x16 or with alpha, more secrets than the weights were trained
          for.
        """
        self.check(pictures[0].shape, call.options)
        cover, others = self._inputs(call.inputs)
        made = []
        for index, (picture, key) in enumerate(zip(pictures, keys, strict=True)):
            progress = host.share(call.progress, index, len(pictures))
            made.append(self._hide(call, cover, [picture, *others], key, progress))
        return made

    def _inputs(self, inputs: Mapping[str, Any]) -> tuple[np.ndarray, list[np.ndarray]]:
        if "cover" not in inputs:
            raise usage("--system stego: hides a picture in another; name that one with --cover FILE")
        cover, others = inputs["cover"], list(inputs.get("secrets", ()))
        if 1 + len(others) > self.secrets:
            raise usage(f"--secret: these weights hide {self.secrets} in all, not {1 + len(others)}")
        if cover.shape[2] not in (1, 3) or min(cover.shape[:2]) < UNIT:
            size = f"{cover.shape[1]}×{cover.shape[0]} with {cover.shape[2]} channels"
            raise Refusal(f"--cover: is {size}; must be grey or RGB and at least {UNIT}×{UNIT}")
        return cover, others

    def _hide(self, call: Call, cover, secrets, key: bytes, progress: Progress) -> Sealed:
        stego = np.array(fit(cover, *cover.shape[:2]))
        height, width = (side // UNIT * UNIT for side in cover.shape[:2])
        fitted = [fit(secret, height, width) for secret in secrets]
        fitted += [np.zeros_like(fitted[0])] * (self.secrets - len(fitted))
        params, used = call.variables["params"][self.net], np.ascontiguousarray(stego[:height, :width])
        keyed = chosen(self.options, call.options)["keyed"]
        stego[:height, :width], side = self.hider.hide_picture(params, used, fitted, key, keyed, progress)
        if self.secrets > 1:
            side = side | {"shapes": np.array([secret.shape for secret in secrets], np.int32)}
        return Sealed(stego, side)

    def decrypt(
        self,
        call: Call,
        sealed: Sequence[Sealed],
        keys: Sequence[bytes],
        shape: Shape,
        lost: Sequence[np.ndarray] | None = None,
    ) -> list[Outcome]:
        """Reveal all secrets of each cover, in order; ``lost`` pixels are read as they are."""
        keyed = chosen(self.options, call.options)["keyed"]
        host.check_sealed(sealed, shape, (1, 3))
        results = []
        for index, (one, key) in enumerate(zip(sealed, keys, strict=True)):
            shapes = self._shapes(one, shape)
            height, width = (length // UNIT * UNIT for length in one.pixels.shape[:2])
            if one.pixels.shape[2] != 3 or not height or not width:
                raise host.misfit(f"a stego picture of shape {one.pixels.shape}")
            used = np.ascontiguousarray(one.pixels[:height, :width])
            params = call.variables["params"][self.net]
            progress = host.share(call.progress, index, len(sealed))
            secrets, report = self.hider.reveal_picture(params, used, one.side, key, keyed, progress)
            backs = [unfit(secret, size) for secret, size in zip(secrets, shapes, strict=False)]
            results.append(Outcome(backs, report=report))
        return results

    def _shapes(self, one: Sealed, shape: Shape) -> list[Shape]:
        """Of the secrets, as the header says them."""
        if self.secrets == 1:
            return [shape]
        count = len(np.atleast_1d(one.side.get("shapes", ())))
        rows = host.side_array(one.side, "shapes", (min(count, self.secrets), 3), np.int32)
        shapes = [tuple(map(int, row)) for row in rows]
        for size in shapes:
            host.check_sealed([one], size, (1, 3))
        if shapes[:1] != [tuple(shape)]:
            raise host.misfit(f"secrets of shapes {shapes}")
        return shapes
