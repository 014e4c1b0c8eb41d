"""Autoencoders whose metrics are known, and what must not change them."""

import copy
import math

import pandas as pd
import pytest
import torch

from superposition.core.store import schema
from superposition.features.evaluation import (
    Evaluation,
    EvaluationConfig,
    FidelityMetrics,
    evaluate,
    evaluate_many,
    measure,
)
from superposition.features.losses import LossMetrics, mean_activation
from superposition.features.neurons import Neurons
from superposition.features.statistics import DensityMetrics
from superposition.features.streaming import sample_windows
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes import metrics
from superposition.saes.base import SAE


def config(**changes: int) -> EvaluationConfig:
    values = {"n_tokens": 10_000, "batch_size": 7, "n_bootstrap": 200, "seed": 0}
    return EvaluationConfig(**(values | changes))


def evaluated(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream, *, config: EvaluationConfig
) -> Evaluation:
    return evaluate(model, sae, stream, config=config, dtype=torch.float32)


def mean_of(model: OneLayerTransformer, stream: TokenStream) -> torch.Tensor:
    windows = sample_windows(stream, n_ctx=8, n_tokens=10_000, seed=0)
    return mean_activation(model, windows, batch_size=100)


def test_a_perfect_autoencoder_recovers_everything(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
):
    result = evaluated(model, sae, stream, config=config())
    assert result.losses.loss_recovered_zero == pytest.approx(1, abs=1e-6)
    assert result.losses.loss_recovered_mean == pytest.approx(1, abs=1e-6)
    assert result.fidelity.explained_variance == pytest.approx(1, abs=1e-6)
    assert result.fidelity.mse == pytest.approx(0, abs=1e-9)
    assert result.fidelity.l0 == pytest.approx(result.fidelity.neuron_l0)
    assert result.fidelity.median_encoder_decoder_cosine == pytest.approx(1)
    assert result.densities.dead == 12


def test_an_autoencoder_of_zeros_recovers_nothing_of_zero_ablation(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
):
    with torch.no_grad():
        sae.W_dec.zero_()
    result = evaluated(model, sae, stream, config=config())
    assert result.losses.loss_recovered_zero == 0
    assert result.losses.loss_sae == result.losses.loss_zero_ablation
    assert result.fidelity.mse == pytest.approx(result.fidelity.mean_square)


def test_an_autoencoder_of_the_mean_recovers_nothing_of_mean_ablation(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
):
    with torch.no_grad():
        sae.b_enc.fill_(-1e9)
        sae.b_dec.copy_(mean_of(model, stream))
    result = evaluated(model, sae, stream, config=config())
    assert result.losses.loss_recovered_mean == pytest.approx(0, abs=1e-6)
    assert result.fidelity.explained_variance == pytest.approx(0, abs=1e-6)
    assert result.fidelity.l0 == 0
    assert result.fidelity.median_encoder_decoder_cosine is None
    assert result.densities.dead_fraction == 1
    assert result.densities.density_50 is None


def test_losses_are_those_of_one_pass_over_all_windows(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
):
    with torch.no_grad():
        sae.W_dec.mul_(0.7)
    result = evaluated(model, sae, stream, config=config())
    tokens = stream.tokens[torch.arange(30)[:, None] * 8 + torch.arange(9)]
    expected = {
        "loss_clean": model.losses(tokens).mean(),
        "loss_sae": model.losses(tokens, lambda acts: 0.7 * acts).mean(),
        "loss_zero_ablation": model.losses(tokens, torch.zeros_like).mean(),
    }
    for name, loss in expected.items():
        assert getattr(result.losses, name) == pytest.approx(loss.item(), rel=1e-5)
    assert result.fidelity.n_tokens == 240
    clean, ablated = expected["loss_clean"], expected["loss_zero_ablation"]
    assert result.losses.increase_zero_ablation == pytest.approx((ablated - clean).item(), rel=1e-4)


def test_latents_are_those_that_the_plain_metrics_find(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
):
    result = evaluated(model, sae, stream, config=config())
    tokens = stream.tokens[torch.arange(30)[:, None] * 8 + torch.arange(8)]
    acts = sae.encode(model.mlp_acts(tokens)).flatten(0, 1)
    latents = metrics.Latents()
    latents.add_(acts)
    table = result.latents
    assert list(table.columns) == list(schema()["evaluation/latents.parquet"])
    assert table["density"].tolist() == pytest.approx(latents.density().tolist())
    assert table["mean_activation"].tolist() == pytest.approx(latents.mean_activation().tolist())
    assert table["max_activation"].tolist() == pytest.approx(latents.max_activation().tolist())
    assert result.fidelity.l0 == pytest.approx(metrics.l0(acts).item())


@pytest.mark.parametrize("batch_size", [3, 50])
def test_the_batch_size_does_not_matter(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream, batch_size: int
):
    with torch.no_grad():
        sae.W_dec.mul_(0.7)
    expected = evaluated(model, sae, stream, config=config())
    result = evaluated(model, sae, stream, config=config(batch_size=batch_size))
    for name, value in expected.metrics().items():
        assert result.metrics()[name] == pytest.approx(value, rel=1e-5), name
    pd.testing.assert_frame_equal(result.latents, expected.latents)


def test_intervals_hold_the_estimate_and_narrow_with_more_text(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
):
    with torch.no_grad():
        sae.W_enc[:, ::3] = 0
    few, many = (
        evaluated(model, sae, stream, config=config(n_tokens=n)).losses for n in (80, 10_000)
    )
    widths = []
    for losses in (few, many):
        low, high = losses.loss_recovered_zero_low, losses.loss_recovered_zero_high
        assert low < losses.loss_recovered_zero < high
        widths.append(high - low)
    assert widths[1] < widths[0]


def test_rescaling_latents_against_their_directions_leaves_all_but_activations_unchanged(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
):
    before = evaluated(model, sae, stream, config=config())
    with torch.no_grad():
        sae.W_enc.mul_(4)
        sae.W_dec.div_(4)
    after = evaluated(model, sae, stream, config=config())
    assert after.metrics() == pytest.approx(before.metrics(), rel=1e-4, abs=1e-6)


def test_bfloat16_changes_little(model: OneLayerTransformer, sae: SAE, stream: TokenStream):
    expected = evaluated(model, sae, stream, config=config())
    result = evaluate(model, sae, stream, config=config(), dtype=torch.bfloat16)
    assert result.losses == pytest.approx(expected.losses, rel=0.01)
    assert result.fidelity.l0 == pytest.approx(expected.fidelity.l0, rel=0.01)
    assert result.fidelity.explained_variance > 0.9999


def test_metrics_have_names_of_their_own_and_go_into_json(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
):
    names = [*FidelityMetrics._fields, *LossMetrics._fields, *DensityMetrics._fields]
    assert len(names) == len(set(names))
    values = evaluated(model, sae, stream, config=config()).metrics()
    assert list(values) == names
    assert all(value is None or math.isfinite(value) for value in values.values())
    assert {type(value) for value in values.values()} <= {int, float, type(None)}


def test_a_control_can_stand_in_place_of_an_autoencoder(
    model: OneLayerTransformer, stream: TokenStream
):
    windows = sample_windows(stream, n_ctx=8, n_tokens=10_000, seed=0)
    measured = measure(model, Neurons(), windows, d_sae=12, batch_size=9, dtype=torch.float32)
    torch.testing.assert_close(measured.losses.sae, measured.losses.clean)
    assert measured.latents.l0() == measured.neurons.l0()


def test_several_in_one_pass_come_out_as_each_alone(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
):
    other = copy.deepcopy(sae)
    with torch.no_grad():
        other.W_dec.mul_(0.7)
    together = evaluate_many(
        model, [other, sae, other], stream, config=config(), dtype=torch.float32
    )
    for one, found in zip([other, sae, other], together, strict=True):
        alone = evaluated(model, one, stream, config=config())
        assert found.metrics() == alone.metrics()
        pd.testing.assert_frame_equal(found.latents, alone.latents)


def test_no_text_is_refused(model: OneLayerTransformer, sae: SAE, stream: TokenStream):
    with pytest.raises(ValueError, match="n_tokens=7 of 245 hold no window of n_ctx=8"):
        evaluated(model, sae, stream, config=config(n_tokens=7))
    with pytest.raises(ValueError, match="n_bootstrap=0 is below 1"):
        config(n_bootstrap=0)
