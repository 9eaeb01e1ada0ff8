"""What a sealed picture's header says, by name and in words: what anyone can see, and what a key opens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxcrypt.cli.command import one_line

if TYPE_CHECKING:
    from jaxcrypt.crypto.header import Header
    from jaxcrypt.sealing.glance import Glance
    from jaxcrypt.sealing.keys import Keys


def public_facts(head: Header, length: int) -> dict[str, Any]:
    """The public header's fields by name; ``length`` is the header's in bytes."""
    from jaxcrypt.crypto import header
    from jaxcrypt.crypto.filekey import wanted

    return {
        "version": head.version,
        "system": head.system,
        "options": dict(head.options),
        "cipher": _shape(head.shape),
        "original": _shape(head.original),
        "payload": head.payload != header.NOTHING,
        "several_files": head.payload == header.FILES,
        "stanzas": len(head.stanzas),
        "opens_with": wanted(head.stanzas),
        "signed": head.signature is not None,
        "header_bytes": length,
    }


def opened_facts(seen: Glance) -> dict[str, Any]:
    """The encrypted part's fields by name."""
    small = seen.thumbnail
    size = None if small is None else {"width": small.shape[1], "height": small.shape[0]}
    facts = {"name": seen.name, "folder": "/".join(seen.folder), "length": seen.length, "thumbnail": size}
    return facts | ({"modified": seen.stamp.seconds} if seen.stamp else {})


def encrypted_facts(data: bytes, source: str, keys: Keys, policy: str | None) -> dict[str, Any]:
    """The fields of a header's encrypted part, and what its proofs of a key ledger show."""
    from jaxcrypt.crypto import sealed
    from jaxcrypt.crypto.ledger import trust
    from jaxcrypt.sealing import logged
    from jaxcrypt.sealing.glance import look

    opened = sealed.open_header(data, keys.keyring, source)
    trusted = None if policy is None else trust.read(policy)
    shown = list(logged.words(opened, keys.keyring, trusted))
    return {**opened_facts(look(opened, Path(source))), "ledger": shown}


def carried_facts(data: bytes, name: str, keys: Keys | None) -> dict[str, Any] | None:
    """The fields of the header that a picture carries in its pixels; None where it carries none."""
    from jaxcrypt.crypto import carried as in_pixels
    from jaxcrypt.sealing.carried import find

    if not (inside := find(data, name)):
        return None
    facts = {"file": name, **public_facts(inside.read.head, len(inside.header))}
    facts |= {"in_pixels": True, "survives": inside.read.carrier.way}
    if keys is not None:
        from jaxcrypt.sealing.glance import look

        opened = in_pixels.open_carried(inside.read, keys.keyring, name)
        facts |= opened_facts(look(opened, Path(name)))
    return facts


def text(facts: dict[str, Any]) -> str:
    """Facts, both kinds or the public ones alone, as lines for a person."""
    options = ", ".join(f"{name}={value!r}" for name, value in facts["options"].items()) or "none"
    opened = "name" in facts
    where = ", its header in its pixels" if facts.get("in_pixels") else ""
    trust = "header verified with the key" if opened else "nothing verified without a key"
    lines = [
        f"{one_line(facts['file'])}: sealed picture, format version {facts['version']}{where}; {trust}",
        f"system    {facts['system']} (options: {options})",
        f"cipher    {_size(facts['cipher'])}",
        f"original  {_size(facts['original'])}",
        f"payload   {_payload(facts)}",
        f"opens by  {facts['opens_with']}",
        f"signed    {'yes (by whom: decrypt --signed-by PUB)' if facts['signed'] else 'no'}",
    ]
    return "\n".join(lines + (_opened(facts) if opened else []))


def _opened(facts: dict[str, Any]) -> list[str]:
    place = f"{facts['folder']}/" if facts["folder"] else ""
    size = f", {facts['length']} bytes" if facts["length"] else ""
    small = "{width}×{height}".format(**facts["thumbnail"]) if facts["thumbnail"] else "none"
    logged = [f"ledger    {one_line(line)}" for line in facts.get("ledger", ())]
    return [f"name      {one_line(place + facts['name'])}{size}", f"thumbnail {small}", *logged]


def _shape(shape: tuple[int, int, int]) -> dict[str, Any]:
    from jaxcrypt.pictures.files import MODES

    height, width, channels = shape
    return {"width": width, "height": height, "mode": MODES[channels]}


def _size(shape: dict[str, Any]) -> str:
    return "{width}×{height} {mode}".format(**shape)


def _payload(facts: dict[str, Any]) -> str:
    if facts.get("survives"):
        return f"in the pixels, through JPEG {facts['survives']} and better"
    if not facts["payload"]:
        return "none: only the pixels travel (--pixels-only)"
    size = f", {facts['payload_bytes']} bytes encrypted" if "payload_bytes" in facts else ""
    return f"the original {'files, several' if facts['several_files'] else 'file'}, exact{size}"
