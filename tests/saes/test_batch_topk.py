"""Selection, threshold and auxiliary loss of BatchTopK."""

import pytest
import torch
from tests.saes.rows import row

from superposition.saes import base
from superposition.saes.batch_topk import SAE


def trained(d_in: int = 6) -> tuple[SAE, torch.Tensor]:
    x = torch.randn(40, d_in, generator=torch.Generator().manual_seed(0))
    sae = base.build(row("batch_topk"), d_in=d_in)
    assert isinstance(sae, SAE)
    sae.initialise_(x)
    return sae, x


def test_k_latents_per_input_are_active_in_training() -> None:
    sae, x = trained()
    assert float(sae.loss(x, torch.zeros(12, dtype=torch.bool), progress=0.5).codes.l0()) == 3.0


def test_the_threshold_becomes_the_mean_smallest_activation_kept() -> None:
    sae, x = trained()
    codes = sae.loss(x, torch.zeros(12, dtype=torch.bool), progress=0.5).codes
    smallest = codes.smallest()
    sae.after_step_(codes)
    torch.testing.assert_close(sae.threshold, smallest)
    sae.threshold.fill_(1.0)
    sae.after_step_(codes)
    torch.testing.assert_close(sae.threshold, 0.9 * torch.tensor(1.0) + 0.1 * smallest)


def test_a_batch_without_activations_leaves_the_threshold() -> None:
    sae, x = trained()
    with torch.no_grad():
        sae.b_enc.fill_(-100)
    sae.threshold.fill_(0.7)
    sae.after_step_(sae.loss(x, torch.zeros(12, dtype=torch.bool), progress=0.5).codes)
    assert float(sae.threshold) == pytest.approx(0.7)


def test_at_the_threshold_of_its_batch_inference_gives_the_training_codes() -> None:
    sae, x = trained()
    codes = sae.loss(x, torch.zeros(12, dtype=torch.bool), progress=0.5).codes
    sae.threshold.copy_(codes.smallest() * (1 - 1e-5))
    torch.testing.assert_close(sae.encode(x), codes.dense())
    torch.testing.assert_close(sae.encode(x[:1]), codes.dense()[:1])


def test_the_auxiliary_loss_is_the_error_decoded_from_the_largest_dead_latents() -> None:
    """An oracle written out densely, with gradients at every parameter of dead latents."""
    sae, x = trained()
    dead = torch.arange(12) < 5
    with torch.no_grad():
        sae.b_dec += 0.1
    loss = sae.loss(x, dead, progress=0.5)
    W_enc, b_enc, W_dec = (
        each.detach().requires_grad_() for each in (sae.W_enc, sae.b_enc, sae.W_dec)
    )
    acts = ((x - sae.b_dec.detach()) @ W_enc + b_enc).relu() * dead
    acts = acts * (acts >= acts.topk(2, dim=-1).values[:, -1:])
    error = (x - loss.x_hat).detach()
    penalty = (acts @ W_dec - error).square().mean() / 32
    torch.testing.assert_close(loss.penalty, penalty)
    ours = torch.autograd.grad(loss.penalty, [sae.W_enc, sae.b_enc, sae.W_dec])
    torch.testing.assert_close(ours, torch.autograd.grad(penalty, [W_enc, b_enc, W_dec]))
    assert ours[0][:, dead].abs().sum() > 0
    assert ours[0][:, ~dead].abs().sum() == 0


def test_dead_latents_come_back_to_life() -> None:
    """Latents never among the k largest, because they are weak, become strong enough."""
    sae, x = trained()
    dead = torch.arange(12) < 3
    with torch.no_grad():
        sae.W_enc[:, dead] *= 0.1
        sae.b_enc[dead] = 0.01
    optimizer = torch.optim.Adam(sae.parameters(), lr=1e-2)
    assert not sae.loss(x, dead, progress=0.5).codes.fired()[dead].any()
    for _ in range(100):
        optimizer.zero_grad()
        loss = sae.loss(x, dead, progress=0.5)
        loss.total.backward()
        optimizer.step()
        sae.after_step_(loss.codes)
    assert sae.loss(x, dead, progress=0.5).codes.fired()[dead].float().mean() >= 0.5
