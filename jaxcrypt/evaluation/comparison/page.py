"""One HTML file of a comparison: tables and pictures in it, nothing from elsewhere, no script."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jaxcrypt.evaluation.comparison.running import Done
from jaxcrypt.evaluation.comparison.summary import summary

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 3rem; border-top: 1px solid #8886; padding-top: 1rem; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; font-size: 0.9rem; }
th, td { padding: 0.3rem 0.7rem; text-align: left; border-bottom: 1px solid #8884; vertical-align: top; }
th { position: sticky; top: 0; background: Canvas; }
td:not(:first-child) { font-variant-numeric: tabular-nums; }
img { max-width: 100%; background: #fff; border-radius: 4px; }
nav { columns: 3 14rem; } nav a { display: block; } code { overflow-wrap: anywhere; }
.failed { color: #c22; } .small { font-size: 0.85rem; opacity: 0.8; }
"""
_TITLES = {
    "costs": "What encryption costs",
    "damage": "What is left after damage",
    "rates": "Quality against size",
    "linkage": "Which photo belongs to which cipher picture",
    "ciphers": "Right key, wrong key, statistics",
    "attacks": "What an adversary without the key finds",
    "regions": "Regions of a photo",
    "hiding": "Pictures hidden in pictures",
    "faces": "Generated faces",
    "broken": "Published schemes that are known to be broken: all of them must fall",
}


def page(command: str, facts: Mapping[str, Any], parts: Sequence[Done], tables: Mapping[str, str]) -> str:
    """The page.

    Args:
      command: the command line that made it.
      facts: data, commit, versions and machine, for its head.
      parts: what ran, in order; tables: the Markdown of each part's table by its name.
    """
    body = [f"<h1>jaxcrypt: {html.escape(', '.join(facts['systems']))}</h1>", *_head(command, facts)]
    body.append(_nav(parts))
    body += ["<h2 id='summary'>Side by side</h2>", markdown_to_html(summary(parts))]
    for done in parts:
        body += _section(done, tables.get(done.part.name, ""))
    return (
        "<!doctype html>\n<html lang='en'>\n<meta charset='utf-8'>\n"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>\n"
        f"<title>jaxcrypt: comparison</title>\n<style>{_STYLE}</style>\n" + "\n".join(body) + "\n</html>\n"
    )


def _head(command: str, facts: Mapping[str, Any]) -> Iterable[str]:
    machine, versions = facts["machine"], facts["versions"]
    yield f"<p><code>{html.escape(command)}</code></p>"
    told = [f"commit {facts['commit']}", f"{machine['cores']} cores, {machine['device']}"]
    told += [f"{name} {version}" for name, version in versions.items()]
    yield f"<p class='small'>{html.escape('; '.join(told))}</p>"
    yield (
        "<p>No learned cipher is secure because a network made it: what is said of one is what the attacks "
        "below measured, and no more. What seals files is authenticated encryption.</p>"
    )


def _nav(parts: Sequence[Done]) -> str:
    links = [f"<a href='#{done.part.name}'>{html.escape(_title(done))}</a>" for done in parts]
    return f"<nav><a href='#summary'>Side by side</a>{''.join(links)}</nav>"


def _title(done: Done) -> str:
    one = done.part.systems[0] if done.part.name != done.part.suite else ""
    return f"{_TITLES.get(done.part.suite, done.part.suite)}{f': {one}' if one else ''}"


def _section(done: Done, table: str) -> list[str]:
    lines = [f"<h2 id='{done.part.name}'>{html.escape(_title(done))}</h2>"]
    if done.failure:
        lines.append(f"<p class='failed'>Did not run: {html.escape(done.failure)}</p>")
    if done.facts is None:
        return lines
    lines += [markdown_to_html(table)]
    if done.plot:
        data = base64.b64encode(done.plot).decode()
        lines.append(f"<img alt='{html.escape(_title(done))}' src='data:image/png;base64,{data}'>")
    return [*lines, f"<p class='small'><code>{html.escape(done.facts['command'])}</code></p>"]


def markdown_to_html(text: str) -> str:
    """The Markdown that suites write: paragraphs, and tables as :func:`.report.markdown` makes them."""
    parts = []
    for block in re.split(r"\n{2,}", text.strip()):
        lines = block.split("\n")
        parts.append(_table(lines) if lines[0].startswith("| ") else f"<p>{_inline(block)}</p>")
    return "\n".join(parts)


def _table(lines: Sequence[str]) -> str:
    head, _, *rows = [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in lines]
    cells = "".join(f"<th>{_inline(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{_inline(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _inline(text: str) -> str:
    escaped = html.escape(text.strip(), quote=False).replace("\n", "<br>")
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
