"""Export, manifest and digest: what was trained loads again, what was altered does not."""

import json
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jax
import numpy as np
import pytest
import safetensors.numpy

import jaxcrypt.data
from jaxcrypt import export, zoo
from jaxcrypt.declared import Entry
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.sealing import cipher
from jaxcrypt.systems import catalog
from jaxcrypt.training import run
from jaxcrypt.training.weights import load_weights, save_weights
from jaxcrypt.zoo import cards
from tests.training import toys


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setitem(catalog._ENTRIES, "toy", Entry("toy", "tests.training.toys", "a toy"))
    monkeypatch.setattr(jaxcrypt.data, "pipeline", toys.pipeline, raising=False)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A toy System trained for four steps."""
    folder = tmp_path_factory.mktemp("run")
    config = toys.config(steps=4)
    config.model.sizes = (3, 5)  # a tuple, which JSON makes a list
    around = run.Surroundings(pipeline=lambda: toys.Data(16))
    run.train(toys.denoiser(config), config, folder, around)
    return folder


@pytest.fixture
def folder(workdir, tmp_path):
    """A zoo with one entry, ``toy``."""
    assert export.main(["--workdir", str(workdir), "--name", "toy", "--zoo", str(tmp_path)]) == 0
    return tmp_path


def outputs(loaded):
    system, variables, _ = loaded
    batch = {"image": toys.pictures(8, 0, 0)["image"]}
    return np.asarray(system.outputs(variables, batch, jax.random.key(0))["decrypted"])


def test_an_exported_entry_does_what_the_checkpoint_does(workdir, folder):
    entry = zoo.load(folder / "toy.safetensors")
    assert entry[2]["dtype"] == "float16"
    assert {leaf.dtype for leaf in jax.tree.leaves(entry[1])} == {np.dtype("float32")}
    np.testing.assert_allclose(outputs(entry), outputs(zoo.load(workdir)), atol=2e-3)


def test_the_manifest_says_what_the_weights_are(folder):
    entry = zoo.manifest(folder)["toy"]
    assert entry["system"] == "toy"
    assert entry["steps"] == 4
    assert entry["config"]["model"]["sizes"] == [3, 5]
    assert set(entry["metrics"]) == {f"validation/{name}" for name in ("psnr", "ssim", "mse", "entropy")}
    assert entry["bytes"] == (folder / "toy.safetensors").stat().st_size
    assert entry["hardware"]
    assert entry["date"].startswith("2")


def test_float32_is_exact(workdir, tmp_path):
    export.main(["--workdir", str(workdir), "--name", "toy", "--zoo", str(tmp_path), "--dtype", "float32"])
    one, other = zoo.load(tmp_path / "toy.safetensors")[1], zoo.load(workdir)[1]
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_altered_weights_are_refused_before_they_are_read(folder):
    file = folder / "toy.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    with pytest.raises(Refusal, match="damaged or altered") as caught:
        zoo.load(file)
    assert caught.value.code == ExitCode.TAMPERED


def test_missing_weights_and_entries_are_refused(folder):
    with pytest.raises(Refusal, match="no entry called other"):
        zoo.load(folder / "other.safetensors")
    (folder / "toy.safetensors").unlink()
    with pytest.raises(Refusal, match="missing"):
        zoo.load(folder / "toy.safetensors")
    with pytest.raises(Refusal, match="no entry of the zoo; the zoo has"):
        zoo.load("no-such-entry")
    (folder / zoo.MANIFEST).write_text('[{"name": "toy"}]')
    with pytest.raises(Refusal, match="an entry lacks system"):
        zoo.manifest(folder)


def test_a_folder_named_like_an_entry_changes_nothing(workdir, tmp_path, monkeypatch):
    (tmp_path / "denoiser").symlink_to(workdir)
    (tmp_path / "mine").symlink_to(workdir)
    monkeypatch.chdir(tmp_path)
    assert zoo.load("denoiser")[2]["sha256"] == zoo.manifest()["denoiser"]["sha256"]
    assert zoo.load("./denoiser")[0].name == "toy"
    with pytest.raises(Refusal, match=r"mine: no entry of the zoo; .*for the folder say \./mine"):
        zoo.load("mine")


def test_the_shipped_zoo_is_sound():
    """Every entry of the package has its file, and all together stay below the limit."""
    entries = zoo.manifest().values()
    for entry in entries:
        zoo.read(entry)
    assert sum(entry["bytes"] for entry in entries if "file" in entry) <= zoo.LIMIT


def test_too_large_weights_want_a_url(folder, monkeypatch, workdir):
    monkeypatch.setattr(zoo, "LIMIT", 1500)
    command = ["--workdir", str(workdir), "--name", "more", "--zoo", str(folder)]
    with pytest.raises(Refusal, match="give --url"):
        export.main(command)
    assert not (folder / "more.safetensors").exists()
    assert export.main([*command, "--url", "http://example.org/more.safetensors"]) == 0
    assert "file" not in zoo.manifest(folder)["more"]


@pytest.fixture
def server(tmp_path_factory):
    root = tmp_path_factory.mktemp("served")

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(root))

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield root, f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def remote_entry(folder, url):
    entry = zoo.manifest(folder)["toy"]
    del entry["file"]
    return {**entry, "url": url}


def test_weights_by_url_are_fetched_once_and_verified(folder, server, tmp_path, monkeypatch):
    root, address = server
    monkeypatch.setenv("JAXCRYPT_CACHE", str(tmp_path / "cache"))
    data = (folder / "toy.safetensors").read_bytes()
    entry = remote_entry(folder, f"{address}/toy.safetensors")

    with pytest.raises(Refusal, match=r"download failed .*save it as"):
        zoo.read(entry)
    (root / "toy.safetensors").write_bytes(data[:-1] + b"?")
    with pytest.raises(Refusal, match="another SHA-256"):
        zoo.read(entry)
    (root / "toy.safetensors").write_bytes(data * 2)
    with pytest.raises(Refusal, match="longer than"):
        zoo.read(entry)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]

    (root / "toy.safetensors").write_bytes(data)
    assert zoo.read(entry) == data
    (root / "toy.safetensors").unlink()
    assert zoo.read(entry) == data  # from the cache


def test_entries_load_with_the_core_dependencies_only(folder):
    """No Orbax, no Optax, no clu: encrypting with shipped weights must not need the training extra."""
    code = (
        "import sys\n"
        "for name in ('orbax', 'optax', 'clu', 'tensorboardX', 'grain'): sys.modules[name] = None\n"
        "import pathlib; from jaxcrypt import zoo\n"
        "from jaxcrypt.declared import Entry; from jaxcrypt.systems import catalog\n"
        "catalog._ENTRIES['toy'] = Entry('toy', 'tests.training.toys', 'a toy')\n"
        f"print(sorted(zoo.load(pathlib.Path({str(folder)!r}) / 'toy.safetensors')[1]))"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.stdout.strip() == "['extra', 'params']", done.stderr


def test_weights_keep_structure_types_and_values():
    variables = {
        "params": {"net": {"w": np.float32([0.5, 1.25]), "steps": np.int32([3])}, "none": {}},
        "extra": {"net": {}, "none": {"mean": np.float32(2.0)}},
    }
    back = load_weights(save_weights(variables, {"name": "x"}, "float16"))
    jax.tree.map(np.testing.assert_array_equal, back, variables)
    assert jax.tree.structure(back) == jax.tree.structure(variables)
    assert back["params"]["net"]["steps"].dtype == np.int32
    with pytest.raises(Refusal, match="beyond float16"):
        save_weights({"params": {"w": np.float32([1e6])}, "extra": {}}, {}, "float16")
    with pytest.raises(Refusal, match="not a weights file"):
        load_weights(json.dumps({}).encode())


def test_kernels_in_bytes_are_within_half_a_unit_of_each_output():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 8, 4)).astype(np.float32) * np.float32(
        [1, 10, 0.1, 0]
    )
    net = {"kernel": kernel, "bias": np.float32([0.5, -2.0, 0.25, 4.0])}
    data = save_weights({"params": {"net": net}, "extra": {}}, {}, "int8")
    assert len(data) < len(save_weights({"params": {"net": net}, "extra": {}}, {}, "float16"))
    back = load_weights(data)["params"]["net"]
    assert set(back) == set(net)
    np.testing.assert_array_equal(back["bias"], net["bias"])
    unit = np.abs(kernel).max(axis=(0, 1, 2)) / 127
    assert (np.abs(back["kernel"] - kernel) <= unit * 0.5001).all()
    assert back["kernel"].dtype == np.float32
    assert cards.parameters(data) == kernel.size + 4
    bad = {"params/w:unit": np.ones(300, np.float32)}
    for tensors in (bad, bad | {"params/w": np.ones((2, 1), np.int8)}):
        with pytest.raises(Refusal, match="not a weights file"):
            load_weights(safetensors.numpy.save(tensors, {"empty": "[]"}))
    net["kernel"][0, 0, 0, 0] = np.inf
    with pytest.raises(Refusal, match="no numbers"):
        save_weights({"params": {"net": net}, "extra": {}}, {}, "int8")


def test_exported_configs_hold_nobodys_folders(monkeypatch):
    monkeypatch.setenv("JAXCRYPT_DATA", "/home/someone/pictures")
    config = {"path": "/home/someone/pictures/faces/train", "mix": [{"path": "/mnt/x/photos"}], "steps": 3}
    expected = {"path": "faces/train", "mix": [{"path": "photos"}], "steps": 3}
    assert export.portable(config) == expected


def test_only_the_nets_that_were_named_are_exported(workdir, tmp_path):
    command = ["--workdir", str(workdir), "--name", "part", "--zoo", str(tmp_path), "--opens", "0" * 16]
    (net, *_) = zoo.load(workdir)[1]["params"]
    assert export.main([*command, "--nets", net]) == 0
    entry = zoo.manifest(tmp_path)["part"]
    assert (entry["nets"], entry["opens"]) == ([net], ["0" * 16])
    assert set(zoo.load(tmp_path / "part.safetensors")[1]["params"]) == {net}
    with pytest.raises(Refusal, match="--nets nothing: the System has"):
        export.main([*command, "--nets", "nothing"])


def test_cipher_pictures_are_read_by_the_weights_that_stand_in_for_theirs(monkeypatch):
    entries = {
        "net": {"name": "net", "sha256": "aa" * 32, "opens": ["bb" * 8]},
        "net-1": {"name": "net-1", "sha256": "cc" * 32, "opens": ["dd" * 8]},
    }
    monkeypatch.setattr(zoo, "manifest", lambda: entries)
    read = {digest: zoo.reader(f"net@{digest * 8}") for digest in ("aa", "bb", "cc", "dd", "ee")}
    assert read == {"aa": "net", "bb": "net", "cc": "net-1", "dd": "net-1", "ee": "net"}
    assert zoo.reader("mine@" + "bb" * 8) == "net"
    assert zoo.reader("mine@" + "ee" * 8) is None


def test_superseded_weights_encrypt_nothing():
    with pytest.raises(Refusal, match="only read older cipher pictures; take stego-robust"):
        cipher.load("stego", "stego-robust-1")
