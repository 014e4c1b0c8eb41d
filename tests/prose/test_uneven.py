"""The chapter's numbers say what the models show, and that a row was not run where it was not."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from tests.claims.test_dependent import ANTIPODAL, HEXAGON, ORTHOGONAL, bases, collapsed
from tests.claims.world import Condition, add_toy, polygon, results
from torch import Tensor

from superposition.core.store import schema
from superposition.prose import uneven
from superposition.results import Results
from superposition.values import NOT_RUN


@pytest.fixture
def r(tmp_path: Path) -> Results:
    r = results(tmp_path)
    ratios: dict[Condition, list[Tensor]] = {
        (0.05, 1.0, 1.0, 0.0): [polygon(5)] * 2,
        (0.05, 1.0, 0.25, 0.0): [polygon(4).roll(1, dims=0), polygon(5)],
    }
    biases = {key: [torch.full((5,), -0.2)] * 2 for key in ratios}
    add_toy(r, "perturbed-pentagon", ratios, biases=biases, base=1.0)
    add_toy(r, "sae-target", {0.01: [polygon(5)]}, biases={0.01: [torch.full((5,), -0.2)]})
    add_toy(r, "correlated-two-pairs", {0.05: [ORTHOGONAL, ANTIPODAL]})
    add_toy(r, "anticorrelated-two-pairs", {0.3: [ANTIPODAL] * 2, 0.01: [ANTIPODAL, ORTHOGONAL]})
    add_toy(r, "correlated-three-pairs", {0.35: [collapsed(2)] * 2, 0.01: [HEXAGON] * 2})
    add_toy(r, "six-in-two", {0.05: [HEXAGON, collapsed(1)], 0.01: [HEXAGON] * 2})
    add_toy(r, "correlated-two-tens", {0.02: [bases(60)]}, base=1.0)
    return r


def add_branches(r: Results, last: float) -> None:
    rows = [(1.0, "pentagon", 0, 1.0, 2.0, 1e-6), (1.0, "digons", 0, 1.0, 3.0, 1e-6)]
    rows += [(0.2, "pentagon", 0, 0.2, 2.0, 1e-6), (0.2, "digons", 0, 0.2, last, 1e-6)]
    table = pd.DataFrame(rows, columns=[*schema()["perturbation/branches.parquet"]])
    r.store.save_table(table, "perturbation", "branches.parquet")


def test_every_name_is_there_at_every_scale(r: Results, tmp_path: Path) -> None:
    add_branches(r, 1.0)
    without = results(tmp_path / "empty")
    without.params.tree["toy"].clear()
    assert set(uneven.texts(without).values()) == {NOT_RUN}
    assert set(uneven.texts(r)) == set(uneven.NAMES)
    assert NOT_RUN not in uneven.texts(r).values()


def test_the_snap_is_told_by_its_ratio_and_by_the_last_ratio_trained(r: Results) -> None:
    add_branches(r, 1.0)
    found = uneven.texts(r)
    assert found["snap_ratio"] == "2.24"
    assert found["uneven_switch"] == "1.00"
    assert found["snap_published"] == "6.93% below"


def test_losses_that_do_not_cross_have_no_ratio(r: Results) -> None:
    add_branches(r, 2.5)
    found = uneven.texts(r)
    assert found["snap_ratio"] == found["snap_interval"] == "not measured"


def test_models_are_counted_by_their_arrangement(r: Results) -> None:
    add_branches(r, 1.0)
    found = uneven.texts(r)
    assert found["opposite_dense"] == "2 of 2"
    assert found["opposite_sparse"] == "1 of 2"
    assert found["pairs_right_angles"] == "1 of 2"
    assert found["independent_hexagons"] == "3 of 4"
    assert found["collapse_counts"] == "2, 0"
    assert found["collapse_agree"] == "1 of 2"
    assert found["rule_best"].startswith("√(1 − b)")
    assert float(found["bases_across"]) == pytest.approx(3**0.5 / 2, abs=1e-3)
