"""docs/FORMAT.md names every option and side array that headers hold."""

import re
from pathlib import Path

import pytest

from jaxcrypt.crypto import pngreader, recipients, sealed, sources
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.crypto.keyimage import key_image
from jaxcrypt.sealing import extras
from jaxcrypt.systems import catalog

ROOT = Path(__file__).parents[2]
OLDER = ROOT / "tests" / "fixtures" / "older"
KEYS = OLDER / "keys"
ABLATIONS = {"concatenation": "cyclegan"}


def rows() -> dict[str, tuple[set[str], set[str]]]:
    """Names of options and of side arrays by System, as the page's table has them."""
    page = (ROOT / "docs" / "FORMAT.md").read_text(encoding="utf-8")
    chapter = page.partition("\n## Systems\n")[2].partition("\n### ")[0]
    table = {}
    for line in chapter.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and re.fullmatch(r"`[a-z]+`", cells[0]):
            options, arrays = (set(re.findall(r"`([a-z_]+)`", cell)) for cell in cells[1:])
            table[cells[0].strip("`")] = options, arrays
    return table


@pytest.mark.parametrize("name", [name for name in catalog.NAMES if catalog.entry(name).offered])
def test_every_option_that_is_stored(name):
    stored = {option.name for option in catalog.entry(name).options if not getattr(option, "opening", False)}
    assert stored <= rows()[name][0]


@pytest.mark.parametrize("path", sorted((OLDER / "sealed").glob("*.png")), ids=lambda path: path.stem)
def test_every_array_of_older_files(path):
    words = sources.read_passphrase(file=KEYS / "passphrase.txt")
    image, file = key_image(KEYS / "key-image.png"), sources.key_file(KEYS / "key.txt")
    friend = [recipients.read_identity(KEYS / "friend")]
    head = pngreader.read(path.read_bytes()).need_header()
    opened = None
    for held in ([file], [words], [image], [words, image], []):
        try:
            opened = sealed.open_header(head, Keyring(held, identities=friend))
            break
        except sealed.Refusal:
            continue
    assert opened is not None
    options, arrays = rows()[ABLATIONS.get(opened.header.system, opened.header.system)]
    assert {name for name, _ in opened.header.options} <= options | {"weights"}
    assert set(opened.side) <= arrays | set(extras.NAMES)


def test_what_travels_besides():
    page = (ROOT / "docs" / "FORMAT.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` " in page for name in extras.NAMES)
