"""Ranks of logit weights: areas under the curve, next tokens, top tokens told from random ones."""

import numpy as np
import pytest
from scipy import sparse

from superposition.features import logit_tests
from superposition.features.recording import one_hot


def naive_area(scores: np.ndarray, positive: np.ndarray) -> float:
    pairs = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a in scores[positive]
        for b in scores[~positive]
    ]
    return float(np.mean(pairs))


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, size=40).astype(float)
    positive = rng.random(40) < 0.3
    found = logit_tests.area(scores, positive)
    assert found.value == pytest.approx(naive_area(scores, positive))
    assert found.low < found.value < found.high


def test_the_interval_of_an_area_covers_it_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    positive = np.arange(120) < 40
    covered = 0
    for _ in range(300):
        found = logit_tests.area(rng.normal(size=120) + positive, positive)
        covered += found.low <= 0.7602 <= found.high  # Phi(1 / sqrt 2)
    assert 0.9 <= covered / 300 <= 0.99


def test_an_area_does_not_change_with_an_increasing_function_of_the_scores() -> None:
    rng = np.random.default_rng(2)
    scores, positive = rng.normal(size=30), rng.random(30) < 0.5
    first, second = (logit_tests.area(each, positive) for each in (scores, np.exp(scores)))
    assert first == second


def test_an_area_without_positives_is_not_a_number() -> None:
    found = logit_tests.area(np.arange(3.0), np.zeros(3, dtype=bool))
    assert np.isnan(found).all()


def test_lifts_are_ratios_of_shares_of_next_tokens() -> None:
    next_token = np.array([0] * 10 + [1] * 30 + [2] * 3)
    labels = np.zeros((43, 1), dtype=np.float32)
    labels[:8] = labels[20:30] = labels[40:] = 1
    lifts, judged = logit_tests.next_lifts(sparse.csr_matrix(labels), next_token, d_vocab=5)
    assert lifts[0, 0] == pytest.approx((8 / 21) / (10 / 43))
    assert lifts[0, 1] == pytest.approx((10 / 21) / (30 / 43))
    assert lifts[0, 2] == 0  # fewer than five occurrences
    assert judged.tolist() == [True, True, False, False, False]


def test_next_scores_are_those_of_a_loop() -> None:
    rng = np.random.default_rng(3)
    acts = (rng.random((50, 2)) * (rng.random((50, 2)) < 0.4)).astype(np.float32)
    next_token = rng.integers(0, 6, size=50)
    found = logit_tests.next_scores(acts, next_token, d_vocab=7)
    for unit in range(2):
        f = acts[:, unit] / acts[acts[:, unit] > 0, unit].mean()
        for token in range(7):
            p = max((next_token == token).sum(), 1) / 50
            follows = f[next_token == token].sum()
            expected = np.log((follows + 10 * p) / (f.sum() + 10)) - np.log(p)
            assert found[unit, token] == pytest.approx(expected, abs=1e-4)


def test_a_unit_that_scales_has_the_same_next_scores() -> None:
    acts = np.array([[1.0], [0.0], [2.0], [0.0]], dtype=np.float32)
    tokens = np.array([0, 1, 2, 1])
    first, second = (
        logit_tests.next_scores(k * acts, tokens, d_vocab=3) for k in (np.float32(1), np.float32(8))
    )
    np.testing.assert_allclose(first, second, rtol=1e-6)


def test_scores_that_are_the_logit_weights_tell_top_tokens_perfectly() -> None:
    effects = np.random.default_rng(4).normal(size=(3, 400))
    found = logit_tests.rank_top_tokens(effects, effects, seed=0)
    assert found.area.tolist() == [1.0] * 3
    assert found.accuracy.tolist() == [1.0] * 3


def test_scores_that_know_nothing_are_at_chance() -> None:
    rng = np.random.default_rng(5)
    effects, scores = rng.normal(size=(400, 300)), rng.normal(size=(400, 300))
    found = logit_tests.rank_top_tokens(effects, scores, seed=0)
    assert found.area.mean() == pytest.approx(0.5, abs=0.02)
    assert found.accuracy.mean() == pytest.approx(0.5, abs=0.02)
    constant = logit_tests.rank_top_tokens(effects, np.zeros_like(scores), seed=0)
    assert (constant.area == 0.5).all()
    assert constant.accuracy.mean() == pytest.approx(0.5, abs=0.02)


def test_a_vocabulary_without_enough_ranks_is_refused() -> None:
    with pytest.raises(ValueError, match="d_vocab=20 has no ranks 10 to 60"):
        logit_tests.rank_top_tokens(np.zeros((1, 20)), np.zeros((1, 20)), seed=0)


def test_one_hot_has_a_one_in_each_row() -> None:
    assert one_hot(np.array([2, 0]), 3).toarray().tolist() == [[0, 0, 1], [1, 0, 0]]
