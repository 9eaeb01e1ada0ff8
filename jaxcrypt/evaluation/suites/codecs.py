"""A System beside PCA and image codecs at the bytes that its cipher pictures have, and under a wrong key.

Every picture is encrypted, its cipher picture goes through an 8-bit PNG and is decrypted. Beside it, with as
many bytes for each picture as the cipher picture has:

  PCA                so many components, fitted on other pictures, one byte each over their range there
  WebP, JPEG, AVIF   Pillow's encoder at the highest quality whose file fits, headers included

PCA is for grey pictures only. A codec gives bits to the parts of a picture that need them and codes them
without redundancy, so the size of its file tells something of the picture; a System that spends the same bits
everywhere hides it. A codec's file is not encrypted either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import numpy as np
from PIL import Image

from jaxcrypt.errors import Refusal, usage
from jaxcrypt.evaluation import imagecodecs
from jaxcrypt.evaluation.pictures import load
from jaxcrypt.evaluation.plots import bars
from jaxcrypt.evaluation.report import Result, markdown, numbers
from jaxcrypt.evaluation.setting import Setting, digests, progress, title
from jaxcrypt.evaluation.subject import Subject, through_png
from jaxcrypt.metrics.image import mean, psnr, ssim
from jaxcrypt.metrics.sensitivity import flip_bit
from jaxcrypt.pictures import folders

_CHUNK = 64


def run(setting: Setting) -> Result:
    """One System, PCA where ``--known`` names pictures to fit it on, and the codecs that were chosen."""
    (subject,) = setting.subjects()
    grey, known = setting.own.get("grey", False), setting.own.get("known")
    pictures = stack(setting.paths(), setting.crop, grey)
    if known and pictures.shape[3] > 1:
        raise usage("--known: PCA is for grey pictures; give --grey as well")
    opened, wrong, count = through_cipher(subject, pictures)
    rows = {subject.label: opened}
    if known:
        fitted = stack(folders.find(known, "--known"), setting.crop, grey)
        rows[f"PCA, {count} × 8 bits"] = pca(fitted, pictures, count)
    for name in setting.own.get("codecs", imagecodecs.CODECS):
        parts = progress(([picture] for picture in pictures), len(pictures), name)
        rows[name] = np.stack([imagecodecs.best_fit(name, picture, count) for (picture,) in parts])
    facts = {"pictures": len(pictures), "shape": list(pictures.shape[1:]), "bytes": count}
    facts |= {"system": subject.label, "digests": digests([subject])}
    facts["psnr"] = {name: psnr(made, pictures) for name, made in rows.items()}
    facts["ssim"] = wrong_key(pictures, wrong)
    return Result(facts, plot(facts))


def stack(paths, crop: int | None, grey: bool) -> np.ndarray:
    """Pictures, or their centres, uint8 ``[N, H, W, 1 or 3]``.

    Raises:
      Refusal: they are of several sizes, or some are grey and some are not.
    """
    chosen = []
    for path in paths:
        pixels = load(path, crop).pixels
        pixels = pixels[..., : 1 if pixels.shape[2] < 3 else 3]
        if grey and pixels.shape[2] == 3:
            pixels = np.asarray(Image.fromarray(pixels).convert("L"))[..., None]
        if chosen and pixels.shape != chosen[0].shape:
            raise Refusal(f"{path}: is {pixels.shape}, others are {chosen[0].shape}; give --crop or --grey")
        chosen.append(pixels)
    return np.stack(chosen)


def _chunks(pictures: np.ndarray) -> Iterator[np.ndarray]:
    """Runs of pictures."""
    return (pictures[start : start + _CHUNK] for start in range(0, len(pictures), _CHUNK))


def through_cipher(subject: Subject, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """What comes back with the right key, what with a wrong one, and the bytes of a cipher picture."""
    opened, wrong, shape, count = [], [], pictures.shape[1:], 0
    for number, chunk in enumerate(progress(_chunks(pictures), len(pictures), "encrypted")):
        start = number * _CHUNK
        keys = [np.random.default_rng([start, i, subject.seed]).bytes(32) for i in range(len(chunk))]
        sealed = [through_png(one) for one in subject.encrypt(chunk, keys)]
        count = sealed[0].pixels.nbytes
        opened.append(subject.decrypted(sealed, keys, shape))
        wrong.append(subject.decrypted(sealed, [flip_bit(key, 0) for key in keys], shape))
    return np.concatenate(opened), np.concatenate(wrong), count


def pca(train: np.ndarray, pictures: np.ndarray, count: int) -> np.ndarray:
    """``count`` principal components of ``train``, each rounded to 256 levels over its range in ``train``."""
    flat = train.reshape(len(train), -1).astype(np.float32)
    centre = flat.mean(0)
    flat -= centre
    _, vectors = np.linalg.eigh(flat.T @ flat)
    basis = vectors[:, ::-1][:, :count]
    known = flat @ basis
    low, step = known.min(0), np.ptp(known, axis=0) / 255
    components = (pictures.reshape(len(pictures), -1) - centre) @ basis
    components = np.clip(np.round((components - low) / step), 0, 255) * step + low
    return np.clip(np.round(components @ basis.T + centre), 0, 255).astype(np.uint8).reshape(pictures.shape)


def wrong_key(pictures: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """Mean SSIM of a picture and what a wrong key makes of it, and of two different pictures."""

    def alike(others: np.ndarray) -> float:
        parts = [_ssim(one, other) for one, other in zip(_chunks(pictures), _chunks(others), strict=True)]
        return float(np.concatenate(parts).mean())

    return {
        "SSIM, picture and wrong key": alike(wrong),
        "SSIM, picture and the next picture": alike(np.roll(pictures, 1, axis=0)),
    }


@jax.jit
def _ssim(first, second):
    return ssim(first, second, 255)


def table(facts: Mapping[str, Any]) -> str:
    """Mean (lowest) PSNR of each row as Markdown, what codecs do better, and the wrong key."""
    means = {name: mean(numbers(values)) for name, values in facts["psnr"].items()}
    shape = "×".join(str(side) for side in facts["shape"])
    heading = f"{title(facts, [facts['system']])}; {shape}, {facts['bytes']} bytes each"
    rows = [[name, row.words] for name, row in means.items()]
    rows += [[name, f"{value:.4f}"] for name, value in facts["ssim"].items()]
    lines = []
    for name in means.keys() & imagecodecs.CODECS.keys():
        gap = means[name].psnr - means[facts["system"]].psnr
        if gap > 0:
            lines.append(f"{name} is {gap:.2f} dB better: it puts its bits where they count.")
    body = markdown(["at equal bytes", "PSNR in dB after 8 bits, mean (lowest)"], rows)
    return "\n\n".join([heading, body, *sorted(lines)])


def plot(facts: Mapping[str, Any]) -> bytes:
    """Bars of mean PSNR."""
    return bars({name: {"mean": mean(numbers(v)).psnr} for name, v in facts["psnr"].items()}, "PSNR, dB")
