"""Jumps, stages and plateaus are found where a made-up course of learning has them."""

import numpy as np
import pytest
import torch

from superposition.toy import dynamics, geometry
from superposition.toy.models import ToyModel

STEPS = np.linspace(0, 10_000, 200).round().astype(int)


def rise(at: float, width: float) -> np.ndarray:
    """From 0 to 1 around a step."""
    return 1 / (1 + np.exp(-(STEPS - at) / width))


def test_a_quick_rise_is_a_jump_and_a_slow_one_is_not() -> None:
    D = np.stack([0.5 * rise(3025, 10), 0.5 * rise(5000, 1000)], axis=1)
    n_jumps = dynamics.jumps(D, STEPS)
    assert len(n_jumps) == 100
    assert np.flatnonzero(n_jumps).tolist() == [30]


@pytest.mark.parametrize("at", [3000, 3025, 3050, 3075, 3100])
def test_a_jump_is_found_wherever_the_windows_begin(at: int) -> None:
    assert dynamics.jumps(0.5 * rise(at, 10)[:, None], STEPS).sum() in (1, 2)


def test_windows_cut_the_training_into_equal_parts() -> None:
    ends = STEPS[dynamics.windows(STEPS, share=0.1)]
    assert ends[[0, -1]].tolist() == [0, 10_000]
    assert np.diff(ends) == pytest.approx(1000, abs=60)


def test_the_time_of_passage_is_that_between_two_levels() -> None:
    D = 0.5 * np.stack([rise(3000, 200), rise(3000, 20), 0 * STEPS], axis=1)
    slow, fast = dynamics.passage(D, STEPS, low=0.05, high=0.45)
    assert slow == pytest.approx(2 * 200 * np.log(9), abs=110)
    assert fast < 200


def test_a_course_settles_after_its_last_excursion() -> None:
    course = np.array([0.0, 1.0, 0.0, 0.0])
    steps = np.array([0, 10, 20, 30])
    assert dynamics.settled(course, steps, below=0.5) == 20
    assert dynamics.settled(-course, steps, below=-0.5) is None
    assert dynamics.first_above(course, steps, above=0.5) == 10
    assert dynamics.first_above(course, steps, above=2.0) is None


@pytest.mark.parametrize(("falls", "n"), [((500,), 1), ((500, 4000), 2), ((500, 3000, 7000), 3)])
def test_every_fall_of_the_loss_is_followed_by_a_plateau(falls: tuple[int, ...], n: int) -> None:
    log_loss = -sum(rise(at, 150) for at in falls)
    found = dynamics.plateaus(np.exp(log_loss), STEPS)
    assert len(found) == n
    assert STEPS[found[-1].last] == 10_000
    assert all(STEPS[one.first] > at for one, at in zip(found, falls, strict=True))


def test_a_steady_fall_has_no_plateau() -> None:
    assert dynamics.plateaus(np.exp(-STEPS / 1000), STEPS) == []


def test_losses_are_those_of_the_model() -> None:
    generator = torch.Generator().manual_seed(0)
    W, b = torch.randn(3, 6, 2, generator=generator), torch.randn(3, 6, generator=generator)
    points = dynamics.independent_points(6, 0.4, n_samples=500, seed=0)
    found = dynamics.losses(W.numpy(), b.numpy(), points)
    x = torch.from_numpy(points.x).float()[:, None].expand(-1, 3, -1)
    expected = ToyModel(W, b, output="relu").loss(x, torch.ones(6))
    assert found == pytest.approx(expected.detach().numpy(), rel=1e-5)


def test_points_of_correlated_sets_have_the_moments_of_the_world() -> None:
    points = dynamics.correlated_points(2, 3, 0.1, n_samples=4000, seed=0)
    assert points.weight.sum() == pytest.approx(1)
    active = points.x > 0
    assert (active[:, :3] == active[:, :1]).all()
    assert points.weight @ active == pytest.approx(np.full(6, 0.1))
    assert points.weight @ points.x == pytest.approx(np.full(6, 0.05), rel=0.05)
    assert points.weight @ (active[:, 0] & active[:, 5]) == pytest.approx(0.01)


def test_dimensionality_is_that_of_the_tables() -> None:
    W = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(0))
    W[:, 0] = 0
    assert dynamics.dimensionality(W.numpy()) == pytest.approx(
        geometry.dimensionality(W).numpy(), abs=1e-6
    )


def p_value(values: np.ndarray, chosen: np.ndarray) -> float:
    group = np.zeros(len(values), dtype=int)
    return dynamics.permutation_p_value(values, chosen, group, n_permutations=500, seed=0)


def test_the_largest_values_are_not_chosen_by_chance_and_any_others_are() -> None:
    values = np.random.default_rng(0).normal(size=100)
    assert p_value(values, values > np.sort(values)[-10]) < 0.01
    assert p_value(values, values < np.sort(values)[10]) > 0.99
    assert 0.05 < p_value(values, np.arange(100) % 10 == 0) < 0.95


def test_a_test_without_any_choice_proves_nothing() -> None:
    assert p_value(np.arange(10.0), np.zeros(10, dtype=bool)) == 1
