"""The vectors of docs/FORMAT.md, "Carriers": a stored header opens, its symbols are as they stand there."""

import hashlib
import re
from pathlib import Path

import numpy as np

from jaxcrypt.crypto import carried, payload, sources
from jaxcrypt.crypto.filekey import Keyring
from jaxcrypt.travel import beacon, digits, headline

PAGE = (Path(__file__).parents[2] / "docs" / "FORMAT.md").read_text()
FILE = b"jaxcrypt test vector\n"


def _listed() -> tuple[bytes, dict[str, str]]:
    block = re.search(r"```\nheader =\n(.*?)```", PAGE, re.S)[1]
    head, _, rest = block.partition("symbols_sha256")
    lines = f"symbols_sha256{rest}".strip().splitlines()
    return bytes.fromhex(head), dict(line.split(" = ") for line in lines)


def _sha256(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def test_the_header_opens_and_the_symbols_are_the_same():
    data, listed = _listed()
    keyring = Keyring([sources.Source(sources.Kind.KEY_FILE, bytes(range(32)))])
    read = carried.read(data + bytes(40))
    opened = carried.open_carried(read, keyring)
    assert read.carrier == carried.Carrier(480, 640, (0, 0), 75)
    assert opened.header.original == (300, 400, 3)
    assert (opened.name, opened.length, opened.padded) == ("vector.txt", 21, 21)
    assert opened.key.digest == hashlib.sha256(FILE).digest()
    sealed = b"".join(payload.seal(opened.key.subkey("payload"), FILE, 21))
    assert opened.open_files([sealed]) == [("vector.txt", FILE)]
    made = headline.signs(data, 30, 40), beacon.signs(30, 40), digits.encode(FILE, 100_000, bytes(range(32)))
    assert dict(zip(listed, map(_sha256, made), strict=True)) == listed
