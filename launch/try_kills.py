"""Kill a bulk job again and again, and see that every picture is there once, whole, and opens.

  python launch/try_kills.py --pictures 2000 --kills 20

Pictures are made here, some of them bad, some twice; the job (launch/bulk.py) is killed with SIGKILL, all its
processes at once, at random moments of its work, then let run to its end. Needs apache-beam.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt import keygen, runtime
from jaxcrypt.cli.command import Parser, entry
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures.files import encode_png, read_file
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.unseal import Opener

_BULK = Path(__file__).with_name("bulk.py")
_SHAPES = ((64, 64, 3), (48, 80, 3), (50, 50, 1))
_BAD_EVERY, _TWICE_EVERY = 50, 40


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    return entry(_main, argv)


def _main(argv: Sequence[str] | None) -> int:
    parser = Parser(prog="python launch/try_kills.py", description=__doc__)
    parser.add_argument("--pictures", type=int, default=2000, metavar="N", help="how many (%(default)s)")
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="how often (%(default)s)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the pictures and the moments (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the facts there")
    args = parser.parse_args(argv)
    runtime.start("cpu")
    with tempfile.TemporaryDirectory() as folder:
        facts = try_kills(Path(folder), args)
    for name, value in facts.items():
        print(f"{name}: {value}")
    if args.json:
        args.json.write_text(json.dumps(facts))
    return ExitCode.OK


def try_kills(folder: Path, args: Any) -> dict[str, Any]:
    """Make pictures, run, kill, run on, check.

    Raises:
      Refusal: a picture is missing, there twice, damaged, or another.
    """
    photos, sealed, key = folder / "photos", folder / "sealed", folder / "key"
    plain = make_pictures(photos, args.pictures, args.seed)
    keygen.main(["--key", str(key)])
    command = [sys.executable, str(_BULK), "encrypt", "--input", str(photos), "--output", str(sealed)]
    command += ["--key-file", str(key), "--workers", str(args.workers)]
    rng, progress = random.Random(args.seed), []
    for _ in range(args.kills):
        progress.append(_killed(command, sealed, rng))
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != ExitCode.FAILED:  # the bad pictures were refused, and nothing else happened
        raise Refusal(f"the last run ended with {done.returncode}: {done.stderr[-500:]}", ExitCode.FAILED)
    check(sealed, plain, Keys(key_file=key))
    refused = sum(len(path.read_text().splitlines()) for path in folder.glob("sealed-refused*"))
    return {"pictures": len(plain), "refused": refused, "kills": args.kills, "there at each kill": progress}


def make_pictures(folder: Path, count: int, seed: int) -> dict[str, bytes]:
    """Small pictures of three shapes in a folder; of those that are good, SHA-256 and bytes."""
    folder.mkdir()
    rng, made, last = np.random.default_rng(seed), {}, b""
    for index in range(count):
        data = encode_png(rng.integers(0, 256, _SHAPES[index % len(_SHAPES)], np.uint8))
        data = last if last and index % _TWICE_EVERY == 0 else data
        last = data
        if index % _BAD_EVERY == 1:
            data = data[:40]
        else:
            made[hashlib.sha256(data).hexdigest()] = data
        (folder / f"{index:06}.png").write_bytes(data)
    return made


def check(sealed: Path, plain: dict[str, bytes], keys: Keys) -> None:
    """Refuse unless there is one whole output, with a receipt, for each picture, and nothing else."""
    opener, seen = Opener(keys), set()
    outputs = [path for path in sealed.rglob("*") if path.is_file() and "receipts" not in path.parts]
    for path in outputs:
        (_, data), *more = opener.begin(read_file(path), str(path)).files
        digest = hashlib.sha256(data).hexdigest()
        if more or digest not in plain or digest in seen:
            raise Refusal(f"{path}: there twice, or nobody's", ExitCode.FAILED)
        seen.add(digest)
        receipt = json.loads((sealed / "receipts" / path.parent.name / f"{path.stem}.json").read_bytes())
        if receipt["sha256"] != hashlib.sha256(path.read_bytes()).hexdigest():
            raise Refusal(f"{path}: its receipt is another's", ExitCode.FAILED)
    receipts = sum(1 for path in (sealed / "receipts").rglob("*") if path.is_file())
    if seen != set(plain) or receipts != len(plain):
        raise Refusal(f"{len(seen)} outputs, {receipts} receipts of {len(plain)} pictures", ExitCode.FAILED)


def _killed(command: list[str], sealed: Path, rng: random.Random) -> int:
    """Start the job, and kill it some time after it made something; how many outputs are there then."""
    before = _count(sealed)
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as job:
        while job.poll() is None and _count(sealed) == before:
            time.sleep(0.02)
        time.sleep(rng.uniform(0, 0.5))
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)
    return _count(sealed)


def _count(sealed: Path) -> int:
    return sum(1 for path in sealed.glob("??/*.png")) if sealed.is_dir() else 0


if __name__ == "__main__":
    sys.exit(main())
