"""encrypt and decrypt as a user meets them: real files in, real files out, exit codes in between."""

import io
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt, keygen
from jaxcrypt.crypto import pngreader, pngwriter
from jaxcrypt.errors import ExitCode
from tests.support import photo

ROOT = Path(__file__).parent.parent


@pytest.fixture
def other_key(tmp_path) -> str:
    path = tmp_path / "other.key"
    assert keygen.main(["--key", str(path)]) == ExitCode.OK
    return str(path)


def sealed_photo(tmp_path: Path, key: str, *options: str, suffix=".jpg") -> tuple[Path, Path]:
    source = photo(tmp_path / f"photo{suffix}")
    assert encrypt.main([str(source), "--key-file", key, *options]) == ExitCode.OK
    return source, tmp_path / f"photo{suffix}.png"


def test_the_very_file_comes_back_exif_and_all(tmp_path, key):
    exif = Image.Exif()
    exif[0x010E] = "a secret description"
    exif[0x0112] = 6
    source = photo(tmp_path / "photo.jpg", exif=exif)
    original = source.read_bytes()
    assert encrypt.main([str(source), "--key-file", key]) == ExitCode.OK
    cipher = tmp_path / "photo.jpg.png"
    with Image.open(cipher) as image:
        assert image.size == (40, 48)  # upright
    assert b"secret description" not in cipher.read_bytes()
    assert b"photo" not in cipher.read_bytes()
    source.unlink()
    assert decrypt.main([str(cipher), "--key-file", key]) == ExitCode.OK
    assert source.read_bytes() == original


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
@pytest.mark.parametrize("system", ["logistic", "mixing"])
def test_every_mode_through_every_system(tmp_path, key, mode, system):
    source = photo(tmp_path / "photo.png", mode=mode)
    cipher, back = tmp_path / "c.png", tmp_path / "back.png"
    assert encrypt.main([str(source), "--key-file", key, "-o", str(cipher), "--system", system]) == 0
    assert decrypt.main([str(cipher), "--key-file", key, "-o", str(back)]) == 0
    assert back.read_bytes() == source.read_bytes()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (300, 1), (64, 64)])
def test_pixels_only_gives_the_exact_samples_with_a_lossless_system(tmp_path, key, size):
    source = photo(tmp_path / "photo.png", size=size)
    cipher, back = tmp_path / "c.png", tmp_path / "back.png"
    assert encrypt.main([str(source), "--key-file", key, "-o", str(cipher), "--pixels-only"]) == 0
    assert decrypt.main([str(cipher), "--key-file", key, "-o", str(back)]) == 0
    np.testing.assert_array_equal(np.asarray(Image.open(back)), np.asarray(Image.open(source)))


def test_pixels_only_names_the_picture_png(tmp_path, key):
    _, cipher = sealed_photo(tmp_path, key, "--pixels-only")
    out = tmp_path / "out"
    out.mkdir()
    assert decrypt.main([str(cipher), "--key-file", key, "-o", str(out)]) == 0
    assert os.listdir(out) == ["photo.png"]


def test_lossy_system_gives_back_a_close_picture_and_says_so(tmp_path, key, capsys):
    source, cipher = sealed_photo(tmp_path, key, "--pixels-only", "--system", "mixing", suffix=".png")
    assert "experimental" in capsys.readouterr().err
    back = tmp_path / "back.png"
    assert decrypt.main([str(cipher), "--key-file", key, "-o", str(back)]) == 0
    assert "approximation" in capsys.readouterr().err
    difference = np.asarray(Image.open(back)).astype(float) - np.asarray(Image.open(source))
    assert 0 < np.sqrt(np.mean(difference**2)) < 4


def test_wrong_key_is_one_line_and_writes_nothing(tmp_path, key, other_key, capsys):
    source, cipher = sealed_photo(tmp_path, key)
    source.unlink()
    capsys.readouterr()
    before = sorted(os.listdir(tmp_path))
    assert decrypt.main([str(cipher), "--key-file", other_key]) == ExitCode.NO_KEY
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "no key fits, or key data altered" in message
    assert sorted(os.listdir(tmp_path)) == before


def test_every_key_together_is_needed(tmp_path, key, monkeypatch):
    monkeypatch.setenv("WORDS", "correct horse")
    image = tmp_path / "key.png"
    assert keygen.main(["--image", str(image)]) == 0
    source = photo(tmp_path / "photo.png")
    both = ["--key-image", str(image), "--passphrase-env", "WORDS"]
    cipher = tmp_path / "c.png"
    assert encrypt.main([str(source), *both, "-o", str(cipher)]) == 0
    back = ["-o", str(tmp_path / "back.png")]
    assert decrypt.main([str(cipher), *both[:2], *back]) == ExitCode.NO_KEY
    assert decrypt.main([str(cipher), *both[2:], *back]) == ExitCode.NO_KEY
    monkeypatch.setenv("OTHER", "wrong horse")
    assert decrypt.main([str(cipher), *both[:2], "--passphrase-env", "OTHER", *back]) == ExitCode.NO_KEY
    assert decrypt.main([str(cipher), *both, *back]) == 0


def test_recipients_and_signature(tmp_path, capsys):
    names = {}
    for who in ("alice", "bob", "eve"):
        assert keygen.main(["--recipient", str(tmp_path / who)]) == 0
    for who in ("carol", "mallory"):
        assert keygen.main(["--signing", str(tmp_path / who)]) == 0
    for path in tmp_path.iterdir():
        names[path.name] = str(path)
    public = {n.split(".")[0]: p for n, p in names.items() if n.endswith(".pub")}
    private = {n.split(".")[0]: p for n, p in names.items() if not n.endswith(".pub")}
    source = photo(tmp_path / "photo.png")
    cipher = tmp_path / "c.png"
    to = ["--recipient", public["alice"], "--recipient", public["bob"], "--sign", private["carol"]]
    assert encrypt.main([str(source), *to, "-o", str(cipher)]) == 0
    for who in ("alice", "bob"):
        back = tmp_path / f"{who}.png"
        opened = ["--identity", private[who], "--signed-by", public["carol"]]
        assert decrypt.main([str(cipher), *opened, "-o", str(back)]) == 0
        assert back.read_bytes() == source.read_bytes()
    refused = ["-o", str(tmp_path / "no.png")]
    assert decrypt.main([str(cipher), "--identity", private["eve"], *refused]) == ExitCode.NO_KEY
    wrong = ["--identity", private["bob"], "--signed-by", public["mallory"]]
    assert decrypt.main([str(cipher), *wrong, *refused]) == ExitCode.BAD_SIGNATURE
    assert not (tmp_path / "no.png").exists()


def test_a_changed_pixel_is_noticed_and_recovered_only_on_request(tmp_path, key):
    source, cipher = sealed_photo(tmp_path, key, "--system", "mixing", "--pixels-only", suffix=".png")
    damaged = tmp_path / "damaged.png"
    container = pngreader.read(cipher.read_bytes())
    pixels = container.decode().copy()
    pixels[3, 5, 0] ^= 1
    with damaged.open("wb") as file:
        pngwriter.write(file, pixels, container.header)
    out = tmp_path / "out"
    out.mkdir()
    assert decrypt.main([str(damaged), "--key-file", key, "-o", str(out)]) == ExitCode.TAMPERED
    assert os.listdir(out) == []
    again = [str(damaged), "--key-file", key, "-o", str(out), "--recover"]
    assert decrypt.main(again) == ExitCode.RECOVERED
    assert os.listdir(out) == ["photo.unauthenticated.png"]
    back = np.asarray(Image.open(out / "photo.unauthenticated.png")).astype(float)
    assert np.sqrt(np.mean((back - np.asarray(Image.open(source))) ** 2)) < 5


def test_recover_marks_the_name_the_user_chose(tmp_path, key):
    _, cipher = sealed_photo(tmp_path, key, "--pixels-only", suffix=".png")
    data = bytearray(cipher.read_bytes())
    container = pngreader.read(bytes(data))
    pixels = container.decode().copy()
    pixels[0] ^= 255
    with cipher.open("wb") as file:
        pngwriter.write(file, pixels, container.header)
    assert decrypt.main([str(cipher), "--key-file", key, "--recover", "-o", str(tmp_path / "mine.png")]) == 6
    assert not (tmp_path / "mine.png").exists()
    assert (tmp_path / "mine.unauthenticated.png").exists()


def test_recover_returns_the_exact_file_where_its_payload_is_whole(tmp_path, key):
    source, cipher = sealed_photo(tmp_path, key)
    container = pngreader.read(cipher.read_bytes())
    pixels = container.decode().copy()
    pixels[:8] = 0
    with cipher.open("wb") as file:
        pngwriter.write(file, pixels, container.header, container.payload)
    back = tmp_path / "back.jpg"
    assert decrypt.main([str(cipher), "--key-file", key, "-o", str(back)]) == ExitCode.TAMPERED
    assert decrypt.main([str(cipher), "--key-file", key, "-o", str(back), "--recover"]) == 0
    assert back.read_bytes() == source.read_bytes()


def test_after_jpeg_the_sidecar_brings_the_picture_back(tmp_path, key):
    header = tmp_path / "photo.hdr"
    options = ("--system", "mixing", "--pixels-only", "--write-header", str(header))
    source, cipher = sealed_photo(tmp_path, key, *options, suffix=".png")
    jpeg = tmp_path / "seen.jpg"
    Image.open(cipher).save(jpeg, quality=90, subsampling=0)
    out = ["-o", str(tmp_path / "back.png")]
    assert decrypt.main([str(jpeg), "--key-file", key, *out]) == ExitCode.BAD_INPUT
    assert decrypt.main([str(jpeg), "--key-file", key, "--recover", *out]) == ExitCode.BAD_INPUT
    code = decrypt.main([str(jpeg), "--key-file", key, "--recover", "--header", str(header), *out])
    assert code == ExitCode.RECOVERED
    back = np.asarray(Image.open(tmp_path / "back.unauthenticated.png")).astype(float)
    error = np.mean((back - np.asarray(Image.open(source))) ** 2)
    assert 10 * np.log10(255**2 / error) > 20


def test_known_losses_are_weighted_out(tmp_path, key):
    header, mask = tmp_path / "photo.hdr", tmp_path / "mask.png"
    options = ("--system", "mixing", "--pixels-only", "--write-header", str(header))
    source, cipher = sealed_photo(tmp_path, key, *options, suffix=".png")
    pixels = np.asarray(Image.open(cipher)).copy()
    lost = np.zeros(pixels.shape[:2], np.uint8)
    lost[8:16, 16:40] = 255
    pixels[lost > 0] = 0
    Image.fromarray(pixels).save(tmp_path / "holes.png")
    Image.fromarray(lost).save(mask)
    command = [str(tmp_path / "holes.png"), "--key-file", key, "--recover", "--header", str(header)]
    errors = []
    for number, extra in enumerate(([], ["--lost", str(mask)])):
        out = tmp_path / f"{number}.png"
        assert decrypt.main([*command, *extra, "-o", str(out)]) == ExitCode.RECOVERED
        back = np.asarray(Image.open(tmp_path / f"{number}.unauthenticated.png")).astype(float)
        errors.append(np.mean((back - np.asarray(Image.open(source))) ** 2))
    assert errors[1] < errors[0] / 2


def test_a_lossless_resave_still_opens_by_the_sidecar(tmp_path, key):
    header = tmp_path / "photo.hdr"
    source, cipher = sealed_photo(
        tmp_path, key, "--pixels-only", "--write-header", str(header), suffix=".png"
    )
    Image.open(cipher).save(tmp_path / "resaved.png", optimize=True)
    command = [str(tmp_path / "resaved.png"), "--key-file", key, "-o", str(tmp_path / "back.png")]
    assert decrypt.main(command) == ExitCode.BAD_INPUT
    assert decrypt.main([*command, "--header", str(header)]) == 0
    np.testing.assert_array_equal(
        np.asarray(Image.open(tmp_path / "back.png")), np.asarray(Image.open(source))
    )


def test_folder_goes_on_after_a_bad_file(tmp_path, key, capsys):
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    for number in range(3):
        photo(folder / f"{number}.png", size=(30 + number // 2, 20))
    photo(folder / "inner" / "deep.jpg")
    (folder / "broken.jpg").write_bytes(b"not a picture")
    (folder / "notes.txt").write_text("not offered as a picture")
    out, back = tmp_path / "sealed", tmp_path / "back"
    code = encrypt.main([str(folder), "-o", str(out), "--key-file", key, "--json"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert code == ExitCode.FAILED
    assert len(lines) == 5
    assert [line["exit"] for line in lines if "error" in line] == [ExitCode.BAD_INPUT]
    written = sorted(str(path.relative_to(out)) for path in out.rglob("*.png"))
    assert written == ["0.png.png", "1.png.png", "2.png.png", "inner/deep.jpg.png"]
    assert decrypt.main([str(out), "-o", str(back), "--key-file", key]) == 0
    for name in ("0.png", "2.png", "inner/deep.jpg"):
        assert (back / name).read_bytes() == (folder / name).read_bytes()


def test_pipes(tmp_path, key, warm):
    source = photo(tmp_path / "photo.png")
    run = [warm]
    done = subprocess.run(
        [*run, "jaxcrypt.encrypt", "-", "-o", "-", "--key-file", key],
        input=source.read_bytes(),
        capture_output=True,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert Image.open(io.BytesIO(done.stdout)).size == (48, 40)
    back = subprocess.run(
        [*run, "jaxcrypt.decrypt", "-", "--key-file", key], input=done.stdout, capture_output=True, cwd=ROOT
    )
    assert back.stdout == source.read_bytes()
    broken = subprocess.run(
        [*run, "jaxcrypt.decrypt", "-", "--key-file", key],
        input=done.stdout[:-40],
        capture_output=True,
        cwd=ROOT,
    )
    assert broken.returncode == ExitCode.TAMPERED
    assert broken.stdout == b""
    assert broken.stderr.count(b"\n") == 1


USAGE = {
    "no key": ["photo.png"],
    "unknown system": ["photo.png", "--key-file", "secret.key", "--system", "rot13"],
    "unknown option": ["photo.png", "--key-file", "secret.key", "--sytem", "logistic"],
    "two without a folder": ["photo.png", "other.png", "--key-file", "secret.key"],
    "input is output": ["photo.png", "--key-file", "secret.key", "-o", "photo.png", "--force"],
    "exists": ["photo.png", "--key-file", "secret.key", "-o", "other.png"],
    "stdin and files": ["-", "photo.png", "--key-file", "secret.key"],
    "json and stdout": ["photo.png", "--key-file", "secret.key", "-o", "-", "--json"],
    "variable not set": ["photo.png", "--passphrase-env", "NOT_SET_ANYWHERE"],
}


@pytest.mark.parametrize("case", USAGE)
def test_usage_errors_are_one_line_before_any_work(tmp_path, key, case, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo(tmp_path / "photo.png")
    photo(tmp_path / "other.png")
    capsys.readouterr()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert encrypt.main(USAGE[case]) == ExitCode.USAGE
    assert capsys.readouterr().err.count("\n") == 1
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("case", ["no key", "unknown option", "json and stdout", "variable not set"])
def test_json_also_tells_of_refusals_before_the_first_file(tmp_path, key, case, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    photo(tmp_path / "photo.png")
    capsys.readouterr()
    assert encrypt.main([*USAGE[case], "--json"]) == ExitCode.USAGE
    told = capsys.readouterr()
    (line,) = told.out.splitlines()
    assert json.loads(line)["exit"] == ExitCode.USAGE
    assert json.loads(line)["error"] in told.err


def test_an_existing_original_is_not_overwritten(tmp_path, key):
    source, cipher = sealed_photo(tmp_path, key)
    source.write_bytes(b"something else now")
    assert decrypt.main([str(cipher), "--key-file", key]) == ExitCode.USAGE
    assert source.read_bytes() == b"something else now"
    assert decrypt.main([str(cipher), "--key-file", key, "--force"]) == 0


@pytest.mark.slow
def test_kill_at_any_moment_leaves_the_whole_output_or_none(tmp_path, key, warm):
    source = photo(tmp_path / "photo.png", size=(700, 500))
    command = [warm, "jaxcrypt.encrypt", str(source), "--key-file", key, "-o"]
    for number, delay in enumerate(np.geomspace(0.1, 2.6, 7)):
        target = tmp_path / f"{number}.png"
        child = subprocess.Popen([*command, str(target)], cwd=ROOT, stderr=subprocess.DEVNULL)
        try:
            child.wait(delay)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if target.exists():
            back = tmp_path / f"back{number}.png"
            assert decrypt.main([str(target), "--key-file", key, "-o", str(back)]) == 0
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
def test_real_photos(real_data, tmp_path, key):
    pictures = sorted((real_data / "eval" / "kodak24").glob("*.png"))[:2]
    assert encrypt.main([*map(str, pictures), "-o", str(tmp_path / "s"), "--key-file", key]) == 0
    assert decrypt.main([str(tmp_path / "s"), "-o", str(tmp_path / "b"), "--key-file", key]) == 0
    for picture in pictures:
        assert (tmp_path / "b" / picture.name).read_bytes() == picture.read_bytes()
