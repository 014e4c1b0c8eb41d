"""The gradient on sets of sparse points is that of autograd on the dense model."""

import pytest
import torch
from torch import Tensor, nn

from superposition.toy import point_gradient
from superposition.toy.point_gradient import PointGradient, squared_errors
from superposition.toy.point_sets import PointSet, draw_points, random_stream

SHAPES = [(3, 2), (17, 1), (40, 4)]
"""Points and hidden dimensions."""


def sets(n_points: int, n_models: int = 3) -> list[PointSet]:
    return [
        draw_points(
            n_points, n_features=30, feature_probability=0.15, generator=random_stream(index)
        )
        for index in range(n_models)
    ]


def weights(d_hidden: int, n_models: int = 3) -> nn.Parameter:
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(n_models, d_hidden + 1, 30, generator=generator, dtype=torch.float64)
    return nn.Parameter(0.4 * values)


def doubled(points: PointSet) -> PointSet:
    return points._replace(value=points.value.double())


def dense_loss(weights: Tensor, points: list[PointSet]) -> Tensor:
    """The loss of every model, in plain tensors that autograd follows."""
    losses = []
    for one, each in zip(weights, points, strict=True):
        x, W, b = each.dense().double(), one[:-1], one[-1]
        losses.append(((x @ W.mT @ W + b).relu() - x).square().sum(1).mean())
    return torch.stack(losses)


@pytest.mark.parametrize(("n_points", "d_hidden"), SHAPES)
@pytest.mark.parametrize("block", [70, 500, 2**18])
def test_the_gradient_is_that_of_autograd(
    n_points: int, d_hidden: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(point_gradient, "BLOCK", block)
    points, W = [doubled(each) for each in sets(n_points)], weights(d_hidden)
    PointGradient(W, points).backward_()
    (wanted,) = torch.autograd.grad(dense_loss(W, points).sum(), W)
    torch.testing.assert_close(W.grad, wanted)


@pytest.mark.parametrize("block", [70, 2**18])
def test_squared_errors_are_those_of_the_dense_model(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(point_gradient, "BLOCK", block)
    points, W = [doubled(each) for each in sets(40)], weights(2)
    found = [squared_errors(one, each).mean() for one, each in zip(W, points, strict=True)]
    torch.testing.assert_close(torch.stack(found), dense_loss(W, points))


def test_a_model_that_always_answers_zero_has_the_loss_one() -> None:
    zero = torch.zeros(3, 30)
    assert squared_errors(zero, sets(40)[0]).mean() == pytest.approx(1)
