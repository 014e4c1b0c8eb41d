"""Claims about the first figures' models are replicated by some made-up models, not by others."""

from pathlib import Path

import pytest
import torch
from tests.claims.world import add_toy, orthogonal_pair, polygon, results
from torch import Tensor

from superposition.claims import basics
from superposition.claims.core import why_not_run
from superposition.results import Results
from superposition.toy import theory


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def leaning() -> Tensor:
    """Two represented features that overlap without being in superposition."""
    W = torch.zeros(5, 2)
    W[:2] = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    return W


@pytest.mark.parametrize(
    ("n_leaning", "holds"), [(0, "replicated"), (1, "partly"), (8, "not replicated")]
)
def test_the_definition_agrees_with_shared_dimensions_or_not(
    r: Results, n_leaning: int, holds: str
) -> None:
    models = [leaning()] * n_leaning + [orthogonal_pair(), polygon(5)] * 10
    add_toy(r, "five-in-two", {1.0: models})
    for row in ("twenty-in-five", "twenty-in-five-linear"):
        add_toy(r, row, {1.0: [torch.eye(20, 5)]})
    verdict = basics.rank_definition.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == pytest.approx(22 / (22 + n_leaning))


def test_an_antipodal_pair_alone_is_in_superposition_though_it_fits(r: Results) -> None:
    pair = torch.zeros(5, 2)
    pair[0, 0], pair[1, 0] = 1.0, -1.0
    add_toy(r, "five-in-two", {1.0: [pair]})
    assert basics.dependent(r.toy("five-in-two").at(1.0)).tolist() == [True]
    assert basics.overlapping(r.toy("five-in-two").at(1.0)).tolist() == [True]


@pytest.mark.parametrize(
    ("bias", "models", "holds"),
    [
        (-0.2, [polygon(5), orthogonal_pair()], "replicated"),
        (-0.2, [orthogonal_pair(), polygon(5)], "partly"),
        (0.1, [polygon(5), polygon(5)], "not replicated"),
        (-0.2, [orthogonal_pair(), polygon(4)], "not replicated"),
    ],
)
def test_negative_biases_need_positive_interference(
    r: Results, bias: float, models: list[Tensor], holds: str
) -> None:
    biases = [torch.full((5,), bias)] * len(models)
    add_toy(r, "five-in-two", {0.05: models}, biases={0.05: biases})
    assert basics.negative_bias.judge(r).holds == holds


def swapped() -> Tensor:
    """Five features with a dimension each, but feature 6 in the place of feature 5."""
    W = torch.eye(20, 5)
    W[[4, 5]] = W[[5, 4]]
    return W


@pytest.mark.parametrize(
    ("W", "factor", "holds"),
    [
        (torch.eye(20, 5), 1.0, "replicated"),
        (torch.eye(20, 5), 1.1, "partly"),
        (swapped(), 1.0, "not replicated"),
    ],
)
def test_a_dense_model_is_the_linear_one_by_features_span_and_loss(
    r: Results, W: Tensor, factor: float, holds: str
) -> None:
    importance = 0.7 ** torch.arange(20)
    ideal = float(theory.variance(1.0)) * float(importance[5:].sum()) / 20
    models, losses = [W, torch.eye(20, 5)], [factor * ideal, 2.0]
    add_toy(r, "twenty-in-five", {1.0: models}, losses={1.0: losses}, base=0.7)
    verdict = basics.dense_is_linear.judge(r)
    assert verdict.holds == holds
    assert verdict.interval is not None


def in_pairs(n_features: int, d_hidden: int, n_pairs: int) -> Tensor:
    """A feature in every dimension, and in the first `n_pairs` dimensions one opposite to it."""
    W = torch.zeros(n_features, d_hidden)
    W[:d_hidden] = torch.eye(d_hidden)
    W[d_hidden : d_hidden + n_pairs] = -torch.eye(d_hidden)[:n_pairs]
    return W


@pytest.mark.parametrize(
    ("n_pairs", "holds"),
    [(12, "replicated"), (16, "partly"), (20, "not replicated")],
)
def test_a_large_model_must_hold_as_much_for_its_size_as_a_small_one(
    r: Results, n_pairs: int, holds: str
) -> None:
    small, large = torch.eye(20, 5), torch.eye(80, 20)
    add_toy(r, "twenty-in-five", {1.0: [small] * 2, 0.1: [in_pairs(20, 5, 3), small]})
    add_toy(r, "eighty-in-twenty", {1.0: [large], 0.1: [in_pairs(80, 20, n_pairs)]})
    assert basics.same_in_large.judge(r).holds == holds


@pytest.mark.parametrize(
    ("turn", "holds"), [(0.0, "replicated"), (0.3, "partly"), (1.0, "not replicated")]
)
def test_dimensions_are_used_up_or_left_over(r: Results, turn: float, holds: str) -> None:
    """Two antipodal pairs of which the second leans towards the first."""
    W = polygon(4, n_features=4)
    W[1] = torch.nn.functional.normalize(torch.tensor([turn, 1.0]), dim=0)
    for row in basics.UNIFORM:
        add_toy(r, row, {0.5: [W, polygon(4, n_features=4)], 0.1: [W, W]}, base=1.0)
    assert basics.dimensions_are_used_up.judge(r).holds == holds


def test_dimensions_are_not_judged_where_a_row_is_missing(r: Results) -> None:
    assert "uniform-100-in-10" in why_not_run(basics.dimensions_are_used_up, r.params)
