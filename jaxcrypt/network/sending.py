"""A run of ``send`` over many pictures: each planned, sealed and sent, several at once.

Whatever one picture raises costs the run that picture only; a receiver that is not whom it should be ends it.
"""

from __future__ import annotations

import asyncio
import io
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from jaxcrypt import runtime
from jaxcrypt.crypto import header, jpegfile, pngreader
from jaxcrypt.crypto.recipients import Recipient
from jaxcrypt.crypto.signing import Signer
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.network import flags, policy
from jaxcrypt.network.client import Receipt, Sender, picture_id
from jaxcrypt.network.policy import Device, Needs, Plan
from jaxcrypt.network.transcript import Offer, Suspicious
from jaxcrypt.sealing.carriers import travel
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.sealing.travelling import sealer_for
from jaxcrypt.systems import catalog

_MEASURED_ON = 2  # cores that the catalog's costs were measured on


@dataclass(frozen=True)
class Sealing:
    """How pictures are sealed before they are sent.

    Attributes:
      keys: None where only those that the receiver offers shall open.
      signer: signs pictures and session.
      needs: what plans are made from; patience: seconds that a picture may take.
      inputs: further inputs by name; hide_size: whatever the plan says; device: where to compute.
    """

    keys: Keys | None
    signer: Signer
    needs: Needs
    patience: float
    inputs: dict[str, str]
    hide_size: bool
    device: str


class Sealers:
    """Makes plans, and seals by them. Blocking; one thread at a time.

    Args:
      told: called with a line of a plan that differs from the one before, or of what to know of it.
    """

    def __init__(self, sealing: Sealing, offer: Offer, told: Callable[[str], None]):
        if header.VERSION not in offer.formats:
            raise Refusal(f"the receiver reads no sealed pictures of version {header.VERSION}")
        self._sealing, self._told, self._plan = sealing, told, None
        self._needs = replace(sealing.needs, among=frozenset(offer.systems))
        self._keys = _keys(sealing.keys, offer)
        self._made: dict[Any, Any] = {}

    def seal(self, data: bytes, name: str, sender: Sender) -> tuple[bytes, str]:
        """``(sealed bytes, how in words)``; what is sealed already stays as it is.

        Raises:
          Refusal: no picture, or none that a plan is found for.
        """
        if _is_sealed(data):
            return data, "sealed before"
        photo, device = flags.photo(data, name), Device((os.cpu_count() or 1) / _MEASURED_ON)
        network = sender.meter.belief.believed
        plan = policy.choose(self._needs, sender.level(), network, photo, device, self._sealing.patience)
        if self._plan is None or plan.words() != self._plan.words() or plan.floor != self._plan.floor:
            for line in (f"plan: {plan.words()}", *(f"because: {reason}" for reason in plan.reasons)):
                self._told(line)
        self._plan = plan
        sealer = self._sealer(plan)
        (picture,) = sealer.seal([sealer.read(data, name)])
        file = io.BytesIO()
        picture.write(file)
        return file.getvalue(), plan.words()

    def _sealer(self, plan: Plan) -> Any:
        key = (plan.system, plan.options, plan.pixels_only, plan.floor)
        if key not in self._made:
            options = dict(plan.options)
            own = {"options": options, "inputs": self._sealing.inputs}
            sealer = sealer_for(
                self._keys.anew(flags.argon(plan)),
                plan.system,
                None,
                travel(catalog.entry(plan.system), options),
                own,
                pixels_only=plan.pixels_only,
                signer=self._sealing.signer,
                hide_size=self._sealing.hide_size or plan.floor.hide_size,
            )
            runtime.prepare(self._sealing.device)
            for note in sealer.notes():
                self._told(f"note: {note}")
            self._made[key] = sealer
        return self._made[key]


def _keys(keys: Keys | None, offer: Offer) -> Keys:
    """The user's keys; where none are given, those that the receiver offers under its signature."""
    if keys is not None:
        return keys
    if not offer.recipients:
        raise usage("the receiver offers no recipient key: give one, such as --recipient or --key-file")
    return Keys(recipients=[Recipient(public) for public in offer.recipients])


def _is_sealed(data: bytes) -> bool:
    if jpegfile.is_sealed(data):
        return True
    try:
        return pngreader.read(data).header is not None
    except Refusal:
        return False


class SendRun:
    """What is the same for all pictures of a run.

    Args:
      sender: the receiver, as it is reached; sealing: how; report: of :mod:`jaxcrypt.cli.jobs`.
      parallel: pictures under way at once.
    """

    def __init__(self, sender: Sender, sealing: Sealing, report: Any, parallel: int):
        self._sender, self._sealing, self._report = sender, sealing, report
        self._parallel, self._shares = parallel, {}
        self._thread = ThreadPoolExecutor(1, "seal")
        self._bytes = 0

    async def work(self, jobs: list[Any], explain: Callable[[Exception, str], Refusal]) -> int:
        """All of them; returns the exit code.

        Args:
          explain: whatever was raised, as a refusal.

        Raises:
          Refusal: the receiver cannot be reached, or is not whom it should be.
        """
        started, self._loop = time.monotonic(), asyncio.get_running_loop()
        async with self._sender:
            offer = (await self._sender.welcome()).offer
            sealers = Sealers(self._sealing, offer, self._tell)
            queue = iter(jobs)
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._parallel, len(jobs))):
                    group.create_task(self._worker(queue, sealers, explain))
        self._thread.shutdown()
        seconds = time.monotonic() - started
        rate = f"{self._bytes * 8 / seconds / 1e6:.3g} Mbit/s"
        self._report.note(f"{self._bytes / 1e6:.3g} MB in {seconds:.1f} s, {rate}")
        return self._report.close()

    async def _worker(self, queue: Any, sealers: Sealers, explain: Callable) -> None:
        for job in queue:
            try:
                await self._one(job, sealers)
            except Suspicious:
                raise
            except Exception as error:
                refusal = explain(error, job.name)
                self._report.refused(job, refusal)

    async def _one(self, job: Any, sealers: Sealers) -> None:
        loop, name = asyncio.get_running_loop(), job.file_name
        data = await loop.run_in_executor(self._thread, job.read)
        picture = picture_id(self._sealing.signer, data, name)
        receipt = (
            None if _is_sealed(data) else await self._sender.kept(picture)
        )  # before it is sealed in vain
        if receipt is not None:
            kept = ", ".join(receipt.files)
            self._report.told(job, f"is there already, as {kept}", kept=list(receipt.files), before=True)
            return
        made, how = await loop.run_in_executor(self._thread, sealers.seal, data, name, self._sender)
        started = time.monotonic()
        try:
            receipt = await self._sender.send(
                made, picture, lambda at: self._progress(picture, at / len(made))
            )
        finally:
            self._shares.pop(picture, None)
        self._acknowledged(job, how, len(made), time.monotonic() - started, receipt)

    def _acknowledged(self, job: Any, how: str, size: int, seconds: float, receipt: Receipt) -> None:
        self._bytes += size
        rate = f"{size / 1e6:.3g} MB in {seconds:.1f} s, {size * 8 / seconds / 1e6:.3g} Mbit/s"
        kept = ", ".join(receipt.files)
        facts = {"kept": list(receipt.files), "bytes": size, "seconds": round(seconds, 3), "plan": how}
        self._report.told(job, f"kept as {kept} ({how}; {rate})", **facts)

    def _progress(self, picture: str, share: float) -> None:
        self._shares[picture] = share
        throughput = self._sender.meter.network().throughput
        says = "" if throughput is None else f"{throughput * 8 / 1e6:.3g} Mbit/s"
        self._report.under_way(sum(self._shares.values()), says)

    def _tell(self, line: str) -> None:
        """From the thread that seals."""
        self._loop.call_soon_threadsafe(self._report.note, line)
