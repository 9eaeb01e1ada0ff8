"""The commands themselves, over loopback: a receiver that is killed, and goes on."""

import json
import os
import re
import signal
import subprocess

import pytest

from jaxcrypt.network.client import picture_id
from tests.network.place import picture_file, run, seal

pytestmark = pytest.mark.timeout(180)


class Command:
    """``warm jaxcrypt.receive``, in a process of its own."""

    def __init__(self, warm, folder, port=0):
        command = [warm, "jaxcrypt.receive", "--listen", f"127.0.0.1:{port}", "-o", "inbox"]
        command += ["--sign", "rx", "--identity", "mine", "--allow", "alice.pub"]
        how = {"cwd": folder, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        for _ in range(10):  # somebody may have the port for a moment
            self.process = subprocess.Popen(command, **how)
            if line := self.process.stdout.readline():
                break
            self.process.wait(30)
        self.port, self.fingerprint = re.fullmatch(
            r"listening on 127\.0\.0\.1:(\d+), fingerprint (SHA256:\w+)\n", line
        ).groups()

    def end(self, number=signal.SIGKILL) -> int:
        self.process.send_signal(number)
        code = self.process.wait(30)
        self.process.stdout.close()
        return code


@pytest.fixture
def folder(tmp_path, receiver, alice, identity):
    (tmp_path / "rx").write_text(receiver.text())
    (tmp_path / "mine").write_text(identity.text())
    (tmp_path / "alice").write_text(alice.text())
    (tmp_path / "alice.pub").write_text(alice.verifier().text())
    return tmp_path


def test_pictures_arrive_once_across_receivers_that_are_killed(warm, folder, place, alice, known):
    files = {f"{n}.png": picture_file(n, side=160) for n in range(12)}
    made = {name: seal(place.sealing, data, name) for name, data in files.items()}

    async def work():
        import asyncio

        command = Command(warm, folder)
        place.port = int(command.port)
        left = len(made)

        async def one(sender, name):
            nonlocal left
            receipt = await sender.send(made[name], picture_id(alice, files[name], name))
            left -= 1
            return receipt

        async with place.sender(alice, known, give_up=60.0) as sender:
            tasks = [asyncio.create_task(one(sender, name)) for name in made]
            for goal in (9, 5):
                while left > goal:
                    await asyncio.sleep(0.002)
                command.end()
                command = await asyncio.to_thread(Command, warm, folder, place.port)
            receipts = await asyncio.gather(*tasks)
        code = await asyncio.to_thread(command.end, signal.SIGTERM)
        return receipts, code

    receipts, code = run(work(), 150)
    assert code == 0
    assert place.files() == {f"alice/{name}": data for name, data in files.items()}
    assert sorted(name for receipt in receipts for name in receipt.files) == sorted(place.files())


def test_send_as_a_command_seals_for_the_receiver_and_says_so(warm, folder, place):
    (folder / "photo.png").write_bytes(picture_file(5))
    command = Command(warm, folder)
    send = [warm, "jaxcrypt.send", "photo.png", f"127.0.0.1:{command.port}", "--sign", "alice"]
    send += ["--known", "known.json", "--json"]
    how = {"cwd": folder, "capture_output": True, "text": True, "timeout": 120}
    done = subprocess.run([*send, "--fingerprint", command.fingerprint], **how)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["kept"] == ["alice/photo.png"]
    assert "pixels must rest on a standard cipher" in done.stderr
    again = subprocess.run(send, **how)
    assert again.returncode == 0, again.stderr
    assert "is there already" in again.stderr
    wrong = subprocess.run([*send, "--fingerprint", "SHA256:" + "0" * 64], **how)
    assert wrong.returncode == 7
    assert wrong.stderr.count("\n") == 1
    command.end()
    assert place.files() == {"alice/photo.png": picture_file(5)}


def test_two_receivers_cannot_share_an_inbox(warm, folder):
    command = Command(warm, folder)
    second = [warm, "jaxcrypt.receive", "--listen", "127.0.0.1:0", "-o", "inbox", "--sign", "rx"]
    second += ["--identity", "mine", "--allow", "alice.pub"]
    done = subprocess.run(second, cwd=folder, capture_output=True, text=True, timeout=60)
    command.end()
    assert done.returncode == 1
    assert "another receiver works there" in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(folder / "inbox") == [".jaxcrypt"]
