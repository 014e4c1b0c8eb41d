"""The values of the chapter on toy models: complete with and without the experiments."""

from pathlib import Path

import pytest
import torch
from tests.claims.world import add_toy, orthogonal_pair, polygon, results

from superposition.prose import basics
from superposition.results import Results
from superposition.values import NOT_RUN


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


def test_experiments_that_a_scale_leaves_out_are_said_to_be_not_run(r: Results) -> None:
    r.params.tree["toy"].clear()
    assert basics.texts(r) == dict.fromkeys(basics.NAMES, NOT_RUN)


def test_pentagons_are_counted_and_the_step_of_settling_is_found(r: Results) -> None:
    dense, sparse = [orthogonal_pair(), polygon(4)], [polygon(5), polygon(4)]
    last = torch.stack([*dense, *sparse])
    then = torch.stack([torch.zeros_like(last), last, last])
    add_toy(r, "five-in-two", {1.0: dense, 0.05: sparse}, snapshots=([0, 50, 100], then))
    r.params.tree["toy"]["five-in-two"]["n_snapshots"] = 3
    texts = basics.texts(r)
    assert texts["adamw_pentagons"] == "1 of 2"
    assert texts["settled_dense"] == "50"
    assert texts["adam_pentagons"] == NOT_RUN
    assert set(texts) == set(basics.NAMES)


def test_a_density_that_was_not_trained_and_missing_snapshots_have_no_value(r: Results) -> None:
    add_toy(r, "five-in-two", {0.5: [polygon(5)]})
    texts = basics.texts(r)
    assert texts["adamw_pentagons"] == NOT_RUN
    assert texts["pentagon_bias"] == NOT_RUN
    assert texts["settled_sparse"] == NOT_RUN


def test_features_of_the_best_large_models_are_counted(r: Results) -> None:
    del r.params.tree["toy"]["five-in-two"]
    few, many = torch.eye(100, 20), torch.ones(100, 20)
    add_toy(r, "hundred-in-twenty", {1.0: [few], 0.05: [many]})
    texts = basics.texts(r)
    assert (texts["hundred_densest"], texts["hundred_sparsest"]) == ("20", "100")
