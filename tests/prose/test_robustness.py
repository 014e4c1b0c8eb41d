"""The chapter's numbers say what the tables say, and that a row was not run where it was not."""

from pathlib import Path

import pytest
import torch
from tests.charts.robustness_figures import attacks, recoveries, trained
from tests.claims.world import results

from superposition.prose import robustness
from superposition.results import Results
from superposition.values import NOT_RUN


@pytest.fixture
def r(tmp_path: Path) -> Results:
    r = results(tmp_path)
    rows = {"uniform": {"attack_norm": 0.1}, "uniform-sparse": {}}
    r.params.tree.update(robustness=rows, sparse_recovery=rows)
    r.params.tree["adversarial"] = {"fifty-in-five": {}}
    for row in rows:
        r.store.save_table(attacks(), "robustness", row, "attacks.parquet")
        r.store.save_table(recoveries(), "sparse_recovery", row, "instances.parquet")
    weights = {"W": torch.ones(8, 20, 5), "b": torch.zeros(8, 20)}
    r.store.save_tensors(weights, "adversarial", "fifty-in-five", "weights.safetensors")
    table = trained().assign(
        features_per_dimension=[4.1, 3.9, 0.0, 0.0] * 2,
        n_represented=[20, 20, 1, 2] * 2,
        diverged=False,
    )
    r.store.save_table(table, "adversarial", "fifty-in-five", "instances.parquet")
    return r


def test_what_was_not_run_is_said_under_the_same_names(r: Results, tmp_path: Path) -> None:
    without = robustness.texts(results(tmp_path / "empty"))
    assert set(without.values()) == {NOT_RUN}
    assert set(without) == set(robustness.texts(r))


def test_training_under_attack_is_told_by_shape(r: Results) -> None:
    found = robustness.texts(r)
    assert found["adv_wide_shape"] == "20 features in 5 dimensions"
    assert found["adv_wide_limit"] == "0.50"
    assert found["adv_wide_without"] == "4.00"
    assert found["adv_wide_crossing"] == "at an attack of 0.58 times the average input norm"
    assert found["adv_wide_kept"] == "1.5"
    assert found["adv_narrow_kept"] == NOT_RUN


def test_a_model_that_keeps_its_superposition_has_no_crossing(r: Results) -> None:
    table = r.adversarial("fifty-in-five").instances.assign(features_per_dimension=2.0)
    r.store.save_table(table, "adversarial", "fifty-in-five", "instances.parquet")
    found = robustness.texts(Results(r.params, r.store))
    assert "under none of the attacks tried" in found["adv_wide_crossing"]


def test_the_norm_that_no_model_can_bear_follows_from_the_shape(r: Results) -> None:
    assert set(r.adversarial("fifty-in-five").curves["limit"]) == {0.5}
