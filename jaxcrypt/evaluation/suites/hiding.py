"""Hidden pictures measured: the cover, the secrets, what is left after damage, and what strangers see.

  python -m jaxcrypt.evaluation.suites.hiding --data DIR [--data DIR2] [--weights stego] [--unkeyed]
  python -m jaxcrypt.evaluation.suites.hiding --data DIR --detect DIR3 --sheet sheet.png

Covers are the centres of the pictures of --data, 256x256; each hides the next ones of an order that --seed
draws. Everything is measured on the 8-bit RGB picture that was written as PNG and read again, and comes out
as one table under the command that made it. --detect trains two detectors of hidden pictures on the centres
of another folder's pictures and says how often they are right on --data. --sheet draws what each secret put
where. --memory adds the peak memory of hiding and revealing at 12 megapixels.
"""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jaxcrypt import runtime
from jaxcrypt.cli import command as cli


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    args = _parser().parse_args(argv)
    from jaxcrypt.evaluation.pictures import find_pictures

    paths = find_pictures(args.data, args.limit)
    training = find_pictures(args.detect, args.limit) if args.detect else []
    runtime.start(args.device)
    from jaxcrypt.evaluation.hiding import Hider, centres
    from jaxcrypt.sealing import cipher

    hider = Hider(cipher.load("stego", args.weights, {"keyed": not args.unkeyed}), args.seed)
    covers = centres(paths, args.size)
    if args.sheet:
        from jaxcrypt.evaluation.hiding_sheet import draw_sheet

        keyed = "unkeyed" if args.unkeyed else "keyed"
        args.sheet.write_bytes(draw_sheet(f"{args.weights}, {keyed}", hider, covers))
    command = shlex.join(
        ["python", "-m", "jaxcrypt.evaluation.suites.hiding", *(sys.argv[1:] if argv is None else argv)]
    )
    _print_head(command, f"{len(covers)} centres of {args.size}×{args.size}", args.weights)
    if args.memory:  # first: a peak is of the whole process
        _print_rows({"peak memory at 12 megapixels": f"{peak_memory(hider):.0f} MiB"})
    stegos, rows = measure(hider, covers)
    table = summarise(hider, rows)
    _print_rows(table)
    if training:
        found = detect(hider, centres(training, args.size), covers, stegos)
        _print_rows(found)
        table |= found
    if args.output:
        args.output.mkdir(parents=True, exist_ok=True)
        facts = {"command": command, "table": table, "rows": rows}
        (args.output / "stego.json").write_text(json.dumps(facts, indent=1))
    return 0


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="python -m jaxcrypt.evaluation.suites.hiding", description=__doc__)
    parser.add_argument("--data", action="append", required=True, help="a folder, never trained on")
    parser.add_argument("--weights", default="stego", help="zoo entry, weights file or training run")
    parser.add_argument("--unkeyed", action="store_true", help="hide without a key, readable to all")
    parser.add_argument("--detect", action="append", help="a folder of pictures to train detectors on")
    parser.add_argument("--sheet", type=Path, help="PNG file for what each secret put where")
    parser.add_argument("--memory", action="store_true", help="also peak memory at 12 megapixels (a minute)")
    parser.add_argument("--size", type=int, default=256, help="side of the square pictures")
    parser.add_argument("--limit", type=int, help="only the first so many pictures of each folder")
    parser.add_argument("--seed", type=int, default=0, help="pairs and keys follow from it")
    parser.add_argument("--output", type=Path, help="folder for stego.json")
    parser.add_argument("--device", choices=runtime.DEVICES, default="auto")
    return parser


def peak_memory(hider) -> float:
    """MiB that this process held at most after pictures of 4000×3008 were hidden and revealed."""
    from jaxcrypt.bench.speed import own_peak

    blocks = np.random.default_rng(0).integers(0, 256, (1 + hider.secrets, 188, 250, 3), dtype=np.uint8)
    cover, *secrets = blocks.repeat(16, axis=1).repeat(16, axis=2)
    stego, side = hider.hide(cover, secrets, 0)
    hider.reveal(stego, side, hider.key(0))
    return own_peak()


def measure(hider, covers: np.ndarray) -> tuple[np.ndarray, list[dict[str, float]]]:
    """The stego pictures of uint8 ``[N, H, W, 3]``, and every picture's numbers."""
    from jaxcrypt.evaluation.hiding import order, quality, secrets_of
    from jaxcrypt.evaluation.hiding_damage import DAMAGE

    following, rows, stegos = order(len(covers), hider.seed), [], []
    for index, cover in enumerate(covers):
        secrets = secrets_of(covers, index, hider.secrets, following)
        start = time.perf_counter()
        stego, side = hider.hide(cover, secrets, index)
        hidden = time.perf_counter()
        found = hider.reveal(stego, side, hider.key(index))
        row = {"hiding": hidden - start, "revealing": time.perf_counter() - hidden}
        row["cover PSNR"], row["cover SSIM"] = quality(stego[None], cover[None])
        row["secret PSNR"], row["secret SSIM"] = quality(found, secrets)
        rng = np.random.default_rng([hider.seed, index])
        for name, damage in DAMAGE.items():
            damaged = hider.reveal(damage(stego, rng), side, hider.key(index))
            row[name], row[f"{name}: SSIM"] = quality(damaged, secrets)
        rows.append(row | strangers(hider, stego, side, covers, index))
        stegos.append(stego)
    return np.stack(stegos), rows


def strangers(hider, stego: np.ndarray, side, covers: np.ndarray, index: int) -> dict[str, float]:
    """SSIM with the secrets of what comes out without the right key, beside that of unrelated pictures."""
    from jaxcrypt.attacks.steganalysis import reassemble
    from jaxcrypt.evaluation.hiding import order, quality, secrets_of

    following, count = order(len(covers), hider.seed), hider.secrets
    both = secrets_of(covers, index, 2 * count, following)
    secrets, unrelated = both[:count], both[count:]
    without = hider.reveal(stego, side, hider.key(index), keyed=False)
    guesses = {
        "wrong key": hider.reveal(stego, side, hider.key(-1 - index)),
        "no key": without,
        "no key, jigsaw": np.stack([reassemble(picture) for picture in without]),
        "unrelated": unrelated,
    }
    return {name: quality(guess, secrets)[1] for name, guess in guesses.items()}


def summarise(hider, rows: Sequence[dict[str, float]]) -> dict[str, str]:
    """The table's entries by name: means over pictures, and of times the shortest, the machine's own."""
    from jaxcrypt.evaluation.hiding_damage import DAMAGE

    def column(name: str) -> np.ndarray:
        return np.array([row[name] for row in rows])

    table = {}
    for name in ("cover", "secret"):
        found = column(f"{name} PSNR")
        table[name] = (
            f"{found.mean():.1f} dB (min {found.min():.1f}), SSIM {column(f'{name} SSIM').mean():.3f}"
        )
    for name in DAMAGE:
        table[f"secret after {name}"] = (
            f"{column(name).mean():.1f} dB, SSIM {column(f'{name}: SSIM').mean():.3f}"
        )
    for name in ("wrong key", "no key", "no key, jigsaw"):
        table[f"SSIM with the secret: {name}"] = f"{column(name).mean():.3f}"
    table["SSIM of unrelated pictures"] = f"{column('unrelated').mean():.3f}"
    table["parameters"] = f"{hider.parameters:,}"
    speeds = [1 / column(name).min() for name in ("hiding", "revealing")]
    table["pictures/s, hiding / revealing, one at a time"] = " / ".join(f"{speed:.1f}" for speed in speeds)
    return table


def detect(hider, training: np.ndarray, covers: np.ndarray, stegos: np.ndarray) -> dict[str, str]:
    """How often detectors are right on ``covers`` and ``stegos``, trained on pairs made of ``training``."""
    from jaxcrypt.attacks import steganalysis
    from jaxcrypt.evaluation.hiding import order, secrets_of

    following = order(len(training), hider.seed)
    made = [
        hider.hide(cover, secrets_of(training, i, hider.secrets, following), i)[0]
        for i, cover in enumerate(training)
    ]
    clean, full = np.concatenate([training, covers]), np.concatenate([np.stack(made), stegos])
    detectors = {
        "SPAM features, linear": steganalysis.linear_accuracy,
        "small CNN": steganalysis.network_accuracy,
    }
    return {
        f"detected by {name}": f"{100 * accuracy(clean, full, len(training)):.0f}%"
        for name, accuracy in detectors.items()
    }


def _print_head(command: str, pictures: str, weights: str) -> None:
    """The head of a Markdown table, under its command."""
    print(f"`{command}`\n\n| {pictures} | `{weights}` |\n|---|---|", flush=True)


def _print_rows(table: dict[str, str]) -> None:
    for name, value in table.items():
        print(f"| {name} | {value} |", flush=True)


def run() -> None:
    """The console script and ``python -m``: exits with the command's code, a refusal being one line."""
    sys.exit(cli.entry(main))


if __name__ == "__main__":
    run()
