"""Under which circumstances something was measured: command, commit, versions, machine, memory."""

from __future__ import annotations

import filecmp
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "pillow", "torch")


def circumstances(command: str) -> dict[str, Any]:
    """What belongs to every result.

    Args:
      command: the command line, as one would type it.
    """
    import jax

    from jaxcrypt import __version__

    versions = {"jaxcrypt": __version__, "python": platform.python_version()}
    device = jax.devices()[0]
    return {
        "command": command,
        "commit": commit(),
        "versions": versions | {name: version for name in _PACKAGES if (version := _version(name))},
        "machine": {
            "device": device.device_kind if device.platform != "cpu" else processor(),
            "devices": jax.device_count(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
        },
    }


def commit() -> str | None:
    """The commit of the code that runs, ``-dirty`` where files differ from it, also where the package was
    installed from a checkout whose code is still the same; elsewhere, as in a container, what
    ``JAXCRYPT_COMMIT`` says, or None."""
    here = Path(__file__).resolve()
    checkout = installed_from(here.parents[1], _told_by_installer())
    for package in (here.parents[1], *([checkout] if checkout else [])):
        found = _checked_out(package / here.relative_to(here.parents[1]).parent)
        if found:
            return found
    return os.environ.get("JAXCRYPT_COMMIT") or None


def _told_by_installer() -> str | None:
    """What the installer noted of where the package came from (PEP 610)."""
    try:
        return metadata.distribution("jaxcrypt").read_text("direct_url.json")
    except (metadata.PackageNotFoundError, OSError):
        return None


def installed_from(package: Path, told: str | None) -> Path | None:
    """The folder that the installed ``package`` was copied from, where every file of code is still the same.

    Args:
      told: the package's ``direct_url.json``; None where there is none.
    """
    try:
        url = urlsplit(json.loads(told or "{}").get("url", ""))
    except (ValueError, AttributeError):
        return None
    source = Path(unquote(url.path)) / package.name
    if url.scheme != "file" or not source.is_dir() or source == package:
        return None
    same = (filecmp.cmp(path, source / path.relative_to(package), False) for path in package.rglob("*.py"))
    try:
        return source if all(same) else None
    except OSError:
        return None


def _checked_out(folder: Path) -> str | None:
    try:
        told = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=10,
        )
        tracked = subprocess.run(
            ["git", "-C", str(folder), "ls-files", "--error-unmatch", Path(__file__).name],
            capture_output=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    # Installed below somebody else's repository, the commit would be theirs.
    return told.stdout.strip() or None if told.returncode == tracked.returncode == 0 else None


def processor() -> str:
    """The CPU's name where the system tells it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def own_peak() -> float:
    """MiB that this process held at most."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: a child's figure there starts at what its parent held when it was made.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
