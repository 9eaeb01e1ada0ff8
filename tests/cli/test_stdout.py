"""Whatever stdout is (unbuffered, full, a pipe that closes, another encoding), nothing is lost in silence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jaxcrypt.cli.output import Targets, is_stream, write_whole
from jaxcrypt.errors import ExitCode, Refusal

ROOT = Path(__file__).parents[2]
_BYTES = "import sys; from jaxcrypt.cli.command import entry; from jaxcrypt.cli.output import write_stdout\n"
_WRITES = _BYTES + "sys.exit(entry(lambda argv: write_stdout(bytes({count})) or 0))"
_PRINTS = _BYTES + "sys.exit(entry(lambda argv: print({text}) or 0))"
_unbuffered = pytest.mark.parametrize("unbuffered", [False, True])


def environment(unbuffered: bool, **more: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return plain | {"PYTHONPATH": str(ROOT)} | ({"PYTHONUNBUFFERED": "1"} if unbuffered else {}) | more


def run(program: str, unbuffered: bool, env=(), **options):
    env = environment(unbuffered, **dict(env))
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=env, stderr=subprocess.PIPE, timeout=60, **options)


def one_error(stderr: bytes, *words: str):
    (line,) = stderr.decode().splitlines()
    assert all(word in line for word in ("stdout: cannot be written", *words)), line


@_unbuffered
def test_a_file_that_may_not_grow_is_an_error(tmp_path, unbuffered):
    """A full disk takes what fits: write() says how much that was, and raises only when called again."""
    import resource

    def limit():
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (614_400, 614_400))

    with open(tmp_path / "out", "wb") as out:
        done = run(_WRITES.format(count=1_269_199), unbuffered, stdout=out, preexec_fn=limit)
    assert done.returncode == ExitCode.FAILED
    one_error(done.stderr)


@_unbuffered
@pytest.mark.parametrize("program", [_WRITES.format(count=3_000_000), _PRINTS.format(text="'x' * 3_000_000")])
def test_a_reader_that_goes_away_is_an_error(unbuffered, program):
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment(unbuffered),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert len(os.read(child.stdout.fileno(), 10)) == 10
    child.stdout.close()
    stderr = child.stderr.read()
    assert child.wait() == ExitCode.FAILED
    one_error(stderr, "reader went away")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@_unbuffered
@pytest.mark.parametrize("program", [_WRITES.format(count=10), _PRINTS.format(text="'a line'")])
def test_a_full_device_is_an_error(unbuffered, program):
    with open("/dev/full", "wb") as full:
        done = run(program, unbuffered, stdout=full)
    assert done.returncode == ExitCode.FAILED
    one_error(done.stderr, "No space left")


@_unbuffered
def test_everything_arrives_through_a_slow_pipe(unbuffered):
    program = _WRITES.format(count=700_000)
    done = run(program, unbuffered, stdout=subprocess.PIPE)
    assert (done.returncode, len(done.stdout), done.stderr) == (0, 700_000, b"")


@_unbuffered
@pytest.mark.parametrize("encoding", ["ascii", "cp1251", "utf-8"])
def test_names_that_stdout_cannot_encode_are_spelled_out(unbuffered, encoding):
    text = repr("5×6 Фото 写真 caf\udce9.png")
    env = {"PYTHONIOENCODING": encoding}
    done = run(_PRINTS.format(text=text), unbuffered, stdout=subprocess.PIPE, env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\udce9.png" in done.stdout
    assert ("\\xd7" in done.stdout.decode(encoding)) == (encoding != "utf-8")


def test_pipes_and_null_devices_are_written_to(tmp_path):
    assert is_stream(Path("/dev/null"))
    Targets([], force=False).claim(Path("/dev/null"))
    write_whole(Path("/dev/null"), lambda file: file.write(b"x"), force=True)
    assert is_stream(Path("/dev/null"))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    Targets([], force=True).claim(pipe)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
    write_whole(pipe, lambda file: file.write(b"through" * 1000), force=True)
    assert reader.communicate()[0] == b"through" * 1000
    assert is_stream(pipe)
    assert os.listdir(tmp_path) == ["pipe"]


def test_descriptors_are_written_to_whatever_they_are(tmp_path):
    """A rename would put a file in the place of /dev/stdout, and opening it anew would cut what is there."""
    with open(tmp_path / "log", "wb") as file:
        file.write(b"before ")
        file.flush()
        target = Path(f"/dev/fd/{file.fileno()}")
        (tmp_path / "link").symlink_to(target)
        for name in (target, tmp_path / "link"):
            Targets([], force=False).claim(name)
            write_whole(name, lambda out: out.write(b"more "), force=True)
    assert (tmp_path / "log").read_bytes() == b"before more more "
    assert (tmp_path / "link").is_symlink()


def test_sockets_are_refused_and_force_is_not_advised(tmp_path):
    import socket

    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        for force in (False, True):
            with pytest.raises(Refusal, match="device or socket") as refused:
                Targets([], force).claim(path)
            assert "--force" not in str(refused.value)


def test_a_regular_file_reached_by_a_link_is_none(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to("file")
    assert not is_stream(tmp_path / "link")
    assert not is_stream(tmp_path / "none")
