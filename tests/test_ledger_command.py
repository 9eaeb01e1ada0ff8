"""``jaxcrypt ledger`` from init to verify, and a recipient's name from keygen to decrypt."""

import json
import os
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from jaxcrypt import decrypt, encrypt, inspect, keygen, ledger, verify
from jaxcrypt.cli.ledger.watching import Requests, Tiles
from jaxcrypt.crypto.ledger import log, note, places, trust, witness
from jaxcrypt.errors import ExitCode, Refusal
from tests.crypto.ledger.world import World
from tests.support import photo


@pytest.fixture(autouse=True)
def at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def keys() -> None:
    """A ledger in the folder ``keys`` with the name alice."""
    assert ledger.main(["init", "keys", "--origin", "example.com/keys"]) == ExitCode.OK
    assert keygen.main(["--recipient", "me", "--publish", "keys", "--name", "alice"]) == ExitCode.OK


def served(handler: type) -> tuple[ThreadingHTTPServer, str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


def refused(capsys, *told: str) -> None:
    """Exactly one line was printed, and it says so."""
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    for each in told:
        assert each in lines[0]


def test_a_new_ledger_is_empty_and_witnessed(capsys):
    assert ledger.main(["init", "new", "--origin", "example.com/new"]) == ExitCode.OK
    assert ledger.main(["verify", "new"]) == ExitCode.OK
    assert ledger.main(["init", "new", "--origin", "example.com/new"]) == ExitCode.BAD_INPUT
    assert ledger.main(["init", "bare", "--origin", "example.com/bare", "--no-witness"]) == ExitCode.OK
    assert ledger.main(["show", "bare", "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["entries"] == 0


def test_a_picture_for_a_name_says_that_its_key_was_logged(keys, capsys):
    path = photo(Path("photo.png"))
    sealing = [str(path), "-o", "sealed.png", "--recipient", "alice", "--ledger", "keys"]
    assert encrypt.main(sealing) == ExitCode.OK
    opening = ["sealed.png", "--identity", "me", "--ledger-policy", "keys.policy"]
    capsys.readouterr()
    assert verify.main(opening) == ExitCode.OK
    assert "key of alice: entry 0 of 1 in example.com/keys, witnessed by" in capsys.readouterr().err
    assert decrypt.main([*opening, "-o", "back.png"]) == ExitCode.OK
    assert Path("back.png").read_bytes() == path.read_bytes()
    assert "key of alice" in capsys.readouterr().err
    assert inspect.main([*opening, "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out)["ledger"][0].startswith("key of alice")
    assert inspect.main(opening[:1]) == ExitCode.OK
    assert "alice" not in capsys.readouterr().out  # who shall open it is for nobody else
    assert b"alice" not in Path("sealed.png").read_bytes()


def test_a_picture_without_a_proof_is_refused_where_one_is_demanded(keys, capsys):
    encrypt.main([str(photo(Path("photo.png"))), "-o", "sealed.png", "--recipient", "me.pub"])
    capsys.readouterr()
    opening = ["sealed.png", "--identity", "me", "--ledger-policy", "keys.policy", "-o", "back.png"]
    assert decrypt.main(opening) == ExitCode.LEDGER
    refused(capsys, "sealed.png: carries no proof of a key ledger")
    assert not Path("back.png").exists()


def test_rotation_revocation_and_requests(keys, capsys):
    keygen.main(["--recipient", "new"])
    assert ledger.main(["rotate", "keys", "alice", "--to", "new.pub", "--owner", "me.owner"]) == ExitCode.OK
    asking = ["revoke", "keys", "alice", "--owner", "me.owner", "--request", "please"]
    assert ledger.main(asking) == ExitCode.OK
    assert ledger.main(["show", "keys", "alice"]) == ExitCode.OK
    assert "has its key from entry 1" in capsys.readouterr().out
    assert ledger.main(["publish", "keys", "--request", "please"]) == ExitCode.OK
    assert ledger.main(["publish", "keys", "--request", "please"]) == ExitCode.LEDGER  # a replay
    refused(capsys, "entry 3 about alice does not follow entry 2")
    sealing = [str(photo(Path("photo.png"))), "-o", "sealed.png", "--recipient", "alice", "--ledger", "keys"]
    assert encrypt.main(sealing) == ExitCode.LEDGER
    refused(capsys, "the key of alice is revoked, by entry 2")
    assert not Path("sealed.png").exists()


def test_whoever_does_not_own_a_name_changes_nothing(keys, capsys):
    keygen.main(["--signing", "mallory"])
    assert ledger.main(["revoke", "keys", "alice", "--owner", "mallory"]) == ExitCode.LEDGER
    capsys.readouterr()
    keygen.main(["--recipient", "other", "--publish", "keys", "--name", "alice"])
    refused(capsys, "alice: that name is taken in keys")
    assert not Path("other").exists()


def test_the_whole_ledger_verifies_and_damage_is_told(keys, capsys):
    assert ledger.main(["verify", "keys"]) == ExitCode.OK
    assert "whole: " in capsys.readouterr().out
    tile = Path("keys/tile/0/000.p/1")
    tile.write_bytes(bytes(32))
    assert ledger.main(["verify", "keys"]) == ExitCode.LEDGER
    refused(capsys, "tiles do not make its checkpoint's root")


def test_a_proof_is_written_and_checked_without_the_ledger(keys, capsys):
    assert ledger.main(["prove", "keys", "alice", "-o", "alice.tlog-proof"]) == ExitCode.OK
    Path("keys").rename("away")
    checking = ["verify", "keys.policy", "--proof", "alice.tlog-proof", "--key"]
    assert ledger.main([*checking, "me.pub"]) == ExitCode.OK
    assert "key of alice" in capsys.readouterr().out
    keygen.main(["--recipient", "other"])
    capsys.readouterr()
    assert ledger.main([*checking, "other.pub"]) == ExitCode.LEDGER
    refused(capsys, "is of another key than other.pub")


def test_weights_of_the_zoo_are_logged_once_and_compared(keys, capsys, monkeypatch):
    folder = Path("zoo")
    folder.mkdir()
    (folder / "small.safetensors").write_bytes(b"weights")
    monkeypatch.setattr("jaxcrypt.zoo.FOLDER", folder)
    assert ledger.main(["verify", "keys", "--weights"]) == ExitCode.LEDGER
    refused(capsys, "small.safetensors: was never logged")
    for _ in range(2):
        assert ledger.main(["publish", "keys", "--weights"]) == ExitCode.OK
    assert "keys: 2 entries" in capsys.readouterr().out
    assert ledger.main(["verify", "keys", "--weights"]) == ExitCode.OK
    (folder / "small.safetensors").write_bytes(b"other weights")
    assert ledger.main(["verify", "keys", "--weights"]) == ExitCode.LEDGER
    refused(capsys, "small.safetensors: another file than was logged")


def test_a_ledger_behind_a_url_needs_a_policy(keys, capsys):
    server, url = served(type("Keys", (Tiles,), {"folder": Path("keys")}))
    try:
        sealing = [str(photo(Path("photo.png"))), "-o", "sealed.png", "--recipient", "alice", "--ledger", url]
        assert encrypt.main(sealing) == ExitCode.USAGE
        refused(capsys, "name a policy's file")
        assert encrypt.main([*sealing[:-1], "keys.policy"]) == ExitCode.USAGE
        refused(capsys, "does not say where the ledger is")
        lines = Path("keys.policy").read_text().splitlines()
        named = [f"{line} {url}" if line.startswith("log ") else line for line in lines]
        Path("served.policy").write_text("\n".join(named))
        assert encrypt.main([*sealing[:-1], "served.policy"]) == ExitCode.OK
        fetch = places.opened(url)
        for path in (
            "../keys.policy",
            "keys.private/log.key",
            "tile/../../keys.policy",
            "tile/0",
            ".x",
            "blob",
        ):
            assert fetch(path) is None, path
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--recipient", "bob", "--ledger", "keys"], "no key of the name bob"),
        (["--recipient", "alice", "--ledger", "none"], "none"),
        (["--recipient", "./me.pub", "--ledger", "keys"], "name somebody in it with --recipient NAME"),
        (["--recipient", "me.pub", "--ledger-age", "3"], "goes with --ledger PLACE"),
        (["--recipient", "alice", "--ledger", "keys", "--ledger-age", "0"], "more than 0 days"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(keys, capsys, options, told):
    capsys.readouterr()
    assert encrypt.main([str(photo(Path("photo.png"))), "-o", "sealed.png", *options]) != ExitCode.OK
    refused(capsys, told)
    assert not Path("sealed.png").exists()


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["unknown", "keys"],
        ["init", "keys", "--origin", "two words"],
        ["publish", "keys", "--name", "bob"],
        ["publish", "nothing"],
        ["show", "keys", "bob"],
        ["rotate", "keys", "bob", "--to", "me.pub", "--owner", "me.owner"],
        ["verify", "keys", "--key", "me.pub"],
        ["verify", "keys", "--rpc", "http://127.0.0.1:1"],
        ["serve", "keys", "--listen", "here"],
        ["witness", "w"],
    ],
)
def test_bad_command_lines_are_refused_in_a_line(keys, capsys, options):
    capsys.readouterr()
    assert ledger.main(options) not in (ExitCode.OK, ExitCode.INTERNAL)
    refused(capsys)


def test_a_witness_on_another_machine(tmp_path, keys, capsys):
    assert ledger.main(["witness", "watcher", "--new", "example.org/w"]) == ExitCode.OK
    assert ledger.main(["witness", "watcher", "--knows", "keys.policy"]) == ExitCode.OK
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("witness ")]
    assert len(lines) == 2
    policy = Path("keys.policy").read_text().replace("group witnesses all witness", "")
    names = " ".join(line.split()[1] for line in lines)
    group = f"group elsewhere all {names}\ngroup witnesses all witness elsewhere"
    Path("both.policy").write_text(policy.replace("quorum", "\n".join([*lines, group, "quorum"])))
    assert ledger.main(["verify", "keys", "--policy", "both.policy"]) == ExitCode.LEDGER
    refused(capsys, "not witnessed")
    server, url = served(type("Watcher", (Requests,), {"witness": witness.Witness(Path("watcher"))}))
    try:
        Path("keys.private/witnesses").write_text(f"witness\n{url}\n")
        assert ledger.main(["publish", "keys"]) == ExitCode.OK
        assert (
            ledger.main(["publish", "keys"]) == ExitCode.OK
        )  # it has seen that tree: asked again from there
        assert ledger.main(["verify", "keys", "--policy", "both.policy"]) == ExitCode.OK
        capsys.readouterr()
        other = World(tmp_path)
        with (
            log.opened(other.folder) as opened,
            pytest.raises(Refusal, match=r"refuses \(40[34]"),
        ):
            opened.publish([witness.RemoteWitness(url)])
    finally:
        server.shutdown()
        server.server_close()
    assert ledger.main(["publish", "keys"]) == ExitCode.FAILED
    refused(capsys, "cannot be asked")


def test_a_witness_cosigns_a_folder_by_itself(keys, capsys):
    ledger.main(["witness", "watcher", "--new", "example.org/w"])
    assert ledger.main(["witness", "watcher", "--knows", "keys.policy", "--cosign", "keys"]) == ExitCode.OK
    assert ledger.main(["witness", "watcher", "--cosign", "keys"]) == ExitCode.OK
    signed = note.decode(Path("keys/checkpoint").read_bytes())
    assert sorted(line.name for line in signed.signatures).count("example.org/w") == 2
    assert trust.read("keys.policy").check(signed.encode(), "keys").head.size == 1


@pytest.mark.parametrize("command", [["serve", "keys"], ["witness", "keys.private/witness"]])
def test_servers_listen_where_they_are_told(keys, command):
    root = Path(ledger.__file__).parents[1]
    started = [sys.executable, "-m", "jaxcrypt.ledger", *command, "--listen", "127.0.0.1:0"]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(started, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            says = process.stdout.readline()
            url = says.split("http://")[1].split(";")[0]
            if command[0] == "serve":
                fetched = places.opened(f"http://{url}")(places.CHECKPOINT)
                assert fetched == Path("keys/checkpoint").read_bytes()
            else:
                with pytest.raises(Refusal, match="refuses"):
                    witness.RemoteWitness(f"http://{url}").add_checkpoint(0, [], b"nothing")
        finally:
            process.terminate()
            process.wait(30)
