"""TFDS's own sets: array_record as it lies, TFRecord through TensorFlow, or one clear line without it."""

import importlib.util
import io
import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds
from data_pictures import numbers, spec
from PIL import Image

from jaxcrypt import roi
from jaxcrypt.data import pipeline
from jaxcrypt.errors import ExitCode, Refusal

HAS_TENSORFLOW = importlib.util.find_spec("tensorflow") is not None


class TinyFaces(tfds.core.GeneratorBasedBuilder):
    """A public set in the shape of celeb_a."""

    VERSION = tfds.core.Version("2.0.0")
    NAMES = tuple(f"Attribute_{n:02d}" for n in range(40))

    def _info(self):
        attributes = dict.fromkeys(self.NAMES, np.bool_)
        features = {"image": tfds.features.Image(), "attributes": attributes}
        return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples(0, 6), "test": self._generate_examples(6, 9)}

    def _generate_examples(self, start, stop):
        for number in range(start, stop):
            file = io.BytesIO()
            Image.fromarray(np.full((8, 8, 3), number, np.uint8)).save(file, "PNG")
            yield (
                number,
                {
                    "image": io.BytesIO(file.getvalue()),
                    "attributes": {name: index == number for index, name in enumerate(self.NAMES)},
                },
            )


@pytest.fixture
def prepared(tmp_path):
    """The folder that the set was prepared in, as array_record."""
    root = tmp_path / "tfds"
    TinyFaces(data_dir=root, file_format="array_record").download_and_prepare()
    return root


def stored_as_tfrecord(root):
    """What TFDS finds where a set was prepared as most public ones are."""
    info = root / "tiny_faces" / "2.0.0" / "dataset_info.json"
    info.write_text(json.dumps({**json.loads(info.read_text()), "fileFormat": "tfrecord"}))
    return root


def test_an_array_record_set_is_read_without_tensorflow(settings, prepared):
    splits = {"train": "train", "validation": "train[4:]", "test": "test"}
    config = settings(kind="tfds", name="tiny_faces", path=str(prepared), splits=splits)
    batch = next(pipeline(config, spec(3, image=3, labels=40), split="test"))
    assert sorted(numbers(batch)) == [6, 7, 8]
    assert batch["labels"].argmax(axis=1).tolist() == numbers(batch)
    assert next(pipeline(config, spec(3), split="validation"))["valid"].sum() == 2


def test_masks_of_a_set_are_made_and_come_with_its_pictures(settings, prepared, tmp_path, capsys):
    """``jaxcrypt roi --tfds``, stopped and gone on with; then a batch that wants masks."""
    masks = tmp_path / "masks"
    given = [str(prepared), "--tfds", "tiny_faces", "--masks", str(masks), "--sheet", str(tmp_path / "s.png")]
    assert roi.main([*given, "--roi", "2,1,4x3"]) == ExitCode.OK
    (masks / "tiny_faces" / "train" / "3.mask.png").unlink()
    assert roi.main([*given[:-2], "--roi", "0,0,8x8"]) == ExitCode.OK
    assert capsys.readouterr().err.count("exists, skipped") == 5
    config = settings(kind="tfds", name="tiny_faces", path=str(prepared), masks=str(masks))
    batch = next(pipeline(config, spec(6, image=3, mask=0), split="train"))
    areas = sorted(np.asarray(batch["mask"]).sum(axis=(1, 2)).tolist())
    assert areas == [12] * 5 + [64]
    config.splits.train = "test"
    with pytest.raises(Refusal, match=r"tiny_faces/test/\d has no mask"):
        next(pipeline(config, spec(3, image=3, mask=0), split="train"))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--tfds", "tiny_faces"], "--masks FOLDER"),
        (["--split", "test"], "needs --tfds"),
        (["--tfds", "tiny_facse", "--masks", "m"], "TFDS knows no such set"),
        (["--tfds", "tiny_faces", "--masks", "m", "--split", "dev"], "has train, test"),
    ],
)
def test_sets_without_pictures_to_mask_are_refused(prepared, tmp_path, capsys, monkeypatch, more, words):
    monkeypatch.chdir(tmp_path)
    assert roi.main([str(prepared), "--roi", "0,0,2x2", *more]) != ExitCode.OK
    assert words in capsys.readouterr().err
    assert not (tmp_path / "m").exists()


@pytest.mark.skipif(HAS_TENSORFLOW, reason="TensorFlow is installed")
def test_a_tfrecord_set_names_the_extra(settings, prepared):
    config = settings(kind="tfds", name="tiny_faces", path=str(stored_as_tfrecord(prepared)))
    with pytest.raises(Refusal) as refusal:
        pipeline(config, spec(2), split="train")
    assert str(refusal.value) == (
        "tiny_faces: is stored as tfrecord, which needs TensorFlow: pip install 'jaxcrypt[tensorflow]'"
    )


@pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow is not installed")
def test_a_tfrecord_set_is_converted_once(settings, tmp_path):
    root = tmp_path / "tfds"
    TinyFaces(data_dir=root).download_and_prepare()
    config = settings(kind="tfds", name="tiny_faces", path=str(root))
    first = next(pipeline(config, spec(6, image=3, labels=40), split="train"))
    assert sorted(numbers(first)) == list(range(6))
    assert first["labels"].argmax(axis=1).tolist() == numbers(first)
    again = next(pipeline(config, spec(6), split="train"))
    assert numbers(again) == numbers(first)


@pytest.mark.skipif(HAS_TENSORFLOW, reason="TensorFlow is installed")
def test_celeb_a_that_is_not_there_says_what_to_do(settings, tmp_path):
    config = settings(kind="tfds", name="celeb_a", path=str(tmp_path))
    with pytest.raises(Refusal, match=r"celeb_a: is not prepared in .*config\.data\.download=True"):
        pipeline(config, spec(2), split="train")
    config.download = True
    with pytest.raises(Refusal, match=r"pip install 'jaxcrypt\[tensorflow\]'"):
        pipeline(config, spec(2), split="train")


def test_unknown_sets_and_splits_are_refused(settings, prepared):
    config = settings(kind="tfds", name="tiny_facse", path=str(prepared))
    with pytest.raises(Refusal, match="TFDS knows no such set"):
        pipeline(config, spec(2), split="train")
    config.name = "tiny_faces"
    with pytest.raises(Refusal, match=r"config\.data\.splits\.validation=validation: .* has train, test"):
        pipeline(config, spec(2), split="validation")


def test_a_config_file_loads_neither_jax_nor_tfds():
    program = (
        "import sys\nfrom jaxcrypt.data import default_config\ndefault_config()\n"
        "print(*[m for m in ('jax', 'grain', 'tensorflow_datasets', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
