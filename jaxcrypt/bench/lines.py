"""Lines of a given rate, between two network namespaces: ``bench network lines``. Needs root, ip and tc."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jaxcrypt.bench import parcels
from jaxcrypt.bench.post import Post
from jaxcrypt.errors import ExitCode, Refusal

_NEAR, _FAR, _PORT, _PROXY = "10.213.0.1", "10.213.0.2", 7443, 7444
_NOTHING_COMES = 900.0


def possible() -> str:
    """Why lines cannot be made here; "" where they can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [tool for tool in ("ip", "tc") if shutil.which(tool) is None]
    return f"{' and '.join(missing)} missing (package iproute2)" if missing else ""


@contextmanager
def line(mbit: float) -> Iterator[tuple[list[str], list[str]]]:
    """A line of ``mbit`` Mbit/s each way; gives what to write before a command at either end."""
    near, far = (f"jaxcrypt-{os.getpid()}-{end}" for end in "ab")
    burst = max(16, round(mbit * 1000 / 8 / 100))  # kB: ten milliseconds of the line
    made = []
    try:
        for name in (near, far):
            _do("ip", "netns", "add", name)
            made.append(name)
        _do("ip", "link", "add", "jx0", "netns", near, "type", "veth", "peer", "name", "jx0", "netns", far)
        for name, address in ((near, _NEAR), (far, _FAR)):
            inside = ("ip", "netns", "exec", name)
            _do(*inside, "ip", "address", "add", f"{address}/24", "dev", "jx0")
            _do(*inside, "ip", "link", "set", "jx0", "up")
            _do(*inside, "ip", "link", "set", "lo", "up")
            shape = ("tbf", "rate", f"{mbit:g}mbit", "burst", f"{burst}kb", "latency", "100ms")
            _do(*inside, "tc", "qdisc", "add", "dev", "jx0", "root", *shape)
        yield ["ip", "netns", "exec", near], ["ip", "netns", "exec", far]
    finally:
        for name in made:
            _do("ip", "netns", "delete", name)


def _do(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Refusal(f"{' '.join(command)}: {done.stderr.strip()}", ExitCode.FAILED)


def measure(mbit: float, count: int, size: int) -> dict[str, Any]:
    """``count`` pictures of ``size`` bytes sealed, over a line: alone, and through a bad wire with kills."""
    with line(mbit) as (near, far), tempfile.TemporaryDirectory(prefix="jaxcrypt-line-") as name:
        clean, rough = (Path(name) / one for one in ("clean", "rough"))
        clean.mkdir()
        rough.mkdir()
        facts = {"mbit": mbit, "pictures": count, "clean": _clean(clean, near, far, count, size, mbit)}
        return {**facts, "rough": interrupted(rough, near, far, count, size)}


def _pictures(post: Post, count: int, size: int) -> list[str]:
    """Write sealed pictures to send; gives the digests of what must arrive."""
    side, digests = parcels.side_for(size), []
    (post.folder / "out").mkdir()
    for number in range(count):
        data = parcels.picture_file(number, side)
        made = parcels.seal(post.keys, data, f"{number}.png")
        (post.folder / "out" / f"{number}.png").write_bytes(made)
        digests.append(hashlib.sha256(data).hexdigest())
    return sorted(digests)


def _send(folder: Path, inside: Sequence[str], address: str) -> subprocess.Popen:
    command = [*inside, sys.executable, "-m", "jaxcrypt.send", "out", address, "--sign", "sender0"]
    command += ["--known", "known.json"]
    log = open(folder / "send.log", "wb")  # noqa: SIM115  (the process has it)
    return subprocess.Popen(command, cwd=folder, stderr=log)


def _clean(
    folder: Path, near: list[str], far: list[str], count: int, size: int, mbit: float
) -> dict[str, Any]:
    post = Post(folder, inside=far)
    wanted = _pictures(post, count, size)
    post.start(_FAR, _PORT)
    try:
        code = _send(folder, near, f"{_FAR}:{_PORT}").wait(_NOTHING_COMES)
        megabytes, seconds = _told(folder)
        goodput = megabytes * 8 / seconds
        facts = {"megabytes": megabytes, "seconds": seconds, "goodput_mbit": round(goodput, 3)}
        return {**facts, "share_of_line": round(goodput / mbit, 4), **_came(post, wanted, code)}
    finally:
        post.kill()


def _told(folder: Path) -> tuple[float, float]:
    lines = re.findall(r"^([\d.e+]+) MB in ([\d.]+) s, ", (folder / "send.log").read_text(), re.MULTILINE)
    if not lines:
        raise Refusal(f"send came to nothing: {(folder / 'send.log').read_text()[-500:]}", ExitCode.FAILED)
    return float(lines[-1][0]), float(lines[-1][1])


def interrupted(
    folder: Path,
    near: list[str],
    far: list[str],
    count: int,
    size: int,
    kills_at: Sequence[float] = (0.25, 0.5, 0.75),
) -> dict[str, Any]:
    """Send through a wire that delays, loses and cuts, and kill the receiver on the way; what arrived.

    Args:
      folder: empty; near, far: the ends of a :func:`line`.
      kills_at: shares of the pictures after which it is killed.
    """
    post = Post(folder, inside=far)
    wanted = _pictures(post, count, size)
    command = [*near, sys.executable, "-m", "jaxcrypt.bench.wire", f"127.0.0.1:{_PROXY}", f"{_FAR}:{_PORT}"]
    wire = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    started, kills = time.monotonic(), 0
    try:
        post.start(_FAR, _PORT)
        if wire.stdout is not None:
            wire.stdout.readline()
        sending = _send(folder, near, f"127.0.0.1:{_PROXY}")
        for share in kills_at:
            while sending.poll() is None and post.count() < share * count:
                time.sleep(0.05)
            if sending.poll() is None:
                post.kill()
                post.start(_FAR, _PORT)
                kills += 1
        code = sending.wait(_NOTHING_COMES)
        seconds = round(time.monotonic() - started, 1)
        return {"kills": kills, "seconds": seconds, **_came(post, wanted, code)}
    finally:
        post.kill()
        wire.kill()
        wire.wait()


def _came(post: Post, wanted: list[str], code: int) -> dict[str, Any]:
    arrived = post.arrived()
    lost, twice = len(set(wanted) - set(arrived)), len(arrived) - len(set(arrived))
    return {"exit": code, "arrived": len(arrived), "lost": lost, "twice": twice, "whole": arrived == wanted}
