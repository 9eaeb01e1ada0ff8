"""What decryption writes: which files it takes out of a payload, and under which names.

Whoever has somebody's public key chooses name and bytes of what is sealed for them. So a payload must be the
picture that the header describes, and its name must be one that a program, a shell or a desktop only ever
shows: safe characters (:func:`~jaxcrypt.crypto.names.safe_name`) and a picture's suffix.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from jaxcrypt.crypto.bundle import File, distinct_names
from jaxcrypt.crypto.names import safe_name
from jaxcrypt.errors import Refusal, tampered
from jaxcrypt.pictures.decoders import identify
from jaxcrypt.pictures.files import SUFFIXES

MARK = ".unauthenticated"
_SUFFIX = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif"}  # of other formats their name in small letters


def pictures_only(files: Sequence[File], shape: Sequence[int], source: str) -> list[File]:
    """The files of a payload, all of them pictures, the first of the header's shape; with safe names.

    Args:
      shape: height, width and channels that the header says.

    Raises:
      Refusal: a file that is no picture (BAD_INPUT), or another picture than the header's (TAMPERED).
    """
    named = []
    for index, (name, data) in enumerate(files):
        kind = identify(bytes(data) if isinstance(data, memoryview) else data)
        if kind is None:
            hint = "whoever sealed it chose name and bytes; to take any file, give --any-file"
            raise Refusal(f"{source}: what travels in it is no picture ({safe_name(name)!a}); {hint}")
        format_name, size = kind
        if not index and sorted(size) != sorted(shape[:2]):
            raise tampered(f"{source}: the file in it is another picture than its header says; not written")
        named.append((_with_suffix(safe_name(name), format_name), data))
    return _apart(named)


def any_files(files: Sequence[File]) -> list[File]:
    """The files of a payload, whatever they are, with safe names."""
    return _apart([(safe_name(name), data) for name, data in files])


def picture_names(names: Sequence[str], count: int, mark: str = "") -> list[str]:
    """Names of ``count`` PNG files that are made from pixels: after those of their files, or numbered."""
    stems = [PurePosixPath(safe_name(name)).stem for name in names[:count]]
    numbered = [f"{stems[0]}.{number}" for number in range(len(stems) + 1, count + 1)]
    return distinct_names([safe_name(f"{stem}{mark}.png") for stem in stems + numbered])


def renamed(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """What to say of names that were changed, a line each."""
    pairs = zip(before, after, strict=True)
    return [f"it calls itself {old!a}: written as {new}" for old, new in pairs if old != new]


def _with_suffix(name: str, kind: str) -> str:
    """A picture under the wrong picture's suffix stays so; under any other it gets its own."""
    if PurePosixPath(name).suffix.lower() in SUFFIXES:
        return name
    return safe_name(name + _SUFFIX.get(kind, f".{kind.lower()}"))


def _apart(files: list[File]) -> list[File]:
    names = distinct_names([name for name, _ in files])
    return [(name, data) for name, (_, data) in zip(names, files, strict=True)]
