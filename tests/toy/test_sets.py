"""Sets of features: what collapses, what lies side by side, what is orthogonal."""

import numpy as np
import pandas as pd
import pytest

from superposition.toy import norm_rules, sets


def at_degrees(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)[None]


def test_pairs_are_neighbours_on_either_side_and_across_the_full_turn() -> None:
    assert sets.side_by_side(at_degrees(350, 10, 200, 160, 80, 100)).tolist() == [3]
    assert sets.side_by_side(at_degrees(0, 120, 60, 180, 240, 300)).tolist() == [1]


def test_by_chance_all_three_pairs_are_neighbours_in_two_of_fifteen_arrangements() -> None:
    rng = np.random.default_rng(0)
    W = np.concatenate([at_degrees(*rng.permutation(6) * 60) for _ in range(3000)])
    assert (sets.side_by_side(W) == 3).mean() == pytest.approx(2 / 15, abs=0.02)


def test_turning_and_stretching_a_model_leaves_its_cosines_unchanged() -> None:
    W, turn = np.random.default_rng(0).normal(size=(4, 6, 2)), at_degrees(20, 110)[0]
    assert sets.cosines(3 * W @ turn) == pytest.approx(sets.cosines(W))


def test_a_feature_that_is_not_there_has_no_angle_and_is_not_collapsed() -> None:
    W = at_degrees(0, 1, 90, 90)
    W[0, 2:] *= 1e-3
    assert sets.pair_cosines(W)[0, 1] == 0
    assert sets.collapsed(W).tolist() == [[True, False]]


def test_an_orthogonal_set_over_a_turned_one_is_orthogonal_within_and_not_across() -> None:
    W = at_degrees(0, 90, 45, 135)
    assert sets.within(W, 2) == pytest.approx(0, abs=1e-9)
    assert sets.across(W, 2) == pytest.approx(0.5**0.5)


def test_a_collapsed_pair_has_all_its_weight_on_the_sum_and_an_opposite_one_none() -> None:
    assert sets.principal_share(at_degrees(30, 30, 0, 180)[0]) == pytest.approx([1, 0], abs=1e-9)


def test_features_are_numbered_by_set_from_one() -> None:
    numbered = sets.with_sets(pd.DataFrame({"feature": [0, 1, 2, 3]}), 2)
    assert numbered["set"].tolist() == [1, 1, 2, 2]


def test_a_rule_of_norm_and_bias_has_no_error_on_its_own_values() -> None:
    b = np.linspace(-0.4, -0.1, 5)
    for name, rule in norm_rules.RULES.items():
        assert norm_rules.errors(rule(b), b)[name] == pytest.approx(0)
    assert len(norm_rules.curves(-0.4, 0.0)) == 41 * len(norm_rules.RULES)
