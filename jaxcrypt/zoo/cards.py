"""Model cards: for each entry a page in ``cards/``, facts from the manifest and judgement by hand.

A card is Markdown. What stands between two marks is made by :func:`facts` and by nothing else, so that a card
cannot tell another number than the manifest does; ``python -m jaxcrypt.zoo cards`` writes it anew. The rest
says what the weights are for, what they are not, and whom they may serve badly.
"""

from __future__ import annotations

import json
import math
import re
import shlex
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jaxcrypt.errors import Refusal
from jaxcrypt.training.weights import UNIT

FOLDER = Path(__file__).parent / "cards"
SECTIONS = ("Intended use", "Known limits", "Biases")
_BEGIN, _END = "<!-- from manifest.json -->", "<!-- by hand -->"
_MARKED = re.compile(f"{_BEGIN}.*?{_END}", re.S)
# Folders that configs train on, by their last parts; docs/DATA.md has the sources.
_CELEBA = "CelebA (Liu et al., ICCV 2015): non-commercial research"
_PICTURES = {
    "photos": "one photograph of each of 884 classes of ImageNet: non-commercial research",
    "bsds200": "the 200 training pictures of BSDS500 (Arbeláez et al., PAMI 2011): research",
    "celeba/img_align_celeba": f"aligned faces of the official train partition of {_CELEBA}",
    "img_align_celeba": f"aligned faces of the official train partition of {_CELEBA}",
    "faces64/train": f"faces of the official test partition, at 64×64, of {_CELEBA}",
    "train": f"faces of the official test partition, at 64×64, of {_CELEBA}",
}
_HEADER_LIMIT = 1 << 24


def read(name: str) -> str:
    """An entry's card.

    Raises:
      Refusal: it has none.
    """
    path = FOLDER / f"{name}.md"
    if not path.is_file():
        raise Refusal(f"{path}: no model card; write one with the sections {', '.join(SECTIONS)}")
    return path.read_text(encoding="utf-8")


def renewed(entry: Mapping[str, Any], card: str, weights: bytes | None = None) -> str:
    """A card with its facts written anew.

    Args:
      weights: the bytes of the entry's file, which tell the number of parameters.

    Raises:
      Refusal: the card lacks its marks or a section.
    """
    missing = [name for name in SECTIONS if f"\n## {name}\n" not in card]
    if not _MARKED.search(card) or missing:
        hint = f"the marks {_BEGIN} and {_END}" if not missing else f"a section called {missing[0]}"
        raise Refusal(f"card of {entry['name']}: lacks {hint}")
    return _MARKED.sub(lambda _: f"{_BEGIN}\n\n{facts(entry, weights)}\n\n{_END}", card, count=1)


def facts(entry: Mapping[str, Any], weights: bytes | None = None) -> str:
    """What the manifest knows of an entry, as a table, and what validation measured, as another."""
    origin, train = entry.get("origin", {}), entry["config"].get("train", {})
    nets = f" ({', '.join(entry['nets'])})" if entry.get("nets") else ""
    rows = {
        "System": f"`{entry['system']}`",
        "file": f"`{entry.get('file') or entry['url']}`, {entry['bytes']:,} bytes, {entry.get('dtype', '?')}",
        "SHA-256": f"`{entry['sha256']}`",
        "parameters": f"{parameters(weights):,}{nets}" if weights else "",
        "trained": f"{entry.get('steps', '?'):,} steps, batch {train.get('batch_size', '?')}, "
        f"seed {train.get('seed', '?')}, {train.get('precision', 'float32')}",
        "hardware": entry.get("hardware", ""),
        "exported": entry.get("date", ""),
        "command": f"`{shlex.join(origin['command'])}`" if "command" in origin else "",
        "commit": f"`{origin['commit']}`" if "commit" in origin else "",
        "digest of the pictures": f"`{origin['pictures']}`" if "pictures" in origin else "",
        "also reads ciphers of": ", ".join(f"`{digest}`" for digest in entry.get("opens", ())),
        "superseded by": f"`{entry['superseded']}`" if "superseded" in entry else "",
        "note": entry.get("note", ""),
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items() if value)
    return "\n\n".join(filter(None, (f"| | |\n|---|---|\n{table}", _data(entry), _measured(entry))))


def parameters(weights: bytes) -> int:
    """How many numbers a safetensors file holds, by its header alone.

    Raises:
      Refusal: it is none.
    """
    try:
        (length,) = struct.unpack("<Q", weights[:8])
        if length > _HEADER_LIMIT:
            raise ValueError
        tensors = json.loads(weights[8 : 8 + length])
    except (struct.error, ValueError):
        raise Refusal("not a file of safetensors") from None
    tensors.pop("__metadata__", None)
    return sum(math.prod(one["shape"]) for name, one in tensors.items() if not name.endswith(UNIT))


def _data(entry: Mapping[str, Any]) -> str:
    paths = [one["path"] for one in entry.get("data", {}).get("mix", {}).values() if one.get("path")]
    lines = [f"- `{path}`: {_PICTURES.get(path, 'pictures of the user')}" for path in paths]
    if any("CelebA" in line for line in lines):
        lines.append("\n**Trained on CelebA: these weights are for non-commercial research.**")
    return "Trained on, and the terms of it:\n\n" + "\n".join(lines) if lines else ""


def _measured(entry: Mapping[str, Any]) -> str:
    """The table of validation, of averaged parameters where they were averaged; not its raw twin."""
    metrics = {name: value for name, value in entry.get("metrics", {}).items() if "_raw/" not in name}
    if not metrics:
        return "Validation: not run; what was measured stands below."
    rows = "\n".join(f"| {name.partition('/')[2]} | {value:.5g} |" for name, value in metrics.items())
    return f"| validation | |\n|---|---|\n{rows}"
