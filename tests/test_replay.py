"""The moments of training that the pages show."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.claims.world import add_toy, orthogonal_pair, polygon, results

from superposition.artefacts import NotTrained, Toy
from superposition.replay import N_MOMENTS, losses_around, moments, replay, settled

STEPS = [0, 100, 200, 300]


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """Two random starts at one density; the better one turns from a pair over digons to five."""
    r = results(tmp_path)
    best = [orthogonal_pair(), polygon(4), polygon(5), polygon(5)]
    then = torch.stack([torch.stack([W, polygon(4)]) for W in best])
    add_toy(r, "five-in-two", {0.1: [polygon(5), polygon(4)]}, snapshots=(STEPS, then))
    history = pd.DataFrame({"instance": [0] * 4 + [1] * 4, "step": STEPS * 2})
    history["loss"] = [0.4, 0.3, 0.2, 0.1] + [9.0] * 4
    r.store.save_table(history, "toy", "five-in-two", "history.parquet")
    return r.toy("five-in-two")


def test_the_best_start_is_replayed_with_the_loss_of_each_moment(toy: Toy) -> None:
    curve, arrows = replay(toy)
    assert curve["step"].tolist() == STEPS
    assert curve["loss"].tolist() == [0.4, 0.3, 0.2, 0.1]
    last = arrows.loc[arrows["moment"] == 3, ["x", "y"]].to_numpy()
    assert last == pytest.approx(polygon(5).numpy(), abs=1e-3)


def test_a_model_has_settled_when_it_no_longer_changes_its_arrangement(toy: Toy) -> None:
    assert settled(toy, 0.1) == 200


def test_moments_run_from_start_to_end_and_are_closer_together_at_first() -> None:
    kept = moments(200)
    assert (kept[0], kept[-1]) == (0, 199)
    assert len(kept) <= N_MOMENTS
    assert (np.diff(kept)[:3] <= 2).all()
    assert np.diff(kept)[-1] > 5


def test_losses_are_means_around_a_moment_or_the_nearest_record() -> None:
    history = pd.DataFrame({"step": [0, 10, 20, 90], "loss": [4.0, 2.0, 0.0, 7.0]})
    found = losses_around(history, np.array([0, 15, 40, 100]))
    assert found.tolist() == [4.0, 1.0, 0.0, 7.0]


def test_models_without_snapshots_have_nothing_to_replay(tmp_path: Path) -> None:
    r = results(tmp_path)
    add_toy(r, "five-in-two", {0.1: [polygon(5)]})
    with pytest.raises(NotTrained, match="keeps no snapshots"):
        replay(r.toy("five-in-two"))
