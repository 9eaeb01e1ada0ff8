"""From one source's settings and a batch's names to a grain dataset of examples.

The picture is the batch's ``image`` or ``cover``; ``mask`` and ``labels`` belong to it. ``key_image`` comes
with it (kind ``image_key``) or is drawn; ``secrets`` are drawn, all different and none the cover itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grain
import numpy as np

from jaxcrypt.data.config import divides, others
from jaxcrypt.data.decode import INDEX, Examples, Wanted
from jaxcrypt.data.prepare import records
from jaxcrypt.data.records import Records
from jaxcrypt.data.transforms import Cut, Geometry
from jaxcrypt.errors import Refusal, usage

_KNOWN = ("image", "cover", "key_image", "secrets", "mask", "labels")


class Assembly:
    """The examples of one source.

    Attributes:
      digest: names the prepared pictures.
      contents: the same on every machine that has them.
    """

    def __init__(self, settings: Mapping[str, Any], batch_spec: Mapping[str, Any], split: str):
        shapes = {name: tuple(leaf.shape[1:]) for name, leaf in batch_spec.items()}
        self._primary = _primary(shapes)
        self._settings, self._training = settings, split == "train"
        own = records(settings, split)
        elsewhere = others(settings)
        paired = settings["kind"] == "image_key" and elsewhere is None
        self._examples = Examples(own, self._wanted(shapes, paired), settings["in_memory"])
        self._cut = self._make_cut(shapes[self._primary], settings)
        self._draws = self._make_draws(shapes, paired, own, elsewhere, split)
        self.digest, self.contents = own.digest, own.contents

    def __len__(self) -> int:
        return len(self._examples)

    def stream(self, seed: int) -> Any:
        """Endless and shuffled, as a grain ``MapDataset``."""
        dataset = grain.MapDataset.source(self._examples).seed(seed).shuffle().repeat()
        return dataset.random_map(self._transform())

    def once(self) -> Any:
        """Each example once, in order."""
        seed = self._settings["pair_seed"]
        return grain.MapDataset.source(self._examples).random_map(self._transform(), seed=seed)

    def _transform(self) -> Transform:
        return Transform(self._primary, self._cut, self._draws)

    def _wanted(self, shapes: Mapping[str, tuple[int, ...]], paired: bool) -> Wanted:
        shape = shapes[self._primary]
        key_size = shapes["key_image"][:2] if paired and "key_image" in shapes else None
        return Wanted(
            _geometry(shape[:2], self._settings), shape[2], "mask" in shapes, "labels" in shapes, key_size
        )

    def _make_cut(self, shape: tuple[int, ...], settings: Mapping[str, Any]) -> Cut:
        if not self._training:
            return Cut(shape[:2])
        random = settings["crop"] == "random"
        return Cut(shape[:2], random, settings["flip"], settings["grey"])

    def _make_draws(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        paired: bool,
        own: Records,
        elsewhere: Mapping[str, Any] | None,
        split: str,
    ) -> tuple[Draw, ...]:
        """Secrets, and key pictures that do not come with their pictures."""
        counts = {
            "secrets": shapes.get("secrets", (0,))[0],
            "key_image": int("key_image" in shapes and not paired),
        }
        if not any(counts.values()):
            return ()
        settings = {**self._settings, **(elsewhere or {})}
        pool = own
        if elsewhere:  # pictures that only go with others may serve every split
            pool = records(elsewhere, split if divides(elsewhere, split) else "train")
        draws = []
        for name, count in counts.items():
            if not count:
                continue
            if len(pool) <= count:
                raise Refusal(f"{pool.folder}: {len(pool)} pictures are too few to draw {count} {name} from")
            shape = shapes[name][-3:]
            geometry = _geometry(shape[:2], settings)
            cut = self._make_cut(shape, settings)
            if name == "key_image":
                geometry, cut = Geometry(shape[:2], fit="resize", filter=settings["filter"]), Cut(shape[:2])
            examples = Examples(pool, Wanted(geometry, shape[2]), settings["in_memory"])
            draws.append(Draw(name, count, examples, cut, pool is own))
        return tuple(draws)


class Draw:
    """``count`` other pictures at random, all different; ``own``: never the example's own picture."""

    def __init__(self, name: str, count: int, examples: Examples, cut: Cut, own: bool):
        self.name, self._count, self._examples, self._cut, self._own = name, count, examples, cut, own

    def __call__(self, index: int, rng: np.random.Generator) -> np.ndarray:
        """uint8 ``[count, H, W, C]``; of a key picture ``[H, W, C]``."""
        taken = [index] if self._own else []
        crops = []
        while len(crops) < self._count:
            drawn = int(rng.integers(len(self._examples)))
            if drawn not in taken:
                taken.append(drawn)
                crops.append(self._cut(self._examples[drawn], rng)["image"])
        return crops[0] if self.name == "key_image" else np.stack(crops)


class Transform(grain.transforms.RandomMap):
    """The random part of an example: its cut, and what is drawn to go with it."""

    def __init__(self, primary: str, cut: Cut, draws: tuple[Draw, ...]):
        self._primary, self._cut, self._draws = primary, cut, draws

    def random_map(self, element: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
        cut = self._cut(element, rng)
        drawn = {draw.name: draw(element[INDEX], rng) for draw in self._draws}
        return {**cut, self._primary: cut["image"], **drawn}


def _primary(shapes: Mapping[str, tuple[int, ...]]) -> str:
    unknown = [name for name in shapes if name not in _KNOWN]
    if unknown:
        raise usage(
            f"the batch wants {unknown[0]}, which no picture source brings; known: {', '.join(_KNOWN)}"
        )
    named = [name for name in ("image", "cover") if name in shapes]
    if len(named) != 1:
        raise usage(f"the batch wants {', '.join(shapes)}; it must have one of image, cover")
    if "mask" in shapes and shapes["mask"] != shapes[named[0]][:2]:
        raise usage(f"the batch wants a mask of {shapes['mask']} for pictures of {shapes[named[0]][:2]}")
    return named[0]


def _geometry(size: tuple[int, int], settings: Mapping[str, Any]) -> Geometry:
    return Geometry(size, tuple(settings["box"]), settings["fit"], settings["filter"])
