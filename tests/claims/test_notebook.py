"""Claims about the official notebook are replicated by models that show it, refuted by others."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.claims.world import add_toy, orthogonal_pair, polygon, results
from torch import Tensor

from superposition.claims import measures_basics, notebook
from superposition.results import Results

PAIR, DIGONS, PENTAGON = orthogonal_pair(), polygon(4), polygon(5)
BENT = torch.tensor([[1.0, 0.0], [0.5, 0.9], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


@pytest.mark.parametrize(
    ("without", "holds"),
    [
        ([PAIR, DIGONS, PENTAGON, PENTAGON], "replicated"),
        ([PAIR, DIGONS, DIGONS, PENTAGON], "partly"),
        ([PAIR, DIGONS, DIGONS, DIGONS], "not replicated"),
    ],
)
def test_weight_decay_does_not_matter_if_the_best_starts_agree(
    r: Results, without: list[Tensor], holds: str
) -> None:
    densities = (1.0, 0.2, 0.1, 0.05)
    decayed = zip(densities, [PAIR, DIGONS, PENTAGON, PENTAGON], strict=True)
    add_toy(r, "five-in-two-adam", {p: [W, PAIR] for p, W in zip(densities, without, strict=True)})
    add_toy(r, "five-in-two", {**{p: [W, DIGONS] for p, W in decayed}, 0.5: [BENT, BENT]})
    verdict = notebook.optimiser.judge(r)
    assert verdict.holds == holds
    assert verdict.interval is not None


def test_two_arrangements_without_a_name_are_not_the_same(r: Results) -> None:
    add_toy(r, "five-in-two-adam", {1.0: [BENT], 0.1: [BENT]})
    add_toy(r, "five-in-two", {1.0: [BENT], 0.1: [BENT]})
    verdict = notebook.optimiser.judge(r)
    assert verdict.measured == 0
    assert verdict.holds == "not replicated"


@pytest.mark.parametrize(
    ("between", "holds"),
    [
        ([DIGONS, DIGONS], "replicated"),
        ([BENT, DIGONS], "replicated"),
        ([PENTAGON, DIGONS], "partly"),
        ([DIGONS, polygon(3)], "partly"),
    ],
)
def test_arrangements_come_in_order_or_only_begin_and_end_well(
    r: Results, between: list[Tensor], holds: str
) -> None:
    best = zip((1.0, 0.5, 0.2, 0.05), [PAIR, *between, PENTAGON], strict=True)
    add_toy(r, "five-in-two", {p: [W, DIGONS] for p, W in best})
    verdict = notebook.stages_of_the_plane.judge(r)
    assert verdict.holds == holds
    assert "1 of 2 starts" in verdict.detail


def test_models_that_never_form_a_pentagon_are_not_replicated(r: Results) -> None:
    add_toy(r, "five-in-two", {1.0: [PAIR], 0.05: [DIGONS]})
    assert notebook.stages_of_the_plane.judge(r).holds == "not replicated"


def kept(n: int) -> Tensor:
    """The first `n` of a hundred features with length 1 in 20 dimensions, the others with none."""
    W = torch.randn(100, 20, generator=torch.Generator().manual_seed(0))
    W = torch.nn.functional.normalize(W, dim=1)
    W[n:] = 0
    return W


@pytest.mark.parametrize(
    ("counts", "holds"),
    [
        ([20, 22, 30, 60], "replicated"),
        ([15, 22, 30, 60], "partly"),
        ([20, 30, 22, 60], "not replicated"),
        ([20, 20, 20, 20], "not replicated"),
    ],
)
def test_the_number_of_features_must_grow_with_sparsity(
    r: Results, counts: list[int], holds: str
) -> None:
    models = zip((1.0, 0.5, 0.2, 0.05), counts, strict=True)
    add_toy(r, "hundred-in-twenty", {p: [kept(n), kept(5)] for p, n in models})
    assert notebook.many_features.judge(r).holds == holds


def test_the_rank_correlation_is_that_of_ranks_with_ties() -> None:
    densities = [1.0, 0.5, 0.2, 0.1]
    counts = np.array([[1, 4, 2], [2, 3, 2], [4, 2, 2], [4, 1, 2]])
    found = measures_basics.rank_correlation(densities, counts)
    assert found == pytest.approx([0.9486833, -1.0, 0.0])


def test_a_comment_is_judged_by_the_formula_beside_it(r: Results) -> None:
    assert notebook.notebook_comment.judge(r).holds == "partly"
    right, wrong = np.array([1.0, 0.01]), np.array([1.0, 0.5])
    assert notebook.check_importances(right, right).holds == "replicated"
    assert notebook.check_importances(wrong, wrong).holds == "not replicated"
