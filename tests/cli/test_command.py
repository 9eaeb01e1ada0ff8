"""What every command shares: output on a terminal that cannot spell everything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("encoding", ["ascii", "cp1251"])
def test_what_the_terminal_cannot_spell_is_spelled_out(encoding):
    program = (
        "import sys; from jaxcrypt.cli import command\n"
        r"def main(_): print('24×24 bytes of \udcff.png', 'σ'); return 0" + "\n"
        "sys.exit(command.entry(main))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [b"24\\xd724", b"bytes", b"of", b"\\udcff.png", b"\\u03c3"]
