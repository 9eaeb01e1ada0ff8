"""What the page answers to each click: what to show, and nothing that raises.

Uploads leave the disk as soon as they are read; what is shown travels inside the page's HTML.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from jaxcrypt.demo import figures, work
from jaxcrypt.demo.work import Chosen, File
from jaxcrypt.errors import Refusal
from jaxcrypt.metrics.image import psnr

WHOLE, DRAWN, FACES = "all of it", "what I paint", "faces"
WAYS = {WHOLE: None, FACES: "faces"}
EDITOR_SIDE = 512
_ANY = "application/octet-stream"


class Session:
    """What one visitor brought and made; it lives in memory, and goes with the visit.

    No dataclass: Gradio would turn it into a dict.
    """

    def __init__(self):
        self.photo: File | None = None
        self.cover: File | None = None
        self.key_image: File | None = None
        self.sealed_file: File | None = None
        self.made: work.Encrypted | None = None
        self.chosen: Chosen | None = None
        self.trial: tuple[work.Trial, Any] | None = None  # with the keys that it is sealed with


def _read(path: str | None) -> File | None:
    """An upload, which leaves the disk."""
    if path is None:
        return None
    with open(path, "rb") as file:
        data = file.read()
    os.unlink(path)
    return File(os.path.basename(path), data)


def take(where: str, session: Session, path: str | None) -> str:
    """Keep an upload under a name of the session's."""
    taken = _read(path)
    setattr(session, where, taken)
    return figures.note(f"{taken.name}: {len(taken.data):,} bytes", "quiet") if taken else ""


def drop(where: str, session: Session) -> str:
    """Forget an upload."""
    setattr(session, where, None)
    return ""


def new_key(session: Session) -> str:
    """Make a key image, and offer it to be saved."""
    data = work.new_key_image()
    session.key_image = File("key.png", data)
    said = figures.note("A new key image is in use. Save it: without it nothing opens.")
    return said + figures.download("key.png", data, "image/png", "Save the key image")


def take_photo(session: Session, path: str | None) -> tuple:
    """Keep the photo; returns a note, and a copy to paint on."""
    session.photo = _read(path)
    if session.photo is None:
        return "", gr.update()
    try:
        pixels = work.check_photo(session.photo)
    except Refusal as refusal:
        session.photo = None
        return figures.note(str(refusal), "bad"), gr.update(value=None)
    height, width, _ = pixels.shape
    image = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
    image.thumbnail((EDITOR_SIDE, EDITOR_SIDE))
    value = {"background": np.asarray(image), "layers": [], "composite": None}
    return figures.note(f"{session.photo.name}: {width}×{height}", "quiet"), gr.update(value=value)


def encrypt(session: Session, passphrase: str, system: str, options: list, way: str, painted: Any) -> tuple:
    """Seal the photo; returns a note, the figures, and the file to save."""
    try:
        if session.photo is None:
            raise Refusal("add a photo first")
        keys = work.keys_of(passphrase, session.key_image)
        region = _painted(painted) if way == DRAWN else WAYS[way]
        chosen = Chosen(system, dict(one.split("=", 1) for one in options), session.cover, region)
        made = work.encrypt(session.photo, keys, chosen)
    except Refusal as refusal:
        return figures.note(str(refusal), "bad"), "", gr.update(visible=False)
    session.made, session.chosen, session.trial = made, chosen, None
    said = figures.note(f"Sealed: {len(made.sealed):,} bytes, of a file of {len(session.photo.data):,}.")
    return said, _results(made), gr.update(value=_to_save(made), visible=True)


def _painted(value: Any) -> np.ndarray:
    """Where anything is painted, bool ``[h, w]``."""
    layers = [np.asarray(layer)[..., 3] > 0 for layer in (value or {}).get("layers", ())]
    return np.logical_or.reduce(layers) if layers else np.zeros((1, 1), bool)


def _results(made: work.Encrypted) -> str:
    close = "the same, sample by sample" if made.exact else figures.decibels(_close(made.opened, made.plain))
    wrong = "one bit of the key wrong, a small copy: " + ("refused" if made.wrong is None else "this is left")
    pictures = figures.row(
        figures.picture(made.plain, "the photo"),
        figures.picture(made.cipher, "the sealed picture", noise=True),
        figures.picture(made.opened, f"right key, from the pixels: {close}"),
        figures.picture(made.wrong, wrong, noise=True),
    )
    counts = figures.row(
        figures.histogram(made.plain, "photo"), figures.histogram(made.cipher, "sealed picture")
    )
    other = figures.note(f"Another passphrase: {made.refused}", "quiet")
    return pictures + counts + other + figures.note(f"Its pixels: {made.confidential}", "quiet")


def _close(picture: np.ndarray, plain: np.ndarray) -> float:
    if picture.shape != plain.shape:
        channels = min(picture.shape[2], plain.shape[2])
        if picture.shape[:2] != plain.shape[:2]:
            image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
            resized = np.asarray(image.resize((plain.shape[1], plain.shape[0])))
            picture = resized.reshape(*plain.shape[:2], -1)
        picture, plain = picture[..., :channels], plain[..., :channels]
    return float(psnr(picture, plain))


def _to_save(made: work.Encrypted) -> str:
    """The sealed picture as a file for the browser to fetch: it is encrypted."""
    path = os.path.join(tempfile.mkdtemp(dir=os.environ.get("GRADIO_TEMP_DIR")), f"{made.name}.png")
    with open(path, "wb") as file:
        file.write(made.sealed)
    return path


def open_sealed(session: Session, passphrase: str) -> tuple[str, str]:
    """Open a sealed picture; returns a note, and what it shows with the files to save."""
    try:
        if session.sealed_file is None:
            raise Refusal("add a sealed picture first")
        keys = work.keys_of(passphrase, session.key_image)
        opened = work.open_sealed(session.sealed_file, keys)
    except Refusal as refusal:
        return figures.note(str(refusal), "bad"), ""
    shown = figures.row(*(figures.picture(one, "opened") for one in opened.pictures))
    links = [figures.download(name, data, _ANY, f"Save {name}") for name, data in opened.files]
    return figures.note(opened.says), shown + "".join(links)


def damage(
    session: Session, passphrase: str, quality: float, noise: float, crop: float, whole: bool
) -> tuple[str, str]:
    """Damage the small copy; returns a note, and what comes back."""
    try:
        if session.made is None or session.chosen is None:
            raise Refusal("encrypt a photo first")
        if session.trial is None:
            keys = work.keys_of(passphrase, session.key_image)
            session.trial = work.trial(session.made.plain, keys, session.chosen), keys
        trial, keys = session.trial
        spec = {"noise": noise} if noise else {}
        spec |= {"jpeg444" if whole else "jpeg": quality} if quality < 100 else {}
        spec |= {"crop": crop / 100} if crop < 100 else {}
        cipher, back = work.damaged(trial, keys, spec)
    except Refusal as refusal:
        return figures.note(str(refusal), "bad"), ""
    value = _close(back, trial.plain)
    shown = figures.row(
        figures.picture(trial.plain, "the small copy"),
        figures.picture(cipher, "its cipher, damaged", noise=True),
        figures.picture(back, f"what comes back: {figures.decibels(value)}"),
    )
    says = f"{session.chosen.system}: {figures.decibels(value)}; nothing vouches for a damaged picture"
    return figures.note(says, "quiet"), shown
