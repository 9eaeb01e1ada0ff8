"""Images per second of one training step: JAX against the same net, loss and optimizer in torch.

  python -m jaxcrypt.bench step --config configs/X.py [--rounds 5] [--seconds 5] [--json FILE]
      [--device cpu|gpu] [--precision float32|bfloat16 …] [--contestant jax|eager|compile …]
      [--remat] [--substeps N] [--convolutions xla|eigen] [--around] [--limit SECONDS] [--nocompare]

All get the same parameters and the same pictures, already in memory, plain adam, and on CPU as many threads.
First losses and gradients must agree, in float32 on the CPU, as far as the sums' lengths allow; then JAX,
torch eager (channels_last) and torch.compile take turns, and the median over the rounds is printed, with
compile time, memory, and on a device whose peak is known MFU: the analytic FLOPs of the step's convolutions
and products over that peak in bfloat16. On GPUs float32 is TF32 in both. --remat, --substeps N and
--convolutions xla|eigen add such steps of JAX; these, and torch.compile, take the last --precision.
--around measures what surrounds JAX's steps: the wait for pictures of the config's data, and the stall of a
checkpoint.

A System's torch twin is ``jaxcrypt/bench/twins/<system>.py``; a System without one, and any where torch is
missing, runs alone, and that is said.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import config_flags

from jaxcrypt import runtime
from jaxcrypt.cli import configflags
from jaxcrypt.errors import ExitCode
from jaxcrypt.training.defaults import CPU_CONVOLUTIONS

_ROUNDS = flags.DEFINE_integer("rounds", 5, "Turns of each contestant.", lower_bound=1)
_SECONDS = flags.DEFINE_float("seconds", 5.0, "Length of a turn.", lower_bound=0.01)
_JSON = flags.DEFINE_string("json", None, "Also write the numbers to this file.")
# The flag of `train` has another default: a process that has imported both takes the later one's.
_DEVICE = flags.DEFINE_enum("device", "cpu", runtime.DEVICES, "What to train on.", allow_override=True)
_PRECISIONS = flags.DEFINE_multi_enum(
    "precision",
    ["float32"],
    ["float32", "bfloat16"],
    "Of layers; may be given twice.",
)
_CONTESTANTS = flags.DEFINE_multi_enum(
    "contestant", ["jax", "eager", "compile"], ["jax", "eager", "compile"], "Who runs; may be repeated."
)
_REMAT = flags.DEFINE_bool("remat", False, "JAX with config.train.remat besides.")
_SUBSTEPS = flags.DEFINE_integer("substeps", 1, "JAX with so many steps in a program besides.", lower_bound=1)
_CONVOLUTIONS = flags.DEFINE_enum("convolutions", None, CPU_CONVOLUTIONS, "JAX with these besides, on CPU.")
_COMPARE = flags.DEFINE_bool("compare", True, "First compare losses and gradients.")
_LIMIT = flags.DEFINE_integer("limit", 600, "Seconds that torch may take to its first step.", lower_bound=1)
_AROUND = flags.DEFINE_bool("around", False, "Also input wait and the stall of a checkpoint.")
_LOCK = flags.DEFINE_string("lock", None, "Measure only while holding this file: benchmarks take turns.")
JAX = "jax"


def main(argv: Sequence[str]) -> int:
    """``bench step``, whose config and flags are absl's; returns its exit code."""
    config = configflags.parse(["bench step", *argv], __doc__, __name__)
    if config is None:
        return 0
    runtime.start(_DEVICE.value)
    import jax

    from jaxcrypt.bench import contest, entrants, results
    from jaxcrypt.systems import catalog

    entrants.plain_adam(config)
    system, beside = catalog.build(config.system, config), jax.default_backend() != "cpu"
    subject, twin = entrants.subject_of(system, config)
    name = Path(config_flags.get_config_filename(flags.FLAGS["config"])).stem
    facts = {"config": name, "system": config.system, "batch": config.train.batch_size}
    facts["flops"] = contest.flops(subject)
    told = f"{facts['flops'] / 1e9:.4g} GFLOP a step"
    _say(f"{config.system}: batch {config.train.batch_size}, {told}, {contest.threads()} threads")
    contestants = dict(_entered(subject, twin, "cuda" if beside else "cpu"))
    _say("compiled")
    with contest.alone(Path(_LOCK.value) if _LOCK.value else None):
        for one in contestants.values():
            one.warm_up(beside)
        rates = contest.measure(contestants, config.train.batch_size, _ROUNDS.value, _SECONDS.value)
    facts["rows"] = {name: _row(one, rates[name], facts) for name, one in contestants.items()}
    for line in table(facts["rows"]):
        _say(line)
    if _AROUND.value:
        from jaxcrypt.bench.around import around

        facts["around"] = around(system, config, _SECONDS.value)
        _say(", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in facts["around"].items()))
    results.write(_JSON.value, "step", argv, facts)
    return ExitCode.OK


def _say(line: str) -> None:
    print(line, flush=True)


def _entered(subject: Any, twin: Any, device: str) -> Iterator[tuple[str, Any]]:
    """The contestants that were asked for and can run here, by name."""
    from jaxcrypt.bench import contest, entrants

    asked = set(_CONTESTANTS.value)
    if twin is not None and JAX in asked and len(asked) > 1 and _COMPARE.value:
        entrants.compare(subject, twin)
    last = _PRECISIONS.value[-1]
    if JAX in asked:
        for precision in _PRECISIONS.value:
            yield f"jax {precision}", contest.jax_step(subject, precision)
        yield from _variants(subject, last)
    entries = [("torch eager", precision) for precision in _PRECISIONS.value if "eager" in asked]
    entries += [("torch.compile", last)] if "compile" in asked else []
    for kind, precision in entries if twin is not None else ():
        compiled = kind == "torch.compile"
        one = entrants.Entry(f"{kind} {precision}", precision, compiled, device, _LIMIT.value)
        yield from entrants.of_torch(one, subject, twin)


def _variants(subject: Any, precision: str) -> Iterator[tuple[str, Any]]:
    """The further steps of JAX that were asked for."""
    from jaxcrypt.bench import contest

    name, chosen, steps = f"jax {precision}", _CONVOLUTIONS.value, _SUBSTEPS.value
    if _REMAT.value:
        yield f"{name}, remat", contest.jax_step(subject, precision, remat=True)
    if chosen:
        yield f"{name}, {chosen}", contest.jax_step(subject, precision, convolutions=chosen)
    if steps > 1:
        yield f"{name}, {steps} steps a program", contest.jax_step(subject, precision, substeps=steps)


def _row(one: Any, rates: Any, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of a contestant."""
    from jaxcrypt.training.hardware import peak_flops

    rate, peak = statistics.median(rates.by_clock), peak_flops()
    row = {"images_per_second": rates.by_clock, "images_per_cpu_second": rates.by_cpu}
    row["compile_seconds"] = one.compile_seconds
    row["memory_bytes"] = one.memory_bytes
    row["mfu"] = facts["flops"] * rate / facts["batch"] / peak if peak else None
    return row


def table(rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The lines of a table of contestants; the last numbers are over torch eager and torch.compile of the
    same precision where they ran, and in brackets the same by CPU time."""
    width = max(len(name) for name in rows)
    yield f"{'':{width}}  images/s   (least to most)    compile    memory     MFU  over eager, compiled"
    for name, row in rows.items():
        values, memory, mfu = row["images_per_second"], row["memory_bytes"], row["mfu"]
        told = f"{name:{width}} {statistics.median(values):9.1f}   ({min(values):.1f} to {max(values):.1f})"
        told += f"  {row['compile_seconds']:6.1f} s  "
        told += "       –" if memory is None else f"{memory / 2**20:6.0f} MiB"
        told += "      –" if mfu is None else f"  {mfu:5.1%}"
        if name.startswith(JAX):
            told += "  " + ", ".join(_ratios(name, rows))
        yield told


def _ratios(name: str, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    precision = name.split()[1].rstrip(",")
    for other in ("torch eager", "torch.compile"):
        row = rows.get(f"{other} {precision}")
        if row is not None:
            clock, cpu = (
                statistics.median(rows[name][key]) / statistics.median(row[key])
                for key in ("images_per_second", "images_per_cpu_second")
            )
            yield f"{clock:.2f} ({cpu:.2f})"
