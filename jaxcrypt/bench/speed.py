"""How fast the ciphers are, each beside AES-256-GCM.

Prints MB/s of picture samples: Systems in batches of 1-megapixel RGB pictures (compiled, warm, without PNG),
the key stream, AES-256-GCM into memory that is there on one thread and on two, a logistic map that loops over
pixels in Python, the writing of a cipher picture as PNG, and what people would use instead, where that is.
Speeds are the best of several rounds, for other work on the machine only ever slows one down. Every row
alternates with AES-256-GCM, and its ratio is the median over those pairs: what slows both cancels.
"""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from jaxcrypt.bench import peers, results
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import ExitCode
from jaxcrypt.systems import catalog

_SIDE = 1000
_LOOP_SAMPLES = 64 * 64 * 3
REFERENCE = "AES-256-GCM"
_WARM, _PATIENCE = 6, 5.0  # calls, or seconds, after which whatever starts late (a compiler) has started
Work = tuple[int, Callable[[], object]]  # bytes, and what is done with them


def main(argv: Sequence[str]) -> int:
    """``bench speed``; returns its exit code."""
    parser = cli.Parser(prog="python -m jaxcrypt.bench speed", description=__doc__)
    parser.add_argument("--system", action="append", help="which Systems (all that need no weights)")
    parser.add_argument("--quick", action="store_true", help="one small batch, two rounds")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the numbers there")
    args = parser.parse_args(argv)
    for name in args.system or ():
        catalog.entry(name)
    from jaxcrypt import runtime

    runtime.start("auto")
    pictures, rounds = (1, 2) if args.quick else (8, 5)
    systems = args.system or unlearned()
    figures = measure(contestants(systems, pictures, _SIDE // 4 if args.quick else _SIDE), rounds)
    print(table(figures))
    for missing in peers.missing():
        print(f"not measured: {missing}")
    results.write(args.json, "speed", argv, {"rounds": rounds, "rows": figures})
    return ExitCode.OK


def unlearned() -> list[str]:
    """The Systems that run without weights."""
    from jaxcrypt import zoo

    shipped = {entry["system"] for entry in zoo.manifest().values()}
    offered = [name for name in catalog.NAMES if catalog.entry(name).offered and name not in shipped]
    return [name for name in offered if not _needs_config(name)]


def _needs_config(name: str) -> bool:
    from jaxcrypt.errors import Refusal

    try:
        return bool(catalog.build(name).stages)
    except Refusal:
        return True


def measure(work: Mapping[str, Work], rounds: int) -> dict[str, dict[str, float]]:
    """``{name: {"megabytes_per_second", "ratio"}}`` of each contestant, after a warm-up of each.

    ``ratio`` is its speed over that of :data:`REFERENCE`, which runs right after it, median over the rounds.
    """
    for _, call in work.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in work}
    ratios: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, (size, call) in work.items():
            own = _seconds(call)
            reference = own if name == REFERENCE else _seconds(work[REFERENCE][1])
            seconds[name].append(own)
            ratios[name].append((size / own) / (work[REFERENCE][0] / reference))
    return {
        name: {
            "megabytes_per_second": size / min(seconds[name]) / 1e6,
            "ratio": statistics.median(ratios[name]),
        }
        for name, (size, _) in work.items()
    }


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def table(figures: Mapping[str, Mapping[str, float]]) -> str:
    """The figures as Markdown."""
    from jaxcrypt.evaluation.report import markdown

    rows = [
        [name, f"{row['megabytes_per_second']:.2f}", f"{row['ratio']:.4f}"] for name, row in figures.items()
    ]
    return markdown(["", "MB/s", f"× {REFERENCE}"], rows)


def contestants(systems: Sequence[str], count: int, side: int) -> dict[str, Work]:
    """Everything that is compared, on ``count`` random RGB pictures of ``side`` × ``side``."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (side, side, 3), np.uint8) for _ in range(count)]
    keys = [rng.bytes(32) for _ in pictures]
    work = {}
    for name in systems:
        work |= _system(name, pictures, keys)
    return work | _keystream() | _aes(pictures) | _loop() | _png(pictures[0]) | peers.contestants(side)


def _system(name: str, pictures, keys) -> dict[str, Work]:
    from jaxcrypt.evaluation import subject

    measured, shape = subject.load(name), pictures[0].shape
    size = sum(picture.size for picture in pictures)
    start, sealed = time.perf_counter(), measured.encrypt(pictures, keys)
    for _ in range(_WARM):
        if time.perf_counter() - start < _PATIENCE:
            sealed = measured.encrypt(pictures, keys)
    return {
        f"{name}, encrypt": (size, lambda: measured.encrypt(pictures, keys)),
        f"{name}, decrypt": (size, lambda: measured.decrypt(sealed, keys, shape)),
    }


def _keystream() -> dict[str, Work]:
    import jax
    import jax.numpy as jnp

    from jaxcrypt.functional import chacha20

    blocks = 1 << 15
    make = jax.jit(lambda key, nonce: chacha20.permute(chacha20.states(key, nonce, blocks)))
    key, nonce = jnp.arange(8, dtype=jnp.uint32), jnp.arange(3, dtype=jnp.uint32)
    return {"ChaCha20 key stream, one thread": (64 * blocks, lambda: make(key, nonce).block_until_ready())}


def _aes(pictures) -> dict[str, Work]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher, nonce = AESGCM(bytes(32)), bytes(12)
    data = [picture.tobytes() for picture in pictures]
    room = [bytearray(len(part) + 16) for part in data]  # allocation is no part of a cipher

    def one(index: int) -> None:
        cipher.encrypt_into(nonce, data[index], None, room[index])

    def all_in_turn() -> None:
        for index in range(len(data)):
            one(index)

    pool, size = ThreadPoolExecutor(2), sum(map(len, data))
    return {
        REFERENCE: (size, all_in_turn),
        f"{REFERENCE}, two threads": (size, lambda: list(pool.map(one, range(len(data))))),
    }


def _loop() -> dict[str, Work]:
    samples = bytes(_LOOP_SAMPLES)
    return {"Python loop over pixels": (len(samples), lambda: loop_cipher(samples, 0.3456, 3.99))}


def loop_cipher(samples: bytes, x: float, r: float) -> bytes:
    """The textbook logistic cipher: one floating-point step and one XOR for each sample (and no security)."""
    out = bytearray(len(samples))
    for i, sample in enumerate(samples):
        x = r * x * (1 - x)
        out[i] = sample ^ int(x * 1e6) % 256
    return bytes(out)


def _png(picture) -> dict[str, Work]:
    from PIL import Image

    from jaxcrypt.crypto import pngwriter

    image = Image.fromarray(picture)
    return {
        "PNG of noise, jaxcrypt": (picture.size, lambda: pngwriter.write(io.BytesIO(), picture)),
        "PNG of noise, Pillow": (picture.size, lambda: image.save(io.BytesIO(), "PNG")),
    }
