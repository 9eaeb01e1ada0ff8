"""encrypt --hide-names: nothing on disk tells a name or a folder; decrypt gives both back."""

import json
import re

import pytest
from PIL import Image

import jaxcrypt
from jaxcrypt import decrypt, encrypt, inspect, keygen
from jaxcrypt.errors import ExitCode
from jaxcrypt.sealing.seal import Sealer
from tests.support import photo


@pytest.fixture
def photos(tmp_path):
    for place in ("", "2024/summer", "2024/winter"):
        (tmp_path / "photos" / place).mkdir(parents=True, exist_ok=True)
    photo(tmp_path / "photos" / "a.jpg", (24, 16))
    photo(tmp_path / "photos" / "2024" / "summer" / "b.png", (16, 24))
    photo(tmp_path / "photos" / "2024" / "winter" / "b.png", (24, 24))
    return tmp_path / "photos"


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_folders_and_names_come_back(photos, key, tmp_path):
    sealed, back = tmp_path / "sealed", tmp_path / "back"
    argv = [
        str(photos),
        "-o",
        str(sealed),
        "--key-file",
        key,
        "--hide-names",
        "--write-header",
        f"{tmp_path}/h/",
    ]
    assert encrypt.main(argv) == ExitCode.OK
    names = sorted(path.name for path in sealed.iterdir())
    assert len(names) == 3
    assert all(re.fullmatch(r"[0-9a-f]{16}\.png", name) for name in names)
    assert sorted(path.name for path in (tmp_path / "h").iterdir()) == [f"{name}.hdr" for name in names]
    everything = b"".join(contents(sealed).values())
    assert not any(word in everything for word in (b"summer", b"winter", b"a.jpg"))
    assert decrypt.main([str(sealed), "-o", str(back), "--key-file", key]) == ExitCode.OK
    assert contents(back) == contents(photos)


def test_a_run_is_resumed(photos, key, tmp_path, capsys):
    sealed, back = tmp_path / "sealed", tmp_path / "back"
    argv = [str(photos), "-o", str(sealed), "--key-file", key, "--hide-names", "--skip-existing"]
    assert encrypt.main(argv) == ExitCode.OK
    before = contents(sealed)
    photo(photos / "new.png", (12, 12))
    assert encrypt.main(argv) == ExitCode.OK
    assert before.items() < contents(sealed).items()
    assert len(contents(sealed)) == 4
    assert capsys.readouterr().err.count("exists, skipped") == 3
    again = [str(sealed), "-o", str(back), "--key-file", key, "--skip-existing"]
    assert decrypt.main(again) == ExitCode.OK
    assert decrypt.main(again) == ExitCode.OK
    assert capsys.readouterr().err.count("exists, skipped") == 4


def test_one_picture_gets_its_name_beside_it(photos, key):
    assert encrypt.main([str(photos / "a.jpg"), "--key-file", key, "--hide-names"]) == ExitCode.OK
    (made,) = photos.glob("*.png")
    plain = (photos / "a.jpg").read_bytes()
    (photos / "a.jpg").unlink()
    assert decrypt.main([str(made), "--key-file", key]) == ExitCode.OK
    assert (photos / "a.jpg").read_bytes() == plain


def test_folders_that_a_stranger_chose_stay_below(key, tmp_path):
    keys = jaxcrypt.Keys(key_file=key)
    sealer = Sealer(keys)
    data = photo(tmp_path / "a.jpg", (24, 16)).read_bytes()
    (made,) = sealer.seal([sealer.read(data, "a.jpg", folder=("..", "/etc", "CON", ".ssh"))])
    with (tmp_path / "sealed.png").open("wb") as file:
        made.write(file)
    argv = [str(tmp_path / "sealed.png"), "-o", f"{tmp_path / 'back'}/", "--key-file", key]
    assert decrypt.main(argv) == ExitCode.OK
    (written,) = contents(tmp_path / "back")
    assert written.as_posix() == "picture/_etc/_CON/_ssh/a.jpg"


def test_refusals(photos, key, tmp_path, capsys):
    keygen.main(["--recipient", str(tmp_path / "friend")])
    public = str(tmp_path / "friend.pub")
    out = ["-o", str(tmp_path / "out")]
    capsys.readouterr()
    for argv, says in (
        ([str(photos / "a.jpg"), "-o", str(tmp_path / "x.png"), "--key-file", key], "chooses the name"),
        ([str(photos), *out, "--recipient", public, "--skip-existing"], "public keys cannot tell"),
    ):
        assert encrypt.main([*argv, "--hide-names"]) == ExitCode.USAGE
        assert says in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert encrypt.main([str(photos), "--key-file", key, "--hide-names", "--dry-run"]) == ExitCode.OK


def test_thumbnail_and_name_by_inspect(photos, key, tmp_path, capsys):
    sealed, small = tmp_path / "sealed", tmp_path / "small.png"
    source = str(photos / "2024")
    argv = [source, "-o", str(sealed), "--key-file", key, "--hide-names", "--thumbnail", "--preserve"]
    assert encrypt.main(argv) == ExitCode.OK
    made = [str(path) for path in sealed.iterdir()]
    capsys.readouterr()
    assert inspect.main([*made, "--key-file", key, "--json"]) == ExitCode.OK
    facts = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(one["folder"], one["name"]) for one in facts} == {("summer", "b.png"), ("winter", "b.png")}
    assert inspect.main([made[0], "--key-file", key]) == ExitCode.OK
    assert "name      " in capsys.readouterr().out
    assert inspect.main([made[0], "--key-file", key, "--thumbnail", str(small)]) == ExitCode.OK
    assert Image.open(small).size in {(16, 24), (24, 24)}


def test_inspect_refuses_thumbnails_that_cannot_be(photos, key, tmp_path, capsys):
    made = str(tmp_path / "a.png")
    assert encrypt.main([str(photos / "a.jpg"), "-o", made, "--key-file", key]) == ExitCode.OK
    target = ["--thumbnail", str(tmp_path / "t.png")]
    capsys.readouterr()
    for argv, code in (
        ([made, *target], ExitCode.USAGE),
        ([made, *target, "--key-file", key], ExitCode.BAD_INPUT),
        ([str(photos), *target, "--key-file", key], ExitCode.USAGE),
        ([made, "--thumbnail", str(tmp_path / "t.jpg"), "--key-file", key], ExitCode.USAGE),
        ([made, "--thumbnail", made, "--key-file", key], ExitCode.USAGE),
    ):
        assert inspect.main(argv) == code, argv
        assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "t.png").exists()
