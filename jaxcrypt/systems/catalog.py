"""The Systems by name: what each is, takes, offers and promises; and the names under which arrays travel.

Inputs and batches are dicts of arrays under these names, here and nowhere else:

========== ============================ ===================================================
name       shape, dtype                 what
========== ============================ ===================================================
image      uint8 [B, H, W, C]           the plain picture
key_image  uint8 [B, H, W, 3]           the picture behind an image key, as an extra condition
cover      uint8 [B, H, W, 3]           the picture that secrets are hidden in
secrets    uint8 [B, S, H, W, 3]        the pictures to hide
mask       bool  [B, H, W]              region of interest
lost       bool  [B, H', W']            cipher pixels known to be lost
cipher     uint8 [B, H', W', C']        a cipher picture: what an attack learns to read
========== ============================ ===================================================

A package from outside adds a System by an entry point of the group ``jaxcrypt.systems`` that has the System's
name and points to its :class:`Entry`. Reading the catalog imports no JAX; :func:`build` does.
"""

from __future__ import annotations

import difflib
import importlib
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.record import Input, Option, System, Traits

GROUP = "jaxcrypt.systems"
DEFAULT = "logistic"


@dataclass(frozen=True)
class Entry:
    """One System as it is declared.

    Attributes:
      name: on command lines, in configs and in headers, for ever.
      module: with ``build(config) -> System``; imported when it is built, not before.
      summary: one line for lists.
      options, inputs, traits: as in its :class:`~jaxcrypt.record.System`.
      weights: the entry of the zoo that it runs with, where that has another name.
      offered: whether lists show it; the others must be named.
      yardsticks: module with what ``evaluate rates`` sets beside it: ``ablations(variables)`` and
        ``rows(variables)``.
    """

    name: str
    module: str
    summary: str
    options: tuple[Option, ...] = ()
    inputs: tuple[Input, ...] = ()
    traits: Traits = field(default_factory=Traits)
    weights: str = ""
    offered: bool = True
    yardsticks: str = ""

    def declared(self) -> dict[str, Any]:
        """What a System takes over from here: ``System(…, **entry("name").declared())``."""
        return {"name": self.name, "options": self.options, "inputs": self.inputs, "traits": self.traits}


_CHACHA20 = (
    "pixels are XORed with ChaCha20 (RFC 8439) under a key of this picture alone: as confidential as ChaCha20"
)
_MIXING = (
    "experimental: keyed orthogonal mixing, without a proof; "
    "claimed to resist what evaluate attacks measured, and no more"
)
_FACES = (
    "what the faces carry is masked with ChaCha20 (RFC 8439) under a key of this picture alone; "
    "how many there are tells how long the file is"
)
_ROBUST = Option(
    "robust",
    0,
    "survive JPEG with 4:2:0 chroma, at 1, 2 or 3 times the picture's pixels",
    {"1": 1, "2": 2, "3": 3},
    arguments=dict.fromkeys(
        (1, 2, 3),
        "experimental: keyed orthogonal mixing, without a proof; its pixels are no uniform noise, and "
        "evaluate attacks did not measure them",
    ),
)
_ROUNDS = Option(
    "rounds",
    3,
    "rounds of keyed mixing; 2, as before version 3 of the format, shows sparse pictures: only to compare",
    {"3": 3, "2": 2},
    before=2,
    arguments={2: "none: two rounds of keyed mixing tell sparse pictures from others"},
)

_KEY_IMAGE = Option(
    "key_image",
    0,
    "the pixels need the key image itself, whatever other key fits",
    flag="--condition-on-key-image",
    needs="key_image",
)
_MASK = Input("mask", "mask", "the region: the photo is encrypted there, and nowhere else")
_KEY_PICTURE = Input("key_image", "picture", "the key image, as a condition of the pixels too")

_OWN = (
    Entry(
        "logistic",
        "jaxcrypt.systems.logistic",
        "logistic map and ChaCha20: exact, any picture, nothing learned",
        inputs=(_MASK,),
        traits=Traits(exact=True, keeps_shape=True, argument=_CHACHA20),
    ),
    Entry(
        "mixing",
        "jaxcrypt.systems.mixing",
        "keyed mixing: noise and lost blocks cost quality instead of the picture",
        options=(_ROUNDS,),
        inputs=(_MASK,),
        traits=Traits(survives=frozenset({"noise", "blocks"}), argument=_MIXING),
    ),
    Entry(
        "autoencoder",
        "jaxcrypt.systems.autoencoder",
        "learned code of faces, a quarter of the bytes, under ChaCha20",
        traits=Traits(channels=(1, 3), argument=f"lossy; of its latents' bytes it holds that {_CHACHA20}"),
    ),
    Entry(
        "stego",
        "jaxcrypt.systems.stego.system",
        "hides pictures in a harmless one",
        options=(
            Option(
                "keyed",
                True,
                "no: hide without the key, so that whoever has the weights can look",
                {"yes": True, "no": False},
                arguments={False: "none: hidden without the key, so whoever has the weights can look"},
            ),
        ),
        inputs=(
            Input("cover", "picture", "the picture to hide others in", required=True),
            Input(
                "secrets",
                "pictures",
                "a further picture to hide in the cover, whose file travels as well",
                flag="--secret",
            ),
        ),
        traits=Traits(
            channels=(1, 3),
            covert=True,
            argument="what weights hide how is said once they are loaded",
        ),
    ),
    Entry(
        "denoiser",
        "jaxcrypt.systems.denoiser",
        "keyed mixing, decrypted with a learned denoiser",
        options=(_ROBUST, _ROUNDS),
        inputs=(_MASK,),
        traits=Traits(
            survives=frozenset({"noise", "jpeg444", "jpeg", "blocks", "cut"}),
            argument=_MIXING,
        ),
    ),
    Entry(
        "cyclegan",
        "jaxcrypt.systems.cyclegan.system",
        "learned code under keyed mixing, at the picture's bytes, a half or a quarter of them",
        options=(
            Option(
                "rate",
                1,
                "1, 1/2 or 1/4 of the picture's bytes",
                {"1": 1, "1/2": 2, "1/4": 4},
            ),
            _ROBUST,
            _KEY_IMAGE,
            _ROUNDS,
        ),
        inputs=(_KEY_PICTURE,),
        traits=Traits(
            survives=frozenset({"noise", "jpeg444", "jpeg", "blocks", "cut"}),
            channels=(1, 3),
            argument=_MIXING,
        ),
        yardsticks="jaxcrypt.systems.cyclegan.netless",
    ),
    Entry(
        "diffusion",
        "jaxcrypt.systems.diffusion.system",
        "keyed mixing and diffusion, sampled back by a net that sees the open surroundings",
        options=(
            Option(
                "timestep",
                500,
                "how far the forward diffusion goes, of 1000 steps",
                {str(t): t for t in range(100, 751, 50)},
            ),
            Option(
                "schedule",
                "cosine",
                "how fast noise is added on the way",
                {"cosine": "cosine", "linear": "linear"},
            ),
            _KEY_IMAGE,
            Option(
                "steps",
                2,
                "steps of the deterministic sampling that ends decoding",
                {str(count): count for count in (1, 2, 4, 8, 16)},
                opening=True,
            ),
        ),
        inputs=(
            _KEY_PICTURE,
            _MASK,
        ),
        traits=Traits(
            survives=frozenset({"noise", "jpeg444", "blocks"}),
            keeps_shape=True,
            argument=_MIXING,
        ),
    ),
    Entry(
        "concatenation",
        "jaxcrypt.systems.concatenation.system",
        "never for use: an ablation of cyclegan without keyed mixing, which shows the photo",
        traits=Traits(
            channels=(1, 3),
            argument="none: an ablation, whose cipher pictures show the photo under any wrong key; "
            "never for use",
        ),
        weights="cyclegan-concatenation",
        offered=False,
    ),
    Entry(
        "dcgan",
        "jaxcrypt.systems.dcgan.system",
        "the cipher is a sheet of generated faces; a small, compressed file comes back from them",
        options=(
            Option(
                "quality",
                50,
                "of the AVIF file that the faces carry, 10 to 90, or exact: lossless WebP",
                {**{str(step): step for step in range(10, 91, 10)}, "exact": 100},
            ),
            Option(
                "survives",
                0,
                "what the sheet may go through; more room is needed for rougher ways",
                {"png": 0, "jpeg-90": 90, "jpeg-75": 75, "jpeg-50": 50},
            ),
        ),
        traits=Traits(
            survives=frozenset({"jpeg444", "jpeg", "blocks"}),
            channels=(1, 3),
            covert=True,
            argument=_FACES,
        ),
        weights="dcgan-light",
    ),
)
_ENTRIES = {own.name: own for own in _OWN}
NAMES = tuple(_ENTRIES)  # this package's own


@cache
def installed() -> dict[str, Any]:
    """The entry points of other packages by their Systems' names. Looking for them takes a while."""
    from importlib import metadata

    return {point.name: point for point in metadata.entry_points(group=GROUP)}


def entry(name: str) -> Entry:
    """The declaration of the System called ``name``.

    Raises:
      Refusal: no such System (with the nearest name), or an installed one that cannot be imported.
    """
    if name in _ENTRIES:
        return _ENTRIES[name]
    if name not in installed():
        known = (*NAMES, *installed())
        near = difflib.get_close_matches(name, known, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(known)}"
        raise usage(f"--system {name}: unknown; {hint}")
    point = installed()[name]
    try:
        declared = point.load()
    except Exception as error:  # another package's module may raise anything at all
        raise Refusal(f"--system {name}: {point.value} cannot be imported ({error})") from error
    if not isinstance(declared, Entry) or declared.name != name:
        raise Refusal(f"--system {name}: {point.value} is no entry of that name for this catalog")
    return declared


def flag(name: str) -> str:
    """What the command line calls the option ``name``, of whichever System has it."""
    flags = (option.flag for own in _ENTRIES.values() for option in own.options if option.name == name)
    return next(flags, f"--{name}")


def build(name: str, config: Any = None) -> System:
    """The System called ``name``, from its (possibly stored) config.

    Raises:
      Refusal: no such System, or a config that it cannot be built from.
    """
    return importlib.import_module(entry(name).module).build(config)
