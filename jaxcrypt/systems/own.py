"""What this package's own Systems are, take, offer and promise. It imports no JAX."""

from __future__ import annotations

import math

from jaxcrypt.declared import Entry, Input, Option, Traits, Whole

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
    excludes={"mask": "a robust picture grows"},
    arguments=dict.fromkeys(
        (1, 2, 3),
        "experimental: keyed orthogonal mixing, without a proof; its pixels are no uniform noise: claimed to "
        "resist what evaluate attacks measured against their layout's own, and no more",
    ),
    grows={0: 1.0, 1: 1.0, 2: 2.0, 3: 3.0},
    outlives=dict.fromkeys((1, 2, 3), frozenset({"jpeg", "cut"})),
)
ROBUST, SURVIVES, EXACT = "robust", "survives", "exact"  # how sealing knows them, of whichever System
_EXACT = Option(
    ROBUST,
    0,
    "the pixels carry the very file as digits, through the JPEG of messengers",
    {EXACT: EXACT},
    outlives={EXACT: frozenset({"jpeg444", "jpeg"})},
    carries={EXACT: 10.3},  # at JPEG 75, which it is where nothing else is said
)
_SURVIVES = Option(
    SURVIVES,
    0,
    "with --robust: the file goes into the pixels, through JPEG 4:2:0 of that quality and better",
    {"90": 90, "75": 75, "50": 50},
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

OWN = (
    Entry(
        "logistic",
        "jaxcrypt.systems.logistic.system",
        "logistic map and ChaCha20: exact, any picture, nothing learned",
        inputs=(_MASK,),
        travel=(_EXACT, _SURVIVES),
        traits=Traits(
            exact=True, keeps_shape=True, argument=_CHACHA20, standard=True, close=math.inf, cost=0.12
        ),
    ),
    Entry(
        "mixing",
        "jaxcrypt.systems.mixing.system",
        "keyed mixing: noise and lost blocks cost quality instead of the picture",
        options=(_ROUNDS,),
        inputs=(_MASK,),
        traits=Traits(survives=frozenset({"noise", "blocks"}), argument=_MIXING, close=45.5, cost=0.2),
    ),
    Entry(
        "autoencoder",
        "jaxcrypt.systems.autoencoder",
        "learned code of faces, a quarter of the bytes, under ChaCha20",
        traits=Traits(
            channels=(1, 3),
            argument=f"lossy; of its latents' bytes it holds that {_CHACHA20}",
            standard=True,
            special="faces of 64×64",
            growth=0.25,
            close=35.3,
            cost=0.42,
        ),
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
        travel=(_SURVIVES,),
        inputs=(_MASK,),
        traits=Traits(
            survives=frozenset({"noise", "jpeg444", "jpeg", "blocks", "cut"}),
            argument=_MIXING,
            close=53.4,
            cost=0.16,
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
                grows={1: 1.0, 2: 0.5, 4: 0.25},
            ),
            _ROBUST,
            _KEY_IMAGE,
            _ROUNDS,
        ),
        travel=(_SURVIVES,),
        inputs=(_KEY_PICTURE,),
        traits=Traits(
            survives=frozenset({"noise", "jpeg444", "jpeg", "blocks", "cut"}),
            channels=(1, 3),
            argument=_MIXING,
            close=70.0,
            cost=0.78,
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
                Whole(1, 1000, 50),
                guards=(500, 600, 700, 750),  # the further, the less of the photo is in what is mixed
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
            stepwise=True,
            argument=_MIXING,
            close=60.0,
            cost=0.54,
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
                outlives=dict.fromkeys((90, 75, 50), frozenset({"jpeg444", "jpeg"})),
            ),
        ),
        traits=Traits(
            survives=frozenset({"jpeg444", "jpeg", "blocks"}),
            channels=(1, 3),
            covert=True,
            alone=True,
            argument=_FACES,
            standard=True,
            special="a small picture, carried by many generated faces",
        ),
        weights="dcgan-light",
    ),
)
