"""Sums over tokens give the correlations that numpy gives, for sparse and dense matrices alike."""

import numpy as np
import pytest
from scipy import sparse

from superposition.features import moments
from superposition.features.moments import CrossMoments


def random(n: int, d: int, seed: int, *, density: float = 0.3) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    dense = rng.random((n, d)) * (rng.random((n, d)) < density)
    return sparse.csr_matrix(dense.astype(np.float32))


def naive(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.corrcoef(x.T, y.T)[: x.shape[1], x.shape[1] :]


@pytest.mark.parametrize("dense", [False, True])
def test_the_correlation_is_numpys(dense: bool) -> None:
    x, y = random(200, 5, 0), random(200, 7, 1)
    expected = naive(x.toarray(), y.toarray())
    given = (x.toarray(), y.toarray()) if dense else (x, y)
    np.testing.assert_allclose(CrossMoments.of(*given).correlation(), expected, atol=1e-6)


def test_sums_of_two_halves_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = random(200, 5, 0), random(200, 7, 1)
    whole = CrossMoments.of(x, y)
    monkeypatch.setattr(moments, "ROWS", 64)
    halves = CrossMoments.of(x[:90], y[:90]).plus(CrossMoments.of(x[90:], y[90:]))
    np.testing.assert_allclose(halves.correlation(), whole.correlation(), atol=1e-6)


def test_a_unit_that_never_varies_correlates_with_nothing() -> None:
    x = sparse.csr_matrix(np.array([[1.0, 0.0], [1.0, 2.0], [1.0, 0.0]], dtype=np.float32))
    found = CrossMoments.of(x, x).correlation()
    np.testing.assert_allclose(found, [[0, 0], [0, 1]], atol=1e-12)
    np.testing.assert_allclose(moments.paired_correlation(x, x), [0, 1], atol=1e-12)


def test_correlations_do_not_depend_on_the_scale_of_activations() -> None:
    x, y = random(300, 4, 2), random(300, 4, 3)
    scaled = sparse.csr_matrix(x.multiply(7.0))
    before, after = (CrossMoments.of(each, y).correlation() for each in (x, scaled))
    np.testing.assert_allclose(before, after, atol=1e-6)


def test_paired_correlations_are_the_diagonal_of_all() -> None:
    x, y = random(300, 6, 4), random(300, 6, 5)
    every = CrossMoments.of(x, y).correlation()
    np.testing.assert_allclose(moments.paired_correlation(x, y), every.diagonal(), atol=1e-6)


def test_precision_and_f1_of_a_hand_made_detector() -> None:
    acts = sparse.csr_matrix(np.array([[1, 0], [2, 0], [3, 0], [0, 0]], dtype=np.float32))
    labels = sparse.csr_matrix(np.array([[1], [1], [0], [1]], dtype=np.float32))
    np.testing.assert_allclose(moments.precisions(acts, labels), [[2 / 3, 0]])
    np.testing.assert_allclose(moments.f1_scores(acts, labels), [[4 / 6, 0]])
