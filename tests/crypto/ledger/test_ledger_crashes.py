"""Appends that are killed at random moments."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jaxcrypt.crypto.ledger import checkpoint, log, note, places
from tests.crypto.ledger.world import World

ROOT = Path(__file__).parents[3]
APPENDS = """
import sys
from pathlib import Path
from jaxcrypt.crypto.ledger import log, witness
from tests.crypto.ledger.world import filler
folder, number = Path(sys.argv[1]), int(sys.argv[2])
seen = witness.Witness(folder.parent / "w1")
with log.opened(folder) as opened:
    start = opened.head.size
    print("open", flush=True)
    while True:
        opened.append([filler(opened.head.size + each) for each in range(number)])
        opened.publish([seen])
"""


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is of POSIX")
def test_kill_9_at_any_moment_leaves_a_sound_log(tmp_path):
    world, rng, before = World(tmp_path), random.Random(9), 0
    client = world.client("memory")
    for turn in range(6):
        command = [sys.executable, "-c", APPENDS, str(world.folder), str(rng.choice([1, 3, 100, 300]))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stdout.readline() == b"open\n"
            time.sleep(rng.uniform(0.01, 0.25))
            os.kill(process.pid, signal.SIGKILL)
            process.wait(60)
        shown = shown_to_clients(world)
        assert shown.size >= before, turn
        before = shown.size
        client.refresh()  # signed, witnessed, and continues what this client saw
        with log.opened(world.folder) as opened:  # its root fits its tiles, its index its tree
            assert opened.head.size >= shown.size
            assert opened.reader().root(shown.size) == shown.root
            assert opened.names.frontier.root() == opened.head.root
            opened.publish([world.witness])
    assert before > 0
    assert [world.client().refresh().head.size] == [shown_to_clients(world).size]


def shown_to_clients(world: World) -> checkpoint.Checkpoint:
    return checkpoint.decode(note.decode((world.folder / places.CHECKPOINT).read_bytes()).body)
