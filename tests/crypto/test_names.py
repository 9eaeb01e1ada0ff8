"""The names under which readers write files: whatever a stranger puts into a header, they do no harm."""

import pytest

from jaxcrypt.crypto.names import MAX_NAME, clean_name, encode_name, safe_name

CHANGED = {
    ".bash_profile": "_bash_profile",
    "..": "picture",
    "...x": "_..x",
    "-rf": "_rf",
    "--force.png": "_-force.png",
    "a:b.jpg": "a_b.jpg",
    "C:x.jpg": "C_x.jpg",
    "photo.jpg:stream:$DATA": "photo.jpg_stream_$DATA",
    "a\\b": "a_b",
    "../../etc/passwd": "_._.._etc_passwd",
    "what?*<>|\"'": "what______'",
    "photo.jpg.": "photo.jpg_",
    "photo.jpg . ": "photo.jpg___",
    "CON": "_CON",
    "con.jpg": "_con.jpg",
    "Nul .tar.gz": "_Nul .tar.gz",
    "COM1.png": "_COM1.png",
    "lpt\u00b2.txt": "_lpt\u00b2.txt",
    "CONOUT$": "_CONOUT$",
    "gpj.\u202eexe.jpg": "gpj._exe.jpg",
    "two\u2028lines.png": "two_lines.png",
    "\u2029\u200b\ufeff.png": "___.png",
    "bell\x07\x9b.png": "bell__.png",
    "": "picture",
}


@pytest.mark.parametrize("name", CHANGED)
def test_unsafe_names_are_made_safe(name):
    assert safe_name(name) == CHANGED[name]


@pytest.mark.parametrize(
    "name",
    ["photo.jpg", "Ferien in Köln (3).jpeg", "写真.png", "common.png", "COM10.png", "con-artist.png",
     "tar.gz", "a.b.c", "_x", "caf\udce9.png", "\u0627\u0644.png", "~x#%&{}$!'@+`=.png"],
)  # fmt: skip
def test_harmless_names_stay(name):
    assert safe_name(name) == name


def test_safe_once_is_safe_for_ever_and_fits():
    for name in (*CHANGED, "." + "ä" * 126 + ".jpeg", "NUL." + "x" * 251, ":" * 300, "a." + "b" * 300):
        safe = safe_name(name)
        assert safe_name(safe) == safe == clean_name(safe)
        assert 0 < len(encode_name(safe)) <= MAX_NAME
    assert safe_name("NUL." + "x" * 247 + ".png").endswith(".png")
