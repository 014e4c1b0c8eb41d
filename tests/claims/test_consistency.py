"""Each claim about typical units is replicated by results like the paper's, refuted by others."""

from pathlib import Path

import pytest
from tests.claims.single_world import add_consistency, add_contexts
from tests.claims.world import results

from superposition.claims import consistency
from superposition.claims.core import Claim
from superposition.claims.measures_single_features import MAIN, SHUFFLED
from superposition.results import Results


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


Changes = dict[str, float]
CASES: tuple[tuple[Claim, Changes, Changes, str], ...] = (
    (consistency.predictable, {}, {}, "replicated"),
    (consistency.predictable, {}, {"predictability": 0.9}, "partly"),
    (consistency.predictable, {"predictability": 0.3}, {}, "not replicated"),
    (consistency.logit_predictions, {}, {}, "replicated"),
    (consistency.logit_predictions, {}, {"logit_accuracy": 0.6}, "partly"),
    (consistency.logit_predictions, {"logit_accuracy": 0.5}, {}, "not replicated"),
    (consistency.zero_activations, {}, {}, "replicated"),
    (consistency.zero_activations, {"density": 0.5}, {}, "not replicated"),
    (consistency.random_weights, {}, {}, "replicated"),
    (consistency.random_weights, {}, {"predictability": 0.9}, "partly"),
    (
        consistency.random_weights,
        {},
        {"predictability": 0.9, "logit_area": 0.7},
        "not replicated",
    ),
)


@pytest.mark.parametrize(("claim", "main", "shuffled", "holds"), CASES)
def test_scores_like_the_papers_are_replicated_and_others_are_not(
    r: Results, claim: Claim, main: Changes, shuffled: Changes, holds: str
) -> None:
    add_consistency(r, MAIN, **main)
    add_consistency(r, SHUFFLED, **shuffled)
    assert claim.judge(r).holds == holds


@pytest.mark.parametrize(("slope", "holds"), [(0.4, "replicated"), (-0.4, "not replicated")])
def test_dense_latents_must_be_clearer_than_rare_ones(r: Results, slope: float, holds: str) -> None:
    add_consistency(r, "l1", slope=slope)
    assert consistency.dense_latents.judge(r).holds == holds


@pytest.mark.parametrize(
    ("planted", "natural", "holds"),
    [(0.9, 0.5, "replicated"), (0.9, -0.5, "partly"), (-0.9, -0.5, "not replicated")],
)
def test_higher_intervals_must_be_purer(
    r: Results, planted: float, natural: float, holds: str
) -> None:
    add_contexts(r, {"interval_trend": planted}, {"interval_trend": natural})
    assert consistency.higher_intervals.judge(r).holds == holds
