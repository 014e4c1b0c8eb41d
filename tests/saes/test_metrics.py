"""Closed-form cases and invariances of every metric."""

import pytest
import torch

from superposition.core import store
from superposition.saes import metrics


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


ACTS = torch.tensor([[0.0, 2.0, 0.0], [1.0, 4.0, 0.0]])


def test_metrics_of_a_case_counted_by_hand() -> None:
    assert float(metrics.l0(ACTS)) == 1.5
    assert metrics.feature_density(ACTS).tolist() == [0.5, 1.0, 0.0]
    assert float(metrics.dead_fraction(metrics.feature_density(ACTS))) == pytest.approx(1 / 3)
    assert float(metrics.mse(torch.zeros(2, 2), torch.tensor([[1.0, 0.0], [0.0, 3.0]]))) == 2.5


def test_density_counts_firing_and_not_strength() -> None:
    assert torch.equal(metrics.feature_density(ACTS), metrics.feature_density(7 * ACTS))
    assert float(metrics.l0(ACTS)) == float(metrics.l0(7 * ACTS))


def test_ultra_low_density_leaves_out_dead_latents() -> None:
    density = torch.tensor([0.0, 1e-7, 1e-6, 0.1])
    assert float(metrics.ultra_low_density(density, below=1e-6)) == 0.25


def test_the_mean_explains_nothing_and_the_input_everything() -> None:
    x = normal(50, 4) + 3
    assert float(metrics.explained_variance(x, x)) == 1.0
    mean = x.mean(0).expand_as(x)
    assert float(metrics.explained_variance(x, mean)) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("scale", [0.1, 2.0, 40.0])
def test_rescaling_and_moving_x_leave_explained_variance_unchanged(scale: float) -> None:
    x, x_hat = normal(50, 4), normal(50, 4) * 0.3 + normal(50, 4)
    moved = metrics.explained_variance(scale * x + 5, scale * x_hat + 5)
    torch.testing.assert_close(moved, metrics.explained_variance(x, x_hat))


def test_a_rotation_leaves_explained_variance_and_mse_unchanged() -> None:
    x, x_hat = normal(50, 4), normal(50, 4, seed=1)
    Q = torch.linalg.qr(normal(4, 4, seed=2)).Q
    for metric in (metrics.explained_variance, metrics.mse):
        torch.testing.assert_close(metric(x @ Q, x_hat @ Q), metric(x, x_hat))


def test_a_constant_offset_is_not_free() -> None:
    x = normal(50, 4)
    assert float(metrics.explained_variance(x, x + 1)) < 0.1


def test_the_loss_recovered_runs_from_ablation_to_clean() -> None:
    assert metrics.loss_recovered(clean=3.0, sae=3.0, ablated=5.0) == 1.0
    assert metrics.loss_recovered(clean=3.0, sae=5.0, ablated=5.0) == 0.0
    assert metrics.loss_recovered(clean=3.0, sae=3.5, ablated=5.0) == 0.75
    assert metrics.loss_recovered(clean=13.0, sae=13.5, ablated=15.0) == 0.75


def test_the_mean_ablation_scores_lower_than_the_zero_ablation_when_it_hurts_less() -> None:
    zero = metrics.loss_recovered(clean=3.0, sae=3.2, ablated=5.0)
    assert metrics.loss_recovered(clean=3.0, sae=3.2, ablated=4.0) < zero


def test_nothing_to_recover_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ablated=3.0 equals clean=3.0"):
        metrics.loss_recovered(clean=3.0, sae=3.1, ablated=3.0)


def test_encoder_decoder_cosine_ignores_lengths() -> None:
    W_enc = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    W_dec = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    cosines = metrics.encoder_decoder_cosine(W_enc, W_dec)
    torch.testing.assert_close(cosines, torch.tensor([1.0, 0.5**0.5]))
    torch.testing.assert_close(metrics.encoder_decoder_cosine(5 * W_enc, W_dec), cosines)


@pytest.mark.parametrize("chunk", [1, 4, 7, 100])
def test_the_nearest_decoder_row_is_found_in_chunks(chunk: int) -> None:
    W_dec = normal(11, 3)
    unit = torch.nn.functional.normalize(W_dec, dim=-1)
    cosines = (unit @ unit.mT).fill_diagonal_(-2).amax(-1)
    torch.testing.assert_close(metrics.nearest_decoder_cosine(W_dec, chunk=chunk), cosines)


def test_metrics_of_a_stream_are_those_of_the_whole() -> None:
    x, x_hat, acts = normal(60, 4) + 2, normal(60, 4, seed=1), normal(60, 9, seed=2).relu()
    acts[:, 3] = 0
    stream, latents = metrics.Reconstruction(), metrics.Latents()
    for rows in torch.arange(60).split([1, 20, 39]):
        stream.add_(x[rows], x_hat[rows], acts[rows])
        latents.add_(acts[rows])
    assert stream.l0() == pytest.approx(float(metrics.l0(acts)))
    assert stream.mse() == pytest.approx(float(metrics.mse(x, x_hat)))
    assert stream.explained_variance() == pytest.approx(float(metrics.explained_variance(x, x_hat)))
    torch.testing.assert_close(latents.density(), metrics.feature_density(acts))
    torch.testing.assert_close(latents.max_activation(), acts.amax(0))
    mean = acts.sum(0) / (acts > 0).sum(0).clamp(min=1)
    torch.testing.assert_close(latents.mean_activation(), mean)
    assert float(latents.mean_activation()[3]) == 0.0


def test_the_latent_table_has_the_columns_of_the_schema_and_a_row_per_latent() -> None:
    latents = metrics.Latents()
    latents.add_(ACTS)
    table = metrics.latent_table(
        latents, W_enc=torch.eye(3), b_enc=torch.tensor([0.0, 1.0, 2.0]), W_dec=2 * torch.eye(3)
    )
    assert list(table.columns) == list(store.schema()["evaluation/latents.parquet"])
    assert table.density.tolist() == [0.5, 1.0, 0.0]
    assert table.mean_activation.tolist() == [1.0, 3.0, 0.0]
    assert table.encoder_decoder_cosine.tolist() == [1.0, 1.0, 1.0]
    assert table.nearest_decoder_cosine.tolist() == [0.0, 0.0, 0.0]
