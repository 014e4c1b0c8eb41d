"""The loss of Towards Monosemanticity by hand."""

import torch
from tests.saes.rows import row

from superposition.saes import base
from superposition.saes.initialisation import geometric_median


def by_hand(l1_coefficient: float = 0.5, d_sae: int = 2) -> base.SAE:
    """Two inputs, two latents: W_enc = W_dec = 1, b_enc = (0, -1), b_dec = (1, 0)."""
    sae = base.build(row("l1", d_sae=d_sae, l1_coefficient=l1_coefficient), d_in=2)
    with torch.no_grad():
        sae.W_enc.copy_(torch.eye(2).repeat(1, d_sae // 2))
        sae.W_dec.copy_(torch.eye(2).repeat(d_sae // 2, 1))
        sae.b_enc.copy_(torch.tensor([0.0, -1.0]).repeat(d_sae // 2))
        sae.b_dec.copy_(torch.tensor([1.0, 0.0]))
    return sae


def test_squared_error_is_a_mean_over_d_in_and_the_l1_term_a_sum_over_latents() -> None:
    x = torch.tensor([[3.0, 2.0], [0.0, 0.0]])
    sae, none_dead = by_hand(), torch.zeros(2, dtype=torch.bool)
    assert sae.encode(x).tolist() == [[2.0, 1.0], [0.0, 0.0]]
    assert sae(x).tolist() == [[3.0, 1.0], [1.0, 0.0]]
    loss = sae.loss(x, none_dead, progress=0.5)
    assert loss.mse.item() == (1 / 2 + 1 / 2) / 2
    assert loss.penalty.item() == 0.5 * (3 + 0) / 2
    assert sae.input_losses(x).tolist() == [0.5 + 1.5, 0.5]


def test_latents_split_in_two_halves_keep_their_l1_term() -> None:
    """Under a sum over latents, 2 x f/2 costs what f costs; under a mean it would cost half."""
    x = torch.tensor([[3.0, 2.0], [0.0, 0.0]])
    double = by_hand(d_sae=4)
    with torch.no_grad():
        double.W_enc /= 2
        double.b_enc /= 2
    loss = double.loss(x, torch.zeros(4, dtype=torch.bool), progress=0.5)
    assert (
        loss.penalty.item()
        == by_hand().loss(x, torch.zeros(2, dtype=torch.bool), progress=0.5).penalty.item()
    )
    assert torch.equal(double(x), by_hand()(x))


def test_training_starts_at_the_paper_s_initial_weights() -> None:
    sample = torch.rand(500, 32, generator=torch.Generator().manual_seed(0))
    sae = base.build(row("l1", d_sae=64), d_in=32)
    sae.initialise_(sample)
    bound = (6 / 32) ** 0.5
    assert bound * 0.95 < sae.W_enc.abs().max() <= bound
    assert torch.equal(sae.b_enc, torch.zeros(64))
    torch.testing.assert_close(sae.b_dec.data, geometric_median(sample))


def trained(steps: int = 3, **fields: bool) -> base.SAE:
    """Two instances after a few steps on data off the origin."""
    x = 2 + torch.randn(2, 40, 6, generator=torch.Generator().manual_seed(0))
    sae = base.build(row("l1", **fields), d_in=6, n_instances=2)
    sae.initialise_(x)
    optimizer = torch.optim.Adam(sae.parameters(), lr=0.01)
    dead = torch.zeros(2, 12, dtype=torch.bool)
    for _ in range(steps):
        loss = sae.loss(x, dead, progress=0.5)
        optimizer.zero_grad()
        loss.total.sum().backward()
        sae.project_gradients_()
        optimizer.step()
        sae.after_step_(loss.codes)
    return sae


def test_a_tied_encoder_is_the_decoder_before_and_after_training() -> None:
    for steps in (0, 3):
        sae = trained(steps, tied=True)
        assert torch.equal(sae.W_enc, sae.W_dec.mT)
    assert not torch.equal(trained(3, tied=False).W_enc, trained(3, tied=False).W_dec.mT)


def test_a_tied_encoder_s_gradient_reaches_the_decoder() -> None:
    """With the decoder's own path cut off (no error to reduce), only the penalty is left."""
    x = torch.rand(1, 40, 6, generator=torch.Generator().manual_seed(0))
    sae = base.build(row("l1", tied=True), d_in=6, n_instances=1)
    sae.initialise_(x)
    sae.loss(x, torch.zeros(1, 12, dtype=torch.bool), progress=0.5).penalty.sum().backward()
    assert sae.W_enc.grad is None
    assert sae.W_dec.grad is not None
    assert bool(sae.W_dec.grad.any())


def test_without_the_pre_encoder_bias_the_encoder_sees_x_itself() -> None:
    sae = trained(pre_encoder_bias=False)
    x = torch.randn(2, 40, 6, generator=torch.Generator().manual_seed(1))
    plain = torch.relu(x @ sae.W_enc + sae.b_enc.unsqueeze(-2))
    torch.testing.assert_close(sae.encode(x), plain)
    torch.testing.assert_close(sae(x), plain @ sae.W_dec + sae.b_dec.unsqueeze(-2))


def test_the_gradient_along_the_decoder_s_rows_stays_only_if_the_row_says_so() -> None:
    for project in (True, False):
        sae = trained(project_gradients=project)
        sae.W_dec.grad = torch.ones_like(sae.W_dec)
        sae.project_gradients_()
        along = (sae.W_dec.grad * sae.W_dec).sum(-1)
        assert bool((along.abs() < 1e-5).all()) == project
