"""Model cards, and the command that lists, shows, verifies and downloads weights."""

import hashlib
import json
import struct

import pytest

from jaxcrypt import zoo
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.zoo import __main__ as command
from jaxcrypt.zoo import cards

CARD = "# far: weights from afar\n\n<!-- from manifest.json -->\n<!-- by hand -->\n" + "".join(
    f"\n## {name}\n\nWords.\n" for name in cards.SECTIONS
)


def weights(*shapes):
    """A file of safetensors with zeros of these shapes, written by hand."""
    head, at = {"__metadata__": {"format": "pt"}}, 0
    for index, shape in enumerate(shapes):
        size = 4
        for extent in shape:
            size *= extent
        head[str(index)] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + bytes(at)


@pytest.fixture
def far(tmp_path, monkeypatch):
    """A zoo of one entry whose file lies elsewhere, with a card; and a cache of its own."""
    data = weights((3, 4), (5,))
    (tmp_path / "far.safetensors").write_bytes(data)
    entry = {
        "name": "far",
        "system": "denoiser",
        "config": {"train": {"seed": 7, "batch_size": 2}},
        "data": {"mix": {"faces": {"path": "faces64/train"}}},
        "steps": 1200,
        "metrics": {"validation/psnr": 31.25, "validation_raw/psnr": 99.0},
        "url": (tmp_path / "far.safetensors").as_uri(),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    (tmp_path / "cards").mkdir()
    (tmp_path / "cards" / "far.md").write_text(CARD)
    monkeypatch.setattr(zoo, "manifest", lambda folder=None: {"far": entry})
    monkeypatch.setattr(cards, "FOLDER", tmp_path / "cards")
    monkeypatch.setenv("JAXCRYPT_CACHE", str(tmp_path / "cache"))
    return entry


def test_every_shipped_file_has_a_card_that_says_what_the_manifest_says(capsys):
    assert command.main(["cards", "--check"]) == ExitCode.OK, "python -m jaxcrypt.zoo cards"
    entries = zoo.manifest()
    assert {path.stem for path in cards.FOLDER.glob("*.md")} == set(entries)
    for name, entry in entries.items():
        card = cards.read(name)
        assert entry["sha256"] in card
        trained_on = json.dumps(entry["data"])
        assert ("non-commercial research.**" in card) == ("celeba" in trained_on or "faces64" in trained_on)
        assert "pictures of the user" not in card


def test_list_show_verify_the_shipped_ones(capsys):
    assert command.main(["list"]) == ExitCode.OK
    assert len(capsys.readouterr().out.splitlines()) == len(zoo.manifest())
    assert command.main(["list", "--json"]) == ExitCode.OK
    assert {json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()} == set(zoo.manifest())
    assert command.main(["show", "denoiser"]) == ExitCode.OK
    assert "## Known limits" in capsys.readouterr().out
    assert command.main(["verify", "stego"]) == ExitCode.OK
    assert "as the manifest says" in capsys.readouterr().out


def test_facts_come_from_the_manifest_alone(far):
    fresh = cards.renewed(far, CARD, weights((3, 4), (5,)))
    for fact in ("1,200 steps, batch 2, seed 7", "| parameters | 17 |", "| psnr | 31.25 |", far["sha256"]):
        assert fact in fresh
    assert "99" not in fresh.partition("validation")[2]
    assert "for non-commercial research" in fresh
    assert cards.renewed(far, fresh, weights((3, 4), (5,))) == fresh
    assert fresh.endswith(CARD[CARD.index("\n## ") :])


def test_old_cards_are_told_and_written_anew(far, capsys):
    assert command.main(["cards", "--check"]) == ExitCode.FAILED
    assert "far" in capsys.readouterr().err
    assert command.main(["cards"]) == ExitCode.OK
    assert command.main(["cards", "--check"]) == ExitCode.OK
    far["steps"] = 1300
    assert command.main(["cards", "--check"]) == ExitCode.FAILED


@pytest.mark.parametrize("lacking", ["<!-- by hand -->", "\n## Biases\n"])
def test_a_card_without_its_parts_is_refused(far, lacking):
    with pytest.raises(Refusal, match="lacks"):
        cards.renewed(far, CARD.replace(lacking, ""))
    with pytest.raises(Refusal, match="no model card"):
        cards.read("nothing")


def test_download_and_verify(far, capsys):
    assert command.main(["verify"]) == ExitCode.OK
    assert "not downloaded yet" in capsys.readouterr().out
    assert command.main(["download"]) == ExitCode.OK
    assert zoo.place(far).is_file()
    assert command.main(["verify"]) == ExitCode.OK
    assert "as the manifest says" in capsys.readouterr().out
    zoo.place(far).write_bytes(b"altered")
    assert command.main(["verify"]) == ExitCode.TAMPERED
    assert "damaged or altered" in capsys.readouterr().err
    assert zoo.place(far).read_bytes() == b"altered"


def test_a_download_that_is_something_else_is_refused(far, capsys):
    far["sha256"] = "0" * 64
    assert command.main(["download", "far"]) == ExitCode.TAMPERED
    assert not zoo.place(far).exists()
    assert capsys.readouterr().err.count("\n") == 1


def test_usage(capsys):
    for argv in (["show"], ["show", "nothing"], ["list", "--check"], ["verify", "--json"], ["fly"], []):
        assert command.main(argv) == ExitCode.USAGE, argv
        assert capsys.readouterr().err.count("\n") == 1


def test_what_is_no_file_of_weights():
    for data in (b"", bytes(8), struct.pack("<Q", 1 << 40) + b"{}", b"x" * 40):
        with pytest.raises(Refusal):
            cards.parameters(data)
