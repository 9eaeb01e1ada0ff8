"""Roots in a contract, in an EVM in this process: what the chain refuses, and what it shows."""

import json
import warnings

import pytest

from jaxcrypt.crypto.cursor import Malformed
from jaxcrypt.crypto.ledger import checkpoint, merkle, note, places, tiles
from jaxcrypt.errors import ExitCode, Refusal
from tests.crypto.ledger.rpc import served
from tests.crypto.ledger.world import ORIGIN, World, filler

REASON = "pip install 'jaxcrypt[ledger]' eth-tester py-evm: an EVM in this process"
pytest.importorskip("web3", reason=REASON)
pytest.importorskip("eth", reason=REASON)
pytest.importorskip("eth_tester", reason=REASON)

from jaxcrypt.crypto.ledger import anchor  # noqa: E402


@pytest.fixture(scope="module")
def node():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from web3 import EthereumTesterProvider, Web3

        return Web3(EthereumTesterProvider())


@pytest.fixture
def world(tmp_path) -> World:
    made = World(tmp_path)
    made.fill(5)
    return made


def state(world: World):
    """A ledger's witnessed checkpoint and its tree."""
    seen = world.policy.check((world.folder / places.CHECKPOINT).read_bytes(), "ledger")
    return seen, tiles.TileReader(places.opened(str(world.folder)), seen.head.size)


def tree(count: int, salt: bytes = b"") -> tiles.TileReader:
    """A tree in memory."""
    files: dict[str, bytes] = {}
    files |= tiles.TileWriter(tiles.TileReader(files.get, 0)).append([salt + b"%d" % n for n in range(count)])
    return tiles.TileReader(files.get, count)


def head(reader: tiles.TileReader, size: int, origin: str = ORIGIN) -> checkpoint.Checkpoint:
    return checkpoint.Checkpoint(origin, size, reader.root(size))


def test_the_chain_and_the_ledger_agree(node, world):
    chain = anchor.Chain.deploy(node, ORIGIN)
    seen, reader = state(world)
    with pytest.raises(Refusal, match=r"nothing of example.com/keys is anchored"):
        chain.check(seen, reader)
    chain.add(seen.head, reader)
    world.fill(300, 5)
    seen, reader = state(world)
    assert [each.size for each in chain.check(seen, reader)] == [5]
    chain.add(seen.head, reader)
    again = anchor.Chain(node, chain.address)
    assert [(each.size, each.root) for each in again.check(seen, reader)] == [
        (5, reader.root(5)),
        (305, reader.root()),
    ]
    with pytest.raises(Refusal, match="305 entries are anchored already"):
        chain.add(seen.head, reader)


def test_a_ledger_that_was_rolled_back_or_forked_is_refused(node, world, tmp_path):
    chain = anchor.Chain.deploy(node, ORIGIN)
    old = state(world)
    world.fill(3, 5)
    chain.add(*state_head(world))
    with pytest.raises(Refusal, match="rollback: shows 5 entries, and 8 were anchored") as refused:
        chain.check(*old)
    assert refused.value.code == ExitCode.LEDGER
    (tmp_path / "fork").mkdir()
    fork = World(tmp_path / "fork")  # operator and witness together tell another story
    fork.fill(20, 1000)
    with pytest.raises(Refusal, match="split view: its first 8 entries have another root than was anchored"):
        chain.check(*state(fork))
    with pytest.raises(Refusal, match="not consistent with the anchor before"):
        chain.add(*state_head(fork))


def state_head(world: World):
    seen, reader = state(world)
    return seen.head, reader


def test_the_contract_checks_proofs_as_the_library_does(node):
    reader, other = tree(40), tree(40, b"other ")
    for sizes in [(1, 2, 3, 4, 7, 8, 13, 40), (5, 6, 32, 33), (16, 31)]:
        chain = anchor.Chain.deploy(node, ORIGIN)
        for size in sizes:
            chain.add(head(reader, size), reader)
        assert [each.size for each in chain.anchors()] == list(sizes)
    chain = anchor.Chain.deploy(node, ORIGIN)
    chain.add(head(reader, 6), reader)
    anchored = chain._contract.functions.anchor
    path = merkle.consistency(reader.node, 6, 13)
    wrong = [(13, other.root(13), path), (13, reader.root(13), path[:-1]), (13, reader.root(13), [])]
    wrong += [(13, reader.root(13), [*path, bytes(32)])]
    wrong += [(13, reader.root(13), [*path[:at], bytes(32), *path[at + 1 :]]) for at in range(len(path))]
    wrong += [(5, reader.root(5), []), (13, other.root(13), merkle.consistency(other.node, 6, 13))]
    for case in wrong:
        with pytest.raises(Malformed):
            merkle.check_consistency(6, case[0], case[2], reader.root(6), case[1])
        with pytest.raises(Refusal, match="the contract refuses"), anchor._explained("chain"):
            anchored(*case).call({"from": node.eth.accounts[0]})
    with pytest.raises(Refusal, match="a ledger only grows"), anchor._explained("chain"):
        anchored(6, reader.root(6), []).call({"from": node.eth.accounts[0]})
    chain.add(head(reader, 13), reader)


def test_only_the_publisher_anchors_and_only_this_ledger(node):
    reader = tree(4)
    chain = anchor.Chain.deploy(node, ORIGIN)
    call = chain._contract.functions.anchor(4, reader.root(), [])
    with pytest.raises(Refusal, match="only the publisher anchors"), anchor._explained("chain"):
        call.transact({"from": node.eth.accounts[1]})
    with pytest.raises(Refusal, match=r"anchors another ledger than example.com/else"):
        chain.add(head(reader, 4, "example.com/else"), reader)
    with pytest.raises(Refusal, match="there is no contract"):
        anchor.Chain(node, node.eth.accounts[1])


def test_an_account_of_ones_own_signs(node):
    secret = bytes.fromhex("11" * 32)
    account = node.eth.account.from_key(secret)
    node.eth.send_transaction({"from": node.eth.accounts[0], "to": account.address, "value": 10**18})
    reader = tree(9)
    chain = anchor.Chain.deploy(node, ORIGIN, secret)
    chain.add(head(reader, 9), reader)
    assert [each.size for each in anchor.Chain(node, chain.address).anchors()] == [9]
    assert chain._contract.functions.PUBLISHER().call() == account.address


def test_the_command_anchors_and_verifies_over_http(node, tmp_path, monkeypatch, capsys):
    from jaxcrypt import ledger

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    assert ledger.main(["init", "keys", "--origin", ORIGIN]) == ExitCode.OK
    (tmp_path / "payer").write_text(f"0x{'22' * 32}\n")
    payer = node.eth.account.from_key("22" * 32).address
    node.eth.send_transaction({"from": node.eth.accounts[0], "to": payer, "value": 10**18})
    add_to(tmp_path / "keys", 3)
    capsys.readouterr()
    with served(node) as url:
        chain = ["--rpc", url]
        assert ledger.main(["anchor", "keys", *chain, "--deploy", "--account-key", "payer"]) == ExitCode.OK
        address = capsys.readouterr().out.split()[1].rstrip(":")
        add_to(tmp_path / "keys", 300)
        chain += ["--contract", address]
        assert ledger.main(["anchor", "keys", *chain]) == ExitCode.LEDGER  # another account's contract
        assert "only the publisher anchors" in capsys.readouterr().err
        assert ledger.main(["anchor", "keys", *chain, "--account-key", "payer"]) == ExitCode.OK
        assert ledger.main(["verify", "keys", *chain]) == ExitCode.OK
        assert "the chain agrees: 2 roots, the newest of 303 entries" in capsys.readouterr().out
        assert ledger.main(["verify", "keys", "--rpc", url]) == ExitCode.USAGE
        assert ledger.main(["anchor", "keys", "--rpc", url]) == ExitCode.USAGE
        (tmp_path / "payer").write_text("no key")
        assert ledger.main(["anchor", "keys", *chain, "--account-key", "payer"]) == ExitCode.BAD_INPUT
    assert ledger.main(["verify", "keys", *chain]) == ExitCode.FAILED
    assert "no Ethereum node answers there" in capsys.readouterr().err


def add_to(folder, count: int) -> None:
    from jaxcrypt.cli.ledger.writing import witnesses
    from jaxcrypt.crypto.ledger import log

    with log.opened(folder) as opened:
        opened.append([filler(opened.head.size + each) for each in range(count)])
        opened.publish(witnesses(folder))
        assert checkpoint.decode(note.decode((folder / places.CHECKPOINT).read_bytes()).body).size


def test_the_compiled_contract_is_what_its_source_compiles_to():
    pytest.importorskip("vyper", reason="pip install vyper==0.4.3: the contract's compiler")
    from vyper import __version__
    from vyper.compiler import compile_code

    if not __version__.startswith("0.4.3"):
        pytest.skip(f"vyper {__version__}; 0.4.3 compiled the contract")
    made = compile_code(anchor.SOURCE.read_text(), output_formats=["abi", "bytecode"])
    kept = json.loads(anchor.COMPILED.read_bytes())
    assert kept["bytecode"] == made["bytecode"]
    assert kept["abi"] == json.loads(json.dumps(made["abi"]))
