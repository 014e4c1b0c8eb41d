"""Each claim of ARENA and of the blog is replicated by some made-up runs, refuted by others."""

from pathlib import Path

import pytest
import torch
from tests.claims.world import add_toy, add_toy_sae, orthogonal_pair, polygon, results
from torch import nn

from superposition.claims import arena, blog
from superposition.results import Results


@pytest.fixture
def r(tmp_path: Path) -> Results:
    return results(tmp_path)


@pytest.mark.parametrize(
    ("n_pentagons", "holds"), [(8, "replicated"), (4, "partly"), (3, "not replicated")]
)
def test_the_target_is_replicated_if_every_model_is_a_pentagon(
    r: Results, n_pentagons: int, holds: str
) -> None:
    models = [polygon(5)] * n_pentagons + [polygon(4)] * (8 - n_pentagons)
    add_toy(r, "sae-target", {0.01: models})
    verdict = arena.target_is_pentagon.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == n_pentagons / 8


@pytest.mark.parametrize(
    ("n_five", "holds"), [(5, "replicated"), (3, "partly"), (2, "not replicated")]
)
def test_five_directions_are_counted_in_the_hidden_states(
    r: Results, n_five: int, holds: str
) -> None:
    models = [polygon(5, turn=0.2)] * n_five + [orthogonal_pair()] * (5 - n_five)
    add_toy(r, "sae-target", {0.01: models})
    verdict = blog.five_directions.judge(r)
    assert verdict.holds == holds
    assert verdict.detail.endswith(f"{', '.join(['5'] * n_five + ['2'] * (5 - n_five))}.")


def test_decoding_is_not_unique_in_a_pentagon_and_unique_without_superposition() -> None:
    assert blog.invert(polygon(5).double()).holds == "replicated"
    alone = blog.invert(torch.eye(2, dtype=torch.float64))
    assert (alone.holds, alone.measured) == ("not replicated", 0)


def test_two_features_in_one_direction_are_not_told_apart_by_sparsity() -> None:
    twins = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], dtype=torch.float64)
    assert blog.invert(twins).holds != "replicated"


def test_plain_tensors_are_overlooked_and_parameters_are_not() -> None:
    assert blog.unwrapped(blog.PlainTensors()).holds == "replicated"
    assert blog.unwrapped(nn.Linear(5, 2)).holds == "not replicated"


@pytest.mark.parametrize(
    ("recovered", "holds"),
    [
        ([2, 3, 1, 3, 2, 3, 5, 5], "replicated"),
        ([2, 3, 1, 3, 2, 5, 5, 5], "partly"),
        ([2, 3, 1, 3, 5, 5, 5, 5], "not replicated"),
        ([5] * 8, "not replicated"),
    ],
)
def test_without_resampling_features_must_be_missing(
    r: Results, recovered: list[int], holds: str
) -> None:
    add_toy_sae(r, "no-resampling", recovered)
    verdict = arena.without_resampling.judge(r)
    assert verdict.holds == holds
    assert verdict.measured == sum(recovered) / 8


@pytest.mark.parametrize(
    ("recovered", "holds"),
    [
        ([5] * 6 + [2, 4], "replicated"),
        ([4] * 8, "partly"),
        ([2, 3, 1, 3, 2, 3, 2, 3], "not replicated"),
    ],
)
def test_random_resampling_must_recover_more_than_none(
    r: Results, recovered: list[int], holds: str
) -> None:
    add_toy_sae(r, "no-resampling", [2, 3, 1, 3, 2, 3, 2, 3])
    add_toy_sae(r, "random-resampling", recovered)
    assert arena.random_resampling.judge(r).holds == holds


@pytest.mark.parametrize(
    ("recovered", "cosine", "holds"),
    [
        ([5] * 7 + [4], 0.99, "replicated"),
        ([5] * 8, 0.96, "partly"),
        ([5] * 4 + [4] * 4, 0.99, "partly"),
        ([5] * 3 + [4] * 5, 0.99, "not replicated"),
    ],
)
def test_loss_weighted_resampling_must_recover_all_five_almost_always(
    r: Results, recovered: list[int], cosine: float, holds: str
) -> None:
    add_toy_sae(r, "loss-weighted-resampling", recovered, cosine=cosine)
    assert arena.loss_weighted_resampling.judge(r).holds == holds
