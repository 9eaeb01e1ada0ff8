"""A receiver in a process of its own, with keys, an inbox and a view of its memory, for ``bench network``."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from jaxcrypt.crypto import recipients, signing
from jaxcrypt.crypto.signing import Signer
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.sealing.keys import Keys

_STATE = ".jaxcrypt"


class Post:
    """A folder with the keys of a receiver and its senders, and the receiver's process.

    Args:
      folder: empty.
      senders: how many may send.
      inside: words before each command, such as those that enter a network namespace.
    """

    def __init__(self, folder: Path, senders: int = 1, inside: Sequence[str] = ()):
        self.folder, self._inside, self.process = folder, inside, None
        identity, receiver = recipients.generate(), signing.generate()
        self.keys = Keys(recipients=[identity.recipient()])
        self.senders: list[Signer] = [signing.generate() for _ in range(senders)]
        (folder / "allowed").mkdir()
        (folder / "identity").write_text(identity.text())
        (folder / "receiver").write_text(receiver.text())
        for number, signer in enumerate(self.senders):
            (folder / f"sender{number}").write_text(signer.text())
            (folder / "allowed" / f"sender{number}.pub").write_text(signer.verifier().text())

    def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Start the receiver; gives its port."""
        command = [*self._inside, sys.executable, "-m", "jaxcrypt.receive", "--listen", f"{host}:{port}"]
        command += ["-o", "inbox", "--sign", "receiver", "--identity", "identity", "--allow", "allowed"]
        with open(self.folder / "receive.log", "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=subprocess.PIPE, stderr=log, text=True
            )
        line = self.process.stdout.readline() if self.process.stdout else ""
        match = re.match(r"listening on .*:(\d+), ", line)
        if not match:
            raise Refusal(f"the receiver did not start: see {self.folder}/receive.log", ExitCode.FAILED)
        return int(match[1])

    def kill(self) -> None:
        """End the receiver as ``kill -9`` does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def memory(self) -> tuple[float, float]:
        """MiB that the receiver holds now, and held at most."""
        status = Path(f"/proc/{self._number()}/status").read_text()
        return tuple(int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1024 for name in ("VmRSS", "VmHWM"))

    def cpu(self) -> float:
        """Seconds of CPU that the receiver took."""
        fields = Path(f"/proc/{self._number()}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    def _number(self) -> int:
        if self.process is None:
            raise ValueError("the receiver does not run")
        return self.process.pid

    def arrived(self) -> list[str]:
        """SHA-256 of every file in the inbox."""
        inbox = self.folder / "inbox"
        files = (path for path in inbox.rglob("*") if path.is_file() and _STATE not in path.parts)
        return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)

    def count(self) -> int:
        """How many files are in the inbox."""
        folders = (path for path in (self.folder / "inbox").glob("sender*"))
        return sum(1 for folder in folders for _ in folder.iterdir())
