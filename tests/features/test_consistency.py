"""Scores of single units: top tokens, predictability, logits."""

import numpy as np
import pandas as pd
import pytest
import torch

from superposition.core.store import schema
from superposition.features.consistency import (
    ConsistencyConfig,
    predictability,
    score,
    single_token,
)
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE


def scored(model: OneLayerTransformer, sae: SAE, stream: TokenStream) -> pd.DataFrame:
    config = ConsistencyConfig(
        sae="one", activations="main", n_tokens=240, batch_size=4, n_units=8, n_cases=20, seed=0
    )
    fitted = torch.arange(len(stream.tokens)) < 125
    return score(model, sae, stream, fitted=fitted, config=config, dtype=torch.float32)


def test_a_unit_on_one_token_alone_has_a_share_of_one_and_a_rare_unit_none() -> None:
    token = np.tile([1, 2, 3, 4], 25)
    acts = np.zeros((100, 3), dtype=np.float32)
    acts[token == 2, 0] = np.linspace(1, 2, 25)
    acts[token < 3, 1] = 1.0
    acts[:5, 2] = 1.0
    found = single_token(acts, token)
    assert found[0] == 1.0
    assert 0.5 <= found[1] < 1.0
    assert np.isnan(found[2])


def test_perfect_guesses_have_a_rank_correlation_of_one_and_constant_ones_of_zero() -> None:
    rng = np.random.default_rng(0)
    acts = (rng.random((300, 3)) * (rng.random((300, 3)) < 0.3)).astype(np.float32)
    guess = acts.copy()
    guess[:, 1] = 0.5
    acts[:, 2] = 0
    found = predictability(acts, guess, n_cases=50, rng=np.random.default_rng(1))
    assert found[0] == pytest.approx(1.0)
    assert found[1] == 0.0
    assert np.isnan(found[2])


def test_an_increasing_function_of_the_guesses_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    acts = (rng.random((300, 1)) * (rng.random((300, 1)) < 0.5)).astype(np.float32)
    guess = (acts + rng.random((300, 1))).astype(np.float32)
    first, second = (
        predictability(acts, each, n_cases=50, rng=np.random.default_rng(3))
        for each in (guess, np.exp(guess))
    )
    np.testing.assert_allclose(first, second)
    assert 0 < first[0] < 1


def test_both_kinds_are_scored_in_the_columns_of_the_schema(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
) -> None:
    table = scored(model, sae, stream)
    assert list(table.columns) == list(schema()["consistency/units.parquet"])
    assert table.groupby("kind").size().to_dict() == {"latent": 8, "neuron": 8}
    assert table["density"].between(0, 1, inclusive="right").all()
    assert table["logit_area"].between(0, 1).all()
    pd.testing.assert_frame_equal(table, scored(model, sae, stream))


def test_latents_that_are_neurons_have_the_neurons_scores(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
) -> None:
    table = scored(model, sae, stream).set_index(["kind", "unit"])
    shared = table.loc["latent"].index.intersection(table.loc["neuron"].index)
    assert len(shared) > 0
    for column in ("density", "top_token_share"):
        ours, theirs = (table.loc[kind, column].loc[shared] for kind in ("latent", "neuron"))
        np.testing.assert_allclose(ours, theirs, rtol=1e-3)


def test_a_setting_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="n_units=0 is below 1"):
        ConsistencyConfig(
            sae="one", n_tokens=1, batch_size=1, n_units=0, n_cases=1, seed=0, activations="main"
        )
