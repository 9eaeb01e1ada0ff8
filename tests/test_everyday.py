"""What people do with the commands besides encrypting a photo: resume, attach, check, keep times."""

import io
import json
import os
import signal
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from jaxcrypt import decrypt, encrypt, inspect, keygen, verify
from jaxcrypt.errors import ExitCode
from tests.support import ramps


def test_a_folder_is_resumed_without_reading_what_is_there(tmp_path, key, capsys):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in ("a.png", "b.png"):
        ramps(folder / name)
    given = ["-o", str(out), "--key-file", key]
    assert encrypt.main([str(folder / "a.png"), "-o", f"{out}/", "--key-file", key]) == ExitCode.OK
    first = (out / "a.png.png").read_bytes()
    assert encrypt.main([str(folder), *given]) == ExitCode.FAILED
    (out / "b.png.png").unlink()
    capsys.readouterr()
    assert encrypt.main([str(folder), *given, "--skip-existing", "--json"]) == ExitCode.OK
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("skipped", False) for line in lines] == [True, False]
    assert (out / "a.png.png").read_bytes() == first
    back = tmp_path / "back"
    back.mkdir()
    (back / "a.png").write_bytes(b"mine")
    assert decrypt.main([str(out), "-o", str(back), "--key-file", key, "--skip-existing"]) == ExitCode.OK
    assert (back / "a.png").read_bytes() == b"mine"
    assert (back / "b.png").read_bytes() == (folder / "b.png").read_bytes()
    (back / "b.png").unlink()
    told = [str(out), "-o", str(back), "--key-file", key, "--skip-existing", "--from-pixels"]
    assert decrypt.main(told) == ExitCode.OK
    assert np.array_equal(Image.open(back / "b.png"), Image.open(folder / "b.png"))


def test_a_folders_reports_come_in_the_order_of_its_pictures(tmp_path, key, capsys):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(12):
        ramps(folder / f"{number}.png", size=(24, 20 + number))
    for name in ("0a.png", "5a.png", "9a.png"):  # of no size that could be told, so they come first
        (folder / name).write_bytes(b"no picture")
    assert encrypt.main([str(folder), "-o", str(out), "--key-file", key, "--json"]) == ExitCode.FAILED
    told = capsys.readouterr()
    lines = [json.loads(line) for line in told.out.splitlines()]
    names = [Path(line["input"]).stem for line in lines]
    assert names == ["0a", "5a", "9a", *map(str, range(12))]
    assert [line["exit"] for line in lines] == [ExitCode.BAD_INPUT] * 3 + [ExitCode.OK] * 12
    assert [line.rpartition("/")[2] for line in told.err.splitlines() if " -> " in line] == [
        f"{number}.png.png (logistic, 24×{20 + number})" for number in range(12)
    ]
    assert decrypt.main([str(out), "-o", str(tmp_path / "back"), "--key-file", key]) == ExitCode.OK
    for number in range(12):
        name = f"{number}.png"
        assert (tmp_path / "back" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("verb", ["encrypt", "decrypt"])
def test_an_interrupted_folder_holds_whole_files_only(tmp_path, key, verb, warm):
    folder, sealed, out = tmp_path / "in", tmp_path / "sealed", tmp_path / "out"
    folder.mkdir()
    for number in range(12):
        ramps(folder / f"{number}.png")
    source, suffix = folder, ".png"
    if verb == "decrypt":
        assert encrypt.main([str(folder), "-o", str(sealed), "--key-file", key]) == ExitCode.OK
        source, suffix = sealed, ""
    out.mkdir()
    os.mkfifo(out / f"8.png{suffix}")  # which nobody reads: the run waits there
    command = [warm, f"jaxcrypt.{verb}", str(source), "-o", str(out), "--key-file", key]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
        late = threading.Timer(100, run.kill)
        late.start()
        begun = [run.stderr.readline() for _ in range(8)]
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
        late.cancel()
    assert all(" -> " in line for line in begun)
    assert run.returncode == 130
    assert said == "jaxcrypt: interrupted; nothing more was written\n"
    for number in range(8):
        file = out / f"{number}.png{suffix}"
        if verb == "decrypt":
            assert file.read_bytes() == (folder / file.name).read_bytes()
        else:
            assert verify.main([str(file), "--key-file", key]) == ExitCode.OK
    assert len([*out.iterdir()]) == 9  # the pipe among them


def test_headers_of_a_folder_bring_stripped_pictures_back(tmp_path, key):
    folder, out, headers = tmp_path / "in", tmp_path / "out", tmp_path / "headers"
    (folder / "inner").mkdir(parents=True)
    ramps(folder / "a.png")
    ramps(folder / "inner" / "b.png")
    given = [str(folder), "-o", str(out), "--key-file", key]
    assert encrypt.main([*given, "--write-header", str(headers)]) == ExitCode.USAGE
    assert encrypt.main([*given, "--write-header", f"{headers}/", "--pixels-only"]) == ExitCode.OK
    assert (headers / "inner" / "b.png.png.hdr").exists()
    stripped = tmp_path / "a.png.png"
    Image.open(out / "a.png.png").save(stripped)
    told = ["-o", str(tmp_path / "back.png"), "--key-file", key]
    assert decrypt.main([str(stripped), *told]) == ExitCode.BAD_INPUT
    assert decrypt.main([str(stripped), *told, "--header", str(headers)]) == ExitCode.OK
    assert np.array_equal(Image.open(tmp_path / "back.png"), Image.open(folder / "a.png"))
    for sealed in out.rglob("*.png"):
        Image.open(sealed).save(sealed)
    told = [str(out), "-o", str(tmp_path / "all"), "--key-file", key, "--header", str(headers)]
    assert decrypt.main(told) == ExitCode.OK
    back = Image.open(tmp_path / "all" / "inner" / "b.png")
    assert np.array_equal(back, Image.open(folder / "inner" / "b.png"))


def test_any_file_travels_and_is_taken_on_request_only(tmp_path, key, capsys):
    source, extra = ramps(tmp_path / "photo.png"), tmp_path / "notes.sh"
    extra.write_bytes(b"#!/bin/sh\n")
    sealed, back = tmp_path / "c.png", tmp_path / "back"
    back.mkdir()
    given = ["--attach", str(extra), "--key-file", key, "-o", str(sealed)]
    assert encrypt.main([str(source), *given]) == ExitCode.OK
    told = [str(sealed), "--key-file", key, "-o", str(back)]
    assert decrypt.main(told) == ExitCode.BAD_INPUT
    assert "--any-file" in capsys.readouterr().err
    assert os.listdir(back) == []
    assert decrypt.main([*told, "--any-file"]) == ExitCode.OK
    assert "also notes.sh" in capsys.readouterr().err
    assert (back / "notes.sh").read_bytes() == extra.read_bytes()
    assert (back / "photo.png").read_bytes() == source.read_bytes()


def test_verify_says_what_is_whole_and_writes_nothing(tmp_path, key, capsys):
    assert keygen.main(["--signing", str(tmp_path / "s")]) == ExitCode.OK
    source, sealed = ramps(tmp_path / "photo.png"), tmp_path / "c.png"
    given = ["--key-file", key, "-o", str(sealed), "--sign", str(tmp_path / "s")]
    assert encrypt.main([str(source), *given]) == ExitCode.OK
    before = sorted(os.listdir(tmp_path))
    told = [str(sealed), "--key-file", key, "--signed-by", str(tmp_path / "s.pub"), "--check-pixels"]
    capsys.readouterr()
    assert verify.main(told) == ExitCode.OK
    said = capsys.readouterr().err
    assert "header, pixels, file, signature, pixels show what the file shows" in said
    data = bytearray(sealed.read_bytes())
    data[-30] ^= 1
    sealed.write_bytes(data)
    assert verify.main([*told, "--json"]) == ExitCode.TAMPERED
    assert json.loads(capsys.readouterr().out)["exit"] == ExitCode.TAMPERED
    assert sorted(os.listdir(tmp_path)) == before


def test_time_and_mode_travel_on_request(tmp_path, key):
    source, sealed, back = ramps(tmp_path / "photo.png"), tmp_path / "c.png", tmp_path / "back.png"
    os.utime(source, (1_000_000_000, 1_234_567_890))
    source.chmod(0o640)
    given = [str(source), "--key-file", key, "-o", str(sealed), "--preserve"]
    assert encrypt.main(given) == ExitCode.OK
    assert decrypt.main([str(sealed), "--key-file", key, "-o", str(back), "--preserve"]) == ExitCode.OK
    status = back.stat()
    assert (int(status.st_mtime), status.st_mode & 0o777) == (1_234_567_890, 0o640)
    assert decrypt.main([str(sealed), "--key-file", key, "-o", str(back), "--force"]) == ExitCode.OK
    assert int(back.stat().st_mtime) != 1_234_567_890


def test_a_dry_run_says_sizes_and_quality_and_writes_nothing(tmp_path, key, capsys):
    source = ramps(tmp_path / "photo.png", (40, 40))
    before = sorted(os.listdir(tmp_path))
    given = [str(source), "--key-file", key, "--dry-run", "--json"]
    capsys.readouterr()
    assert encrypt.main(given) == ExitCode.OK
    exact = json.loads(capsys.readouterr().out)
    assert encrypt.main([*given, "--system", "mixing"]) == ExitCode.OK
    close = json.loads(capsys.readouterr().out)
    assert sorted(os.listdir(tmp_path)) == before
    assert (exact["exact"], exact["width"], exact["travelling"]) == (True, 40, source.stat().st_size)
    assert not close["exact"]
    assert close["psnr"] > 30
    copy = ramps(tmp_path / "other.png", (40, 40))
    assert encrypt.main([str(copy), *given]) == ExitCode.OK  # several want no -o: nothing is written
    told = map(json.loads, capsys.readouterr().out.splitlines())
    assert [facts["input"] for facts in told] == [str(copy), str(source)]
    assert encrypt.main(given[:3]) == ExitCode.OK
    assert abs((tmp_path / "photo.png.png").stat().st_size - exact["bytes"]) < 64


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_alpha_comes_back_exactly_from_systems_that_take_colours_alone(tmp_path, key, mode):
    source, sealed, back = ramps(tmp_path / "p.png", (70, 64), mode), tmp_path / "c.png", tmp_path / "b.png"
    cover = ramps(tmp_path / "cover.png", (64, 64))
    given = [
        "--system",
        "stego",
        "--cover",
        str(cover),
        "--key-file",
        key,
        "-o",
        str(sealed),
        "--pixels-only",
    ]
    assert encrypt.main([str(source), *given]) == ExitCode.OK
    assert decrypt.main([str(sealed), "--key-file", key, "-o", str(back)]) == ExitCode.OK
    plain, decrypted = np.asarray(Image.open(source)), np.asarray(Image.open(back))
    assert decrypted.shape == plain.shape
    assert np.array_equal(decrypted[..., -1], plain[..., -1])


def test_profile_and_orientation_survive_pixels_only(tmp_path, key):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    source = ramps(tmp_path / "p.jpg", (24, 20), icc_profile=profile, exif=exif)
    sealed, back = tmp_path / "c.png", tmp_path / "b.png"
    assert encrypt.main([str(source), "--key-file", key, "-o", str(sealed), "--pixels-only"]) == ExitCode.OK
    assert profile[:64] not in sealed.read_bytes()
    assert decrypt.main([str(sealed), "--key-file", key, "-o", str(back)]) == ExitCode.OK
    with Image.open(back) as image:
        assert image.info["icc_profile"] == profile
        assert image.size == (20, 24)


def test_the_photo_is_not_its_own_key(tmp_path, capsys):
    source = tmp_path / "photo.png"
    assert keygen.main(["--image", str(source)]) == ExitCode.OK
    assert encrypt.main([str(source), "--key-image", str(source)]) == ExitCode.USAGE
    assert "cannot be its own key" in capsys.readouterr().err


def test_a_turned_copy_is_turned_back_or_called_turned(tmp_path, key, capsys):
    source, sealed, header = ramps(tmp_path / "p.png"), tmp_path / "c.png", tmp_path / "c.hdr"
    given = ["--key-file", key, "-o", str(sealed), "--write-header", str(header), "--pixels-only"]
    assert encrypt.main([str(source), *given]) == ExitCode.OK
    turned, lossy = tmp_path / "turned.png", tmp_path / "turned.jpg"
    Image.open(sealed).rotate(90, expand=True).save(turned)
    Image.open(sealed).rotate(90, expand=True).save(lossy)
    told = ["--key-file", key, "--header", str(header), "-o", str(tmp_path / "back.png"), "--recover"]
    assert decrypt.main([str(lossy), *told]) == ExitCode.TAMPERED
    assert "turned by 90°" in capsys.readouterr().err
    assert decrypt.main([str(turned), *told]) == ExitCode.OK
    assert np.array_equal(Image.open(tmp_path / "back.png"), Image.open(source))


def test_noise_is_not_called_a_recovered_picture(tmp_path, key, capsys):
    source, sealed, header = ramps(tmp_path / "p.png", (64, 64)), tmp_path / "c.png", tmp_path / "c.hdr"
    given = ["--key-file", key, "-o", str(sealed), "--write-header", str(header)]
    assert encrypt.main([str(source), *given]) == ExitCode.OK
    copy = tmp_path / "copy.jpg"
    Image.open(sealed).save(copy, quality=75)
    told = [str(copy), "--key-file", key, "--header", str(header), "-o", str(tmp_path / "back.png")]
    assert decrypt.main(told) == ExitCode.BAD_INPUT
    assert "give --recover as well" in capsys.readouterr().err
    assert decrypt.main([*told, "--recover"]) == ExitCode.TAMPERED
    assert "nothing of the picture can be seen" in capsys.readouterr().err
    assert not list(tmp_path.glob("back*"))
    assert decrypt.main([*told, "--recover", "--force"]) == ExitCode.RECOVERED


def test_what_cannot_be_written_is_refused_before_a_system_works(tmp_path, key, monkeypatch, capsys):
    source, sealed = ramps(tmp_path / "p.png"), tmp_path / "c.png"
    assert encrypt.main([str(source), "--key-file", key, "-o", str(sealed), "--pixels-only"]) == ExitCode.OK
    monkeypatch.setattr("jaxcrypt.sealing.policy.load_stored", lambda *_: pytest.fail("a System was loaded"))
    taken = ramps(tmp_path / "taken.png")
    for output, says in (("x.jpg", "choose a name that ends in .png"), (taken.name, "exists")):
        given = [str(sealed), "--key-file", key, "-o", str(tmp_path / output)]
        capsys.readouterr()
        assert decrypt.main(given) == ExitCode.USAGE
        assert says in capsys.readouterr().err


def test_what_makes_no_sense_is_refused_before_a_passphrase_is_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("getpass.getpass", lambda *_: pytest.fail("a passphrase was asked for"))
    source, taken = ramps(tmp_path / "p.png"), ramps(tmp_path / "taken.png")
    ask = [str(source), "--passphrase"]
    for given, says in (
        (["-o", str(taken)], "exists"),
        (["-o", str(tmp_path / "none" / "x.png")], "no such folder"),
        (["--write-header", str(taken)], "exists"),
        (["--system", "stego"], "needs --cover FILE"),
        (["--system", "stego", "--cover", str(tmp_path / "none.png")], "no such file"),
        (["--system", "cyclegan", "--rate", "1/3"], "--rate 1/3"),
    ):
        capsys.readouterr()
        assert encrypt.main([*ask, *given]) != ExitCode.OK
        assert says in capsys.readouterr().err
    assert decrypt.main([str(source), "-o", str(taken), "--passphrase"]) == ExitCode.USAGE
    assert "exists" in capsys.readouterr().err


def test_a_byte_order_mark_belongs_to_no_key(tmp_path, key):
    mark = b"\xef\xbb\xbf"
    marked, words, plain = tmp_path / "marked.key", tmp_path / "marked.txt", tmp_path / "plain.txt"
    marked.write_bytes(mark + Path(key).read_bytes())
    words.write_bytes(mark + b"correct horse\r\n")
    plain.write_bytes(b"correct horse")
    source, sealed = ramps(tmp_path / "p.png"), tmp_path / "c.png"
    back = ["-o", str(tmp_path / "b.png"), "--force"]
    for seals, opens in (
        (["--key-file", str(marked)], ["--key-file", key]),
        (["--passphrase-file", str(words)], ["--passphrase-file", str(plain)]),
    ):
        assert encrypt.main([str(source), *seals, "-o", str(sealed), "--force"]) == ExitCode.OK
        assert decrypt.main([str(sealed), *opens, *back]) == ExitCode.OK


def test_a_coarser_padding_makes_files_of_one_length(tmp_path, key):
    lengths = set()
    for number in range(4):
        source, sealed = ramps(tmp_path / "p.png", (60 + number, 60)), tmp_path / f"{number}.png"
        given = ["--key-file", key, "-o", str(sealed), "--hide-size"]
        assert encrypt.main([str(source), *given]) == ExitCode.OK
        lengths.add(inspect.describe(sealed.read_bytes())["payload_bytes"])
        assert decrypt.main([str(sealed), "--key-file", key, "-o", str(tmp_path / "b.png"), "--force"]) == 0
        assert (tmp_path / "b.png").read_bytes() == source.read_bytes()
    assert lengths == {4096 + 16} or lengths == {8192 + 16}


def _png(size) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((*size[::-1], 3), np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_pixels_that_show_another_picture_than_the_file_are_found(tmp_path, key, monkeypatch, capsys):
    """Whoever signs can put file A beside pixels of B, both verified."""
    from jaxcrypt.sealing import seal

    source, sealed = ramps(tmp_path / "p.png"), tmp_path / "c.png"
    assert keygen.main(["--signing", str(tmp_path / "s")]) == ExitCode.OK
    other = _png((24, 20))
    with monkeypatch.context() as lying:
        lying.setattr(seal.Sealer, "_contents", lambda *_: other)
        given = ["--key-file", key, "-o", str(sealed), "--sign", str(tmp_path / "s")]
        assert encrypt.main([str(source), *given]) == ExitCode.OK
    told = [str(sealed), "--key-file", key, "-o", str(tmp_path / "b.png")]
    for check in (["--check-pixels"], ["--signed-by", str(tmp_path / "s.pub")]):
        capsys.readouterr()
        assert decrypt.main([*told, *check]) == ExitCode.TAMPERED
        assert "its pixels show another picture than the file" in capsys.readouterr().err
    assert verify.main([str(sealed), "--key-file", key, "--check-pixels"]) == ExitCode.TAMPERED
    assert decrypt.main(told) == ExitCode.OK
