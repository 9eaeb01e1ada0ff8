"""The key ledger at size: appends with fsync, replay, look-up, size and verification of proofs.

Entries are appended in batches; each batch is on disk, cosigned by a witness on the same machine and
published before the next begins. Times are wall time, and CPU time of this process beside it.
"""

from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jaxcrypt.bench import results
from jaxcrypt.cli import command as cli
from jaxcrypt.crypto import recipients, signing
from jaxcrypt.crypto.ledger import entries, log, proof, trust, witness
from jaxcrypt.crypto.ledger.client import Client
from jaxcrypt.crypto.ledger.entries import Entry, Kind
from jaxcrypt.errors import ExitCode, usage

_SINGLE, _LOOKS = 100, 300
_ORIGIN = "example.com/bench"


def main(argv: Sequence[str]) -> int:
    """``bench ledger``; returns its exit code."""
    parser = cli.Parser(prog="python -m jaxcrypt.bench ledger", description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000, help="in all (%(default)s)")
    parser.add_argument("--batch", type=int, default=256, help="entries a batch (%(default)s)")
    parser.add_argument("--folder", metavar="DIR", help="on the disk to measure (a temporary one)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the numbers there")
    args = parser.parse_args(argv)
    if args.entries < 1 or args.batch < 1:
        raise usage("--entries and --batch must be at least 1")
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        facts = measure(Path(folder), args.entries, args.batch)
    for name, value in facts.items():
        print(f"{name:24} {value:,.2f}" if isinstance(value, float) else f"{name:24} {value:,}")
    results.write(args.json, "ledger", argv, facts)
    return ExitCode.OK


def measure(folder: Path, count: int, batch: int) -> dict[str, Any]:
    """All numbers by name: rates a second, times in milliseconds or seconds as their names say, bytes."""
    place, signers = folder / "log", log.create(folder / "log", _ORIGIN)
    witness.create(folder / "witness", f"{_ORIGIN}/witness")
    watcher = witness.Witness(folder / "witness")
    watcher.learn([each.verifier() for each in signers])
    policy = trust.decode(trust.write([signers[1].verifier().text()], {"w": watcher.verifiers()}).encode())
    facts: dict[str, Any] = {"entries": count, "batch": batch}
    with log.opened(place) as opened:
        facts |= _append(opened, watcher, count, batch)
    _name_somebody(place, watcher)
    facts["open_s"], _ = _timed(lambda: _open(place))
    first = Client(str(place), policy, folder / "memory")
    facts["first_replay_s"], facts["first_replay_cpu_s"] = _timed(first.refresh)
    first.close()
    again = Client(str(place), policy, folder / "memory")
    facts["refresh_ms"] = 1000 * _timed(again.refresh)[0]
    facts["look_up_ms"] = 1000 * _timed(lambda: again.find("somebody"))[0]
    middle = count // 2  # whose path is as long as any
    return facts | _proofs(again.prove(middle, entries.decode(_entry(middle))), policy)


def _append(opened: log.Log, watcher: witness.Witness, count: int, batch: int) -> dict[str, Any]:
    """Appends in batches, then some one by one."""

    def add(first: int, last: int, step: int) -> None:
        for start in range(first, last, step):
            opened.append([_entry(number) for number in range(start, min(start + step, last))])
            opened.publish([watcher])

    single = min(_SINGLE, count // 2)
    wall, cpu = _timed(lambda: add(0, count - single, batch))
    facts = {"appends_a_second": (count - single) / wall, "appends_a_cpu_second": (count - single) / cpu}
    if single:
        wall, _ = _timed(lambda: add(count - single, count, 1))
        facts["single_appends_a_second"] = single / wall
    return facts


def _entry(number: int) -> bytes:
    digest = hashlib.sha256(b"%d" % number).digest()
    return Entry(Kind.KEY, f"name{number}", digest, bytes(32)).encode()


def _name_somebody(place: Path, watcher: witness.Witness) -> None:
    """A name with a real key at the end of the log, to be looked up."""
    public, owner = recipients.generate().recipient().public, signing.generate().verifier().public
    entry = Entry(Kind.KEY, "somebody", entries.digest(public), entries.digest(owner))
    with log.opened(place) as opened:
        opened.append([entry.encode()], {entry.digest: public, entry.owner: owner})
        opened.publish([watcher])


def _open(place: Path) -> None:
    with log.opened(place):
        pass


def _proofs(text: bytes, policy: trust.Policy) -> dict[str, Any]:
    """Size of a proof, and the time of its check: policy, signatures of log and witness, path."""
    times = [_timed(lambda: proof.check(text, policy, "proof")) for _ in range(_LOOKS)]
    return {
        "proof_bytes": len(text),
        "proof_hashes": len(proof.decode(text).path),
        "verification_ms": 1000 * statistics.median(wall for wall, _ in times),
        "verification_cpu_ms": 1000 * statistics.fmean(cpu for _, cpu in times),
    }


def _timed(run: Callable[[], Any]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - cpu
