"""The process in which a C library touches a JPEG file: ``python coefficients_worker.py read`` or ``write``.

``read``: a JPEG on stdin; on stdout an ``npz`` of ``plane0`` … (int16 ``[rows, columns, 8, 8]``) and
``table0`` … (uint16 ``[8, 8]``). ``write``: an ``npz`` of ``source`` (uint8, a JPEG of the same geometry) and
the planes on stdin; the JPEG with these coefficients on stdout. Whatever goes wrong is an exit status other
than 0.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile

import numpy as np

_NAMES = ("Y", "Cb", "Cr")


def _read(data: bytes, path: str) -> bytes:
    import jpeglib

    with open(path, "wb") as file:
        file.write(data)
    picture = jpeglib.read_dct(path)
    arrays = {}
    for index in range(picture.num_components):
        arrays[f"plane{index}"] = getattr(picture, _NAMES[index])
        arrays[f"table{index}"] = picture.get_component_qt(index)
    made = io.BytesIO()
    np.savez(made, **arrays)
    return made.getvalue()


def _write(data: bytes, path: str) -> bytes:
    import jpeglib

    with np.load(io.BytesIO(data), allow_pickle=False) as given:
        with open(path, "wb") as file:
            file.write(given["source"].tobytes())
        picture = jpeglib.read_dct(path)
        picture.load()
        for index in range(picture.num_components):
            setattr(picture, _NAMES[index], np.ascontiguousarray(given[f"plane{index}"]))
    picture.markers = []
    made = f"{path}.made"
    picture.write_dct(made, flags=["+OPTIMIZE_CODING"])
    with open(made, "rb") as file:
        return file.read()


def _main() -> None:
    # The library works on files: they lie in a folder of this process's own, which its parent removes.
    folder = os.environ["JAXCRYPT_SCRATCH"]
    tempfile.tempdir = folder
    do = {"read": _read, "write": _write}[sys.argv[1]]
    sys.stdout.buffer.write(do(sys.stdin.buffer.read(), os.path.join(folder, "in.jpg")))


if __name__ == "__main__":
    _main()
