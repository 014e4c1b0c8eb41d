"""Claims on units and concepts are replicated by some results and refuted by others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr
from tests.claims.interpretability_world import dictionary, probes, save
from tests.claims.world import results

from superposition.claims import interpretability as claims
from superposition.claims.core import Claim
from superposition.claims.measures_interpretability import (
    covered,
    explained,
    more_covered,
    more_explained,
    rank_correlation,
)
from superposition.results import Results

POOR = {"explained": 0.2, "by_context": 0.1, "covers_context": 0.2, "few_cover": 0.2}
"""What a control explains and covers."""


@pytest.fixture
def r(tmp_path: Path) -> Results:
    r = results(tmp_path)
    rows = ("batch-topk", "l1", "neurons", "pca", "random", "batch-topk-second-model")
    r.params.tree["interpretability"] = {
        row: {} for row in (*rows, "batch-topk-shuffled", "neurons-shuffled")
    }
    r.params.tree["probes"] = {"main": {}}
    return r


def judged(claim: Claim, r: Results, **dictionaries: dict[str, Any]) -> str:
    for name, given in dictionaries.items():
        save(r.store, name.replace("_", "-"), dictionary(**given))
    return claim.judge(r).holds


@pytest.mark.parametrize(
    ("topk", "l1", "holds"),
    [({}, {}, "replicated"), ({}, POOR, "partly"), (POOR, POOR, "not replicated")],
)
def test_latents_must_be_explained_more_often_than_neurons(r, topk, l1, holds):
    claim = claims.explained_more_than_neurons
    assert judged(claim, r, batch_topk=topk, l1=l1, neurons=POOR) == holds


@pytest.mark.parametrize(
    ("claim", "control"),
    [
        (claims.explained_more_than_components, "pca"),
        (claims.explained_more_than_random, "random"),
    ],
)
@pytest.mark.parametrize(
    ("share", "holds"), [(0.2, "replicated"), (0.58, "partly"), (0.7, "not replicated")]
)
def test_latents_must_be_explained_more_often_than_directions(r, claim, control, share, holds):
    save(r.store, control, dictionary(explained=share, by_context=0.1))
    assert judged(claim, r, batch_topk={}) == holds


@pytest.mark.parametrize(
    ("second", "shuffled", "holds"),
    [
        (0.4, 0.05, "replicated"),
        (0.1, 0.1, "partly"),
        (0.1, 0.45, "not replicated"),
    ],
)
def test_context_concepts_must_need_a_trained_model(r, second, shuffled, holds):
    given = {
        "batch_topk": {},
        "batch_topk_second_model": {"by_context": second},
        "batch_topk_shuffled": {"by_context": shuffled},
    }
    assert judged(claims.contexts_need_training, r, **given) == holds


@pytest.mark.parametrize(
    ("share", "holds"), [(0.9, "replicated"), (0.6, "partly"), (0.3, "not replicated")]
)
def test_token_concepts_must_come_without_training(r, share, holds):
    given = {"batch_topk": {}, "batch_topk_shuffled": {"covers_token": share}}
    assert judged(claims.tokens_come_for_free, r, **given) == holds


@pytest.mark.parametrize(
    ("few", "neurons", "holds"),
    [
        (1.0, POOR, "replicated"),
        (0.05, {"covers_context": 0.2, "few_cover": 1.0}, "partly"),
        (1.0, {"covers_context": 0.8, "few_cover": 1.0}, "not replicated"),
    ],
)
def test_as_many_latents_as_neurons_must_cover_more_contexts(r, few, neurons, holds):
    latents = {"few_cover": few}
    claim = claims.coverage_at_equal_numbers
    assert judged(claim, r, batch_topk=latents, l1=latents, neurons=neurons) == holds


@pytest.mark.parametrize(
    ("mcc", "covers", "holds"),
    [(0.85, 0.7, "replicated"), (0.5, 0.25, "partly"), (0.05, 0.7, "not replicated")],
)
def test_the_probe_must_be_a_ceiling(r, mcc, covers, holds):
    r.store.save_table(probes(mcc), "probes", "main", "probes.parquet")
    given = {"covers_context": covers, "covers_token": covers}
    assert judged(claims.probe_is_a_ceiling, r, batch_topk=given) == holds


@pytest.mark.parametrize(
    ("rises", "holds"), [(1.0, "replicated"), (0.5, "partly"), (0.0, "not replicated")]
)
def test_precision_must_rise_with_the_activation(r, rises, holds):
    assert judged(claims.specificity_rises, r, batch_topk={"rises": rises}) == holds


@pytest.mark.parametrize(
    ("frequent", "holds"), [(0.6, "replicated"), (0.06, "partly"), (0.0, "not replicated")]
)
def test_neurons_must_be_flattered_by_f1(r, frequent, holds):
    neurons = {"explained": 0.2, "by_context": 0.1, "frequent": frequent}
    assert judged(claims.f1_alone_misleads, r, neurons=neurons, batch_topk={}) == holds


def test_a_dictionary_differs_from_itself_by_nothing(r):
    save(r.store, "batch-topk", dictionary())
    found = r.interpretability("batch-topk")
    difference = more_explained(found, found)
    assert difference.value == 0
    assert difference.interval[0] < 0 < difference.interval[1]
    assert more_covered(found, found, "context", equal_units=True).interval == (0, 0)


def test_units_that_are_hardly_ever_active_are_not_counted(r):
    save(r.store, "batch-topk", dictionary(n_units=50))
    assert len(explained(r.interpretability("batch-topk"))) == 49
    assert covered(r.interpretability("batch-topk"), "token").tolist() == [1.0] * 10


def test_rank_correlation_is_spearmans():
    values = np.random.default_rng(0).random((5, 10)).round(1)
    expected = [np.asarray(spearmanr(range(10), case))[0] for case in values]
    assert rank_correlation(values).tolist() == pytest.approx(expected)
    assert rank_correlation(np.ones((1, 10))).tolist() == [0.0]
