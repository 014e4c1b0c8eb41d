"""Each claim about hidden neurons is replicated by models that show it and refuted by others."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.claims.world import Condition, add_toy, results
from torch import Tensor

from superposition.claims import privileged_basis as claims
from superposition.claims.core import Verdict
from superposition.claims.measures_computation import spearman
from superposition.results import Results
from superposition.toy.neurons import MONOSEMANTIC_PUBLISHED

DENSITIES = tuple(MONOSEMANTIC_PUBLISHED)


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def dedicated() -> Tensor:
    """Five of ten features with a neuron each."""
    return torch.eye(10, 5)


def shared(n_dedicated: int = 0) -> Tensor:
    """So many neurons with a feature of their own; the others hold two features each."""
    W = dedicated()
    for neuron in range(n_dedicated, 5):
        W[5 + neuron, neuron] = -1
    return W


def mixed(seed: int = 0) -> Tensor:
    """The dedicated features in a rotated hidden layer."""
    generator = torch.Generator().manual_seed(seed)
    return dedicated() @ torch.linalg.qr(torch.randn(5, 5, generator=generator)).Q


def aligned(r: Results, W: Tensor, linear: Tensor) -> Verdict:
    add_toy(r, "privileged-ten-in-five", {0.75: [W, linear], 0.01: [linear, linear]})
    add_toy(r, "linear-ten-in-five", {0.75: [linear], 0.01: [linear]})
    return claims.privileged_aligns.judge(r)


def test_neurons_with_one_feature_each_are_aligned(r: Results) -> None:
    verdict = aligned(r, dedicated(), mixed())
    assert verdict.holds == "replicated"
    assert verdict.measured == pytest.approx(1)
    assert verdict.interval is not None
    assert verdict.interval[0] < 0.9
    assert "1 of 2 starts" in verdict.detail


def test_neurons_with_two_features_are_aligned_in_part_and_rotated_ones_not(r: Results) -> None:
    nearly = dedicated()
    nearly[5:] = 0.6 * torch.eye(5)
    assert aligned(r, nearly, mixed()).holds == "partly"


def test_a_rotated_hidden_layer_is_not_aligned(r: Results) -> None:
    assert aligned(r, mixed(1), mixed()).holds == "not replicated"


def regimes(r: Results, counts: Mapping[float, int]) -> None:
    """The best start has these monosemantic neurons, another one none."""
    models: dict[Condition, list[Tensor]] = {p: [shared(n), shared()] for p, n in counts.items()}
    add_toy(r, "privileged-ten-in-five", models)


@pytest.mark.parametrize(
    ("counts", "holds"),
    [
        ((5, 3, 2, 1, 0, 0, 0), "replicated"),
        ((5, 4, 1, 0, 0, 0, 0), "replicated"),
        ((5, 5, 2, 1, 0, 0, 0), "partly"),
        ((5, 3, 2, 1, 1, 0, 0), "partly"),
        ((4, 3, 2, 1, 0, 0, 0), "not replicated"),
        ((5, 1, 3, 1, 0, 0, 0), "not replicated"),
        ((5, 5, 5, 5, 5, 5, 5), "not replicated"),
    ],
)
def test_the_ranges_are_those_of_the_paper_or_not(
    r: Results, counts: tuple[int, ...], holds: str
) -> None:
    regimes(r, dict(zip(DENSITIES, counts, strict=True)))
    verdict = claims.privileged_regimes.judge(r)
    assert verdict.measured == ", ".join(map(str, counts))
    assert verdict.holds == holds
    assert "The best of 2 starts" in verdict.detail


@pytest.mark.parametrize(
    ("counts", "holds"),
    [
        ((5, 3, 2, 0), "replicated"),
        ((5, 5, 0, 0), "not replicated"),
        ((0, 3, 2, 0), "partly"),
        ((5, 5, 5, 5), "not replicated"),
    ],
)
def test_monosemantic_neurons_get_fewer_with_sparsity_or_not(
    r: Results, counts: tuple[int, ...], holds: str
) -> None:
    regimes(r, dict(zip(DENSITIES[::2], counts, strict=True)))
    assert claims.mono_to_poly.judge(r).holds == holds


def test_ranks_that_all_tie_have_no_correlation_and_ties_get_the_mean_rank() -> None:
    x, y = np.arange(4.0), np.array([[1.0, 1, 1, 1], [0, 2, 2, 4], [3, 2, 1, 0]])
    assert spearman(x, y) == pytest.approx([0, 4.5 / np.sqrt(5 * 4.5), -1])


def escape(r: Results, biases: Mapping[float, float], *, loss: float = 1.0) -> Verdict:
    W: dict[Condition, list[Tensor]] = {p: [mixed()] for p in biases}
    hidden: dict[Condition, list[Tensor]] = {
        p: [torch.full((5,), bias)] for p, bias in biases.items()
    }
    row = "privileged-hidden-bias"
    add_toy(r, row, W, b_hidden=hidden, losses={p: [loss] for p in biases})
    add_toy(r, "linear-ten-in-five", W, losses={p: [1.0] for p in biases})
    return claims.relu_is_avoided.judge(r)


def test_biases_that_keep_neurons_above_zero_at_the_linear_loss_are_replicated(r: Results) -> None:
    verdict = escape(r, {0.75: 2.0, 0.1: 2.0, 0.01: 2.0}, loss=1.04)
    assert verdict.holds == "replicated"
    assert verdict.measured == 1


def test_biases_at_two_of_three_densities_are_a_part(r: Results) -> None:
    assert escape(r, {0.75: 2.0, 0.1: 2.0, 0.01: 0.0}).holds == "partly"


def test_neurons_at_zero_and_a_higher_loss_are_not_replicated(r: Results) -> None:
    assert escape(r, {0.75: 2.0, 0.1: 0.0, 0.01: 0.0}).holds == "not replicated"


def test_a_loss_above_the_linear_one_is_not_replicated(r: Results) -> None:
    assert escape(r, {0.75: 2.0, 0.1: 2.0, 0.01: 2.0}, loss=1.06).holds == "not replicated"
