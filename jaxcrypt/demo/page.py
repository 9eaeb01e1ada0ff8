"""The page: what is on it, and who answers a click. Needs Gradio (extra ``demo``).

Nothing of a photo lies in a file but the copy that is painted on to mark a region; Gradio keeps that in the
program's own folder, for ten minutes or until the program ends.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import gradio as gr

from jaxcrypt.demo import answers, work
from jaxcrypt.demo.answers import DRAWN, EDITOR_SIDE, FACES, WHOLE
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


def build() -> gr.Blocks:
    """The page."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(60, 600)) as page:
        session = gr.State(answers.Session())
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
    _on(image.upload, functools.partial(answers.take, "key_image"), [session, image], told)
    _on(image.clear, functools.partial(answers.drop, "key_image"), [session], told)
    _on(fresh.click, answers.new_key, [session], told)
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
            region = gr.Radio([WHOLE, DRAWN, FACES], value=WHOLE, label="Encrypt", elem_id="region")
            painted = gr.ImageEditor(
                label="Paint over what is to be encrypted",
                visible=False,
                sources=(),
                transforms=(),
                type="numpy",
                brush=gr.Brush(default_size=40, colors=["#ff3030"], color_mode="fixed"),
                canvas_size=(EDITOR_SIDE, EDITOR_SIDE),
                elem_id="painted",
            )
            go = gr.Button("Encrypt", variant="primary", elem_id="encrypt")
            told = gr.HTML(elem_id="encrypt-note")
    shown = gr.HTML(elem_id="encrypted")
    save = gr.DownloadButton("Save the sealed picture", visible=False, elem_id="save")
    _on(photo.upload, answers.take_photo, [session, photo], [told, painted])
    _on(photo.clear, functools.partial(answers.drop, "photo"), [session], told)
    _on(cover.upload, functools.partial(answers.take, "cover"), [session, cover], told)
    _on(system.change, _system_changed, [system], [about, options, cover, region, painted])
    _on(region.change, lambda way: gr.update(visible=way == DRAWN), [region], painted)
    given = [session, passphrase, system, options, region, painted]
    _on(go.click, answers.encrypt, given, [told, shown, save])


def _open_tab(session: gr.State, passphrase: gr.Textbox) -> None:
    gr.Markdown("A sealed picture back into the photo, or a clear *no*.")
    file = gr.File(label="Sealed picture", height=120, elem_id="sealed")
    go = gr.Button("Open", variant="primary", elem_id="open")
    told, shown = gr.HTML(elem_id="open-note"), gr.HTML(elem_id="opened")
    _on(file.upload, functools.partial(answers.take, "sealed_file"), [session, file], told)
    _on(go.click, answers.open_sealed, [session, passphrase], [told, shown])


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
        _on(slider.release, answers.damage, given, [told, shown])
    _on(whole.change, answers.damage, given, [told, shown])


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
        gr.update(visible=regions, value=WHOLE),
        gr.update(visible=False),
    )
