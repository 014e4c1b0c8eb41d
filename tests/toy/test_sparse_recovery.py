"""Matching pursuit recovers what is sparse, and the table compares it with the model's decoder."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.toy.conftest import instances_of
from torch import Generator, Tensor

from superposition.core.store import schema
from superposition.toy import sparse_recovery
from superposition.toy.robustness import Models
from superposition.toy.sparse_recovery import SparseRecoveryConfig

CPU = torch.device("cpu")
CONFIG = SparseRecoveryConfig(models="some", n_samples=200, max_active=8, seed=0)


@pytest.fixture
def W() -> Tensor:
    return torch.randn(60, 20, generator=Generator().manual_seed(0))


def test_two_active_features_of_sixty_come_back_from_twenty_numbers(W: Tensor):
    x = torch.zeros(30, 60)
    for row in range(30):
        x[row, [row, row + 20]] = torch.tensor([0.9, 0.4])
    found = sparse_recovery.matching_pursuit(W, x @ W, max_active=8)
    torch.testing.assert_close(found, x, atol=1e-4, rtol=0)


def test_orthogonal_features_of_any_length_come_back_one_by_one(W: Tensor):
    orthogonal = torch.diag(torch.tensor([2.0, 0.5, 1.0]))
    x = torch.tensor([[0.3, 0.9, 0.0], [1.0, 1.0, 1.0]])
    found = sparse_recovery.matching_pursuit(orthogonal, x @ orthogonal, max_active=3)
    torch.testing.assert_close(found, x)
    only_one = sparse_recovery.matching_pursuit(orthogonal, x @ orthogonal, max_active=1)
    assert (only_one > 0).sum(1).tolist() == [1, 1]


def test_nothing_comes_from_nothing(W: Tensor):
    assert not sparse_recovery.matching_pursuit(W, torch.zeros(3, 20), max_active=5).any()


def test_the_rest_is_as_small_as_least_squares_on_the_same_features_makes_it(W: Tensor):
    h = (0.3 * torch.rand(1, 60, generator=Generator().manual_seed(1)) @ W).double()
    directions = W.double()
    found = sparse_recovery.matching_pursuit(directions, h, max_active=3)[0]
    chosen = found.nonzero().squeeze(1).numpy()
    best = np.linalg.lstsq(directions.numpy()[chosen].T, h[0].numpy(), rcond=None)[0]
    inside = (best > 0) & (best < 1)
    np.testing.assert_allclose(found.numpy()[chosen][inside], best[inside], rtol=1e-5)


def test_the_table_has_both_errors_and_leaves_out_what_diverged(W: Tensor):
    given = Models(W.repeat(3, 1, 1) / 5, torch.zeros(3, 60), instances_of({0.02: 3}, lost=(1,)))
    table = sparse_recovery.recover_all(CONFIG, given, device=CPU)
    assert list(table.columns) == list(schema()["sparse_recovery/instances.parquet"])
    assert table["instance"].tolist() == [0, 2]
    assert min(table["gain"].tolist()) > 0
    assert min(table["recovered_share"].tolist()) > 0.9
    assert sparse_recovery.summary(table)["n_instances"] == 2
    assert table.equals(sparse_recovery.recover_all(CONFIG, given, device=CPU))


def test_the_bound_is_linear_in_the_number_of_features_and_vanishes_when_dense():
    bound = sparse_recovery.lower_bound(200.0, probability=0.01)
    assert bound == pytest.approx(200 * 0.01 * math.log(100))
    assert sparse_recovery.lower_bound(400.0, probability=0.01) == pytest.approx(2 * bound)
    assert sparse_recovery.lower_bound(200.0, probability=1.0) == 0


@pytest.mark.parametrize("changes", [{"max_active": 0}, {"n_samples": 1}])
def test_a_wrong_parameter_is_refused_by_name(changes: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(changes))):
        replace(CONFIG, **changes)
