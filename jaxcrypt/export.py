"""Export the best checkpoint of a run as one small weights file with its manifest entry.

  python -m jaxcrypt.export --workdir W --name NAME [--zoo FOLDER] [--dtype auto|float16|float32]
      [--nets NET …] [--opens DIGEST …] [--url URL]

The result loads by name (in the package's own zoo, the default) or as FOLDER/NAME.safetensors. --dtype auto
takes float16 where the System measures the same with it on the validation split; int8 keeps the kernels of
convolutions in bytes. --nets leaves out what only
training needs; --opens names earlier weights whose cipher pictures these read too.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jaxcrypt import __version__, runtime, zoo
from jaxcrypt.cli import command as cli
from jaxcrypt.errors import usage

DTYPES = ("auto", "float16", "float32", "int8")
SAME = 1e-3  # relative difference of a validation metric below which two weight types measure the same


def main(argv: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    args = _parser().parse_args(argv)
    runtime.start(args.device)
    entry, data = export(args.workdir, args.name, args.dtype, args.nets)
    if args.opens:
        entry["opens"] = args.opens
    place(entry, data, args.zoo, args.url)
    facts = f"{entry['bytes']} bytes, {entry['dtype']}, step {entry['steps']}, sha256 {entry['sha256']}"
    print(f"{args.zoo / args.name}.safetensors: {facts}")
    return 0


def _parser() -> cli.Parser:
    parser = cli.Parser(prog="python -m jaxcrypt.export", description=__doc__)
    parser.add_argument("--workdir", type=Path, required=True, help="folder of the training run")
    parser.add_argument("--name", required=True, help="name of the entry")
    parser.add_argument("--zoo", type=Path, default=zoo.FOLDER, help="folder of the manifest")
    parser.add_argument("--dtype", choices=DTYPES, default="auto", help="type of the stored weights")
    parser.add_argument(
        "--nets", nargs="+", metavar="NET", help="only these nets: those that decryption needs"
    )
    parser.add_argument(
        "--opens", nargs="+", metavar="DIGEST", help="16 hex digits of weights it stands in for"
    )
    parser.add_argument("--url", help="where the file will be hosted, for weights too large to ship")
    parser.add_argument("--device", choices=runtime.DEVICES, default="auto")
    return parser


def export(
    workdir: Path, name: str, dtype: str = "auto", nets: Sequence[str] | None = None
) -> tuple[dict[str, Any], bytes]:
    """The manifest entry and the file's bytes for the best checkpoint (on validation) in ``workdir``.

    Args:
      nets: those to export; all by default.

    Raises:
      Refusal: no run there, a name that is no file name, a net that the System does not have, or weights
        beyond float16 where that was asked for.
    """
    from jaxcrypt.training.weights import save_weights

    if not name or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        raise usage(f"--name {name}: letters, digits, '-', '_' and '.' only")
    system, variables, entry = zoo.load(workdir)
    metrics = entry["metrics"]
    if dtype == "auto":
        dtype, metrics = choose_dtype(system, variables, entry)
    if nets:
        variables = _only(variables, nets)
        entry["nets"] = sorted(nets)
    data = save_weights(variables, {"name": name, "system": entry["system"]}, dtype)
    entry.update(
        name=name,
        config=portable(entry["config"]),
        data=portable(entry["data"]),
        origin=portable(entry["origin"]),
        metrics=metrics,
        dtype=dtype,
        file=f"{name}.safetensors",
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        date=datetime.date.today().isoformat(),
        jaxcrypt=__version__,
    )
    return entry, data


def _only(variables: Mapping[str, Any], nets: Sequence[str]) -> dict[str, Any]:
    for net in nets:
        if net not in variables["params"]:
            raise usage(f"--nets {net}: the System has {', '.join(sorted(variables['params']))}")
    return {kind: {net: part[net] for net in nets} for kind, part in variables.items()}


def portable(node: Any) -> Any:
    """Config values without the exporter's own folders: absolute paths become relative to ``$JAXCRYPT_DATA``
    or, elsewhere, names."""
    if isinstance(node, Mapping):
        return {key: portable(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [portable(value) for value in node]
    if not isinstance(node, str):
        return node
    flag, equals, value = node.partition("=")
    if equals and flag.startswith("--"):
        return f"{flag}={portable(value)}"
    if not Path(node).is_absolute():
        return node
    data = os.environ.get("JAXCRYPT_DATA")
    inside = data and Path(node).is_relative_to(data)
    return str(Path(node).relative_to(data)) if inside else Path(node).name


def choose_dtype(system: Any, variables: Mapping[str, Any], entry: Mapping[str, Any]) -> tuple[str, dict]:
    """float16 if every validation metric is the same within :data:`SAME`, and what was measured."""
    from jaxcrypt.errors import Refusal
    from jaxcrypt.evaluation.validation import validation_evaluator
    from jaxcrypt.training.defaults import complete
    from jaxcrypt.training.weights import load_weights, save_weights

    evaluator = validation_evaluator(system, complete(entry["config"]))
    full = _scalars(evaluator(variables))
    try:
        half = _scalars(evaluator(load_weights(save_weights(variables, {}, "float16"))))
    except Refusal:  # a value beyond its range
        return "float32", full
    same = all(abs(half[key] - value) <= SAME * max(abs(value), 1e-12) for key, value in full.items())
    return ("float16", half) if same else ("float32", full)


def _scalars(values: Any) -> dict[str, float]:
    return {f"validation/{name}": float(value) for name, value in values if getattr(value, "ndim", 0) == 0}


def place(entry: dict[str, Any], data: bytes, folder: Path, url: str | None = None) -> None:
    """Write the file and put the entry into the folder's manifest, in place of one of the same name.

    Raises:
      Refusal: the shipped weights would exceed their limit together.
    """
    from jaxcrypt.cli import output

    folder.mkdir(parents=True, exist_ok=True)
    entries = zoo.manifest(folder)
    if url:
        entry["url"] = url
        del entry["file"]
    entries[entry["name"]] = entry
    total = sum(e["bytes"] for e in entries.values() if "file" in e)
    if total > zoo.LIMIT:
        raise usage(
            f"--name {entry['name']}: shipped weights would be {total / 2**20:.1f} MiB of at most "
            f"{zoo.LIMIT // 2**20}; host the file and give --url"
        )
    output.write_whole(folder / f"{entry['name']}.safetensors", lambda file: file.write(data), force=True)
    text = json.dumps(sorted(entries.values(), key=lambda e: e["name"]), indent=1) + "\n"
    output.write_whole(folder / zoo.MANIFEST, lambda file: file.write(text.encode()), force=True)


def run() -> None:
    """The console script and ``python -m``: exits with the command's code, a refusal being one line."""
    sys.exit(cli.entry(main))


if __name__ == "__main__":
    run()
