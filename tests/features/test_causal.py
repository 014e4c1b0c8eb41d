"""Interventions on a model small enough to compute everything the long way."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from superposition.core.store import schema
from superposition.features import ablation, causal
from superposition.features.activation_shares import interval_shares
from superposition.features.causal import Causal, intervene
from superposition.features.intervention_setting import CausalConfig
from superposition.features.pinning import Pin, compare, continuations
from superposition.features.residuals import changes, residuals_on
from superposition.features.streaming import sample_windows
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE

CONFIG = CausalConfig(
    sae="one",
    activations="main",
    n_tokens=240,
    batch_size=5,
    n_cases=30,
    n_random=4,
    n_prompts=3,
    prompt_tokens=4,
    n_new=3,
    seed=0,
)


def intervened(model: OneLayerTransformer, sae: SAE, stream: TokenStream) -> Causal:
    rng = np.random.default_rng(0)
    concepts = pd.DataFrame(
        {
            "concept": [0, 2, 3],
            "name": ["a", "b", "proxy"],
            "group": ["x", "planted", "proxy"],
            "planted": ["", "dna", "dna"],
            "latent": [1, 4, 4],
        }
    )
    next_tokens = pd.DataFrame({"concept": [0, 0, 2], "token": [3, 5, 7], "lift": 2.0})
    return intervene(
        model,
        sae,
        stream,
        labels=sparse.csr_array((rng.random((len(stream.tokens), 3)) < 0.3).astype(np.float32)),
        choosing=torch.arange(len(stream.tokens)) < 120,
        concepts=concepts,
        next_tokens=next_tokens,
        papers_prompt=torch.tensor([1, 2, 3], dtype=torch.int32),
        config=CONFIG,
        dtype=torch.float32,
    )


def test_taking_a_latent_away_is_what_replacing_the_activations_does(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
) -> None:
    windows = sample_windows(stream, n_ctx=8, n_tokens=64, seed=0)
    tokens, latent = windows.tokens[:, :-1], 3
    acts = sae.encode(model.mlp_acts(tokens)).detach()[..., latent]
    removed = acts.flatten()[:, None] * (sae.W_dec[latent] @ model.W_out).detach()
    residual = residuals_on(model, windows, batch_size=3)
    found, mean = changes(model, residual, removed, windows.tokens[:, 1:].flatten())

    def without(x: torch.Tensor) -> torch.Tensor:
        return x - acts[..., None] * sae.W_dec[latent]

    clean, ablated = (
        model(tokens, replace).log_softmax(-1).detach() for replace in (None, without)
    )
    long_way = (ablated - clean).gather(2, windows.tokens[:, 1:, None]).flatten()
    torch.testing.assert_close(found, long_way, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(mean, (ablated - clean).mean(dim=(0, 1)), atol=1e-5, rtol=1e-4)


def test_taking_nothing_away_changes_nothing(model: OneLayerTransformer) -> None:
    residual = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    found, mean = changes(model, residual, torch.zeros(5, 6), torch.arange(5))
    assert found.abs().max() < 1e-6
    assert mean.abs().max() < 1e-6


def test_the_interval_of_a_mean_holds_it_and_knows_of_windows() -> None:
    values = np.random.default_rng(0).normal(size=200)
    apart = ablation.mean_interval(values, np.arange(200), np.random.default_rng(1))
    together = ablation.mean_interval(
        np.repeat(values[:50], 4), np.arange(200) // 4, np.random.default_rng(1)
    )
    assert apart[0] < values.mean() < apart[1]
    assert together[1] - together[0] > 1.5 * (apart[1] - apart[0])


def test_a_rank_correlation_needs_values_that_differ() -> None:
    assert np.isnan(ablation.rank_correlation(np.ones(5), np.arange(5.0)))
    assert ablation.rank_correlation(np.arange(5.0), np.arange(5.0) ** 3) == pytest.approx(1)


def test_a_pin_at_the_latents_own_activation_changes_nothing(
    model: OneLayerTransformer, sae: SAE
) -> None:
    prompt = torch.tensor([[1, 2, 3, 4]])
    acts = sae.encode(model.mlp_acts(prompt)).detach()[0, -1]
    latent = int((acts > 0).nonzero()[0])
    pin = Pin(latent, float(acts[latent]))
    free, held = (
        continuations(model, sae, prompt, pin=each, n_new=1, seed=0) for each in (None, pin)
    )
    assert free.tolist() == held.tolist()


def test_a_pin_that_raises_one_token_writes_that_token(
    model: OneLayerTransformer, sae: SAE
) -> None:
    logits = (sae.W_dec @ model.W_out).detach() @ model.W_U.detach()
    latent = 5
    written = continuations(
        model, sae, torch.tensor([[1, 2]]), pin=Pin(latent, 1e4), n_new=5, seed=0
    )
    direction = (sae.W_dec[latent] @ model.W_out).detach()[None]
    expected = model.head(model.ln_out(1e4 * direction)).detach()
    likely = expected.softmax(-1)[0, written[0]]
    assert logits.shape[0] > latent
    assert float(likely.prod()) > 1e-3


def test_samples_are_the_same_for_the_same_seed(model: OneLayerTransformer, sae: SAE) -> None:
    prompts = torch.tensor([[1, 2], [3, 4]])
    first, second = (
        continuations(model, sae, prompts, pin=None, n_new=4, seed=7).tolist() for _ in range(2)
    )
    assert first == second


def test_prompts_that_leave_no_room_are_refused(model: OneLayerTransformer, sae: SAE) -> None:
    with pytest.raises(ValueError, match="6 \\+ n_new=3 tokens exceed n_ctx=8"):
        continuations(model, sae, torch.ones(1, 6, dtype=torch.long), pin=None, n_new=3, seed=0)


def test_a_continuation_counts_if_half_of_it_belongs() -> None:
    belongs = np.array([False, True, True, False])
    held = np.array([[1, 2], [1, 0], [0, 0], [2, 2]])
    free = np.array([[0, 3], [3, 0], [0, 0], [2, 2]])
    found = compare(held, free, belongs)
    assert (found.n, found.pinned, found.free) == (4, 3, 1)
    assert found.pinned_tokens == pytest.approx(5 / 8)
    assert found.p_value == pytest.approx(17 / 70)


def test_forty_of_forty_against_none_is_far_beyond_chance() -> None:
    ones = np.ones((40, 4), dtype=np.int64)
    found = compare(ones, 0 * ones, np.array([False, True]))
    assert found.p_value < 1e-20
    assert compare(ones, ones, np.array([False, True])).p_value == pytest.approx(1)


def test_without_prompts_there_is_no_p_value() -> None:
    none = np.ones((0, 4), dtype=np.int64)
    assert np.isnan(compare(none, none, np.array([False, True])).p_value)


def test_shares_by_interval_sum_to_one_and_weigh_strength() -> None:
    activation, effect = np.array([0.5, 0.6, 10.9]), np.array([0.1, -0.1, -0.8])
    found = interval_shares(activation, effect, largest=11.0)
    assert found["count"].tolist() == pytest.approx([2 / 3] + [0] * 9 + [1 / 3])
    assert found["mass"].tolist()[10] == pytest.approx(10.9 / 12)
    assert found["effect"].tolist() == pytest.approx([0.2] + [0] * 9 + [0.8])


def test_every_table_has_the_columns_of_the_schema(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
) -> None:
    for name, table in intervened(model, sae, stream)._asdict().items():
        assert list(table.columns) == list(schema()[f"causal/{name}.parquet"]), name


def test_proxies_are_left_out_and_planted_contexts_have_samples(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
) -> None:
    found = intervened(model, sae, stream)
    assert found.ablation["concept"].tolist() == [0, 2]
    assert set(found.samples["concept"]) == {2}
    assert min(found.samples["prompt"].tolist()) == causal.PAPERS
    assert all(len(written) == CONFIG.n_new for written in found.samples["written"])
    assert max(found.pinning["n"].tolist()) <= CONFIG.n_prompts
    again = intervened(model, sae, stream)
    pd.testing.assert_frame_equal(found.ablation, again.ablation)
    assert found.samples["written"].tolist() == again.samples["written"].tolist()


def test_effects_are_measured_on_active_tokens_inside_and_outside(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
) -> None:
    row = intervened(model, sae, stream).ablation.iloc[0]
    assert 0 < row["n_on"] <= CONFIG.n_cases
    assert 0 < row["n_off"] <= CONFIG.n_cases
    assert row["low_off"] <= row["effect_off"] <= row["high_off"]
    assert row["logit_agreement"] > 0
