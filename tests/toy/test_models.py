"""The toy model against loops, and its symmetries."""

import numpy as np
import pytest
import torch
from torch import Generator

from superposition.toy.models import Output, ToyModel, xavier_start


def make_model(output: Output = "relu", n_instances=2):
    generator = Generator().manual_seed(0)
    W = torch.randn(n_instances, 4, 3, generator=generator)
    b = torch.randn(n_instances, 4, generator=generator)
    return ToyModel(W, b, output=output), torch.rand(6, n_instances, 4, generator=generator)


@pytest.mark.parametrize("output", ["relu", "linear"])
def test_reconstruction_equals_the_formula_written_as_loops(output):
    model, x = make_model(output)
    W, b = model.W.detach().numpy(), model.b.detach().numpy()
    expected = np.zeros(x.shape)
    for s, k in np.ndindex(6, 2):
        pre_acts = W[k] @ (W[k].T @ x[s, k].numpy()) + b[k]
        expected[s, k] = np.maximum(pre_acts, 0) if output == "relu" else pre_acts
    np.testing.assert_allclose(model(x).detach().numpy(), expected, atol=1e-5)


def test_loss_is_the_papers_sum_over_features_divided_by_their_number():
    model, x = make_model()
    importance = 0.9 ** torch.arange(4)
    paper = (importance * (x - model(x)) ** 2).sum(-1).mean(0)
    torch.testing.assert_close(model.loss(x, importance), paper / 4)


def test_rotating_the_hidden_space_changes_no_output():
    model, x = make_model()
    rotation, _ = torch.linalg.qr(torch.randn(3, 3, generator=Generator().manual_seed(1)))
    rotated = ToyModel(model.W.detach() @ rotation, model.b.detach(), output="relu")
    torch.testing.assert_close(rotated(x), model(x), rtol=0, atol=1e-5)


def test_an_orthogonal_pair_with_the_mean_as_bias_passes_two_features_and_guesses_the_third():
    W = torch.tensor([[[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]])
    model = ToyModel(W, torch.tensor([[0.0, 0.0, 0.5]]), output="relu")
    x = torch.tensor([[[0.2, 0.7, 0.9]]])
    assert model(x).flatten().tolist() == pytest.approx([0.2, 0.7, 0.5])
    assert model.hidden(x).flatten().tolist() == pytest.approx([0.2, 0.7])
    assert model.loss(x, torch.ones(3)).item() == pytest.approx(0.4**2 / 3)


def test_weights_are_parameters_so_that_an_optimiser_finds_them():
    model, _ = make_model()
    assert [name for name, _ in model.named_parameters()] == ["W", "b"]
    with pytest.raises(ValueError, match="empty parameter list"):
        torch.optim.Adam([])


def test_random_start_is_xaviers_for_one_instance():
    start = xavier_start(1000, 5, 2, generator=Generator().manual_seed(0))
    assert start.std().item() == pytest.approx((2 / (2 + 10)) ** 0.5, rel=0.03)


def test_a_hidden_layer_with_bias_and_relu_equals_the_formula_written_as_loops():
    generator = Generator().manual_seed(0)
    W, W_out = torch.randn(2, 1, 4, 3, generator=generator)
    b_hidden = torch.randn(1, 3, generator=generator)
    b = torch.randn(1, 4, generator=generator)
    model = ToyModel(
        W, b, output="relu", hidden="relu", target="absolute", W_out=W_out, b_hidden=b_hidden
    )
    x = 2 * torch.rand(5, 1, 4, generator=generator) - 1
    for s in range(5):
        h = (W[0].T @ x[s, 0] + b_hidden[0]).relu()
        x_hat = (W_out[0] @ h + b[0]).relu()
        torch.testing.assert_close(model(x)[s, 0], x_hat)
    error = (x.abs() - model(x)) ** 2
    torch.testing.assert_close(model.loss(x, torch.ones(4)), error.mean((0, 2)))
