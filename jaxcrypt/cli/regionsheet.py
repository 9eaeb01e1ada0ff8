"""A sheet of pictures with what was found in them, to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jaxcrypt.cli.jobs import Job
from jaxcrypt.cli.output import write_whole

if TYPE_CHECKING:
    import numpy as np

SHOWN, _SIDE = 100, 160  # pictures on a sheet, and pixels of each


def write_sheet(path: Path, jobs: Sequence[Job], force: bool) -> None:
    """The first pictures with their masks drawn on them, and as they are where there is none."""
    import numpy as np

    from jaxcrypt.pictures.files import encode_png
    from jaxcrypt.pictures.sheets import sheet

    data = encode_png(sheet(np.stack([_small(job) for job in jobs[:SHOWN]])))
    write_whole(path, lambda file: file.write(data), force)


def _small(job: Job) -> np.ndarray:
    """uint8 ``[S, S, 3]``: one picture of a sheet, on white; white alone for what cannot be read."""
    import numpy as np
    from PIL import Image, ImageOps

    from jaxcrypt.errors import Refusal
    from jaxcrypt.pictures.files import load_picture
    from jaxcrypt.regions.preview import preview
    from jaxcrypt.regions.request import Region

    try:
        picture = load_picture(job.read(), job.name).pixels
        written = job.target is not None and job.target.is_file()
        mask = (
            load_picture(str(job.target)).pixels[..., 0] > 127
            if written
            else np.zeros(picture.shape[:2], bool)
        )
        shown = Image.fromarray(preview(picture, Region(mask)))
    except Refusal:
        return np.full((_SIDE, _SIDE, 3), 255, np.uint8)
    return np.asarray(ImageOps.pad(shown, (_SIDE, _SIDE), color="white"))
