"""The chapter's numbers say what the sweeps say, whichever way they come out."""

from pathlib import Path

import numpy as np
import pytest
from tests.claims.sweep_world import add_sweep, points
from tests.claims.world import add_sae, results

from superposition.prose import frontier
from superposition.results import Results
from superposition.values import NOT_RUN


@pytest.fixture
def r(tmp_path: Path) -> Results:
    r = results(tmp_path)
    for row, height in {"l1": 0.6, "topk": 0.8, "batch-topk": 0.7}.items():
        add_sweep(r, row, points(height=height))
    add_sweep(r, "widths", points(height=0.7, l0=(30.0,), widths=(512, 1024), wider=0.1))
    for row in ("l1", "batch-topk", "batch-topk-second-model", "batch-topk-shuffled"):
        add_sae(r, row, {"l0": 30.0, "loss_recovered_zero": 0.96, "explained_variance": 0.5})
    return r


def test_what_was_not_run_is_said_under_the_same_names(r: Results, tmp_path: Path) -> None:
    without = frontier.texts(results(tmp_path / "empty"))
    assert set(without.values()) == {NOT_RUN}
    assert set(without) == set(frontier.texts(r))


def test_architectures_are_ordered_where_the_frontier_passes_the_reference(r: Results) -> None:
    found = frontier.texts(r)
    assert (found["fr_best"], found["fr_worst"]) == ("TopK", "L1, October 2023")
    height = 0.8 + 0.1 * np.log(3)
    assert found["fr_best_variance"].startswith(f"{100 * height:.1f}% (")
    assert found["fr_order"].startswith("TopK (91.0%), BatchTopK (81.0%), L1, October")
    assert (found["fr_points"], found["fr_diverged"], found["fr_seeds"]) == ("27", "none", "3")


def test_an_architecture_that_never_reaches_the_reference_is_left_out(r: Results) -> None:
    add_sweep(r, "topk", points(height=0.8, l0=(1.0, 2.0)))
    again = Results(r.params, r.store)
    assert frontier.texts(again)["fr_best"] == "BatchTopK"


def test_a_sweep_that_diverged_throughout_leaves_nothing_to_compare(r: Results) -> None:
    for row in ("l1", "topk", "batch-topk"):
        table = points(height=0.8)
        broken = {"l0": np.nan, "explained_variance": np.nan, "diverged": True}
        add_sweep(r, row, table.assign(**broken))
    found = frontier.texts(Results(r.params, r.store))
    assert found["fr_best"] == NOT_RUN
    assert found["fr_diverged"] == "27"


def test_the_smaller_cost_is_the_stricter_comparison(r: Results) -> None:
    assert frontier.texts(r)["ab_stricter"] == "the mean"
    more = {"loss_clean": 3.0, "loss_zero_ablation": 4.0, "loss_mean_ablation": 4.5}
    r.store.save_json(more, "sweep", "widths", "metrics.json")
    assert frontier.texts(Results(r.params, r.store))["ab_stricter"] == "zeros"


def test_the_goal_is_met_or_missed_in_words(r: Results) -> None:
    assert frontier.texts(r)["goal_met"] == "It meets all three"
    assert frontier.texts(r)["goal_l1"] == "30.0, outside the range"
    missed = {"l0": 40.0, "dead_fraction": 0.2, "loss_recovered_zero": 0.96}
    add_sae(r, "batch-topk", missed)
    add_sae(r, "l1", {"l0": 15.0})
    found = frontier.texts(Results(r.params, r.store))
    assert found["goal_met"] == "It misses L0 and the share of dead latents"
    assert found["goal_l1"] == "15.0, within the range"
