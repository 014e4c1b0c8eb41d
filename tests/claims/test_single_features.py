"""Each claim about single features is replicated by results like the paper's, refuted by others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.claims.single_world import add_causal, add_contexts
from tests.claims.world import results

from superposition.artefacts import NotTrained
from superposition.claims import interventions, named_features, single_features
from superposition.claims.core import Claim
from superposition.claims.measures_single_features import MAIN, superiority
from superposition.features import proxies
from superposition.results import Results


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


CONTEXTS: tuple[tuple[Claim, dict[str, Any], str], ...] = (
    (single_features.specificity, {}, "replicated"),
    (single_features.specificity, {"top_precision": 0.7}, "not replicated"),
    (single_features.specificity, {"precision": 0.3}, "not replicated"),
    (single_features.specificity, {"trend": -0.5}, "not replicated"),
    (single_features.sensitivity, {}, "replicated"),
    (single_features.sensitivity, {"correlation": 0.5}, "not replicated"),
    (single_features.sensitivity, {"null_correlation": 0.4}, "not replicated"),
    (single_features.gaps_are_filled, {}, "replicated"),
    (single_features.gaps_are_filled, {"filled": 50}, "not replicated"),
    (single_features.logit_weights, {}, "replicated"),
    (single_features.logit_weights, {"logit_area": 0.8}, "not replicated"),
    (single_features.not_a_neuron, {}, "replicated"),
    (single_features.not_a_neuron, {"neuron_gap": 0.1}, "not replicated"),
    (single_features.not_a_neuron, {"top_1": 0.9}, "not replicated"),
    (single_features.universality, {}, "replicated"),
    (single_features.universality, {"partner_correlation": 0.7}, "not replicated"),
    (single_features.universality, {"partner_logit_correlation": 0.99}, "not replicated"),
    (named_features.dna, {}, "replicated"),
    (named_features.dna, {"alone": 10}, "partly"),
    (named_features.dna, {"alone": 10, "neuron_gap": 0, "correlation": 0.1}, "not replicated"),
    (named_features.base64, {}, "replicated"),
    (named_features.base64, {"partner_correlation": 0.2}, "partly"),
    (
        named_features.base64,
        {"partner_correlation": 0.2, "neuron_correlation": 0.8},
        "not replicated",
    ),
    (named_features.second_script, {}, "replicated"),
    (named_features.second_script, {"correlation": 0.3}, "partly"),
    (named_features.second_script, {"correlation": 0.3, "neuron_gap": 0.1}, "not replicated"),
)


@pytest.mark.parametrize(("claim", "other", "holds"), CONTEXTS)
def test_planted_contexts_like_the_papers_are_replicated_and_others_are_not(
    r: Results, claim: Claim, other: dict[str, Any], holds: str
) -> None:
    add_contexts(r, other)
    assert claim.judge(r).holds == holds


def test_one_good_context_of_three_is_partly(r: Results) -> None:
    add_contexts(r, {"top_precision": 0.5})
    table = r.contexts(MAIN).concepts
    table.loc[0, "top_precision"] = 0.95
    r.store.save_table(table, "contexts", MAIN, "concepts.parquet")
    verdict = single_features.specificity.judge(Results(r.params, r.store))
    assert (verdict.holds, verdict.measured) == ("partly", "1 of 3")


@pytest.mark.parametrize(
    ("planted", "natural", "holds"),
    [
        ({}, {}, "replicated"),
        ({"passed": 1}, {}, "partly"),
        ({}, {"passed": 5}, "not replicated"),
    ],
)
def test_features_were_picked_if_typical_concepts_do_worse(
    r: Results, planted: dict[str, Any], natural: dict[str, Any], holds: str
) -> None:
    add_contexts(r, planted, natural)
    assert named_features.cherry_picked.judge(r).holds == holds


CAUSAL: tuple[tuple[Claim, dict[str, Any], str], ...] = (
    (interventions.ablation, {}, "replicated"),
    (interventions.ablation, {"trend": 0.0}, "partly"),
    (interventions.ablation, {"effect": 0.0}, "not replicated"),
    (interventions.pinning, {}, "replicated"),
    (interventions.pinning, {"p_value": 0.01}, "not replicated"),
    (interventions.weak_activations, {}, "replicated"),
    (interventions.weak_activations, {"upper": (0.2, 0.4)}, "partly"),
    (interventions.weak_activations, {"upper": (0.4, 0.4)}, "not replicated"),
    (interventions.ablation_agrees, {}, "replicated"),
    (interventions.ablation_agrees, {"natural_agreement": -0.2}, "partly"),
    (interventions.ablation_agrees, {"agreement": -0.2}, "not replicated"),
)


@pytest.mark.parametrize(("claim", "other", "holds"), CAUSAL)
def test_interventions_like_the_papers_are_replicated_and_others_are_not(
    r: Results, claim: Claim, other: dict[str, Any], holds: str
) -> None:
    add_contexts(r)
    add_causal(r, **other)
    assert claim.judge(r).holds == holds


def test_without_a_planted_context_nothing_is_judged(r: Results) -> None:
    add_contexts(r)
    table = r.contexts(MAIN).concepts.assign(planted="")
    r.store.save_table(table, "contexts", MAIN, "concepts.parquet")
    with pytest.raises(NotTrained, match="no planted context"):
        single_features.sensitivity.judge(Results(r.params, r.store))


def test_the_librarys_proxies_agree_in_every_part(r: Results) -> None:
    assert all(single_features.check_proxies().values())
    assert single_features.proxy_definition.judge(r).holds == "replicated"


def test_proxies_with_another_floor_or_length_disagree(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "OUTSIDE", 1e-6)
    monkeypatch.setitem(proxies.AT_LEAST, "dna", 1)
    failed = [name for name, agrees in single_features.check_proxies().items() if not agrees]
    assert failed == ["other characters", "two tokens of DNA", "best string"]


def test_superiority_is_the_share_of_pairs_in_which_the_first_is_higher() -> None:
    a, b = np.array([1.0, 2.0, 2.0, np.nan]), np.array([2.0, 0.0])
    found = superiority(a, b)
    assert found.value == pytest.approx((0 + 0.5 + 0.5 + 1 + 1 + 1) / 6)
    assert found.interval[0] <= found.value <= found.interval[1]
    assert superiority(np.arange(5.0) + 9, np.arange(5.0)).value == 1.0


def test_superiority_of_nothing_is_not_judged() -> None:
    with pytest.raises(NotTrained, match="active often enough"):
        superiority(np.array([np.nan]), np.array([1.0]))
