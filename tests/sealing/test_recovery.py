"""``decrypt --recover`` on whatever a cipher picture, its header and its mask may meet.

The property: a picture, or one line and an exit code; never a traceback, a warning, or a result called
verified that is not. A few dozen cases by default; ``JAXCRYPT_FUZZ=1000`` runs that many of each kind.
"""

import io
import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jaxcrypt import decrypt, encrypt, keygen
from jaxcrypt.crypto import pngreader, pngwriter
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures import files as imaging
from jaxcrypt.sealing import recovery

COUNT = int(os.environ.get("JAXCRYPT_FUZZ", "30"))
SIZE = (40, 48)
# System and options, and which share of the cases runs: the net takes a second or more for each.
KINDS = {
    "logistic": ((), 1.0),
    "mixing": (("--system", "mixing"), 1.0),
    "denoiser": (("--system", "denoiser"), 0.3),
    "robust": (("--system", "denoiser", "--robust", "2"), 0.15),
}


class Sealed:
    """A sealed picture, its photo and header as files in a folder of their own."""

    def __init__(self, folder: Path, options: tuple[str, ...], mode: str = "RGB"):
        self.folder = folder
        self.photo, self.cipher, self.header = (folder / name for name in ("p.png", "c.png", "c.hdr"))
        self.key = folder / "key"
        assert keygen.main(["--key", str(self.key)]) == ExitCode.OK
        height, width = (SIZE[0] * 3, SIZE[1] * 3) if "--robust" in options else SIZE
        y, x = np.mgrid[:height, :width]
        planes = np.stack([4 * x, 5 * y, 60 + x + y], axis=-1).clip(0, 255).astype(np.uint8)
        Image.fromarray(planes).convert(mode).save(self.photo)
        command = [str(self.photo), "--key-file", str(self.key), "-o", str(self.cipher), *options]
        assert encrypt.main([*command, "--write-header", str(self.header)]) == ExitCode.OK
        self.data, self.sidecar = self.cipher.read_bytes(), self.header.read_bytes()
        container = pngreader.read(self.data)
        self.pixels, self.payload = container.decode(), container.payload

    def recover(self, data: bytes, *options: str) -> tuple[int, bytes | None]:
        """Exit code, and the bytes of what was written (None: nothing)."""
        damaged, out = self.folder / "damaged", self.folder / "out"
        damaged.write_bytes(data)
        out.mkdir(exist_ok=True)
        command = [str(damaged), "--key-file", str(self.key), "-o", f"{out}/", "--recover", *options]
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a warning is a line on the user's screen, too
            code = decrypt.main(command)
        files = list(out.iterdir())
        written = files[0].read_bytes() if files else None
        for path in files:
            assert (".unauthenticated" in path.name) == (code == ExitCode.RECOVERED)
            path.unlink()
        return code, written


@pytest.fixture(scope="module", params=KINDS)
def case(request, tmp_path_factory):
    options, share = KINDS[request.param]
    made = Sealed(tmp_path_factory.mktemp(request.param), (*options, "--pixels-only"))
    made.count, made.kind = max(4, round(COUNT * share)), request.param
    return made


@pytest.fixture
def mixing(tmp_path):
    return Sealed(tmp_path, KINDS["mixing"][0])


def check(case: Sealed, code: int, written: bytes | None, shown: str) -> None:
    """A picture of the photo's size, or one line and nothing written."""
    (line,) = shown.splitlines()
    if written is None:
        assert code in (ExitCode.BAD_INPUT, ExitCode.NO_KEY, ExitCode.TAMPERED)
        assert line.startswith("jaxcrypt: ")
        return
    with Image.open(case.photo) as photo, Image.open(io.BytesIO(written)) as back:
        assert back.size == photo.size
    assert code == (ExitCode.RECOVERED if "UNAUTHENTICATED" in line else ExitCode.OK)


def stored(pixels: np.ndarray, format: str = "PNG", **options) -> bytes:
    """A copy in another file format, without a header."""
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(buffer, format, **options)
    return buffer.getvalue()


def sealed_again(case: Sealed, pixels: np.ndarray, header: bytes, payload=()) -> bytes:
    buffer = io.BytesIO()
    pngwriter.write(buffer, np.ascontiguousarray(pixels), header, payload)
    return buffer.getvalue()


def damaged_pixels(rng: np.random.Generator, pixels: np.ndarray, kind: int) -> bytes:
    """The cipher picture after one of nine things that programs and people do to pictures."""
    pixels, (height, width) = pixels.copy(), pixels.shape[:2]
    top, left = int(rng.integers(height)), int(rng.integers(width))
    if kind == 0:
        return stored(pixels, "JPEG", quality=int(rng.integers(1, 101)), subsampling=int(rng.integers(3)))
    if kind == 1:
        pixels = pixels[top:, left:]
    if kind == 2:
        factor = int(rng.integers(1, 4))
        pixels = pixels.repeat(factor, axis=0).repeat(factor, axis=1)
    if kind == 3:
        pixels[top:, left:] = rng.integers(256)
    if kind == 4:
        pixels = np.full_like(pixels, rng.integers(256))
    if kind == 5:
        noisy = pixels + rng.normal(0, rng.uniform(0, 300), pixels.shape)
        pixels = noisy.clip(0, 255).astype(np.uint8)
    if kind == 6:
        mode = ["L", "LA", "RGBA", "RGB", "1", "P"][rng.integers(6)]
        return stored(np.asarray(Image.fromarray(pixels.squeeze()).convert(mode)))
    if kind == 7:
        pixels = np.ascontiguousarray(pixels.transpose(1, 0, 2))
    if kind == 8:
        return stored(pixels, "WEBP", quality=int(rng.integers(101)))
    return stored(pixels)


def mutated(rng: np.random.Generator, data: bytes) -> bytes:
    """A file with some of its bytes changed, cut out, doubled, or missing at the end."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        at, length = int(rng.integers(max(1, len(data)))), int(rng.integers(1, 40))
        kind = rng.integers(4)
        if kind == 0:
            data[at : at + length] = rng.bytes(len(data[at : at + length]))
        elif kind == 1:
            del data[at : at + length]
        elif kind == 2:
            data[at:at] = data[at : at + length]
        else:
            del data[int(len(data) * rng.uniform(0.05, 1)) :]
    return bytes(data)


def test_mutated_files(case, capsys):
    """The header may survive, and then what is left of the pixels is decoded."""
    rng = np.random.default_rng(1)
    codes = set()
    for index in range(case.count):
        capsys.readouterr()
        options = ("--header", str(case.header)) if index % 2 else ()
        code, written = case.recover(mutated(rng, case.data), *options)
        check(case, code, written, capsys.readouterr().err)
        codes.add(code)
    # Where bytes are missing, nothing but noise is left of pixels that a stream cipher made.
    assert ExitCode.RECOVERED in codes or case.kind == "logistic"


def test_a_changed_byte_costs_itself_alone(mixing):
    """The checksum of the pixels' stream fails at its end: that must not cost the rows before."""
    at = mixing.data.index(b"IDAT")
    for place in (at + 100, at + 3000):
        changed = bytearray(mixing.data)
        changed[place] ^= 64
        pixels, missing = pngreader.read(bytes(changed), lenient=True).decode_damaged()
        assert not missing.any()
        assert (pixels != mixing.pixels).sum() == 1


def test_damaged_pixels(case, capsys):
    rng = np.random.default_rng(2)
    codes = set()
    for index in range(case.count):
        capsys.readouterr()
        data = damaged_pixels(rng, case.pixels, index % 9)
        code, written = case.recover(data, "--header", str(case.header))
        check(case, code, written, capsys.readouterr().err)
        codes.add(code)
    assert ExitCode.RECOVERED in codes


def test_mutated_headers(case, capsys, tmp_path):
    """Whatever is changed in a header, its MAC notices: nothing is decoded with it."""
    rng = np.random.default_rng(3)
    sidecar = tmp_path / "c.hdr"
    damaged = case.pixels.copy()
    damaged[:5] = 0
    for _ in range(case.count):
        blob = mutated(rng, case.sidecar)
        if blob == case.sidecar:
            continue
        sidecar.write_bytes(blob or b"\0")
        capsys.readouterr()
        code, written = case.recover(stored(damaged), "--header", str(sidecar))
        check(case, code, written, capsys.readouterr().err)
        assert written is None


def test_masks(case, capsys, tmp_path):
    """Of another size, all lost, nothing lost, no picture at all."""
    rng = np.random.default_rng(4)
    height, width = case.pixels.shape[:2]
    all_lost = np.full((height, width), 255, np.uint8)
    some = (rng.random((height, width)) < 0.3).astype(np.uint8) * 255
    masks = [stored(mask) for mask in (all_lost, all_lost * 0, some, np.stack([some] * 3, -1))]
    bad = [stored(all_lost[1:]), stored(all_lost.repeat(2, axis=1)), b"", b"text", masks[0][:60]]
    for index, mask in enumerate([*masks, *bad]):
        path = tmp_path / f"{index}.png"
        path.write_bytes(mask)
        pixels = case.pixels.copy()
        pixels[some > 0] = 0
        capsys.readouterr()
        code, written = case.recover(
            sealed_again(case, pixels, case.sidecar), "--header", str(case.header), "--lost", str(path)
        )
        check(case, code, written, capsys.readouterr().err)
        # Where all is lost, or some of every block that a code reads, nothing need be left.
        hopeless = index == 0 or (case.kind == "robust" and index in (2, 3))
        if not (hopeless and code == ExitCode.TAMPERED):
            assert (code == ExitCode.RECOVERED) == (index < len(masks))


def test_pixels_that_verify_are_called_verified(mixing, capsys):
    """The payload is gone, or another program stored the pixels in another format without loss."""
    stripped = sealed_again(mixing, mixing.pixels, mixing.sidecar)
    header = ("--header", str(mixing.header))
    for data, options in ((stripped, ()), (stored(mixing.pixels, "BMP"), header)):
        capsys.readouterr()
        code, written = mixing.recover(data, *options)
        told = capsys.readouterr().err
        assert code == ExitCode.OK
        assert "pixels verified, the file itself is lost" in told
        assert "UNAUTHENTICATED" not in told
        assert written.startswith(b"\x89PNG")
    changed = mixing.pixels.copy()
    changed[0, 0, 0] ^= 1
    assert mixing.recover(stored(changed, "BMP"), *header)[0] == ExitCode.RECOVERED


def test_a_whole_payload_needs_no_pixels(mixing):
    """Pixel data that no decoder reads do not keep the file from coming back."""
    at = mixing.data.index(b"IDAT")
    broken = bytearray(mixing.data)
    broken[at + 4 : at + 40] = bytes([255]) * 36
    code, written = mixing.recover(bytes(broken))
    assert code == ExitCode.OK
    assert written == mixing.photo.read_bytes()


def test_sizes_are_compared_before_anything_is_decoded(mixing, monkeypatch, capsys):
    def never(*_):
        raise AssertionError("decoded")

    larger = mixing.pixels.repeat(2, axis=0)
    monkeypatch.setattr(recovery, "load_picture", never)
    monkeypatch.setattr(pngreader.Container, "decode", never)
    monkeypatch.setattr(pngreader.Container, "decode_damaged", never)
    height, width, _ = mixing.pixels.shape
    for data in (stored(larger, "JPEG"), sealed_again(mixing, larger, mixing.sidecar)):
        capsys.readouterr()
        assert mixing.recover(data, "--header", str(mixing.header))[0] == ExitCode.TAMPERED
        assert f"was {width}×{height} and is {width}×{2 * height}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("mode", "saved", "fits"), [("L", "RGB", True), ("RGB", "RGBA", True), ("RGBA", "RGB", False)]
)
def test_channels_that_other_programs_add_are_taken_off(tmp_path, capsys, mode, saved, fits):
    made = Sealed(tmp_path, (*KINDS["mixing"][0], "--pixels-only"), mode)
    changed = made.pixels.copy()
    changed[:2] = 7
    data = stored(np.asarray(Image.fromarray(changed.squeeze()).convert(saved)))
    capsys.readouterr()
    code, _ = made.recover(data, "--header", str(made.header))
    assert code == (ExitCode.RECOVERED if fits else ExitCode.TAMPERED)
    if not fits:
        assert "had 4 channels and has 3" in capsys.readouterr().err


def test_robust_pictures_are_not_said_to_look_random(tmp_path, capsys):
    Sealed(tmp_path, KINDS["robust"][0])
    assert "no uniform noise" in capsys.readouterr().err


def test_the_size_of_a_file_is_told_without_decoding(rng):
    pixels = rng.integers(0, 256, (6, 9, 3), np.uint8)
    assert imaging.picture_size(stored(pixels, "JPEG")) == (9, 6)
    assert imaging.picture_size(b"nothing") is None
    with pytest.raises(Refusal, match="not a picture"):
        recovery.take_apart(b"nothing", "x")
