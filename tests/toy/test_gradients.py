"""The written-out loss and gradient against autograd through the plain model."""

import pytest
import torch
from torch import Generator

from superposition.toy import data
from superposition.toy.config import ToyConfig
from superposition.toy.gradients import Gradient
from superposition.toy.models import ToyModel

KINDS = {
    "relu output": {},
    "linear output": {"output": "linear"},
    "gelu output": {"output": "gelu"},
    "relu hidden": {"hidden": "relu"},
    "hidden bias": {"hidden": "relu", "hidden_bias": True},
    "untied": {"hidden": "relu", "tied": False, "target": "absolute"},
    "relative importance": {"relative_importances": (0.5, 2.0)},
    "relative density": {"relative_densities": (0.5, 1.0)},
    "correlated": {"dependence": "correlated", "set_size": 3},
    "l1": {"l1_coefficients": (0.0, 0.3)},
    "l1 with hidden bias": {"l1_coefficients": (0.3,), "hidden": "relu", "hidden_bias": True},
}


def make_case(changes):
    """Models with random weights in float64, their gradient, its batches and the dense samples."""
    given = {
        "n_features": 6,
        "d_hidden": 3,
        "output": "relu",
        "importance_base": 0.8,
        "feature_probabilities": (1.0, 0.3, 0.01),
        "n_seeds": 2,
        "seed": 0,
        "n_steps": 1,
        "batch_size": 64,
    }
    config = ToyConfig(**(given | changes))
    generator = Generator().manual_seed(0)
    n, options = len(config.instances()), {"generator": generator, "dtype": torch.float64}
    model = ToyModel(
        torch.randn(n, 6, 3, **options),
        0.1 * torch.randn(n, 6, **options),
        output=config.output,
        hidden=config.hidden,
        target=config.target,
        W_out=None if config.tied else torch.randn(n, 6, 3, **options),
        b_hidden=0.1 * torch.randn(n, 3, **options) if config.hidden_bias else None,
    )
    uniforms = data.draw_uniforms(config, 1, generator=generator, dtype=torch.float64)
    packed = [data.make_batches(uniforms, config, source) for source in config.sources()]
    l1 = torch.tensor(config.instances()["l1_coefficient"].tolist(), dtype=torch.float64)
    importance = config.importance().double()
    gradient = Gradient(model, importance, n_sources=len(packed), batch_size=64, l1_coefficient=l1)
    dense = []
    for batches in packed:
        x, n_empty = batches.batch(0)
        full = torch.cat([x[:-1, :-1], x.new_zeros(6, n_empty)], dim=1).T
        dense += [full] * (n // len(packed))
    return gradient, [each.batch(0) for each in packed], torch.stack(dense, dim=1), l1


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_is_that_of_autograd(kind):
    gradient, batches, x, l1 = make_case(KINDS[kind])
    model = gradient.model
    importance = gradient._scale * 64 * 6
    loss = model.loss(x, importance) + l1 * model.hidden(x).abs().sum(-1).mean(0)
    expected = torch.autograd.grad(loss.sum(), [*model.parameters()])
    gradient.backward_(batches)
    for parameter, wanted in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, wanted, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_loss_is_that_of_the_plain_model(kind):
    gradient, batches, x, _ = make_case(KINDS[kind])
    expected = gradient.model.loss(x, gradient._scale * 64 * 6).detach()
    torch.testing.assert_close(gradient.loss(batches), expected)


def test_a_batch_in_which_every_sample_is_empty_moves_only_the_biases():
    model = ToyModel(torch.ones(1, 2, 1), torch.tensor([[0.5, -0.5]]), output="relu")
    gradient = Gradient(model, torch.ones(1, 2), n_sources=1, batch_size=4)
    empty = data.Batch(torch.tensor([[0.0], [0.0], [1.0]]), 4)
    gradient.backward_([empty])
    assert model.W.grad is not None
    assert model.b.grad is not None
    assert model.W.grad.count_nonzero() == 0
    assert model.b.grad.tolist() == [[0.5, 0.0]]  # d/db of the mean over two of b^2 is b
    assert gradient.loss([empty]).tolist() == [0.125]
