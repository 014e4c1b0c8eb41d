"""Values that gather at a fraction stand out; values that pass through it, or by it, do not."""

import numpy as np
import pytest

from superposition.toy.clusters import FRACTIONS, HALF_WIDTH, REACH, Cluster, _unrolled, cluster

OTHERS = tuple(FRACTIONS.values())


def judged(values: np.ndarray, fraction: float, n_models: int = 20) -> Cluster:
    model = np.arange(len(values)) % n_models
    return cluster(values, model, fraction, others=OTHERS, seed=0)


def spread(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 1, size=n)


@pytest.mark.parametrize("fraction", OTHERS)
def test_values_at_a_fraction_stand_out_of_spread_ones(fraction: float) -> None:
    values = np.concatenate([spread(1000), np.full(200, fraction + 0.005)])
    found = judged(values, fraction)
    assert found.stands_out()
    assert found.n_models == 20
    assert found.n_inside == pytest.approx(200 + 25, abs=15)


@pytest.mark.parametrize("fraction", OTHERS)
def test_spread_values_stand_out_nowhere_and_have_the_ratio_of_one(fraction: float) -> None:
    found = judged(spread(20_000), fraction)
    assert not found.stands_out()
    assert found.ratio == pytest.approx(1, abs=0.15)
    assert found.p_value > 0.001


def test_pentagons_do_not_hide_antiprisms_which_are_close_by() -> None:
    values = np.concatenate([np.full(400, 0.4), np.full(100, 0.375)])
    assert judged(values, 0.375).stands_out()
    assert judged(values, 0.4).stands_out()


def test_many_values_of_a_single_model_are_no_proof() -> None:
    found = judged(np.full(500, 0.75), 0.75, n_models=1)
    assert found.ratio == np.inf
    assert found.p_value > 0.1
    assert not found.stands_out()


def test_nothing_nearby_is_no_cluster() -> None:
    found = judged(np.full(10, 0.9), 0.5)
    assert (found.n_inside, found.ratio, found.p_value) == (0, 0.0, 1.0)


def test_surroundings_leave_out_the_windows_of_other_fractions() -> None:
    _, whole = _unrolled(np.array([0.5]), 0.5, OTHERS)
    assert whole == pytest.approx(2 * REACH)
    place, length = _unrolled(np.array([0.375, 0.387, 0.395, 0.35]), 0.375, OTHERS)
    assert length == pytest.approx(2 * HALF_WIDTH + 0.02 + 0.005)
    assert np.isnan(place).tolist() == [False, False, True, False]
