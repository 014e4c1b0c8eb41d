"""Intervals against published numbers, against simulation, and at their limits."""

import numpy as np
import pytest
from scipy.stats import binomtest

from superposition import intervals


@pytest.mark.parametrize(("part", "whole"), [(0, 8), (5, 24), (8, 8), (168, 4096)])
def test_wilsons_interval_is_that_of_scipy(part: int, whole: int) -> None:
    oracle = binomtest(part, whole).proportion_ci(0.95, method="wilson")
    assert intervals.wilson(part, whole) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_a_share_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 of 0"):
        intervals.wilson(0, 0)


def test_the_interval_of_a_mean_is_about_two_standard_errors_to_each_side() -> None:
    cases = np.random.default_rng(0).normal(5, 2, size=400)
    low, high = intervals.mean(cases, seed=0)
    error = cases.std() / 20
    assert (low, high) == pytest.approx(
        (cases.mean() - 1.96 * error, cases.mean() + 1.96 * error), abs=0.03
    )


def test_the_difference_from_a_shifted_copy_is_the_shift_and_from_itself_nothing() -> None:
    cases = np.random.default_rng(0).normal(size=50)
    low, high = intervals.difference(cases, cases, seed=0)
    assert low < 0 < high
    low, high = intervals.difference(cases + 3, cases, seed=0)
    assert 2 < low < 3 < high < 4


def test_the_best_start_has_no_uncertainty_if_all_starts_agree() -> None:
    losses = np.array([[3.0, 1.0, 2.0]])
    assert intervals.best(losses, np.full((1, 3), 7.0), seed=0) == (7.0, 7.0)


def test_the_best_start_is_chosen_at_every_density_and_the_worst_of_these_is_taken() -> None:
    losses = np.array([[1.0] + [2.0] * 199, [2.0] * 199 + [1.0]])
    statistic = np.array([[0.0] + [5.0] * 199, [9.0] * 199 + [1.0]])
    low, high = intervals.best(losses, statistic, seed=0)
    assert (low, high) == (1.0, 9.0)


def test_a_rare_best_start_is_sometimes_missed_by_other_starts() -> None:
    losses = np.array([[1.0] + [2.0] * 7])
    statistic = np.array([[0.0] + [18.0] * 7])
    assert intervals.best(losses, statistic, seed=0) == (0.0, 18.0)
