"""Scores of units as detectors of concepts: limits, invariances and a hand-made world."""

import numpy as np
import pytest

from superposition.features.concept_counts import KEPT, Counts, from_above
from superposition.features.concept_scores import (
    Pairs,
    Scores,
    always_on,
    best_concepts,
    draws_of_units,
    pairs,
    scores,
)

N = 10_000


def counts_of(active: np.ndarray, labels: np.ndarray, half: np.ndarray) -> Counts:
    """Counts of units with activations 0 or 1 at every threshold; arrays tokens by units."""
    parts = [(active[half == which], labels[half == which]) for which in (0, 1)]
    last = np.zeros(len(KEPT))
    last[-1] = 1  # all activations lie above the highest threshold
    n_active = np.stack([on.sum(axis=0)[:, None] * last for on, _ in parts])
    both = np.stack([(on.T @ has)[:, None] * last[:, None] for on, has in parts])
    return Counts(
        n=np.array([len(on) for on, _ in parts]),
        positives=np.stack([has.sum(axis=0) for _, has in parts]),
        thresholds=np.zeros((active.shape[1], len(KEPT)), dtype=np.float32),
        active=from_above(n_active.astype(np.int64)),
        both=from_above(both.astype(np.int32)),
        top_token=np.zeros(active.shape[1], dtype=int),
        single_token_share=np.zeros(active.shape[1]),
    )


def random_world(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = (generator.random((N, 4)) < [0.02, 0.1, 0.3, 0.6]).astype(int)
    noise = (generator.random((N, 4)) < 0.05).astype(int)
    return np.abs(labels - noise), labels, generator.integers(2, size=N)


def test_correlation_is_pearsons_of_the_two_indicators():
    active, labels, _ = random_world()
    for on, has in zip(active.T, labels.T, strict=True):
        found = scores((on * has).sum(), on.sum(), has.sum(), N)
        assert found.mcc.item() == pytest.approx(np.corrcoef(on, has)[0, 1])
        assert found.precision.item() == pytest.approx(has[on == 1].mean())
        assert found.recall.item() == pytest.approx(on[has == 1].mean())


@pytest.mark.parametrize("base_rate", [0.01, 0.3, 0.9])
def test_a_unit_that_is_always_on_has_correlation_zero_and_a_flattering_f1(base_rate: float):
    found = scores(base_rate * N, N, base_rate * N, N)
    assert found.mcc.item() == 0
    assert found.f1.item() == pytest.approx(always_on(np.array([base_rate])).item())


def test_a_perfect_unit_scores_one_and_a_silent_one_zero():
    perfect, silent = scores(50, 50, 50, N), scores(0, 0, 50, N)
    assert [one.item() for one in perfect] == pytest.approx([1, 1, 1, 1])
    assert [one.item() for one in silent] == [0, 0, 0, 0]


def test_inverting_a_unit_turns_the_sign_of_its_correlation():
    given = scores(30, 80, 100, N).mcc.item()
    assert scores(100 - 30, N - 80, 100, N).mcc.item() == pytest.approx(-given)


def test_scaling_all_counts_changes_no_score():
    np.testing.assert_allclose(scores(3, 8, 10, 100), scores(300, 800, 1000, 10_000))


def test_every_unit_is_matched_with_its_concept_and_scored_on_the_other_half():
    active, labels, half = random_world()
    found = pairs(counts_of(active, labels, half))["mcc"]
    assert best_concepts(found, np.ones(4, dtype=bool)).tolist() == [0, 1, 2, 3]
    for index in range(4):
        on, has = active[half == 1, index], labels[half == 1, index]
        expected = np.corrcoef(on, has)[0, 1]
        assert found.reported.mcc[index, index] == pytest.approx(expected, rel=1e-5)
        on, has = active[half == 0, index], labels[half == 0, index]
        assert found.chosen[index, index] == pytest.approx(np.corrcoef(on, has)[0, 1], rel=1e-5)


def test_the_threshold_is_the_one_that_is_best_on_the_first_half():
    strong = np.arange(len(KEPT)) >= 8  # only strong activations are about the concept
    bins = np.full(len(KEPT), 10)
    n_active = np.broadcast_to(from_above(bins[None, None])[0, 0], (2, 1, len(KEPT)))
    both = from_above((bins * strong)[None, None, :, None])[0, 0, :, 0]
    positives = np.full((2, 1), both[0])
    counts = Counts(
        n=np.array([N, N]),
        positives=positives,
        thresholds=np.arange(len(KEPT), dtype=np.float32)[None],
        active=np.array(n_active),
        both=np.broadcast_to(both[None, None, :, None], (2, 1, len(KEPT), 1)).copy(),
        top_token=np.zeros(1, dtype=int),
        single_token_share=np.zeros(1),
    )
    found = pairs(counts)["mcc"]
    assert found.threshold.item() == 8
    assert found.reported.mcc.item() == pytest.approx(1.0)


def test_chance_matches_do_not_survive_on_the_other_half():
    generator = np.random.default_rng(0)
    active = (generator.random((2_000, 200)) < 0.01).astype(int)
    labels = (generator.random((2_000, 50)) < 0.01).astype(int)
    found = pairs(counts_of(active, labels, generator.integers(2, size=2_000)))["mcc"]
    best = best_concepts(found, np.ones(50, dtype=bool))
    unit = np.arange(200)
    assert found.chosen[unit, best].mean() > 0.1
    assert abs(found.reported.mcc[unit, best].mean()) < 0.03


def test_a_unit_that_tells_nothing_above_chance_has_no_concept():
    nothing = Pairs(
        np.zeros((1, 2), dtype=int), np.array([[-0.1, 0.0]]), Scores(*[np.zeros(1)] * 4)
    )
    assert best_concepts(nothing, np.ones(2, dtype=bool)).tolist() == [-1]
    assert best_concepts(nothing, np.zeros(2, dtype=bool)).tolist() == [-1]


def test_few_drawn_units_cover_less_than_all_and_all_of_them_are_drawn_once():
    chosen = np.random.default_rng(0).random((100, 7))
    found = Pairs(np.zeros((100, 7), dtype=int), chosen, Scores(*[chosen] * 4))
    few = draws_of_units(found, chosen, n=10, n_draws=50, seed=0)
    every = draws_of_units(found, chosen, n=100, n_draws=50, seed=0)
    assert few.shape == (50, 7)
    assert every.tolist() == [chosen.max(axis=0).tolist()]
    assert (few.mean(axis=0) < every[0]).all()
    assert few.mean() == pytest.approx(10 / 11, abs=0.03)  # the mean of the best of ten
