"""Each claim about computing absolute values is replicated by models that show it and refuted by
others; so is the one about the L1 penalty."""

from pathlib import Path

import pytest
import torch
from tests.claims.world import Condition, add_toy, results
from torch import Tensor

from superposition.claims import computation as claims
from superposition.claims.core import Verdict
from superposition.results import Results

PENALTIES = (0.0, 0.001, 0.01)


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def both_sides(n_features: int, d_hidden: int) -> Tensor:
    """The first features with a neuron for each side."""
    W = torch.zeros(n_features, d_hidden)
    for neuron in range(d_hidden):
        W[neuron // 2, neuron] = 1 - 2 * (neuron % 2)
    return W


def simple(r: Results, *models: Tensor, loss: float = 1e-6) -> Verdict:
    """The verdict on models of which each is the best at one of two densities."""
    W: dict[Condition, list[Tensor]] = dict(zip((1.0, 0.1), ([one] for one in models), strict=True))
    W_out = {p: [model.abs() for model in found] for p, found in W.items()}
    row = "absolute-three-in-six"
    add_toy(r, row, W, W_out=W_out, losses={p: [loss] for p in W})
    return claims.absolute_simple.judge(r)


def test_a_neuron_for_each_side_is_replicated_however_it_is_scaled(r: Results) -> None:
    W = both_sides(3, 6)
    verdict = simple(r, W, W[:, [3, 1, 0, 2, 5, 4]] * torch.arange(1, 7))
    assert verdict.holds == "replicated"
    assert verdict.measured == 0
    assert "2 of 2 starts" in verdict.detail


def test_neurons_with_a_second_feature_at_one_density_are_partly_there(r: Results) -> None:
    W = both_sides(3, 6)
    assert simple(r, W, W + 0.1).holds == "partly"


def test_two_positive_neurons_or_a_high_loss_are_not_replicated(r: Results) -> None:
    W = both_sides(3, 6)
    positive = W.clone()
    positive[0, 1] = 1
    assert simple(r, positive, positive).holds == "not replicated"
    r = results(r.store.root)
    assert simple(r, W, W, loss=1e-4).holds == "not replicated"


def sharing(n_shared: int) -> tuple[Tensor, Tensor]:
    """40 neurons for both sides of 20 features; the last ones serve two others as well.

    Features from 20 on have a side in each of two neighbouring shared neurons.
    """
    W = both_sides(100, 40)
    W_out = W.abs()
    for neuron in range(40 - n_shared, 40):
        W[20 + neuron, neuron] = -1
        W_out[20 + neuron, neuron] = 1
    return W, W_out


def superposed(r: Results, n_shared: tuple[int, ...]) -> Verdict:
    densities = (1.0, 0.03, 0.001)
    found = {p: sharing(n) for p, n in zip(densities, n_shared, strict=True)}
    W: dict[Condition, list[Tensor]] = {p: [one[0]] for p, one in found.items()}
    add_toy(r, HUNDRED, W, W_out={p: [one[1]] for p, one in found.items()}, base=0.8)
    return claims.absolute_superposition.judge(r)


HUNDRED = "absolute-hundred-in-forty"


def test_neurons_that_become_polysemantic_are_replicated_if_more_features_are_computed(
    r: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "n_computed", lambda _: 21)
    verdict = superposed(r, (0, 20, 40))
    assert verdict.holds == "replicated"
    assert verdict.measured == "0, 20, 40"


@pytest.mark.parametrize(
    ("n_shared", "holds"),
    [
        ((0, 20, 40), "partly"),
        ((0, 40, 40), "partly"),
        ((0, 20, 10), "partly"),
        ((0, 0, 10), "not replicated"),
        ((40, 20, 0), "not replicated"),
        ((0, 0, 0), "not replicated"),
    ],
)
def test_without_more_features_than_neurons_allow_it_is_at_most_partly_there(
    r: Results, n_shared: tuple[int, ...], holds: str
) -> None:
    verdict = superposed(r, n_shared)
    assert verdict.holds == holds
    assert "20" in verdict.detail


def with_motif(*, inhibited: bool) -> tuple[Tensor, Tensor]:
    """Both sides of 20 features; five neurons also take in another feature, with small weight."""
    W, W_out = sharing(0)
    for k in range(5):
        shared, inhibitor = 4 * k, 4 * k + 2
        W[:, shared] *= 2
        W_out[:, shared] /= 2
        W[50 + k, shared], W_out[50 + k, shared] = -0.5, 2
        if inhibited:
            W[2 * k, inhibitor], W_out[50 + k, inhibitor] = 1, -4
    return W, W_out


@pytest.mark.parametrize(("inhibited", "holds"), [(True, "replicated"), (False, "partly")])
def test_the_motif_is_replicated_if_it_is_in_trained_models(
    r: Results, inhibited: bool, holds: str
) -> None:
    W, W_out = with_motif(inhibited=inhibited)
    add_toy(r, HUNDRED, {0.03: [W], 0.01: [W]}, W_out={0.03: [W_out], 0.01: [W_out]})
    verdict = claims.asymmetric_motif.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == (10 if inhibited else 0)


def test_a_motif_that_works_neither_by_hand_nor_is_found_is_not_replicated(
    r: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims.motif, "CIRCUITS", claims.motif.CIRCUITS[::-1])
    W, W_out = sharing(0)
    add_toy(r, HUNDRED, {0.03: [W]}, W_out={0.03: [W_out]})
    assert claims.asymmetric_motif.judge(r).holds == "not replicated"


def penalised(r: Results, n_features: tuple[int, ...], losses: tuple[float, ...]) -> Verdict:
    """The verdict on models that represent so many features at each L1 coefficient."""
    W, loss = {}, {}
    for coefficient, n, value in zip(PENALTIES, n_features, losses, strict=True):
        model = torch.zeros(20, 5)
        for feature in range(n):
            model[feature, feature % 5] = 1 - 2 * (feature // 5)
        W[0.03, 1.0, 1.0, coefficient] = [model, model]
        loss[0.03, 1.0, 1.0, coefficient] = [value, value]
    add_toy(r, "l1-twenty-in-five", W, losses=loss)
    return claims.l1_removes.judge(r)


@pytest.mark.parametrize(
    ("n_features", "losses", "holds"),
    [
        ((10, 8, 4), (1.0, 2.0, 3.0), "replicated"),
        ((10, 5, 4), (1.0, 2.0, 3.0), "replicated"),
        ((10, 8, 6), (1.0, 2.0, 3.0), "partly"),
        ((10, 8, 4), (1.0, 2.0, 0.9), "partly"),
        ((10, 8, 0), (1.0, 2.0, 3.0), "partly"),
        ((10, 10, 10), (1.0, 2.0, 3.0), "not replicated"),
        ((4, 4, 4), (1.0, 2.0, 3.0), "not replicated"),
    ],
)
def test_a_penalty_removes_superposition_or_not(
    r: Results, n_features: tuple[int, ...], losses: tuple[float, ...], holds: str
) -> None:
    assert penalised(r, n_features, losses).holds == holds


def test_the_coefficient_that_is_enough_is_named(r: Results) -> None:
    assert penalised(r, (10, 5, 4), (1.0, 2.0, 3.0)).measured == 0.001
    r = results(r.store.root / "other")
    assert penalised(r, (10, 8, 6), (1.0, 2.0, 3.0)).measured == "no coefficient is enough"
