"""Shipped weights: one safetensors file for each entry, and ``manifest.json`` with all that rebuilds it.

An entry of the manifest::

    {"name", "system", "config", "data", "steps", "metrics", "dtype", "file" or "url", "bytes", "sha256",
     "hardware", "date", "jaxcrypt", "origin"}

``origin`` is where the run that made it came from: its command, commit and version, and a digest of the names
and sizes of the pictures it was trained on.

and, where they apply, ``"nets"``, those that the file holds where training had more; ``"opens"``, digests
(the first 16 hex digits) of earlier weights whose cipher pictures these read too, because what encrypts
stayed the same; ``"note"``, what else a reader should know. Earlier weights that nothing else can stand in
for stay as entries of their own, ``"superseded"`` by another, so that cipher pictures made with them open for
ever.

:func:`load` takes the name of an entry, a ``.safetensors`` file with a manifest beside it, or the folder of
a training run. Names come from the zoo only, whatever folders lie around: a path has a separator. The digest
is verified before a byte is interpreted. Entries need the core dependencies only; a training run needs Orbax.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxcrypt.errors import ExitCode, Refusal, usage

if TYPE_CHECKING:
    from jaxcrypt.record import System

FOLDER = Path(__file__).parent
MANIFEST = "manifest.json"
LIMIT = 32 * 2**20  # bytes of all shipped weights together; larger entries name a URL
_REQUIRED = ("name", "system", "config", "bytes", "sha256")


def manifest(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """The entries of ``folder``'s manifest by name; empty where there is none.

    Raises:
      Refusal: the manifest is no manifest.
    """
    path = folder / MANIFEST
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        for entry in entries:
            missing = [field for field in _REQUIRED if field not in entry]
            if missing or not ("file" in entry or "url" in entry):
                raise ValueError(f"an entry lacks {', '.join(missing) or 'file or url'}")
        return {entry["name"]: entry for entry in entries}
    except (ValueError, TypeError) as error:
        raise Refusal(f"{path}: not a manifest of weights ({error})") from None


def reader(label: str) -> str | None:
    """The entry that reads cipher pictures of the weights called ``label``, ``NAME@DIGEST``; None: none here.

    The entry of that name, where it is or stands in for those very weights; else any other that does; else
    the one of that name, so that a refusal can say what it is.
    """
    name, _, digest = label.rpartition("@")
    entries = manifest()
    ranked = [entries[name]] if name in entries else []
    ranked += [entry for entry in entries.values() if entry["name"] != name]
    for entry in ranked:
        if entry["sha256"].startswith(digest) or digest in entry.get("opens", ()):
            return entry["name"]
    return name if name in entries else None


def load(name_or_path: str | Path) -> tuple[System, dict[str, Any], dict[str, Any]]:
    """The System of a zoo entry, a weights file or a training run, rebuilt, with its weights.

    Args:
      name_or_path: an entry's name; or a path, which is a ``Path``, has a separator or ends in
        ``.safetensors``: of a weights file that a ``manifest.json`` beside it describes, or of the
        ``--workdir`` of a training run, of which the best checkpoint (on validation) is taken.

    Returns:
      ``(system, variables, entry)``: ``variables`` as ``{'params', 'extra'}`` of numpy arrays.

    Raises:
      Refusal: no such entry, file or run; a digest that does not match; a download that fails.
    """
    if not _is_path(name_or_path):
        return _load_entry(named(str(name_or_path)), FOLDER)
    path = Path(name_or_path)
    if path.suffix != ".safetensors":
        return _load_run(path)
    entry = manifest(path.parent).get(path.stem)
    if entry is None:
        raise usage(f"{path}: {path.parent / MANIFEST} has no entry called {path.stem}")
    return _load_entry(entry, path.parent)


def _is_path(name_or_path: str | Path) -> bool:
    """Whether a path is meant: a folder that is called like an entry must not take its place."""
    if isinstance(name_or_path, Path):
        return True
    separators = {os.sep, os.altsep} - {None}
    return any(mark in name_or_path for mark in separators) or name_or_path.endswith(".safetensors")


def named(name: str) -> dict[str, Any]:
    """The entry of that name; a Refusal where there is none."""
    entries = manifest()
    if name not in entries:
        known = f"the zoo has: {', '.join(sorted(entries))}" if entries else "the zoo is empty"
        hint = f"; for the folder say .{os.sep}{name}" if Path(name).is_dir() else ""
        raise usage(f"{name}: no entry of the zoo; {known}{hint}")
    return entries[name]


def read(entry: Mapping[str, Any], folder: Path = FOLDER, *, download: bool = True) -> bytes:
    """The bytes of an entry's file, with the digest verified.

    Args:
      download: fetch a file that lies elsewhere, unless it was fetched before.

    Raises:
      Refusal: the file is missing, cut short or altered.
    """
    elsewhere = _download if download else place
    path = folder / entry["file"] if "file" in entry else elsewhere(entry)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise Refusal(f"{path}: the weights of {entry['name']} are missing; install jaxcrypt again") from None
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        reason = f"damaged or altered: its SHA-256 is not the one in {MANIFEST}"
        raise Refusal(f"{path}: {reason}", ExitCode.TAMPERED)
    return data


def place(entry: Mapping[str, Any]) -> Path:
    """Where the file of an entry lies, or will once it is downloaded."""
    from jaxcrypt.caches import cache_folder

    return (
        FOLDER / entry["file"]
        if "file" in entry
        else cache_folder() / "zoo" / f"{entry['sha256']}.safetensors"
    )


def is_here(entry: Mapping[str, Any]) -> bool:
    """Whether an entry needs no download."""
    return "file" in entry or place(entry).exists()


def build(entry: Mapping[str, Any]) -> System:
    """The System that ``entry`` describes, from its stored config."""
    from ml_collections import ConfigDict

    from jaxcrypt.systems import catalog

    return catalog.build(entry["system"], ConfigDict(entry["config"]))


def _load_entry(entry: Mapping[str, Any], folder: Path) -> tuple[System, dict[str, Any], dict[str, Any]]:
    from jaxcrypt.training.weights import load_weights

    return build(entry), load_weights(read(entry, folder), entry["name"]), dict(entry)


def _load_run(workdir: Path) -> tuple[System, dict[str, Any], dict[str, Any]]:
    from jaxcrypt.training.checkpoint import Checkpoints, averaged

    if not (workdir / "checkpoints").is_dir():
        raise usage(f"{workdir}: not the --workdir of a training run (no checkpoints in it)")
    checkpoints = Checkpoints(workdir, read_only=True)
    try:
        step, meta = checkpoints.best_sound()
        variables = averaged(checkpoints.restore_arrays(step))
    finally:
        checkpoints.close()
    entry = {
        "name": str(workdir),
        "system": meta["config"]["system"],
        "config": meta["config"],
        "data": meta["config"].get("data", {}),
        "steps": step,
        "metrics": meta["metrics"],
        "hardware": meta["hardware"],
        "origin": {**meta.get("origin", {}), **_pictures(meta["pipeline"])},
    }
    return build(entry), variables, entry


def _pictures(states: Sequence[Any]) -> dict[str, str]:
    """The digest of the pictures that a run was trained on, where its pipeline told one."""
    state = states[0] if states and isinstance(states[0], Mapping) else {}
    return {"pictures": state["contents"]} if "contents" in state else {}


def _download(entry: Mapping[str, Any]) -> Path:
    """The entry's file in the user's cache, fetched on first use."""
    target = place(entry)
    if target.exists() and _digest(target) == entry["sha256"]:
        return target
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch(entry, part)
        if _digest(part) != entry["sha256"]:
            raise Refusal(f"{entry['url']}: not what the manifest says (another SHA-256)", ExitCode.TAMPERED)
        os.replace(part, target)
    except OSError as error:  # an URLError is one
        reason = getattr(error, "reason", None) or error
        raise Refusal(f"{entry['url']}: download failed ({reason}); save it as {target}") from None
    finally:
        part.unlink(missing_ok=True)
    return target


def _fetch(entry: Mapping[str, Any], part: Path) -> None:
    """Copy the URL to ``part``, never more than the manifest announces."""
    import urllib.request  # slow to import, and seldom needed

    left = int(entry["bytes"])
    request = urllib.request.Request(entry["url"], headers={"User-Agent": "jaxcrypt"})
    with urllib.request.urlopen(request, timeout=60) as response, part.open("wb") as file:
        while block := response.read(1 << 20):
            left -= len(block)
            if left < 0:
                raise Refusal(f"{entry['url']}: longer than the {entry['bytes']} bytes of the manifest")
            file.write(block)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
