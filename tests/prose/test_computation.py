"""The values of the chapter on neurons: complete with and without the experiments."""

from pathlib import Path

import pytest
import torch
from tests.claims.world import Condition, add_toy, results
from torch import Tensor

from superposition.prose import computation
from superposition.results import Results
from superposition.values import NOT_RUN


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def two_sides() -> Tensor:
    """Both sides of the first of four features in two neurons."""
    W = torch.zeros(4, 2)
    W[0] = torch.tensor([1.0, -1.0])
    return W


def test_experiments_that_a_scale_leaves_out_are_said_to_be_not_run(r: Results) -> None:
    texts = computation.texts(r)
    missing = [name for name, text in texts.items() if text == NOT_RUN]
    assert "privileged_counts" in missing
    assert texts["computed_threshold"] == "0.75"
    assert texts["circuit_unequal_inhibited"].startswith("0.0445")


def test_the_values_of_absolute_values_and_of_neurons_come_from_the_best_start(r: Results) -> None:
    W = two_sides()
    sides: dict[Condition, list[Tensor]] = {1.0: [W, 0 * W], 0.1: [W, 0 * W]}
    add_toy(r, "absolute-hundred-in-forty", sides, W_out={p: [W.abs(), W] for p in sides})
    for row in ("privileged-ten-in-five", "linear-ten-in-five", "privileged-hidden-bias"):
        add_toy(r, row, {0.75: [W, W + 1], 0.01: [W + 1, W]})
    texts = computation.texts(r)
    assert texts["absolute_counts"] == "0, 0"
    assert texts["absolute_computed"] == "1, 1"
    assert texts["motif_found"] == "0"
    assert texts["privileged_counts"] == "2, 0"
    assert texts["escape_losses"] == "1.00 to 1.00"
    assert set(texts) == set(computation.texts(results(r.store.root / "other")))


def test_counts_that_agree_over_densities_are_said_once(r: Results) -> None:
    W = torch.eye(4, 2)
    models: dict[Condition, list[Tensor]] = {
        (p, 1.0, 1.0, l1): [W] for p in (0.1, 0.01) for l1 in (0.0, 0.01)
    }
    add_toy(r, "l1-twenty-in-five", models)
    texts = computation.texts(r)
    assert texts["penalty_before"] == "2"
    assert texts["penalty_cleared"] == "2 of 2"
