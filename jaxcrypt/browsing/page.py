"""The pages: plain HTML without a script, so that nothing in a name or a picture can run."""

from __future__ import annotations

from html import escape
from itertools import groupby

from jaxcrypt.browsing.album import Album
from jaxcrypt.sealing.glance import Glance

_STYLE = """
:root { color-scheme: light dark; --edge: color-mix(in srgb, currentColor 14%, transparent); }
body { font: 15px/1.4 system-ui, sans-serif; margin: 0 auto; max-width: 1400px; padding: 1.2rem 1.6rem 4rem; }
header { display: flex; align-items: baseline; gap: 1rem; border-bottom: 1px solid var(--edge); }
h1 { font-size: 1.25rem; margin: .3rem 0; } h2 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
small, .quiet { opacity: .65; } a { color: inherit; text-decoration: none; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(196px, 1fr)); gap: 14px; padding: 0; }
.sheet li { list-style: none; } .sheet a { display: block; }
.frame { height: 192px; display: flex; align-items: center; justify-content: center; border-radius: 8px;
  background: color-mix(in srgb, currentColor 6%, transparent); overflow: hidden; }
.frame img { max-width: 100%; max-height: 100%; } a:hover .frame { outline: 2px solid #4a8; }
.name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; display: block; margin-top: .25rem; }
.photo { text-align: center; } .photo img { max-width: 100%; max-height: 82vh; margin-top: 1rem; }
nav { margin-left: auto; display: flex; gap: 1.2rem; } nav a:hover { text-decoration: underline; }
"""


def sheet(album: Album, title: str) -> str:
    """The contact sheet. Links are relative to the page's own folder."""
    numbered = list(enumerate(album.pictures))
    parts = []
    for folder, group in groupby(numbered, lambda one: one[1].folder):
        heading = f"<h2>{escape('/'.join(folder))}</h2>" if folder else ""
        cells = "".join(_cell(index, seen) for index, seen in group)
        parts.append(f'{heading}<ul class="sheet">{cells}</ul>')
    count = len(album.pictures)
    says = f"{count} picture{'' if count == 1 else 's'}"
    if album.refused:
        says += f"; {len(album.refused)} more that this key does not open"
    head = f"<h1>{escape(title)}</h1><small>{says}</small>"
    return _page(title, head, "".join(parts) or "<p>Nothing that this key opens.</p>")


def view(album: Album, index: int) -> str:
    """One photo, with what its header says, and the way to its neighbours."""
    seen = album.pictures[index]
    links = ['<a href="../">all</a>']
    links += [f'<a href="{index - 1}">← before</a>'] if index else []
    links += [f'<a href="{index + 1}">next →</a>'] if index + 1 < len(album.pictures) else []
    head = f"<h1>{escape(seen.name)}</h1><small>{_facts(seen)}</small><nav>{''.join(links)}</nav>"
    return _page(seen.name, head, f'<div class="photo">{_whole(index, seen)}</div>')


def refusal(reason: str) -> str:
    """What cannot be shown, and why."""
    return _page("jaxcrypt", '<h1>Not shown</h1><nav><a href="../">all</a></nav>', f"<p>{escape(reason)}</p>")


def _whole(index: int, seen: Glance) -> str:
    if seen.length:
        return f'<img src="../whole/{index}" alt="{escape(seen.name)}">'
    hint = (
        f"Only its pixels travel: <code>jaxcrypt decrypt {escape(seen.path.name)}</code> gives the picture."
    )
    small = f'<img src="../small/{index}" alt="">' if seen.thumbnail is not None else ""
    return f'{small}<p class="quiet">{hint}</p>'


def _cell(index: int, seen: Glance) -> str:
    bare = seen.thumbnail is None and not seen.length
    inner = (
        '<span class="quiet">pixels only</span>'
        if bare
        else f'<img src="small/{index}" alt="" loading="lazy">'
    )
    name = f'<span class="name" title="{escape(seen.path.name)}">{escape(seen.name)}</span>'
    link = f'<a href="view/{index}"><span class="frame">{inner}</span>{name}</a>'
    return f"<li>{link}<small>{_facts(seen)}</small></li>"


def _facts(seen: Glance) -> str:
    height, width, _ = seen.shape
    size = f" · {_bytes(seen.length)}" if seen.length else ""
    return f"{width}×{height}{size} · {escape(seen.system)}"


def _bytes(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, round(count / 1e3))} kB"


def _page(title: str, head: str, body: str) -> str:
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    top = f"<head>{meta}<title>{escape(title)}</title><style>{_STYLE}</style></head>"
    return f'<!doctype html><html lang="en">{top}<body><header>{head}</header>{body}</body></html>'
