"""Each claim about toy models is replicated by models that show it and refuted by others."""

from pathlib import Path

import pytest
import torch
from tests.claims.world import add_toy, orthogonal_pair, polygon, results
from torch import Tensor

from superposition.claims import toy_models
from superposition.claims.core import Claim, Verdict
from superposition.results import Results

ARRANGEMENTS = (
    (toy_models.intro_dense, 1.0, orthogonal_pair(), polygon(5)),
    (toy_models.intro_eighty, 0.19, polygon(4), orthogonal_pair()),
    (toy_models.intro_ninety, 0.097, polygon(5), polygon(4)),
)
DENSITIES = (1.0, 0.1, 0.001)


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


@pytest.mark.parametrize(("claim", "p", "shown", "other"), ARRANGEMENTS)
def test_an_arrangement_is_replicated_if_the_start_with_the_lowest_loss_shows_it(
    r: Results, claim: Claim, p: float, shown: Tensor, other: Tensor
) -> None:
    add_toy(r, "five-in-two", {p: [shown, other, other]})
    verdict = claim.judge(r)
    assert verdict.holds == "replicated"
    assert verdict.measured == pytest.approx(0, abs=1e-4)
    assert "1 of 3 starts" in verdict.detail


@pytest.mark.parametrize(("claim", "p", "shown", "other"), ARRANGEMENTS)
def test_an_arrangement_is_partly_there_if_only_a_worse_start_shows_it(
    r: Results, claim: Claim, p: float, shown: Tensor, other: Tensor
) -> None:
    add_toy(r, "five-in-two", {p: [other, shown]})
    assert claim.judge(r).holds == "partly"


@pytest.mark.parametrize(("claim", "p", "shown", "other"), ARRANGEMENTS)
def test_an_arrangement_that_no_start_shows_is_not_replicated(
    r: Results, claim: Claim, p: float, shown: Tensor, other: Tensor
) -> None:
    add_toy(r, "five-in-two", {p: [other, 0.3 * shown]})
    assert claim.judge(r).holds == "not replicated"


def test_a_bent_pentagon_is_refused_and_a_turned_one_is_not(r: Results) -> None:
    bent = polygon(5)
    bent[0] = torch.tensor([0.995, 0.1])
    add_toy(r, "five-in-two", {0.1: [polygon(5, turn=0.3)], 0.19: [bent]})
    assert toy_models.intro_ninety.judge(r).holds == "replicated"
    add_toy(r, "five-in-two", {0.1: [bent]})
    refused = results(r.store.root)
    assert toy_models.intro_ninety.judge(refused).holds == "not replicated"


def dedicated(n_features: int = 20, d_hidden: int = 5) -> Tensor:
    """The first features with a dimension each, the others nowhere."""
    return torch.eye(n_features, d_hidden)


@pytest.mark.parametrize(
    ("n_wrong", "holds"), [(0, "replicated"), (2, "partly"), (3, "not replicated")]
)
def test_the_bias_rule_holds_partly_if_nine_tenths_of_the_biases_follow_it(
    r: Results, n_wrong: int, holds: str
) -> None:
    bias = torch.cat([torch.zeros(5), torch.full((15,), 0.5)])
    bias[:n_wrong] = 0.2
    add_toy(r, "twenty-in-five", {1.0: [dedicated()]}, biases={1.0: [bias]})
    assert toy_models.bias_rule.judge(r).holds == holds


def linear(r: Results, W: Tensor) -> Verdict:
    """The verdict on a linear model with the same weights at every density and the best biases."""
    left = torch.eye(20) - W @ W.T
    biases = {p: [p / 2 * left.sum(dim=1)] for p in DENSITIES}
    add_toy(r, "twenty-in-five-linear", {p: [W] for p in DENSITIES}, biases=biases, base=0.7)
    return toy_models.linear_is_pca.judge(r)


def test_a_linear_model_that_keeps_the_first_five_in_any_rotation_is_replicated(r: Results) -> None:
    rotation = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(0))).Q
    verdict = linear(r, dedicated() @ rotation)
    assert verdict.holds == "replicated"
    assert verdict.measured == pytest.approx(0, abs=0.1)


def test_a_linear_model_that_keeps_another_feature_is_not_replicated(r: Results) -> None:
    W = dedicated()
    W[[4, 5]] = W[[5, 4]]
    verdict = linear(r, W)
    assert verdict.holds == "not replicated"
    assert verdict.measured == pytest.approx(90)


def test_a_linear_model_with_the_right_features_and_a_worse_loss_is_partly_there(
    r: Results,
) -> None:
    verdict = linear(r, 0.9 * dedicated())
    assert verdict.holds == "partly"


def with_pairs(n_new: int) -> Tensor:
    """Five features with a dimension each; new ones are antipodal to the less important of them."""
    W = dedicated()
    for new in range(n_new):
        W[5 + new] = -W[4 - new]
    return W


def all_twenty() -> Tensor:
    return torch.nn.functional.normalize(torch.randn(20, 5, generator=torch.manual_seed(0)), dim=1)


SUPERPOSITION = (
    ([dedicated(), with_pairs(3), all_twenty()], "replicated"),
    ([dedicated(), with_pairs(3), with_pairs(4)], "partly"),
    ([dedicated(), all_twenty(), all_twenty()], "partly"),
    ([dedicated(), dedicated(), dedicated()], "not replicated"),
    ([dedicated(), all_twenty(), with_pairs(3)], "not replicated"),
)


@pytest.mark.parametrize(("models", "holds"), SUPERPOSITION)
def test_superposition_grows_with_sparsity_or_not(
    r: Results, models: list[Tensor], holds: str
) -> None:
    weights = {p: [W] for p, W in zip(DENSITIES, models, strict=True)}
    add_toy(r, "twenty-in-five", weights, base=0.7)
    assert toy_models.superposition_grows.judge(r).holds == holds
