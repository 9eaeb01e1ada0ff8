"""``python -m jaxcrypt.generate``: pictures drawn from the prior of a System that generates some."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jaxcrypt import runtime
from jaxcrypt.cli.command import EXIT_CODES, Parser, entry
from jaxcrypt.cli.output import STDIO, Targets, make_folder, refuse_other_suffix, write_whole
from jaxcrypt.errors import usage

if TYPE_CHECKING:
    import numpy as np

_DESCRIPTION = """Generate pictures, as one sheet or one a file.

  python -m jaxcrypt.generate --weights NAME -o sheet.png --count 64
  python -m jaxcrypt.generate --weights NAME -o faces/ --each --count 10000 --seed 1
  python -m jaxcrypt.generate --weights NAME -o walk.png --walk --count 64

A seed gives the same latents everywhere, and so, up to rounding, the same pictures.
"""
_STOPS = 8  # pictures of a row of a walk, from one latent to the next


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m jaxcrypt.generate", description=_DESCRIPTION, epilog=EXIT_CODES)
    parser.add_argument(
        "--weights", required=True, metavar="NAME", help="zoo entry, weights file or training run"
    )
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="OUT", help="PNG file, or folder with --each"
    )
    parser.add_argument("--count", type=int, default=64, metavar="N", help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the latents (%(default)s)")
    parser.add_argument("--each", action="store_true", help="one picture a file, in the folder OUT")
    parser.add_argument("--walk", action="store_true", help=f"rows of {_STOPS} from one latent to the next")
    parser.add_argument("--device", choices=runtime.DEVICES, default="auto")
    parser.add_argument("--force", action="store_true", help="overwrite existing outputs")
    return parser


def _main(argv: Sequence[str] | None) -> int:
    args = _parser().parse_args(argv)
    if args.count < 1 or (args.walk and args.count % _STOPS):
        multiple = f", a multiple of {_STOPS} with --walk" if args.walk else ""
        raise usage(f"--count {args.count}: must be at least 1{multiple}")
    if args.seed < 0:
        raise usage(f"--seed {args.seed}: must be 0 or more")
    names = _names(args)
    runtime.start(args.device)
    pictures = _pictures(args)
    if not args.each:
        from jaxcrypt.pictures.sheets import sheet

        pictures = [sheet(pictures, _STOPS if args.walk else None)]
    else:
        make_folder(args.output)
    for name, picture in zip(names, pictures, strict=True):
        write_whole(name, lambda file, picture=picture: _save(picture, file), args.force)
    print(f"{args.output}: {args.count} pictures of {args.weights}, seed {args.seed}")
    return 0


def _names(args: argparse.Namespace) -> list[Path]:
    """Where the pictures go; refused before the work where they cannot."""
    if str(args.output) == STDIO:
        raise usage("-o -: stdout gets a line of text; name a file")
    if not args.each:
        refuse_other_suffix(args.output, "a sheet is")
        names = [args.output]
    elif args.output.exists() and not args.output.is_dir():
        raise usage(f"-o {args.output}: is a file; several pictures need a folder")
    else:
        names = [args.output / f"{index:06d}.png" for index in range(args.count)]
    targets = Targets([], args.force)
    for name in names if not args.each or args.output.is_dir() else []:
        targets.check(name)
    return names


def _pictures(args: argparse.Namespace) -> np.ndarray:
    from jaxcrypt import zoo

    system, variables, _ = zoo.load(args.weights)
    if system.prior is None:
        raise usage(f"--weights {args.weights}: this System generates no pictures")
    z = latents(args.count, system.prior.latent, args.seed, args.walk)
    return system.prior.generate(variables, z)


def latents(count: int, dimensions: int, seed: int, walk: bool = False) -> np.ndarray:
    """Standard normal latents, float32 ``[count, dimensions]``, the same on every machine.

    A walk goes in rows from one to the next, along great circles: in between, too, latents have the length
    that normal ones have.
    """
    import numpy as np

    rng = np.random.default_rng(seed)
    if not walk:
        return rng.standard_normal((count, dimensions)).astype(np.float32)
    ends = rng.standard_normal((count // _STOPS + 1, dimensions))
    angle = np.arange(_STOPS)[None, :, None] / _STOPS * np.pi / 2
    path = np.cos(angle) * ends[:-1, None] + np.sin(angle) * ends[1:, None]
    return path.reshape(count, dimensions).astype(np.float32)


def _save(picture: np.ndarray, file) -> None:
    from jaxcrypt.pictures.files import encode_png

    file.write(encode_png(picture))


if __name__ == "__main__":
    sys.exit(main())
