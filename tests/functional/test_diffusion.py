"""Schedules, forward process and sampler against the papers' own formulas."""

import math
from itertools import pairwise

import numpy as np
import pytest

from jaxcrypt.functional import diffusion


def test_the_linear_schedule_is_the_product_of_its_betas():
    left = 1.0
    for t in range(1000):
        left *= 1 - (1e-4 + (0.02 - 1e-4) * t / 999)
    schedule = diffusion.alpha_bar("linear")
    assert schedule[0] == 1.0
    assert schedule[1] == pytest.approx(1 - 1e-4)
    assert schedule[1000] == pytest.approx(left)
    assert schedule[1000] == pytest.approx(4.04e-5, rel=1e-2)  # "about 4e-5", Ho, Jain and Abbeel 2020


def test_the_cosine_schedule_is_the_closed_form_until_its_betas_are_clipped():
    schedule = diffusion.alpha_bar("cosine")

    def f(t):
        return math.cos((t / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2

    for t in (0, 1, 250, 500, 900, 998):
        assert schedule[t] == pytest.approx(f(t) / f(0), rel=1e-9)
    assert schedule[1000] == pytest.approx(schedule[999] * 0.001)


@pytest.mark.parametrize("schedule", diffusion.SCHEDULES)
def test_schedules_fall(schedule):
    assert np.all(np.diff(diffusion.alpha_bar(schedule)) < 0)


def test_an_unknown_schedule_is_refused():
    with pytest.raises(ValueError, match="square"):
        diffusion.alpha_bar("square")


@pytest.mark.parametrize("left", [0.9, 0.5, 0.0786])
def test_diffusion_keeps_unit_power_and_known_noise_comes_off(left, rng):
    clean, noise = rng.standard_normal((2, 100_000)).astype(np.float32)
    diffused = np.asarray(diffusion.diffuse(clean, noise, left))
    assert np.mean(diffused**2) == pytest.approx(1, abs=0.02)
    assert np.corrcoef(diffused, clean)[0, 1] ** 2 == pytest.approx(left, abs=0.02)
    np.testing.assert_allclose(diffusion.undiffuse(diffused, noise, left), clean, atol=3e-5)


@pytest.mark.parametrize("schedule", diffusion.SCHEDULES)
def test_timesteps_and_noise_levels_name_each_other(schedule):
    levels = diffusion.noise_levels(schedule)
    for t in (1, 37, 500, 990):
        assert diffusion.timestep_of(schedule, levels[t]) == pytest.approx(t)
        left = diffusion.alpha_bar(schedule)[t]
        assert levels[t] ** 2 == pytest.approx(1 / left - 1)
    assert 0 < diffusion.timestep_of(schedule, levels[1] / 2) < 1


def test_a_descent_passes_through_equal_timesteps():
    levels = diffusion.noise_levels("linear")
    descent = diffusion.descent("linear", levels[400], 4)
    np.testing.assert_allclose(descent, levels[[400, 300, 200, 100, 0]])
    assert diffusion.descent("cosine", 0.3, 1).tolist() == [0.3, 0.0]


def test_the_step_is_that_of_the_paper(rng):
    """There, x_s = sqrt(a_s) x̂ + sqrt(1 - a_s) (x_t - sqrt(a_t) x̂) / sqrt(1 - a_t)."""
    a_t, a_s = diffusion.alpha_bar("linear")[[600, 350]]
    x_t, clean = rng.standard_normal((2, 5, 7))
    paper = a_s**0.5 * clean + (1 - a_s) ** 0.5 * (x_t - a_t**0.5 * clean) / (1 - a_t) ** 0.5
    ratio = ((1 - a_s) / a_s / ((1 - a_t) / a_t)) ** 0.5
    ours = diffusion.ddim_step(x_t / a_t**0.5, clean, ratio) * a_s**0.5
    np.testing.assert_allclose(ours, paper, rtol=1e-5, atol=1e-6)


def test_many_steps_solve_the_flow_of_normal_data(rng):
    """Of data N(0, s²), whose estimate is s² / (s² + σ²) x, the flow ends at x s / sqrt(s² + σ²)."""
    spread, level = 0.5, 2.0
    start = rng.standard_normal(100) * (spread**2 + level**2) ** 0.5
    x, levels = start, diffusion.descent("cosine", level, 400)
    for now, following in pairwise(levels):
        clean = spread**2 / (spread**2 + now**2) * x
        x = diffusion.ddim_step(x, clean, following / now)
    np.testing.assert_allclose(x, start * spread / (spread**2 + level**2) ** 0.5, rtol=0.02)
