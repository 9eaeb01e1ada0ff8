"""What a worker does with a batch of files: leave out what is done, seal or open, write, account for each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from jaxcrypt.bulk.store import Store, naming_key
from jaxcrypt.cli.command import explain
from jaxcrypt.crypto import sources
from jaxcrypt.errors import Refusal
from jaxcrypt.pictures.files import read_file
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.seal import Plain, Sealer
from jaxcrypt.sealing.unseal import Opener

ENCRYPT, DECRYPT = "encrypt", "decrypt"
MADE, ALREADY, REFUSED = "made", "already", "refused"


@dataclass(frozen=True)
class Task:
    """What is the same for all files. Keys are named by their paths, which every worker reads for itself.

    Attributes:
      verb: :data:`ENCRYPT` or :data:`DECRYPT`.
      output: the folder of the outputs, on a file system that all workers share.
      key_file, recipients, identities: paths of keys.
      how: further arguments of :class:`~jaxcrypt.sealing.seal.Sealer`.
    """

    verb: str
    output: str
    key_file: str | None = None
    recipients: tuple[str, ...] = ()
    identities: tuple[str, ...] = ()
    how: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What became of one file: :data:`MADE`, :data:`ALREADY` or :data:`REFUSED`, and then why."""

    path: str
    state: str
    reason: str = ""
    code: int = 0
    read: int = 0


class Worker:
    """Does a task's work, batch by batch.

    Raises:
      Refusal: keys, System or options that cannot be.
    """

    def __init__(self, task: Task):
        self._task = task
        secret = sources.key_file(task.key_file).secret if task.key_file else b""
        named = secret and task.verb == ENCRYPT  # what is sealed already betrays nothing by its digest
        self._store = Store(Path(task.output), naming_key(secret) if named else b"")
        self._keys = Keys(key_file=task.key_file, recipients=task.recipients, identities=task.identities)
        if task.verb == ENCRYPT:
            self._keys.keyring.check_sealing()

    @cached_property
    def _sealer(self) -> Sealer:
        return Sealer(self._keys, **self._task.how)

    @cached_property
    def _opener(self) -> Opener:
        return Opener(self._keys)

    def work(self, paths: Sequence[str]) -> Iterator[Result]:
        """One result for each file; what one raises costs that one only."""
        waiting: dict[tuple, list[tuple[str, str, Plain]]] = defaultdict(list)
        for path in paths:
            try:
                data = read_file(path)
                name = self._store.name(data)
                if self._store.receipt(name) is not None:
                    yield Result(path, ALREADY, read=len(data))
                elif self._task.verb == DECRYPT:
                    yield self._open(path, name, data)
                else:
                    plain = self._sealer.read(data, Path(path).name)
                    waiting[plain.pixels.shape].append((path, name, plain))
            except Exception as error:
                yield _refused(path, error)
        for batch in waiting.values():
            yield from self._seal(batch)

    def _seal(self, batch: list[tuple[str, str, Plain]]) -> Iterator[Result]:
        """Files of one shape together; where that fails, one by one."""
        try:
            made = self._sealer.seal([plain for _, _, plain in batch])
        except Exception as error:
            if len(batch) == 1:
                yield _refused(batch[0][0], error)
                return
            for one in batch:
                yield from self._seal([one])
            return
        for (path, name, plain), picture in zip(batch, made, strict=True):
            try:
                new = self._store.put(name, ".png", picture.write, system=self._sealer.entry.name)
                yield Result(path, MADE if new else ALREADY, read=len(plain.data))
            except Exception as error:
                yield _refused(path, error)

    def _open(self, path: str, name: str, data: bytes) -> Result:
        opened = self._opener.begin(data, Path(path).name).finish()
        if len(opened.files) > 1:
            raise Refusal(f"holds {len(opened.files)} files; decrypt it by itself")
        file, content = opened.files[0]
        suffix = PurePosixPath(file).suffix.lower()
        facts = {"original": file, "exact": opened.exact}
        new = self._store.put(name, suffix, lambda out: out.write(content), **facts)
        return Result(path, MADE if new else ALREADY, read=len(data))


def _refused(path: str, error: Exception) -> Result:
    refusal = explain(error, Path(path).name)
    return Result(path, REFUSED, str(refusal), int(refusal.code))
