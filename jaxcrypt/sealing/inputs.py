"""What a System takes besides the picture, read as its catalog entry declares it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from jaxcrypt.crypto.bundle import File
from jaxcrypt.declared import Entry, Input
from jaxcrypt.errors import Refusal, usage
from jaxcrypt.pictures.files import MODES, Picture, load_picture, read_file
from jaxcrypt.sealing.keys import Keys
from jaxcrypt.systems import catalog

KEY_IMAGE = "key_image"  # this input comes from the keys
Source = str | Path | bytes | tuple[str, bytes]  # a path, a file's bytes, or its name and bytes


@dataclass(frozen=True)
class Given:
    """Inputs that were read.

    Attributes:
      arrays: by name, as drivers take them: uint8 ``[H, W, C]``, a list of such, or bool ``[H, W]``.
      files: name and bytes of further secrets, which travel beside the picture's own file.
      binding: goes into every file key besides what the header stores, so that keys differ with the inputs
        even where the random source fails.
    """

    arrays: Mapping[str, Any] = field(default_factory=dict, repr=False)
    files: tuple[File, ...] = field(default=(), repr=False)
    binding: tuple[tuple[str, str], ...] = ()


def read_options(entry: Entry, given: Mapping[str, Any]) -> dict[str, Any]:
    """Stored values of what is typed (``"1/2"``) or stored already (``2``), by name.

    Raises:
      Refusal: an option that is not declared, or a value that it does not take.
    """
    known = {option.name: option for option in (*entry.options, *entry.travel)}
    stored = {}
    for name, value in given.items():
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise usage(f"option {name}: --system {entry.name} has no such option; {has}")
        stored[name] = known[name].parse(value) if isinstance(value, str) else value
        known[name].check(stored[name])
    return stored


def check_request(
    system: str,
    options: Mapping[str, Any],
    inputs: Mapping[str, Any],
    attach: Sequence[Source] = (),
    pixels_only: bool = False,
    exact: bool = False,
) -> None:
    """Refuse what does not go with a System or with each other, before keys are read.

    Raises:
      Refusal: as :func:`read_options`, :func:`check_inputs` and :func:`check_attached`.
    """
    entry = catalog.entry(system)
    check_inputs(entry, inputs, read_options(entry, options))
    check_attached(attach, pixels_only)
    check_exact(entry, exact, pixels_only)


def check_exact(entry: Entry, exact: bool, pixels_only: bool) -> None:
    """Refuse to mend what is exact anyway."""
    if exact and not pixels_only:
        raise usage("--exact: the file itself travels, and comes back; it is for --pixels-only")
    if exact and entry.traits.exact:
        raise usage(f"--exact: the pixels of --system {entry.name} are exact anyway; leave it out")


def check_attached(attach: Sequence[Source], pixels_only: bool) -> None:
    """Refuse files to travel where none does, and files that are not there."""
    if pixels_only and attach:
        raise usage("--attach: with --pixels-only no file travels; leave out one of them")
    _check_there("--attach", attach)


def _check_there(flag: str, sources: Sequence[Source]) -> None:
    for source in sources:
        if isinstance(source, str | Path) and not Path(source).exists():
            raise Refusal(f"{flag} {source}: no such file")


def check_inputs(entry: Entry, given: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Refuse inputs that a System does not take, and files that are not there, before anything is read.

    Args:
      given: by the inputs' names; options: stored values that were chosen.

    Raises:
      Refusal: an input that the System does not take, one that it needs, no such file.
    """
    known = {one.name: one for one in entry.inputs if one.name != KEY_IMAGE and one.kind != "mask"}
    for name, sources in given.items():
        if name not in known:
            raise usage(f"--{name.replace('_', '-')}: --system {entry.name} takes no such input")
        _check_there(known[name].flag, sources if isinstance(sources, list | tuple) else [sources])
    for name, declared in known.items():
        if name not in given and (declared.required or name in _wanted(entry, options)):
            raise usage(f"--system {entry.name}: needs {declared.flag} FILE, {declared.help}")


def check_region(system: str, region: Any, options: Mapping[str, Any]) -> None:
    """Refuse a region, where there is one, that does not go with a System or with ``options``."""
    entry = catalog.entry(system)
    if region is not None:
        mask_name(entry, read_options(entry, options))


def mask_name(entry: Entry, options: Mapping[str, Any]) -> str:
    """What a System calls the mask of a region.

    Args:
      options: stored values that were chosen.

    Raises:
      Refusal: it takes none, or none with one of the options.
    """
    masks = [declared.name for declared in entry.inputs if declared.kind == "mask"]
    for option in entry.options:
        why = option.excludes.get(masks[0]) if masks else None
        if why and options.get(option.name, option.default) != option.default:
            raise usage(f"--roi with {option.flag}: {why}; leave out one of them")
    if masks:
        return masks[0]
    known = map(catalog.entry, catalog.NAMES)
    able = ", ".join(one.name for one in known if any(own.kind == "mask" for own in one.inputs))
    raise usage(f"--roi: --system {entry.name} encrypts whole pictures only; {able} take a region")


def _wanted(entry: Entry, options: Mapping[str, Any]) -> set[str]:
    """Inputs without which the chosen options make no sense."""
    return {option.needs for option in entry.options if options.get(option.name, option.default)}


def read_inputs(
    entry: Entry, given: Mapping[str, Source | Sequence[Source]], options: Mapping[str, Any], keys: Keys
) -> Given:
    """Read what a System is to be sealed with.

    Args:
      given: by the inputs' names; ``pictures`` are a sequence.
      options: stored values that were chosen.

    Raises:
      Refusal: as :func:`check_inputs`; a file that is none, or not of the kind that is wanted.
    """
    check_inputs(entry, given, options)
    arrays: dict[str, Any] = {}
    files: list[File] = []
    for declared in entry.inputs:
        if declared.name == KEY_IMAGE:
            if KEY_IMAGE in _wanted(entry, options):
                arrays[KEY_IMAGE] = keys.key_pixels()
        elif declared.name in given and declared.kind != "mask":
            arrays[declared.name], further = _read(declared, given[declared.name], entry)
            files += further
    sealed = [value for name, value in arrays.items() if name != KEY_IMAGE]
    binding = (("inputs", digest(sealed)),) if sealed else ()
    return Given(arrays, tuple(files), binding)


def read_source(source: Source) -> File:
    """Name and bytes of a file that is given in any of the ways of :data:`Source`."""
    if isinstance(source, tuple):
        return source
    if isinstance(source, bytes):
        return "picture", source
    return Path(source).name, read_file(source)


def takes(entry: Entry, channels: int) -> bool:
    """Whether the System takes a picture of so many channels, or its colours where it has alpha."""
    return channels in entry.traits.channels or _without_alpha(channels) in entry.traits.channels


def check_channels(entry: Entry, picture: Picture, name: str) -> None:
    """Refuse a picture whose channels the System does not take."""
    if not takes(entry, picture.pixels.shape[2]):
        modes = ", ".join(MODES[count] for count in entry.traits.channels)
        hint = f"--system {entry.name} takes {modes} only; convert it or take another --system"
        raise Refusal(f"{name}: is {picture.mode}; {hint}")


def _without_alpha(channels: int) -> int:
    return {2: 1, 4: 3}.get(channels, channels)


def _read(declared: Input, given: Any, entry: Entry) -> tuple[Any, list[File]]:
    if declared.kind == "pictures":
        files = [read_source(source) for source in given]
        return [_samples(file, declared, entry) for file in files], files
    file = read_source(given)
    if declared.kind == "file":
        return file[1], []
    return _samples(file, declared, entry), []


def _samples(file: File, declared: Input, entry: Entry) -> np.ndarray:
    """uint8 ``[H, W, C]``. An alpha channel that hides nothing is left out where the System takes none."""
    name = f"{declared.flag} {file[0]}"
    picture = load_picture(bytes(file[1]), name)
    channels = picture.pixels.shape[2]
    if channels in entry.traits.channels:
        return picture.pixels
    opaque = channels in (2, 4) and (picture.pixels[..., -1] == 255).all()
    if opaque and _without_alpha(channels) in entry.traits.channels:
        return np.ascontiguousarray(picture.pixels[..., :-1])
    modes = ", ".join(MODES[count] for count in entry.traits.channels)
    raise Refusal(f"{name}: is {picture.mode}; --system {entry.name} takes {modes} only; convert it")


def digest(arrays: Sequence[Any]) -> str:
    """SHA-256 of arrays, shapes and samples, as hex."""
    digest = hashlib.sha256()
    for array in arrays:
        for one in array if isinstance(array, list) else [array]:
            plain = one if isinstance(one, bytes) else np.ascontiguousarray(one).tobytes()
            digest.update(repr(getattr(one, "shape", len(one))).encode() + plain)
    return digest.hexdigest()
