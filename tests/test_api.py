"""The public API: bytes in, bytes out, the same bytes as the commands, from any thread, without a word."""

import io
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import jaxcrypt
from jaxcrypt import decrypt, encrypt, keygen
from jaxcrypt.crypto import pngreader, recipients, signing
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.sealing.seal import Sealer
from jaxcrypt.sealing.unseal import Opener

ROOT = Path(__file__).parent.parent
KEY = b"correct horse"


@pytest.fixture(scope="module")
def key(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "secret.key"
    assert keygen.main(["--key", str(path)]) == ExitCode.OK
    return path


def png(rng, size=(9, 7), mode="RGB") -> bytes:
    pixels = rng.integers(0, 256, (*size[::-1], 4), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "PNG")
    return file.getvalue()


def test_the_very_file_comes_back_and_nothing_is_printed(rng, key, capfd):
    photo = png(rng)
    keys = jaxcrypt.Keys(key_file=key)
    sealed = jaxcrypt.seal(photo, keys, name="folder/photo.png")
    assert sealed.startswith(b"\x89PNG")
    opened = jaxcrypt.unseal(sealed, keys)
    assert opened.files == [("photo.png", photo)]
    assert type(opened.files[0][1]) is bytes
    assert (opened.exact, opened.authenticated, opened.from_pixels) == (True, True, False)
    assert opened.system == "logistic"
    np.testing.assert_array_equal(opened.pictures[0], np.asarray(Image.open(io.BytesIO(photo))))
    assert capfd.readouterr() == ("", "")


def test_pixels_only_through_a_lossy_system(rng, key):
    y, x = np.mgrid[:40, :48]
    smooth = np.stack([5 * x, 6 * y, x + y], axis=-1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(smooth).save(file, "PNG")
    keys, shares = jaxcrypt.Keys(key_file=key.read_bytes()), []
    sealed = jaxcrypt.seal(file.getvalue(), keys, system="mixing", pixels_only=True, progress=shares.append)
    assert shares[-1] == 1
    opened = jaxcrypt.unseal(sealed, keys, progress=shares.append)
    assert (opened.exact, opened.from_pixels) == (False, True)
    assert np.abs(opened.pictures[0].astype(int) - smooth).mean() < 4
    assert [name for name, _ in opened.files] == ["picture.png"]


def test_every_way_to_name_a_key(rng, tmp_path):
    photo, image = png(rng), png(rng, (64, 64))
    identity, signer = recipients.generate(), signing.generate()
    (tmp_path / "me").write_text(identity.text())
    (tmp_path / "me.pub").write_text(identity.recipient().text())
    both = {"passphrase": "pass", "key_image": image}
    seals = [{"passphrase": KEY}, both, {"recipients": [tmp_path / "me.pub"]}]
    opens = [{"passphrase": KEY.decode()}, both, {"identities": [identity]}]
    for sealing, opening in zip(seals, opens, strict=True):
        sealed = jaxcrypt.seal(photo, jaxcrypt.Keys(**sealing), signer=signer)
        opened = jaxcrypt.unseal(sealed, jaxcrypt.Keys(**opening), signed_by=signer.verifier())
        assert opened.signed
        assert opened.files[0][1] == photo
    with pytest.raises(Refusal) as refused:
        jaxcrypt.unseal(sealed, jaxcrypt.Keys(passphrase="other"))
    assert refused.value.code == ExitCode.NO_KEY
    with pytest.raises(Refusal) as refused:
        jaxcrypt.unseal(sealed, jaxcrypt.Keys(**opening), signed_by=signing.generate().verifier())
    assert refused.value.code == ExitCode.BAD_SIGNATURE
    assert "pass" not in repr(jaxcrypt.Keys(passphrase="pass"))


def test_damage_is_refused_or_said(rng, key):
    keys = jaxcrypt.Keys(key_file=key)
    sealed = jaxcrypt.seal(png(rng, (40, 40)), keys, system="mixing", pixels_only=True)
    damaged = bytearray(sealed)
    damaged[200] ^= 1
    with pytest.raises(Refusal) as refused:
        jaxcrypt.unseal(bytes(damaged), keys)
    assert refused.value.code == ExitCode.TAMPERED
    opened = jaxcrypt.unseal(bytes(damaged), keys, recover=True, keep_noise=True)
    assert not opened.authenticated
    assert opened.files[0][0] == "picture.unauthenticated.png"


def test_known_losses_are_weighed_out_however_they_are_told(key):
    y, x = np.mgrid[:64, :64]
    file = io.BytesIO()
    Image.fromarray(np.stack([3 * x, 2 * y, x + y], axis=-1).astype(np.uint8)).save(file, "PNG")
    plain, keys = np.asarray(Image.open(file)), jaxcrypt.Keys(key_file=key)
    sealed = jaxcrypt.seal(file.getvalue(), keys, system="mixing", pixels_only=True)
    with Image.open(io.BytesIO(sealed)) as image:
        pixels = np.array(image)
    lost = np.zeros(pixels.shape[:2], bool)
    lost[:12] = True
    pixels[lost] = np.random.default_rng(1).integers(0, 256, (lost.sum(), 3))
    mask, copy = io.BytesIO(), io.BytesIO()
    Image.fromarray(lost).save(mask, "PNG")
    Image.fromarray(pixels).save(copy, "PNG")
    header = pngreader.read(sealed).need_header()
    errors = []
    for told in (None, lost, mask.getvalue()):
        opened = jaxcrypt.unseal(copy.getvalue(), keys, header=header, recover=True, lost=told)
        errors.append(np.square(opened.pictures[0].astype(float) - plain).mean())
    assert errors[1] == errors[2] < errors[0]
    with pytest.raises(Refusal, match="must have the cipher picture's size"):
        jaxcrypt.unseal(copy.getvalue(), keys, header=header, recover=True, lost=lost[1:])


def test_two_threads_give_the_bytes_of_the_commands(rng, key, tmp_path, monkeypatch):
    """200 small pictures, with the random source held: keys differ by picture all the same."""
    monkeypatch.setattr("jaxcrypt.sealing.keys.os.urandom", lambda count: bytes(range(count)))
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    photos = {f"{number:03}.png": png(rng, (5 + number % 3, 4)) for number in range(200)}
    for name, photo in photos.items():
        (folder / name).write_bytes(photo)
    assert encrypt.main([str(folder), "-o", str(out), "--key-file", str(key)]) == ExitCode.OK
    keys = jaxcrypt.Keys(key_file=key)

    def both_ways(name: str) -> tuple[bytes, bytes]:
        sealed = jaxcrypt.seal(photos[name], keys, name=name)
        return sealed, jaxcrypt.unseal(sealed, keys).files[0][1]

    with ThreadPoolExecutor(2) as pool:
        results = dict(zip(photos, pool.map(both_ways, photos), strict=True))
    assert {name: sealed for name, (sealed, _) in results.items()} == {
        name: (out / f"{name}.png").read_bytes() for name in photos
    }
    assert {name: back for name, (_, back) in results.items()} == photos
    assert decrypt.main([str(out), "-o", str(tmp_path / "back"), "--key-file", str(key)]) == ExitCode.OK
    assert all((tmp_path / "back" / name).read_bytes() == photo for name, photo in photos.items())


def test_a_loaded_system_maps_arrays(rng):
    cipher = jaxcrypt.load("mixing")
    pictures = [rng.integers(90, 120, (40, 48, 3), np.uint8) for _ in range(2)]
    keys = [bytes(range(32)), bytes(range(1, 33))]
    sealed = cipher.encrypt(pictures, keys)
    assert all(one.pixels.std() > 60 for one in sealed)
    outcomes = cipher.decrypt(sealed, keys, (40, 48, 3))
    for picture, outcome in zip(pictures, outcomes, strict=True):
        assert np.abs(outcome.pictures[0].astype(int) - picture).mean() < 2


def test_importing_the_package_loads_nothing():
    program = "import sys, jaxcrypt; print(sorted(m for m in sys.modules if m in ('numpy', 'jax', 'PIL')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "[]", done.stderr
    assert {"Keys", "seal", "unseal", "load"} <= set(dir(jaxcrypt))


def test_what_travels_beside_is_given_back_on_request_only(rng, key):
    photo, keys = png(rng), jaxcrypt.Keys(key_file=key)
    sealed = jaxcrypt.seal(photo, keys, name="p.png", attach=[("notes.sh", b"#!/bin/sh\n")])
    with pytest.raises(Refusal, match="--any-file"):
        jaxcrypt.unseal(sealed, keys)
    assert jaxcrypt.unseal(sealed, keys, any_file=True).files == [
        ("p.png", photo),
        ("notes.sh", b"#!/bin/sh\n"),
    ]


def test_pixels_that_show_another_picture_are_seen_on_request(rng, key):
    photo, keys = png(rng), jaxcrypt.Keys(key_file=key)
    sealer = Sealer(keys)
    plain = sealer.read(photo, "p.png")
    for pixels, differ in ((plain.pixels, False), (255 - plain.pixels, True)):
        file = io.BytesIO()
        sealer.seal([replace(plain, pixels=pixels)])[0].write(file)
        assert jaxcrypt.unseal(file.getvalue(), keys).files == [("p.png", photo)]
        if differ:
            with pytest.raises(Refusal, match=r"show another picture than the file p\.png") as refused:
                jaxcrypt.unseal(file.getvalue(), keys, check_pixels=True)
            assert refused.value.code == ExitCode.TAMPERED
        else:
            assert jaxcrypt.unseal(file.getvalue(), keys, check_pixels=True).files == [("p.png", photo)]


def test_weights_and_options_of_decryption_are_those_that_were_named(rng, key):
    keys = jaxcrypt.Keys(key_file=key)
    sealed = jaxcrypt.seal(png(rng, (16, 16)), keys, system="autoencoder", pixels_only=True)
    opened = jaxcrypt.unseal(sealed, keys)
    again = jaxcrypt.unseal(sealed, keys, weights="autoencoder")
    np.testing.assert_array_equal(again.pictures[0], opened.pictures[0])
    with pytest.raises(Refusal, match="made with the weights autoencoder@"):
        jaxcrypt.unseal(sealed, keys, weights="stego")
    with pytest.raises(Refusal, match="--steps: --system autoencoder has no such option"):
        jaxcrypt.unseal(sealed, keys, options={"steps": "8"})
    header = SimpleNamespace(system="diffusion", options=jaxcrypt.load("diffusion").stored)
    policy = Opener(keys, options={"steps": "8"}).policy
    assert dict(policy.cipher(SimpleNamespace(header=header, source="p.png")).options)["steps"] == 8
