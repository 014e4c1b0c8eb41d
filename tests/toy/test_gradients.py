"""The written-out loss and gradient against autograd through the plain model."""

import pytest
import torch
from torch import Generator

from superposition.toy import data
from superposition.toy.gradients import FusedLoss
from superposition.toy.models import ToyModel, repeat_seeds, xavier_start

DENSITIES = (1.0, 0.3, 0.01)
SEEDS, BATCH, FEATURES = 3, 64, 6


def make_case(output):
    """Three densities, three seeds, in float64: the fused loss, its batches, and the dense x."""
    generator = Generator().manual_seed(0)
    W = repeat_seeds(xavier_start(SEEDS, FEATURES, 2, generator=generator).double(), 3)
    b = 0.1 * torch.randn(W.shape[:2], generator=generator, dtype=torch.float64)
    uniforms = data.draw_uniforms(BATCH, FEATURES, generator=generator, dtype=torch.float64)
    dense = [(1 - uniforms.u / p).clamp(min=0).T for p in DENSITIES]
    x = torch.stack([each for each in dense for _ in range(SEEDS)], dim=1)
    packed = [data.independent_batches(uniforms, p, batch_size=BATCH) for p in DENSITIES]
    importance = 0.8 ** torch.arange(FEATURES, dtype=torch.float64)
    model = ToyModel(W, b, output=output)
    fused = FusedLoss(model, importance, n_densities=len(DENSITIES), batch_size=BATCH)
    return fused, packed, x


@pytest.mark.parametrize("output", ["relu", "linear"])
def test_gradient_is_that_of_autograd(output):
    fused, packed, x = make_case(output)
    expected = torch.autograd.grad(
        fused.model.loss(x, fused.importance).sum(), [fused.model.W, fused.model.b]
    )
    fused.backward_([density.batch(0) for density in packed], data.count_empty(packed)[0])
    torch.testing.assert_close(fused.model.W.grad, expected[0], rtol=1e-10, atol=1e-14)
    torch.testing.assert_close(fused.model.b.grad, expected[1], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("output", ["relu", "linear"])
def test_loss_is_that_of_the_plain_model(output):
    fused, packed, x = make_case(output)
    loss = fused.loss([density.batch(0) for density in packed], data.count_empty(packed)[0])
    torch.testing.assert_close(loss, fused.model.loss(x, fused.importance).detach())


def test_a_batch_in_which_every_sample_is_empty_moves_only_the_biases():
    model = ToyModel(torch.ones(1, 2, 1), torch.tensor([[0.5, -0.5]]), output="relu")
    fused = FusedLoss(model, torch.ones(2), n_densities=1, batch_size=4)
    packed = data.pack(torch.zeros(2, 4), batch_size=4)
    fused.backward_([packed.batch(0)], data.count_empty([packed])[0])
    assert model.W.grad is not None
    assert model.b.grad is not None
    assert model.W.grad.count_nonzero() == 0
    assert model.b.grad.tolist() == [[0.5, 0.0]]  # d/db of the mean over two of b^2 is b
    loss = fused.loss([packed.batch(0)], data.count_empty([packed])[0])
    assert loss.tolist() == [0.125]
