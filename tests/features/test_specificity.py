"""Precision by activation, specific latents, and the gaps they fill."""

import numpy as np
import pytest
from scipy import sparse

from superposition.features import specificity
from superposition.features.specificity import gaps, groups, specific_latents


def made(n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """A unit active on the second half of the tokens, ever stronger; inside from 150 on."""
    acts = np.maximum(np.arange(n) - n // 2 + 1.0, 0).astype(np.float32)
    return acts, np.arange(n) >= n * 3 // 4


def test_groups_hold_every_active_token_once() -> None:
    acts, inside = made()
    grouped = groups(acts, inside)
    for _, part in grouped.groupby("grouping"):
        assert sum(part["active"].tolist()) == 100
        assert sum(part["inside"].tolist()) == 50
    tenths = grouped.query("grouping == 'tenth'")
    assert tenths["active"].tolist() == [10] * 10
    assert tenths["inside"].tolist() == [0] * 5 + [10] * 5
    assert tenths["activation"].tolist() == pytest.approx([5.5 + 10 * i for i in range(10)])


def test_intervals_have_equal_width_up_to_the_largest_activation() -> None:
    acts = np.array([0.0, 0.5, 1.0, 2.0, 10.9, 11.0], dtype=np.float32)
    found = groups(acts, acts > 5).query("grouping == 'interval'")
    assert found["active"].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert found["inside"].tolist() == [0] * 10 + [2]


def test_a_unit_that_is_purer_where_it_is_stronger_has_a_rising_trend() -> None:
    acts, inside = made()
    found = specificity.specificity(groups(acts, inside), n_inside=100)
    assert found.active == 100
    assert found.precision == 0.5
    assert found.recall == 0.5
    assert found.top_precision == 1.0
    assert found.top_precision_low == pytest.approx(0.722, abs=1e-3)
    assert found.trend > 0.8
    assert found.interval_trend > 0.8
    opposite = specificity.specificity(groups(acts, ~inside & (acts > 0)), n_inside=100)
    assert opposite.trend < -0.8


def test_a_silent_unit_has_no_precision() -> None:
    found = specificity.specificity(groups(np.zeros(5, np.float32), np.ones(5, bool)), n_inside=5)
    assert found.active == 0
    assert np.isnan(found.precision)


def test_specific_latents_are_active_mostly_inside_and_often_enough() -> None:
    inside = np.zeros((100, 1), dtype=np.float32)
    inside[:50] = 1
    acts = np.zeros((100, 3), dtype=np.float32)
    acts[:30, 0] = acts[30:50, 1] = 2.0
    acts[60:90, 1] = acts[:19, 2] = 2.0
    found = specific_latents(sparse.csr_matrix(acts), sparse.csr_matrix(inside))
    assert found.ravel().tolist() == [True, False, False]


def test_gaps_are_filled_by_other_specific_latents_alone() -> None:
    acts = np.zeros((6, 4), dtype=np.float32)
    acts[0, 0] = acts[1, 1] = acts[2, 2] = acts[5, 1] = 1.0
    inside = np.array([True, True, True, True, False, False])
    specific = np.array([True, True, False, True])
    found = gaps(sparse.csr_matrix(acts), inside, specific, unit=0)
    assert found == (3, 1, 2, 1)
