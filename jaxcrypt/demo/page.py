"""The page: what is on it, and what happens on a click. Needs Gradio (extra ``demo``).

Uploads leave the disk as soon as they are read; what is shown travels inside the page's HTML. So nothing of a
photo lies in a file but the copy that is painted on to mark a region, which goes with the session.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from jaxcrypt.demo import figures, work
from jaxcrypt.demo.work import Chosen, File
from jaxcrypt.errors import Refusal
from jaxcrypt.metrics.image import psnr
from jaxcrypt.pictures.files import encode_png
from jaxcrypt.systems import catalog

TITLE = "jaxcrypt"
CSS = """
.jcrow { display: grid; grid-template-columns: repeat(auto-fit, minmax(190px, 1fr)); gap: 14px; }
figure.jc { max-width: 480px; margin: 0; }
figure.jc img, figure.jc svg, figure.jc .none { width: 100%; border-radius: 8px; display: block; }
figure.jc img { max-height: 420px; object-fit: contain; }
figure.jc svg { height: 84px; background: color-mix(in srgb, currentColor 6%, transparent); }
figure.jc .none { height: 160px; line-height: 160px; text-align: center; opacity: .5;
  background: color-mix(in srgb, currentColor 6%, transparent); }
figure.jc figcaption { font-size: .86rem; opacity: .8; margin: 4px 2px; }
.jcnote { margin: 4px 0; padding: 6px 10px; border-left: 4px solid #888; border-radius: 4px;
  background: color-mix(in srgb, currentColor 5%, transparent); }
.jcnote.good { border-color: #2a8; } .jcnote.bad { border-color: #d44; }
.jcsave { display: inline-block; margin: 6px 0; padding: 7px 16px; border-radius: 8px; background: #2a8;
  color: #fff !important; text-decoration: none !important; font-weight: 600; }
"""
_INTRO = (
    "# jaxcrypt\nA photo and a key go in, a **sealed picture** comes out; with the key the very file comes "
    "back. This page runs on your machine alone, and forgets what you bring."
)
_WHOLE, _DRAWN, _FACES = "all of it", "what I paint", "faces"
_EDITOR_SIDE = 512
_WAYS = {_WHOLE: None, _FACES: "faces"}


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


def build() -> gr.Blocks:
    """The page."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, 600)) as page:
        session = gr.State(Session())
        gr.Markdown(_INTRO)
        with gr.Row():
            with gr.Column(scale=2, min_width=300):
                passphrase = _key_fields(session)
            with gr.Column(scale=5):
                with gr.Tab("Encrypt"):
                    _encrypt_tab(session, passphrase)
                with gr.Tab("Open"):
                    _open_tab(session, passphrase)
                with gr.Tab("Damage"):
                    _damage_tab(session, passphrase)
    return page


def _key_fields(session: gr.State) -> gr.Textbox:
    gr.Markdown("### Key")
    passphrase = gr.Textbox(label="Passphrase", type="password", elem_id="passphrase")
    image = gr.File(label="or a key image: keep it to yourself", height=140, elem_id="key-image")
    told = gr.HTML()
    fresh = gr.Button("Make a new key image", size="sm", elem_id="new-key")
    _on(image.upload, functools.partial(_take, "key_image"), [session, image], told)
    _on(image.clear, functools.partial(_drop, "key_image"), [session], told)
    _on(fresh.click, _new_key, [session], told)
    gr.Markdown("With both, both are needed. Nobody can open the picture without them, you neither.")
    return passphrase


def _encrypt_tab(session: gr.State, passphrase: gr.Textbox) -> None:
    names = [entry.name for entry in work.offered()]
    with gr.Row():
        with gr.Column(scale=2, min_width=240):
            photo = gr.File(label="Photo", height=120, elem_id="photo")
            system = gr.Dropdown(names, value=catalog.DEFAULT, label="System", elem_id="system")
            about = gr.Markdown(_about(catalog.DEFAULT))
            options = gr.Dropdown([], multiselect=True, label="Options", visible=False, elem_id="options")
            cover = gr.File(label="Picture to hide it in", height=110, visible=False, elem_id="cover")
        with gr.Column(scale=3, min_width=280):
            region = gr.Radio([_WHOLE, _DRAWN, _FACES], value=_WHOLE, label="Encrypt", elem_id="region")
            painted = gr.ImageEditor(
                label="Paint over what is to be encrypted",
                visible=False,
                sources=(),
                transforms=(),
                type="numpy",
                brush=gr.Brush(default_size=40, colors=["#ff3030"], color_mode="fixed"),
                canvas_size=(_EDITOR_SIDE, _EDITOR_SIDE),
                elem_id="painted",
            )
            go = gr.Button("Encrypt", variant="primary", elem_id="encrypt")
            told = gr.HTML(elem_id="encrypt-note")
    shown = gr.HTML(elem_id="encrypted")
    save = gr.DownloadButton("Save the sealed picture", visible=False, elem_id="save")
    _on(photo.upload, _take_photo, [session, photo], [told, painted])
    _on(photo.clear, functools.partial(_drop, "photo"), [session], told)
    _on(cover.upload, functools.partial(_take, "cover"), [session, cover], told)
    _on(system.change, _system_changed, [system], [about, options, cover, region, painted])
    _on(region.change, lambda way: gr.update(visible=way == _DRAWN), [region], painted)
    given = [session, passphrase, system, options, region, painted]
    _on(go.click, _encrypt, given, [told, shown, save])


def _open_tab(session: gr.State, passphrase: gr.Textbox) -> None:
    gr.Markdown("A sealed picture back into the photo, or a clear *no*.")
    file = gr.File(label="Sealed picture", height=120, elem_id="sealed")
    go = gr.Button("Open", variant="primary", elem_id="open")
    told, shown = gr.HTML(elem_id="open-note"), gr.HTML(elem_id="opened")
    _on(file.upload, functools.partial(_take, "sealed_file"), [session, file], told)
    _on(go.click, _open, [session, passphrase], [told, shown])


def _damage_tab(session: gr.State, passphrase: gr.Textbox) -> None:
    gr.Markdown(
        "What if the sealed picture is re-encoded or hurt? Encrypt a photo, then move a slider. A small "
        "copy is damaged, and decoded with its header at hand. Systems that survive damage give it back."
    )
    with gr.Row():
        quality = gr.Slider(20, 100, value=100, step=5, label="JPEG quality", elem_id="quality")
        noise = gr.Slider(0, 40, value=0, step=1, label="Noise", elem_id="noise")
        crop = gr.Slider(50, 100, value=100, step=5, label="Kept middle, %", elem_id="crop")
    whole = gr.Checkbox(value=True, label="JPEG with whole colours (4:4:4)", elem_id="whole")
    told, shown = gr.HTML(elem_id="damage-note"), gr.HTML(elem_id="damaged")
    given = [session, passphrase, quality, noise, crop, whole]
    for slider in (quality, noise, crop):
        _on(slider.release, _damage, given, [told, shown])
    _on(whole.change, _damage, given, [told, shown])


def _on(event: Callable, function: Callable, inputs: list, outputs: Any) -> None:
    """Bind an event, kept out of Gradio's public API."""
    event(function, inputs, outputs, api_visibility="private", show_progress="minimal")


def _about(system: str) -> str:
    entry = catalog.entry(system)
    survives = ", ".join(sorted(entry.traits.survives))
    more = f" Survives: {survives}." if survives else ""
    return f"{entry.summary}.{more}\n\n*{entry.traits.argument}*"


def _system_changed(system: str) -> tuple:
    entry, options = catalog.entry(system), work.choices(catalog.entry(system))
    regions = work.takes_region(entry)
    return (
        _about(system),
        gr.update(choices=options, value=[], visible=bool(options)),
        gr.update(visible=bool(work.wants_cover(entry))),
        gr.update(visible=regions, value=_WHOLE),
        gr.update(visible=False),
    )


def _read(path: str | None) -> File | None:
    """An upload, which leaves the disk."""
    if path is None:
        return None
    with open(path, "rb") as file:
        data = file.read()
    os.unlink(path)
    return File(os.path.basename(path), data)


def _take(where: str, session: Session, path: str | None) -> str:
    taken = _read(path)
    setattr(session, where, taken)
    return figures.note(f"{taken.name}: {len(taken.data):,} bytes", "quiet") if taken else ""


def _drop(where: str, session: Session) -> str:
    setattr(session, where, None)
    return ""


def _new_key(session: Session) -> str:
    data = work.new_key_image()
    session.key_image = File("key.png", data)
    said = figures.note("A new key image is in use. Save it: without it nothing opens.")
    return said + figures.download("key.png", data, "image/png", "Save the key image")


def _take_photo(session: Session, path: str | None) -> tuple:
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
    image.thumbnail((_EDITOR_SIDE, _EDITOR_SIDE))
    value = {"background": np.asarray(image), "layers": [], "composite": None}
    return figures.note(f"{session.photo.name}: {width}×{height}", "quiet"), gr.update(value=value)


def _encrypt(session: Session, passphrase: str, system: str, options: list, way: str, painted: Any) -> tuple:
    try:
        if session.photo is None:
            raise Refusal("add a photo first")
        keys = work.keys_of(passphrase, session.key_image)
        region = _painted(painted) if way == _DRAWN else _WAYS[way]
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
    import tempfile

    path = os.path.join(tempfile.mkdtemp(dir=os.environ.get("GRADIO_TEMP_DIR")), f"{made.name}.png")
    with open(path, "wb") as file:
        file.write(made.sealed)
    return path


def _open(session: Session, passphrase: str) -> tuple[str, str]:
    try:
        if session.sealed_file is None:
            raise Refusal("add a sealed picture first")
        keys = work.keys_of(passphrase, session.key_image)
        pictures, says = work.open_sealed(session.sealed_file, keys)
    except Refusal as refusal:
        return figures.note(str(refusal), "bad"), ""
    shown = figures.row(*(figures.picture(one, "opened") for one in pictures))
    links = [
        figures.download(f"opened-{n}.png", encode_png(one), "image/png", "Save as PNG")
        for n, one in enumerate(pictures)
    ]
    return figures.note(says), shown + "".join(links)


def _damage(
    session: Session, passphrase: str, quality: float, noise: float, crop: float, whole: bool
) -> tuple[str, str]:
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
