"""Diffusion: schedules, the forward process, and deterministic sampling.

With alpha_bar_t falling from 1 at t = 0 to about 0 at t = T, the forward process is

    x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) n,      n ~ N(0, 1),

with two schedules (T steps, beta_t = 1 - alpha_bar_t / alpha_bar_(t-1)):

    linear   beta_t from 1e-4 to 0.02                           Ho, Jain and Abbeel 2020
    cosine   alpha_bar_t = f(t) / f(0), f(t) = cos^2(pi/2 (t/T + 0.008) / 1.008), beta_t <= 0.999
                                                                 Nichol and Dhariwal 2021

Divided by sqrt(alpha_bar_t), x_t is the picture with white noise of the level sigma_t,

    x_t / sqrt(alpha_bar_t) = x_0 + sigma_t n,      sigma_t = sqrt((1 - alpha_bar_t) / alpha_bar_t),

which makes timesteps and noise levels two names of one thing: a picture that has noise of any known level is
a diffusion entered at the timestep of that level, whatever the schedule. In these units the deterministic
step of DDIM (Song, Meng and Ermon 2021) from level sigma to sigma', given the estimate x̂ of x_0, is

    x' = x̂ + (sigma' / sigma) (x - x̂).
"""

from __future__ import annotations

import functools

import jax
import numpy as np

SCHEDULES = ("linear", "cosine")
TIMESTEPS = 1000
_OFFSET = 0.008
_LARGEST = 0.999


@functools.cache
def alpha_bar(schedule: str) -> np.ndarray:
    """The share of the picture's power that is left after each step: float64 ``[TIMESTEPS + 1]``, from 1.

    Raises:
      ValueError: an unknown schedule.
    """
    if schedule == "linear":
        betas = np.linspace(1e-4, 0.02, TIMESTEPS)
    elif schedule == "cosine":
        t = (np.arange(TIMESTEPS + 1) / TIMESTEPS + _OFFSET) / (1 + _OFFSET)
        share = np.cos(np.pi / 2 * t) ** 2
        betas = np.minimum(1 - share[1:] / share[:-1], _LARGEST)
    else:
        raise ValueError(f"{schedule}: unknown schedule; known: {', '.join(SCHEDULES)}")
    left = np.concatenate([[1.0], np.cumprod(1 - betas)])
    left.setflags(write=False)
    return left


def diffuse(clean: jax.Array, noise: jax.Array, left: float) -> jax.Array:
    """x_t of the forward process: ``clean`` and ``noise`` of one shape, ``left`` being alpha_bar_t."""
    return np.float32(left**0.5) * clean + np.float32((1 - left) ** 0.5) * noise


def undiffuse(diffused: jax.Array, noise: jax.Array, left: float) -> jax.Array:
    """The algebraic inverse of :func:`diffuse` for known noise; errors grow by 1 / sqrt(left)."""
    return (diffused - np.float32((1 - left) ** 0.5) * noise) * np.float32(left**-0.5)


def noise_levels(schedule: str) -> np.ndarray:
    """sigma_t of all timesteps, float64 ``[TIMESTEPS + 1]``, in units of the picture, rising from 0."""
    left = alpha_bar(schedule)
    return np.sqrt((1 - left) / left)


def timestep_of(schedule: str, level: float) -> float:
    """The timestep, not a whole number as a rule, whose noise level is ``level``; the last one beyond it."""
    return float(np.interp(level, noise_levels(schedule), np.arange(TIMESTEPS + 1)))


def descent(schedule: str, level: float, steps: int) -> np.ndarray:
    """Noise levels of a sampling that is entered at ``level``: float64 ``[steps + 1]``, down to 0.

    They stand at equally spaced timesteps between that of ``level`` and 0.
    """
    at = np.linspace(timestep_of(schedule, level), 0.0, steps + 1)
    levels = np.interp(at, np.arange(TIMESTEPS + 1), noise_levels(schedule))
    return np.concatenate([[level], levels[1:]])


def ddim_step(noisy: jax.Array, clean: jax.Array, ratio: jax.Array | float) -> jax.Array:
    """The picture at a lower noise level, deterministically.

    Args:
      noisy: the picture at a noise level; clean: the estimate of the picture without noise, same shape.
      ratio: the next noise level over this one, in [0, 1]; broadcasts.
    """
    return clean + ratio * (noisy - clean)
