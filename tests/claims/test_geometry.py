"""Each claim about geometry is replicated by models built for it and refuted by others."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.claims.world import Condition, add_toy, polygon, results
from torch import Tensor

from superposition.claims import geometry, polytopes
from superposition.claims.core import Verdict
from superposition.claims.measures_geometry import curve, pool, sticky
from superposition.results import Results
from superposition.toy import theory
from superposition.toy.graphs import product_of

IDEAL = {name: each.vertices.numpy() for name, each in theory.polytopes().items()}
DENSITIES = tuple(float(p) for p in 20 ** -np.linspace(0, 1, 20))
CURVE = geometry.CURVE


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def built(*names: str, m: int = 20, n: int = 200, seed: int = 0, noise: float = 0.0) -> Tensor:
    """A product of ideal shapes in m dimensions, turned at random; other features are at 0."""
    W = np.zeros((n, m))
    found = product_of(*(IDEAL[name] for name in names))
    W[: found.shape[0], : found.shape[1]] = found
    rng = np.random.default_rng(seed)
    W = W @ np.linalg.qr(rng.normal(size=(m, m))).Q
    W[: len(found)] += noise * rng.normal(size=(len(found), m)) / np.sqrt(m)
    return torch.from_numpy(W).float()


def subspace(m: int = 20, n: int = 200, seed: int = 0) -> Tensor:
    """All of m dimensions, in directions that no feature has to itself."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(np.linalg.qr(rng.normal(size=(n, m))).Q).float()


def digons(m: int = 20, seed: int = 0) -> Tensor:
    return built(*["digon"] * m, m=m, seed=seed)


def crowded(m: int, features_per_dimension: float, seed: int = 0, n: int = 200) -> Tensor:
    """Random directions with so many features a dimension in all."""
    W = torch.randn(n, m, generator=torch.Generator().manual_seed(seed))
    return W * (features_per_dimension * m / W.square().sum()).sqrt()


def with_curve(r: Results, d_star: np.ndarray, *, row: str = CURVE, m: int = 20) -> None:
    models: dict[Condition, list[Tensor]] = {
        p: [crowded(m, 1 / d, seed) for seed in range(3)]
        for p, d in zip(DENSITIES, d_star, strict=True)
    }
    add_toy(r, row, models)


STAIRS = np.concatenate([np.full(6, 1.0), np.full(7, 0.5), np.geomspace(0.4, 0.1, 7)])
SLOPE = np.geomspace(1, 0.1, 20)
HALF_ONLY = np.concatenate([np.geomspace(1.3, 0.7, 6), np.full(7, 0.5), np.geomspace(0.4, 0.1, 7)])


@pytest.mark.parametrize(
    ("d_star", "holds"),
    [(STAIRS, "replicated"), (HALF_ONLY, "partly"), (SLOPE, "not replicated")],
)
def test_a_curve_with_steps_is_sticky(r: Results, d_star: np.ndarray, holds: str) -> None:
    with_curve(r, d_star)
    verdict = geometry.dstar_sticky.judge(r)
    assert verdict.holds == holds
    assert verdict.interval == pytest.approx((verdict.measured, verdict.measured))


def test_a_longer_step_elsewhere_is_compared_with_those_at_one_and_a_half() -> None:
    x, d_star = np.linspace(0, 3, 20), np.full(20, 0.3)
    d_star[0] = 1.0
    assert sticky(x, d_star).elsewhere > 0.9
    assert sticky(x, d_star).at_half < 0.05


def test_the_curve_is_d_star_with_the_densest_first(r: Results) -> None:
    with_curve(r, STAIRS)
    x, d_star = curve(r.toy(CURVE))
    assert x[[0, -1]] == pytest.approx([0, np.log(20)], abs=1e-6)
    assert d_star == pytest.approx(np.stack([STAIRS] * 3), rel=1e-4)


def sizes(r: Results, odd: dict[str, float]) -> Verdict:
    """The verdict if all rows hold one over the square root of p features a dimension."""
    for row in (*geometry.MANY, geometry.FEW):
        m = int(row.rsplit("-", 1)[1])
        factor = odd.get(row, 1.0)
        densities = DENSITIES if row in geometry.CURVES else geometry.SHARED_DENSITIES
        add_toy(r, row, {p: [crowded(m, factor / p**0.5, s) for s in (0, 1)] for p in densities})
    return geometry.size_does_not_matter.judge(r)


@pytest.mark.parametrize(
    ("factor", "holds"), [(1.0, "replicated"), (1.1, "partly"), (1.3, "not replicated")]
)
def test_one_size_that_differs_is_found(r: Results, factor: float, holds: str) -> None:
    verdict = sizes(r, {"uniform-400-in-30": factor, geometry.FEW: 0.5})
    assert verdict.holds == holds
    assert "up to 5" in verdict.detail or factor > 1


@pytest.mark.parametrize(
    ("names", "holds"),
    [
        (["digon"] * 20, "replicated"),
        (["pentagon", "triangle"] * 2 + ["digon"] * 12, "partly"),
        (["pentagon", "triangle"] * 4 + ["digon"] * 4, "not replicated"),
    ],
)
def test_the_plateau_must_consist_of_digons(r: Results, names: list[str], holds: str) -> None:
    for row in geometry.CURVES:
        add_toy(r, row, {1.0: [subspace()], 0.4: [built(*names)]})
    verdict = geometry.half_is_digons.judge(r)
    assert verdict.holds == holds
    assert "2 models at 2 densities" in verdict.detail


def test_a_plateau_of_random_directions_or_none_at_all_is_refuted(r: Results) -> None:
    for row in geometry.CURVES:
        add_toy(r, row, {1.0: [subspace()], 0.4: [crowded(20, 2.0)]})
    verdict = geometry.half_is_digons.judge(r)
    assert (verdict.holds, verdict.measured) == ("not replicated", 0.0)
    for row in geometry.CURVES:
        add_toy(r, row, {1.0: [subspace()]})
    assert "At no density" in geometry.half_is_digons.judge(again(r)).detail


def again(r: Results) -> Results:
    """The same results, read anew."""
    return Results(params=r.params, store=r.store)


FIVE = ("tetrahedron", "triangle", "digon", "pentagon", "square antiprism")
"""Eleven dimensions in all."""


def with_shapes(r: Results, *names: str, noise: float = 0.01) -> None:
    """Twelve models of these shapes in each of the two experiments with a curve."""
    for row in geometry.CURVES:
        models = [built(*names, seed=seed, noise=noise) for seed in range(12)]
        add_toy(r, row, {1.0: [subspace(seed=seed) for seed in range(12)], 0.3: models})


@pytest.mark.parametrize(
    ("names", "holds", "n"),
    [
        (FIVE, "replicated", 5),
        (("digon", "pentagon", "pentagon"), "partly", 2),
        (("pentagon", "triangle"), "not replicated", 2),
    ],
)
def test_dimensionalities_of_shapes_gather(
    r: Results, names: tuple[str, ...], holds: str, n: int
) -> None:
    with_shapes(r, *names)
    verdict = geometry.clusters_of_dimensionality.judge(r)
    assert (verdict.holds, verdict.measured) == (holds, n)
    assert polytopes.no_line_at_three_fifths.judge(r).holds == "replicated"


def test_spread_dimensionalities_gather_nowhere(r: Results) -> None:
    for row in geometry.CURVES:
        models: dict[Condition, list[Tensor]] = {
            p: [crowded(20, 1 / p, seed) for seed in range(3)] for p in (1.0, 0.6, 0.4, 0.3)
        }
        add_toy(r, row, models)
    assert geometry.clusters_of_dimensionality.judge(r).holds == "not replicated"
    assert geometry.notebook_geometry.judge(r).holds == "not replicated"


def sharing(D: float, seed: int, m: int = 20) -> Tensor:
    """Pairs of features of different lengths: the first of each has dimensionality D."""
    length = np.sqrt(D / (1 - D))
    W = np.zeros((200, m))
    W[np.arange(m), np.arange(m)] = 1.2
    W[m + np.arange(m), np.arange(m)] = -1.2 / length
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(m, m))).Q
    return torch.from_numpy(W @ rotation).float()


def test_a_line_at_three_fifths_is_found(r: Results) -> None:
    for row in geometry.CURVES:
        add_toy(r, row, {1.0: [sharing(0.6, seed) for seed in range(8)]})
    assert polytopes.no_line_at_three_fifths.judge(r).holds == "partly"
    for row in geometry.CURVES:
        models = [sharing(3 / 5 if seed % 3 else 3 / 7, seed) for seed in range(24)]
        add_toy(r, row, {1.0: models})
    both = again(r)
    assert polytopes.no_line_at_three_fifths.judge(both).holds == "not replicated"


def test_six_of_the_notebooks_lines_are_enough(r: Results) -> None:
    names = ("tetrahedron", "triangle", "digon", "pentagon", "square antiprism")
    models: dict[Condition, list[Tensor]] = {1.0: [built(*names, seed=seed) for seed in range(12)]}
    models[0.3] = [sharing(5 / 6, seed) for seed in range(12)]
    add_toy(r, CURVE, models)
    verdict = geometry.notebook_geometry.judge(r)
    assert (verdict.holds, verdict.measured) == ("replicated", 6)
    add_toy(r, CURVE, {1.0: [built("digon", "pentagon", seed=seed) for seed in range(12)]})
    assert geometry.notebook_geometry.judge(again(r)).holds == "partly"


def test_the_pool_holds_represented_features_and_counts_models_without_any(r: Results) -> None:
    add_toy(r, CURVE, {1.0: [subspace()], 0.3: [digons()]})
    found = pool([r.toy(CURVE)])
    assert (found.n_models, len(found.D)) == (2, 40 + int((subspace().norm(dim=1) > 0.5).sum()))


@pytest.mark.parametrize(
    ("names", "holds"),
    [
        (("pentagon", "pentagon", "triangle", "digon"), "replicated"),
        (("digon", "digon"), "partly"),
    ],
)
def test_separate_parts_fill_whole_dimensions(
    r: Results, names: tuple[str, ...], holds: str
) -> None:
    with_shapes(r, *names, noise=0.0)
    assert polytopes.tegum_products.judge(r).holds == holds


def test_parts_that_fill_no_whole_dimension_and_models_of_one_part_are_refuted(r: Results) -> None:
    lopsided = torch.zeros(200, 20)
    lopsided[0, 0], lopsided[1, :2] = 1.0, torch.tensor([0.7, 0.7])
    for row in geometry.CURVES:
        add_toy(r, row, {1.0: [subspace()], 0.3: [lopsided]})
    assert polytopes.tegum_products.judge(r).holds == "not replicated"
    for row in geometry.CURVES:
        add_toy(r, row, {1.0: [subspace()], 0.3: [3 * subspace()]})
    verdict = polytopes.tegum_products.judge(again(r))
    assert (verdict.holds, verdict.measured) == ("not replicated", None)


def test_the_ideal_products_and_simplices_are_exact() -> None:
    assert polytopes.product_error() < 1e-12
    assert polytopes.simplex_error() < 1e-12


@pytest.mark.parametrize(
    ("W", "holds"),
    [
        (subspace(), "replicated"),
        (1.1 * subspace(), "partly"),
        (torch.eye(200, 20), "partly"),
        (1.1 * torch.eye(200, 20), "not replicated"),
    ],
)
def test_dense_features_must_fill_the_space_without_dimensions_of_their_own(
    r: Results, W: Tensor, holds: str
) -> None:
    for row in geometry.CURVES:
        add_toy(r, row, {1.0: [W]})
    assert geometry.dense_is_unprivileged.judge(r).holds == holds


TRIANGLE, PAIR = polygon(3, n_features=3), torch.tensor([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])


@pytest.mark.parametrize(
    ("models", "holds"),
    [
        ([TRIANGLE, PAIR], "replicated"),
        ([PAIR, TRIANGLE], "partly"),
        ([PAIR, PAIR], "not replicated"),
    ],
)
def test_three_features_form_a_triangle(r: Results, models: list[Tensor], holds: str) -> None:
    add_toy(r, "three-in-two", {0.05: models})
    assert polytopes.simplex_from_low_rank.judge(r).holds == holds


def starts(r: Results, n_two: int, n_three: int) -> Verdict:
    """The verdict if so many of ten starts in two and three dimensions are like the best one."""
    for row in polytopes.SMALL:
        m = 2 if row.endswith("two") else 3
        best, worse = torch.zeros(6, m), torch.zeros(6, m)
        best[:5, :2], worse[:4, :2] = polygon(5), polygon(4, n_features=4)
        n = n_two if m == 2 else n_three
        models = [best] * n + [worse] * (10 - n)
        add_toy(r, row, {0.05: models, 0.01: models})
    return polytopes.hard_to_optimise.judge(r)


@pytest.mark.parametrize(
    ("n_two", "n_three", "holds"),
    [(3, 9, "replicated"), (8, 9, "partly"), (9, 9, "not replicated"), (9, 3, "not replicated")],
)
def test_two_dimensions_are_harder_than_three(
    r: Results, n_two: int, n_three: int, holds: str
) -> None:
    verdict = starts(r, n_two, n_three)
    assert verdict.holds == holds
    assert verdict.measured == pytest.approx((n_two - n_three) / 10)
