"""Planted dead latents, the draw by squared loss, and the optimiser's memory."""

import pytest
import torch
from scipy.stats import chisquare
from tests.saes.rows import row

from superposition.saes import base, resampling
from superposition.saes.recovery import hidden_states


def planted(n_instances: int | None) -> tuple[base.SAE, torch.Tensor, torch.Tensor]:
    """An autoencoder, inputs, and a mask with latents 1 and 4 dead (of the first instance)."""
    instance = () if n_instances is None else (n_instances,)
    x = torch.randn(*instance, 50, 6, generator=torch.Generator().manual_seed(0))
    sae = base.build(row("l1"), d_in=6, n_instances=n_instances)
    sae.initialise_(x)
    dead = torch.zeros(*instance, 12, dtype=torch.bool)
    (dead if n_instances is None else dead[0])[[1, 4]] = True
    return sae, x, dead


@pytest.mark.parametrize("n_instances", [None, 3])
def test_a_dead_latent_points_at_an_input_and_the_others_stay(n_instances: int | None) -> None:
    sae, x, dead = planted(n_instances)
    with torch.no_grad():
        sae.b_enc += 0.3
    before = {name: value.clone() for name, value in sae.state_dict().items()}
    directions = resampling.loss_directions(
        sae, dead, x, sae.input_losses(x).detach(), generator=torch.Generator().manual_seed(0)
    )
    resampling.resample_(sae, dead, directions, encoder_scale=0.2)

    inputs = torch.nn.functional.normalize(
        (x - sae.b_dec.unsqueeze(-2)).reshape(-1, 6)[:50], dim=-1
    )
    rows, vectors = sae.W_dec[dead], sae.W_enc.mT[dead]
    torch.testing.assert_close((rows @ inputs.mT).amax(-1), torch.ones(2))
    W_enc, alive = before["W_enc"].mT.reshape(-1, 6)[:12], ~dead.reshape(-1, 12)[0]
    torch.testing.assert_close(vectors, 0.2 * W_enc[alive].norm(dim=-1).mean() * rows)
    assert (sae.b_enc[dead] == 0).all()
    assert torch.equal(sae.W_dec[~dead], before["W_dec"][~dead])
    assert torch.equal(sae.W_enc.mT[~dead], before["W_enc"].mT[~dead])
    assert torch.equal(sae.b_enc[~dead], before["b_enc"][~dead])


def test_a_resampled_latent_fires_on_its_input() -> None:
    sae, x, dead = planted(None)
    drawn = x[[7, 9]]
    resampling.resample_(sae, dead, drawn - sae.b_dec, encoder_scale=0.2)
    assert (sae.encode(drawn)[[0, 1], [1, 4]] > 0).all()


def test_inputs_are_drawn_in_proportion_to_their_squared_loss() -> None:
    losses = torch.tensor([0.0, 1.0, 2.0, 3.0, 0.5])
    drawn = resampling.draw_inputs(losses, 20_000, generator=torch.Generator().manual_seed(0))
    counts = torch.bincount(drawn, minlength=5)
    expected = losses.double().square() / losses.double().square().sum() * 20_000
    assert counts[0] == 0
    assert chisquare(counts[1:], expected[1:]).pvalue > 0.01


def test_without_any_loss_all_inputs_are_drawn_alike() -> None:
    drawn = resampling.draw_inputs(torch.zeros(4), 400, generator=torch.Generator().manual_seed(0))
    assert chisquare(torch.bincount(drawn, minlength=4)).pvalue > 0.01


@pytest.mark.parametrize("n_instances", [None, 3])
def test_adam_forgets_the_dead_latents_and_nothing_else(n_instances: int | None) -> None:
    sae, x, dead = planted(n_instances)
    optimizer = torch.optim.Adam(sae.parameters(), lr=1e-3, fused=True)
    sae.loss(x, dead, progress=0.5).total.sum().backward()
    optimizer.step()
    before = {
        name: {key: value.clone() for key, value in optimizer.state[parameter].items()}
        for name, parameter in sae.named_parameters()
    }
    resampling.forget_moments_(optimizer, sae, dead)
    for moment in ("exp_avg", "exp_avg_sq"):
        for name in ("W_enc", "b_enc", "W_dec"):
            after, was = optimizer.state[sae.get_parameter(name)][moment], before[name][moment]
            if name == "W_enc":
                after, was = after.mT, was.mT
            assert was[dead].any()
            assert not after[dead].any()
            assert torch.equal(after[~dead], was[~dead])
        assert torch.equal(optimizer.state[sae.b_dec][moment], before["b_dec"][moment])


def test_random_directions_are_unit_rows_of_any_direction() -> None:
    sae, _, dead = planted(3)
    generator = torch.Generator().manual_seed(0)
    directions = resampling.random_directions(dead, 6, generator=generator)
    resampling.resample_(sae, dead, directions, encoder_scale=1.0)
    torch.testing.assert_close(sae.W_dec.norm(dim=-1), torch.ones(3, 12))


def test_if_every_latent_is_dead_the_scale_is_theirs() -> None:
    sae, _, _ = planted(None)
    everything = torch.ones(12, dtype=torch.bool)
    norm = sae.W_enc.mT.norm(dim=-1).mean()
    resampling.resample_(sae, everything, torch.randn(12, 6), encoder_scale=0.5)
    torch.testing.assert_close(sae.W_enc.mT.norm(dim=-1), (0.5 * norm).expand(12))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_directions_of_high_loss_are_the_missing_features(seed: int) -> None:
    """Latents 3 and 4 are dead, so features 3 and 4 alone are not reconstructed."""
    W = torch.eye(5).repeat(4, 1, 1)
    generator = torch.Generator().manual_seed(seed)
    x = hidden_states(W, feature_probability=0.01, batch_size=5000, generator=generator)
    sae = base.build(row("l1", d_sae=5, l1_coefficient=0.0), d_in=5, n_instances=4)
    dead = (torch.arange(5) >= 3).repeat(4, 1)
    with torch.no_grad():
        sae.W_enc.copy_(W)
        sae.W_dec.copy_(W)
        sae.b_enc.masked_fill_(dead, -100.0)
    losses = sae.input_losses(x).detach()
    directions = resampling.loss_directions(sae, dead, x, losses, generator=generator)
    resampling.resample_(sae, dead, directions, encoder_scale=0.5)
    share = sae.W_dec[dead][:, 3:].norm(dim=-1)
    assert (share > 0.95).sum() >= 7


@pytest.mark.parametrize("n_instances", [None, 3])
def test_dead_latents_drawn_anew_are_as_at_the_start_and_the_others_stay(
    n_instances: int | None,
) -> None:
    sae, _, dead = planted(n_instances)
    with torch.no_grad():
        sae.b_enc += 0.3
    before = {name: value.clone() for name, value in sae.state_dict().items()}
    resampling.reinitialise_(sae, dead, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(sae.W_dec[dead].norm(dim=-1), torch.ones(2))
    assert bool((sae.W_enc.mT[dead].abs() <= 1).all())
    assert not sae.b_enc[dead].any()
    for name, by_latent in (("W_dec", sae.W_dec), ("W_enc", sae.W_enc.mT), ("b_enc", sae.b_enc)):
        was = before[name].mT if name == "W_enc" else before[name]
        assert not torch.equal(by_latent[dead], was[dead])
        assert torch.equal(by_latent[~dead], was[~dead])


def test_drawn_anew_encoder_vectors_have_the_spread_of_kaiming_uniform() -> None:
    sae = base.build(row("l1", d_sae=500), d_in=6)
    everything = torch.ones(500, dtype=torch.bool)
    resampling.reinitialise_(sae, everything, generator=torch.Generator().manual_seed(0))
    assert sae.W_enc.detach().std().item() == pytest.approx((6 / 6) ** 0.5 / 3**0.5, rel=0.05)
    assert sae.W_enc.detach().mean().item() == pytest.approx(0, abs=0.05)
