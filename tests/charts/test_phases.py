"""What the figures of phases show: cells that tile the plane, frames that say what results hold."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.charts.phases_figures import diagram
from tests.claims.test_phases import PS, RS, add_theory, as_theory, train
from tests.claims.world import results

from superposition.charts import phase_frames, phases
from superposition.results import Results
from superposition.toy.phases import TWO_IN_ONE, phase_diagram


@pytest.fixture
def r(tmp_path: Path) -> Results:
    r = results(tmp_path)
    add_theory(r)
    train(r, "phase-two-in-one", TWO_IN_ONE, as_theory)
    return r


def test_the_cells_of_the_phase_diagram_tile_the_plane() -> None:
    points = phase_diagram(TWO_IN_ONE, np.array([0.01, 0.1, 1.0]), np.array([0.1, 10.0]), bias=True)
    cells, lines = points.assign(panel="one", share=0.5), diagram(TWO_IN_ONE)[1]
    (rows,) = phases.two_in_one(cells, lines).to_dict()["datasets"].values()
    ends = sorted({(row["x"], row["x2"]) for row in rows if not row["line"]})
    assert ends[0] == pytest.approx((0.01, 10**-1.5), rel=0.006)
    assert ends[1] == pytest.approx((10**-1.5, 10**-0.5), rel=0.006)
    assert ends[2] == pytest.approx((10**-0.5, 1.0), rel=1e-4)
    assert ends[0][1] > ends[1][0]


def test_a_diagram_has_theory_the_exact_optimum_and_trained_models(r: Results) -> None:
    cells, lines = phase_frames.diagram(r, "phase-two-in-one", TWO_IN_ONE)
    panels = [phase_frames.IDEAL, phase_frames.EXACT, phase_frames.TRAINED]
    assert list(dict.fromkeys(cells["panel"])) == panels
    each = [found["phase"].tolist() for _, found in cells.groupby("panel")]
    assert each[0] == each[1] == each[2]
    assert lines["feature_probability"].between(0.01, 1).all()


def test_branches_are_relative_to_storing_nothing(r: Results) -> None:
    found = phase_frames.branches(r)
    solutions = found.loc[found["solution"] != phase_frames.TRAINED]
    assert solutions["loss"].between(0, 2.001).all()
    assert len(set(found["relative_importance"])) == len(RS)


def test_weights_of_trained_models_stand_beside_the_exact_ones(r: Results) -> None:
    found = phase_frames.weights(r)
    wide = found.pivot_table(
        index=["feature_probability", "relative_importance", "weight"],
        columns="source",
        values="value",
    ).dropna()
    assert len(wide) == 2 * len(PS) * len(RS)
    np.testing.assert_allclose(wide[phase_frames.EXACT], wide[phase_frames.TRAINED])


def test_activations_that_a_scale_lacks_are_left_out(r: Results) -> None:
    assert set(phase_frames.activations(r).cells["panel"]) == {"ReLU"}


def test_shares_of_the_loss_add_up_to_one(r: Results) -> None:
    terms = {"model": "one", "active": [0, 1], "term": [0.4, 0.6], "standard_error": 0.0}
    r.store.save_table(pd.DataFrame(terms), "theory", "terms.parquet")
    found = phase_frames.expansion_shares(r)
    sums = found.pivot_table(index="feature_probability", values="share", aggfunc="sum")
    np.testing.assert_allclose(sums.to_numpy(), 1)


def test_a_linear_model_only_loses_by_a_second_feature(r: Results) -> None:
    w2 = np.round(np.arange(-13, 14) / 10, 6)
    table = pd.DataFrame({"feature_probability": 0.1, "w1": 1.0, "w2": w2, "loss": 2.0})
    r.store.save_table(table, "theory", "landscapes.parquet")
    found = phase_frames.second_feature(r)
    linear = found.loc[found["model"] == "linear"].sort_values("weight", ascending=False)
    assert linear["loss"].is_monotonic_increasing
    assert linear["loss"].iloc[0] == 1
    assert (found.loc[found["model"] == "ReLU, p = 0.1", "loss"] == 1).all()
