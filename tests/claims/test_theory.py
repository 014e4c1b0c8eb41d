"""The claims about the loss on paper, from tables made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.claims.world import results

from superposition.claims import theory
from superposition.results import Results
from superposition.toy import geometry, thomson


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


@pytest.mark.parametrize(
    ("n_wrong", "holds"), [(0, "replicated"), (5, "partly"), (6, "not replicated")]
)
def test_linear_models_never_superpose(r: Results, n_wrong: int, holds: str) -> None:
    overlap = np.where(np.arange(100) < n_wrong, 0.1, 1e-6)
    table = pd.DataFrame(
        {"start": range(100), "n_represented": 3, "largest_overlap": overlap, "excess": 0.0}
    )
    r.store.save_table(table, "theory", "linear.parquet")
    verdict = theory.linear_never_superposes.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == pytest.approx(1 - n_wrong / 100)


@pytest.mark.parametrize(
    ("loss", "holds"), [(0.5001, "replicated"), (0.504, "partly"), (0.6, "not replicated")]
)
def test_terms_add_up_or_not(r: Results, loss: float, holds: str) -> None:
    terms = {"model": "one", "active": [0, 1], "term": [0.4, 0.6], "standard_error": [0.0, 1e-4]}
    direct = {"model": ["one"], "feature_probability": 0.5, "loss": loss, "standard_error": 1e-4}
    r.store.save_table(pd.DataFrame(terms), "theory", "terms.parquet")
    r.store.save_table(pd.DataFrame(direct), "theory", "direct.parquet")
    assert theory.expansion_by_features.judge(r).holds == holds


def test_more_negative_interference_is_free_and_positive_is_not() -> None:
    free, costly = theory.interference_changes()
    assert free == 0
    assert costly == pytest.approx(2 * ((0.309017 + 0.1) ** 2 - 0.309017**2) / 3, rel=1e-4)


def starts(**distances: tuple[float, float]) -> pd.DataFrame:
    """The best start of each shape: its distance from the polytope and what energy it saves."""
    rows = []
    for shape in thomson.SHAPES:
        distance, saved = distances.get(shape.polytope.replace(" ", "_"), (0.0, 0.0))
        rows.append((shape.polytope, 0, 1.0 - saved, 1.0, distance))
    columns = ["polytope", "start", "energy", "ideal_energy", "distance"]
    return pd.DataFrame(rows, columns=columns)


@pytest.mark.parametrize(
    ("table", "holds", "n"),
    [
        (starts(), "replicated", 5),
        (starts(triangle=(0.3, 0.0), tetrahedron=(0.2, 0.0)), "partly", 3),
        (starts(pentagon=(0.3, 0.1)), "not replicated", 4),
    ],
)
def test_points_on_a_sphere(r: Results, table: pd.DataFrame, holds: str, n: int) -> None:
    r.store.save_table(table, "theory", "thomson.parquet")
    verdict = theory.thomson_problem.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == n


def test_the_polytopes_have_the_fractions_of_the_paper(r: Results) -> None:
    verdict = theory.ideal_dimensionalities.judge(r)
    assert verdict.holds == "replicated"
    assert "0.3746" in verdict.detail


def test_polytopes_with_other_fractions_are_not_replicated(
    r: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = geometry.dimensionality
    for wrong, holds in ((1.0001, "partly"), (1.1, "not replicated")):
        monkeypatch.setattr(geometry, "dimensionality", lambda W, k=wrong: right(W) * k)
        assert theory.ideal_dimensionalities.judge(r).holds == holds


def test_an_antiprism_has_unit_vertices_at_any_height() -> None:
    torch.testing.assert_close(
        theory.antiprism(0.2).norm(dim=1), torch.ones(8, dtype=torch.float64)
    )


@pytest.mark.parametrize(
    ("errors", "holds"),
    [((0.03, 0.02), "replicated"), ((0.05, 0.03), "partly"), ((0.06, 0.05), "not replicated")],
)
def test_a_nonlinear_code_beats_the_linear_one_or_not(
    r: Results, errors: tuple[float, float], holds: str
) -> None:
    table = {"decoder": ["as printed", "centred"], "n_steps": 3, "epsilon": 0.1, "error": errors}
    r.store.save_table(pd.DataFrame(table), "theory", "compression.parquet")
    assert theory.nonlinear_compression.judge(r).holds == holds
