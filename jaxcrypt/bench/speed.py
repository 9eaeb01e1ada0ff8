"""How fast the ciphers are, side by side in one run.

  python -m jaxcrypt.bench [--quick] [--json FILE] [--memory]

Prints MB/s of picture samples: the Systems ``logistic`` and ``mixing`` in batches of 1-megapixel RGB pictures
(compiled, warm, without PNG), their key stream, AES-256-GCM, a logistic map that loops over pixels in
Python, and the writing of a cipher picture as PNG. Every figure is the best of several rounds in which all
contestants take turns, for other work on the machine only ever slows one down. ``--memory`` adds the peak
memory of ``encrypt --system logistic`` on a 100-megapixel picture.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from jaxcrypt.cli import command as cli
from jaxcrypt.errors import ExitCode, Refusal

_SIDE = 1000
_LOOP_SAMPLES = 64 * 64 * 3
_REFERENCE = "AES-256-GCM"


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = cli.Parser(prog="python -m jaxcrypt.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one small batch, two rounds")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures there")
    parser.add_argument("--memory", action="store_true", help="also peak memory at 100 megapixels (a minute)")
    args = parser.parse_args(argv)
    from jaxcrypt import runtime

    runtime.start("auto")
    pictures, rounds = (1, 2) if args.quick else (8, 5)
    figures = measure(contestants(pictures, _SIDE // 4 if args.quick else _SIDE), rounds)
    print(table(figures))
    result = {"megabytes_per_second": figures}
    if args.memory:
        result["peak_memory_mib"] = peak_memory(10_000)
        print(f"\nencrypt --system logistic, 100 megapixels: {result['peak_memory_mib']:.0f} MiB at the peak")
    if args.json is not None:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    return ExitCode.OK


def measure(work: Mapping[str, tuple[int, Callable[[], object]]], rounds: int) -> dict[str, float]:
    """MB/s of each contestant, given as ``name: (bytes, call)``: its best of ``rounds`` after a warm-up."""
    best = dict.fromkeys(work, float("inf"))
    for _, call in work.values():
        call()
    for _ in range(rounds):
        for name, (_, call) in work.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - start)
    return {name: size / best[name] / 1e6 for name, (size, _) in work.items()}


def table(figures: Mapping[str, float]) -> str:
    """The figures as lines, with the ratio of each to the reference and to the Python loop."""
    reference, loop = figures[_REFERENCE], figures["Python loop over pixels"]
    lines = [f"{'':<34}{'MB/s':>10}{'× AES-GCM':>12}{'× Python loop':>16}"]
    for name, speed in figures.items():
        lines.append(f"{name:<34}{speed:>10.2f}{speed / reference:>12.3f}{speed / loop:>16.1f}")
    return "\n".join(lines)


def contestants(count: int, side: int) -> dict[str, tuple[int, Callable[[], object]]]:
    """Everything that is compared, on ``count`` random RGB pictures of ``side`` × ``side``."""
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (side, side, 3), np.uint8) for _ in range(count)]
    keys = [rng.bytes(32) for _ in pictures]
    work = {}
    for name in ("logistic", "mixing"):
        work |= _system(name, pictures, keys)
    return work | _keystream() | _aes(pictures) | _loop() | _png(pictures[0])


def _system(name: str, pictures, keys):
    from jaxcrypt.sealing.cipher import load

    cipher, shape = load(name), pictures[0].shape
    sealed = cipher.encrypt(pictures, keys)
    size = sum(picture.size for picture in pictures)
    return {
        f"{name}, encrypt": (size, lambda: cipher.encrypt(pictures, keys)),
        f"{name}, decrypt": (size, lambda: cipher.decrypt(sealed, keys, shape)),
    }


def _keystream():
    import jax
    import jax.numpy as jnp

    from jaxcrypt.functional import chacha20

    blocks = 1 << 15
    make = jax.jit(lambda key, nonce: chacha20.permute(chacha20.states(key, nonce, blocks)))
    key, nonce = jnp.arange(8, dtype=jnp.uint32), jnp.arange(3, dtype=jnp.uint32)
    return {"ChaCha20 key stream, one thread": (64 * blocks, lambda: make(key, nonce).block_until_ready())}


def _aes(pictures):
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    cipher, nonce = AESGCM(bytes(32)), bytes(12)
    data = [picture.tobytes() for picture in pictures]
    return {_REFERENCE: (sum(map(len, data)), lambda: [cipher.encrypt(nonce, part, None) for part in data])}


def _loop():
    samples = bytes(_LOOP_SAMPLES)
    return {"Python loop over pixels": (len(samples), lambda: loop_cipher(samples, 0.3456, 3.99))}


def loop_cipher(samples: bytes, x: float, r: float) -> bytes:
    """The textbook logistic cipher: one floating-point step and one XOR for each sample (and no security)."""
    out = bytearray(len(samples))
    for i, sample in enumerate(samples):
        x = r * x * (1 - x)
        out[i] = sample ^ int(x * 1e6) % 256
    return bytes(out)


def _png(picture):
    from PIL import Image

    from jaxcrypt.crypto import pngwriter

    image = Image.fromarray(picture)
    return {
        "PNG of noise, jaxcrypt": (picture.size, lambda: pngwriter.write(io.BytesIO(), picture)),
        "PNG of noise, Pillow": (picture.size, lambda: image.save(io.BytesIO(), "PNG")),
    }


def peak_memory(side: int) -> float:
    """MiB that ``encrypt --system logistic`` holds at most on a random RGB picture of ``side`` × ``side``."""
    with tempfile.TemporaryDirectory() as folder:
        photo, key = Path(folder) / "photo.bmp", Path(folder) / "key.txt"
        _write_bmp(photo, side)
        key.write_text("a passphrase for this measurement only\n")
        program = (
            "import sys\n"
            "from jaxcrypt import encrypt\n"
            "from jaxcrypt.bench import speed\n"
            "code = encrypt.main(sys.argv[1:])\n"
            "print(speed.own_peak())\n"
            "sys.exit(code)"
        )
        options = ["--system", "logistic", "--passphrase-file", key, "-o", photo.with_suffix(".png")]
        done = subprocess.run(
            [sys.executable, "-c", program, photo, *options], capture_output=True, text=True, env=os.environ
        )
        if done.returncode:
            raise Refusal(f"encrypt failed: {done.stderr.strip().splitlines()[-1]}", ExitCode.FAILED)
        return float(done.stdout.split()[-1])


def own_peak() -> float:
    """MiB that this process held at most."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: a child's figure there starts at what its parent held when it was made.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _write_bmp(path: Path, side: int) -> None:
    """A random RGB picture of any size, row by row."""
    rng, padding = np.random.default_rng(0), -(3 * side) % 4
    size = (3 * side + padding) * side
    with path.open("wb") as file:
        file.write(b"BM" + (54 + size).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little"))
        file.write((40).to_bytes(4, "little") + side.to_bytes(4, "little") * 2)
        file.write(b"\1\0\x18\0" + bytes(4) + size.to_bytes(4, "little") + bytes(16))
        for _ in range(side):
            file.write(rng.bytes(3 * side) + bytes(padding))


def run() -> None:
    """The console script and ``python -m``: exits with the command's code, a refusal being one line."""
    sys.exit(cli.entry(main))


if __name__ == "__main__":
    run()
