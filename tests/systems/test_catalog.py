"""What is declared of every System, and Systems from other packages."""

import numpy as np
import pytest

import jaxcrypt
from jaxcrypt.declared import DAMAGES
from jaxcrypt.errors import ExitCode, Refusal
from jaxcrypt.pictures.files import encode_png, load_picture
from jaxcrypt.systems import catalog

# What headers hold that were written by releases: names, and stored values with their types.
STORED = {
    "logistic": {},
    "mixing": {"rounds": (3, 2)},
    "autoencoder": {},
    "stego": {"keyed": (True, False)},
    "denoiser": {"robust": (0, 1, 2, 3), "rounds": (3, 2)},
    "cyclegan": {"rate": (1, 2, 4), "robust": (0, 1, 2, 3), "key_image": (0, 1), "rounds": (3, 2)},
    "concatenation": {},
}
PLUGIN = """
from jaxcrypt.declared import Option, Traits, chosen
from jaxcrypt.record import Sealed, System
from jaxcrypt.declared import Entry

ENTRY = Entry(
    "rotation", "rotating", "turns bytes", (Option("by", 13, "how far", {"13": 13, "47": 47}),),
    traits=Traits(exact=True, keeps_shape=True, argument="none: everybody can turn them back"),
)


def turned(image, options, sign):
    return image + sign * chosen(ENTRY.options, options)["by"]


def build(config=None):
    from jaxcrypt.systems.drivers.whole import driven

    return driven(System(
        init=lambda rng, batch: ({}, {}),
        batch=lambda config: {},
        stages=(),
        encrypt=lambda v, inputs, key, options: Sealed(turned(inputs["image"], options, 1)),
        decrypt=lambda v, sealed, inputs, key, options: {"image": turned(sealed.pixels, options, -1)},
        outputs=lambda v, batch, rng: {},
        **ENTRY.declared(),
    ))
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Make another package's module and its entry point importable."""

    def put(source: str, points: str) -> None:
        (tmp_path / "rotating.py").write_text(source)
        folder = tmp_path / "rotating-1.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: rotating\nVersion: 1\n")
        (folder / "entry_points.txt").write_text(f"[jaxcrypt.systems]\n{points}\n")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(__import__("sys").modules, "rotating", raising=False)
        catalog.installed.cache_clear()

    yield put
    catalog.installed.cache_clear()


@pytest.mark.parametrize("name", STORED)
def test_stored_options_never_change(name):
    options = {option.name: set(map(repr, option.values)) for option in catalog.entry(name).options}
    for option, values in STORED[name].items():
        assert options[option] >= set(map(repr, values)), option


@pytest.mark.parametrize("name", catalog.NAMES)
def test_declarations_are_complete(name):
    entry = catalog.entry(name)
    assert entry.summary
    assert entry.traits.argument
    assert entry.traits.survives <= set(DAMAGES)
    inputs = {given.name for given in entry.inputs}
    for option in entry.options:
        assert option.help
        assert option.default in option.values
        assert not option.needs or option.needs in inputs


def test_the_ablation_is_not_offered_and_says_why():
    entry = catalog.entry("concatenation")
    assert not entry.offered
    assert "never for use" in entry.summary
    assert "never for use" in entry.traits.argument


def test_a_misspelt_name_is_refused_with_the_nearest():
    with pytest.raises(Refusal, match="--system cyclgan: unknown; did you mean cyclegan") as refused:
        catalog.entry("cyclgan")
    assert refused.value.code == ExitCode.USAGE
    with pytest.raises(Refusal, match="choose one of logistic, mixing"):
        catalog.entry("xyzzy")


def test_another_package_adds_a_system(install):
    install(PLUGIN, "rotation = rotating:ENTRY")
    photo = encode_png(np.arange(210, dtype=np.uint8).reshape(10, 7, 3))
    keys = jaxcrypt.Keys(passphrase="enough of it for a test")
    sealed = jaxcrypt.seal(photo, keys, system="rotation", options={"by": "47"}, pixels_only=True)
    assert load_picture(sealed).pixels.ravel()[0] == 47
    opened = jaxcrypt.unseal(sealed, keys)
    assert opened.system == "rotation"
    assert opened.exact
    np.testing.assert_array_equal(opened.pictures[0], load_picture(photo).pixels)
    with pytest.raises(Refusal, match="did you mean rotation"):
        catalog.entry("rotatoin")


def test_a_package_cannot_replace_a_system_of_this_one(install):
    install(PLUGIN, "logistic = rotating:ENTRY")
    assert catalog.entry("logistic").module == "jaxcrypt.systems.logistic.system"


@pytest.mark.parametrize(
    ("source", "points", "says"),
    [
        ("1/0", "rotation = rotating:ENTRY", "rotating:ENTRY cannot be imported"),
        (PLUGIN, "turning = rotating:ENTRY", "no entry of that name"),
        ("ENTRY = 3", "rotation = rotating:ENTRY", "no entry of that name"),
    ],
)
def test_a_broken_package_is_refused_in_one_line(install, source, points, says):
    install(source, points)
    with pytest.raises(Refusal, match=says):
        catalog.entry(points.split(" ")[0])
