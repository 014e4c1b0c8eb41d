"""Claims about features that occur together or never: what replicates and refutes them."""

import math
from pathlib import Path

import pytest
import torch
from tests.claims.world import Condition, add_toy, polygon, results
from torch import Tensor

from superposition.claims import dependent
from superposition.results import Results

OPPOSITE = ("anticorrelated-two-pairs", (0.32, 0.1, 0.01))
BANDS = (0.7, 0.35, 0.22, 0.18, 0.1, 0.03)


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def at_degrees(*degrees: float) -> Tensor:
    angles = torch.tensor(degrees).deg2rad()
    return torch.stack([angles.cos(), angles.sin()], dim=1)


ORTHOGONAL = at_degrees(0, 90, 180, 270)
ANTIPODAL = at_degrees(0, 180, 90, 270)
HEXAGON = at_degrees(0, 60, 120, 180, 240, 300)
SHUFFLED = at_degrees(0, 120, 60, 180, 240, 300)


def collapsed(n: int) -> Tensor:
    """Three pairs of which the first n are one direction each, of norm 1/√2 a feature."""
    W = HEXAGON.clone()
    for pair in range(n):
        W[2 * pair : 2 * pair + 2] = at_degrees(120 * pair)[0] / 2**0.5
    return W


def test_orthogonal_pairs_in_nine_of_ten_starts_are_replicated(r: Results) -> None:
    models: dict[Condition, list[Tensor]] = {
        p: [ORTHOGONAL] * 9 + [ANTIPODAL] for p in (0.05, 0.0025)
    }
    add_toy(r, "correlated-two-pairs", models)
    verdict = dependent.correlated_orthogonal.judge(r)
    assert verdict.holds == "replicated"
    assert verdict.measured == pytest.approx(0.9)


def test_orthogonal_pairs_are_partly_there_if_only_the_best_are_and_not_if_none(r: Results) -> None:
    add_toy(r, "correlated-two-pairs", {0.05: [ORTHOGONAL, ANTIPODAL]})
    assert dependent.correlated_orthogonal.judge(r).holds == "partly"
    add_toy(r := results(r.store.root / "other"), "correlated-two-pairs", {0.05: [ANTIPODAL] * 2})
    assert dependent.correlated_orthogonal.judge(r).holds == "not replicated"


def test_antipodal_pairs_in_the_best_start_are_replicated(r: Results) -> None:
    row, densities = OPPOSITE
    add_toy(r, row, {p: [ANTIPODAL, ORTHOGONAL] for p in densities})
    verdict = dependent.anticorrelated_opposite.judge(r)
    assert verdict.holds == "replicated"
    assert verdict.measured == pytest.approx(-1)


@pytest.mark.parametrize(
    ("models", "holds"),
    [([ORTHOGONAL, ANTIPODAL], "partly"), ([ORTHOGONAL] * 2, "not replicated")],
)
def test_antipodal_pairs_in_other_starts_or_in_none(
    r: Results, models: list[Tensor], holds: str
) -> None:
    row, densities = OPPOSITE
    add_toy(r, row, {p: models for p in densities})
    assert dependent.anticorrelated_opposite.judge(r).holds == holds


@pytest.mark.parametrize(
    ("n_dense", "n_sparse", "holds"),
    [(18, 2, "replicated"), (10, 9, "partly"), (3, 12, "not replicated")],
)
def test_how_often_antipodal_pairs_are_found_is_compared_with_an_interval(
    r: Results, n_dense: int, n_sparse: int, holds: str
) -> None:
    counts = {0.32: n_dense, 0.01: n_sparse}
    models: dict[Condition, list[Tensor]] = {
        p: [ANTIPODAL] * n + [ORTHOGONAL] * (20 - n) for p, n in counts.items()
    }
    add_toy(r, OPPOSITE[0], models)
    assert dependent.anticorrelated_rates.judge(r).holds == holds


@pytest.mark.parametrize(
    ("pairs", "independent", "holds"),
    [
        (HEXAGON, polygon(5, n_features=6), "replicated"),
        (HEXAGON, HEXAGON, "partly"),
        (SHUFFLED, polygon(5, n_features=6), "not replicated"),
    ],
)
def test_pairs_lie_side_by_side_and_independent_features_form_no_hexagon(
    r: Results, pairs: Tensor, independent: Tensor, holds: str
) -> None:
    add_toy(r, "correlated-three-pairs", {p: [pairs] for p in (0.5, 0.05, 0.01)})
    add_toy(r, "six-in-two", {p: [independent] for p in (0.05, 0.01)})
    assert dependent.side_by_side.judge(r).holds == holds


def bases(angle: float) -> Tensor:
    """Two orthonormal bases of ten dimensions, turned against each other in five planes."""
    turn = at_degrees(angle, angle + 90)
    other = torch.block_diag(*[turn] * 5)
    return torch.cat([torch.eye(10), other])


def test_two_bases_at_an_angle_are_local_and_in_superposition(r: Results) -> None:
    add_toy(r, "correlated-two-tens", {0.05: [bases(40)], 0.02: [bases(40)]}, base=1.0)
    verdict = dependent.local_bases.judge(r)
    assert verdict.holds == "replicated"
    assert verdict.measured == pytest.approx(0, abs=1e-6)


def test_sets_that_are_no_bases_are_not_local_ones(r: Results) -> None:
    skewed = bases(40).reshape(2, 5, 2, 10).transpose(0, 1).reshape(20, 10)
    add_toy(r, "correlated-two-tens", {0.05: [bases(40)], 0.02: [skewed]}, base=1.0)
    assert dependent.local_bases.judge(r).holds == "partly"
    add_toy(r := results(r.store.root / "other"), "correlated-two-tens", {0.05: [skewed]}, base=1.0)
    assert dependent.local_bases.judge(r).holds == "not replicated"


@pytest.mark.parametrize(
    ("counts", "holds", "agree"),
    [
        ((3, 3, 3, 2, 1, 0), "replicated", 5),
        ((3, 2, 2, 2, 1, 0), "partly", 4),
        ((3, 3, 0, 2, 1, 2), "not replicated", 4),
        ((0, 0, 0, 0, 0, 0), "not replicated", 1),
    ],
)
def test_the_number_of_collapsed_pairs_is_compared_with_the_published_ranges(
    r: Results, counts: tuple[int, ...], holds: str, agree: int
) -> None:
    models: dict[Condition, list[Tensor]] = {
        p: [collapsed(n), collapsed(3)] for p, n in zip(BANDS, counts, strict=True)
    }
    add_toy(r, "correlated-three-pairs", models)
    verdict = dependent.collapse_bands.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == agree


def test_a_density_that_disagrees_says_by_how_much(r: Results) -> None:
    models: dict[Condition, list[Tensor]] = {
        0.35: [collapsed(2), collapsed(3)],
        0.03: [collapsed(0), collapsed(0)],
    }
    add_toy(r, "correlated-three-pairs", models)
    detail = dependent.collapse_bands.judge(r).detail
    assert "At p = 0.35, 2 instead of 3, which 1 of 2 starts have" in detail
    assert "loses 100% more" in detail


@pytest.mark.parametrize(
    ("scales", "holds"),
    [((1.0, 1.0), "replicated"), ((0.8, 0.8), "partly"), ((1.2, 0.75), "not replicated")],
)
def test_a_collapsed_pair_is_one_unit_vector_shared_equally(
    r: Results, scales: tuple[float, float], holds: str
) -> None:
    W = collapsed(1)
    W[:2] *= torch.tensor(scales)[:, None]
    add_toy(r, "correlated-three-pairs", {0.1: [W], 0.7: [collapsed(3) * 0.5]})
    verdict = dependent.collapsed_to_component.judge(r)
    assert verdict.holds == holds
    share = (scales[0] + scales[1]) ** 2 / 2 / (scales[0] ** 2 + scales[1] ** 2)
    assert verdict.measured == pytest.approx(share)


def test_without_collapsed_pairs_there_is_no_component(r: Results) -> None:
    add_toy(r, "correlated-three-pairs", {0.1: [HEXAGON]})
    assert dependent.collapsed_to_component.judge(r).holds == "not replicated"
    assert math.isclose(collapsed(1)[0].norm().item(), 0.5**0.5, rel_tol=1e-6)
