"""Two implementations of a training step must agree before their speed is compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from jaxcrypt.errors import ExitCode, Refusal


def pictures(spec: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Smooth random pictures of the shapes of ``spec``: uint8 or bool as they are, floats in [-1, 1]."""
    rng = np.random.default_rng(0)
    made = {}
    for name, leaf in spec.items():
        noise = rng.normal(size=leaf.shape)
        axes = (leaf.ndim - 3, leaf.ndim - 2) if leaf.dtype != bool else (1, 2)
        smooth = sum(np.roll(noise, (i, j), axes) for i in range(-3, 4) for j in range(-3, 4)) / 7
        if leaf.dtype == bool:
            made[name] = smooth > 0
            continue
        scaled = np.clip(128 + 40 * smooth, 0, 255).astype(np.uint8)
        made[name] = scaled if leaf.dtype == np.uint8 else (scaled / 127.5 - 1).astype(leaf.dtype)
    return made


def perturbed(params: Any) -> Any:
    """Parameters a little off their start, where layers that start at zero would hide a difference."""
    rng = np.random.default_rng(1)
    return jax.tree.map(lambda p: np.asarray(p + 0.01 * rng.normal(size=p.shape), p.dtype), params)


def tolerance(params: Any, batch: Mapping[str, Any]) -> float:
    """How far two right implementations in float32 may differ, relatively.

    The rounding error of a sum of n terms is about u sqrt(n), u = 2^-24 (Higham and Mary, *A new approach to
    probabilistic rounding error analysis*, 2019); the longest sums of a gradient run over all samples of the
    batch, and the errors of the layers, forwards and backwards, add up.
    """
    terms = max(leaf.size for leaf in batch.values())
    layers = sum(leaf.ndim > 1 for leaf in jax.tree.leaves(params))
    return 2.0**-24 * terms**0.5 * 2 * max(layers, 1)


def agree(
    stage: Any, losses: Mapping[str, Callable], params: Any, extra: Any, batch: Any, prepared: Any
) -> None:
    """Refuse two implementations whose losses, or gradients by net (in norm), differ by more than
    :func:`tolerance`.

    Args:
      stage: whose phases are the one; losses: by phase, the other, in torch.
      batch: what the phases take; prepared: what the losses take. Both on the CPU.
    """
    for name, phase in stage.phases.items():
        own = {net: params[net] for net in phase.nets}
        allowed = tolerance(own, batch)
        report = differences(phase, losses[name], params, extra, batch, prepared)
        told = ", ".join(f"{what} differs by {value:.1e}" for what, value in report.items())
        print(f"phase {name}: {told} (at most {allowed:.1e})", flush=True)
        for what, value in report.items():
            if not value <= allowed:  # NaN too
                raise Refusal(
                    f"phase {name}: {what} differs by {value:.1e}, more than {allowed:.1e}", ExitCode.FAILED
                )


def differences(
    phase: Any, twin_loss: Callable, params: Any, extra: Any, batch: Any, prepared: Any
) -> dict[str, float]:
    """Relative differences of the loss, and of each net's gradient in norm, by what they are of."""
    import torch

    from jaxcrypt.bench.twins import gradients, to_torch

    def loss(trainable):
        return phase.loss({**params, **trainable}, extra, batch, jax.random.key(0))[0]

    with jax.default_device(jax.devices("cpu")[0]):
        own, grads = jax.jit(jax.value_and_grad(loss))({net: params[net] for net in phase.nets})
    theirs = to_torch(params)
    other = twin_loss(theirs, {name: torch.from_numpy(value) for name, value in prepared.items()})
    other.backward()
    report = {"loss": abs(float(own) - float(other.detach())) / abs(float(own))}
    for net, tree in gradients(theirs).items():
        if net in phase.nets:
            pairs = list(zip(jax.tree.leaves(grads[net]), jax.tree.leaves(tree), strict=True))
            off = sum(float(np.sum((np.asarray(a) - b) ** 2)) for a, b in pairs)
            report[f"gradient of {net}"] = (off / sum(float(np.sum(np.square(a))) for a, _ in pairs)) ** 0.5
    return report
