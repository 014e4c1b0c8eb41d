"""Exploring an autoencoder whose latents are known: the neurons, and dead ones."""

from dataclasses import replace

import pandas as pd
import pytest
import torch

from superposition.core.params import Params
from superposition.core.store import schema
from superposition.features.examples import ExamplesConfig
from superposition.features.exploration import Exploration, FeaturesConfig, explore
from superposition.features.selection import SelectionConfig
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE

CONFIG = FeaturesConfig(
    autoencoders={"l1": "main"},
    n_tokens=10_000,
    batch_size=7,
    seed=0,
    selection=SelectionConfig(n_latents=9, n_per_planted_kind=1, n_by_effect=2, seed=0),
    examples=ExamplesConfig(
        n_top=4, n_intervals=3, n_per_interval=2, context_before=4, context_after=2, seed=0
    ),
    n_logits=5,
    n_neurons=3,
)


@pytest.fixture
def found(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream, documents: pd.DataFrame
) -> Exploration:
    return explore(model, sae, stream, documents, config=CONFIG, dtype=torch.float32)


def test_every_frame_is_as_the_schema_says_and_about_the_chosen_latents(found: Exploration):
    chosen = found.latents["latent"].tolist()
    assert len(chosen) == 9
    for name, frame in found._asdict().items():
        assert list(frame.columns) == list(schema()[f"features/{name}.parquet"])
        assert frame["latent"].drop_duplicates().tolist() == chosen, name


def test_examples_show_the_activations_that_the_model_gives(
    found: Exploration, model: OneLayerTransformer, stream: TokenStream
):
    example = found.examples.to_dict("records")[0]
    first = example["position"] // 8 * 8
    acts = model.mlp_acts(stream.tokens[None, first : first + 8])[0, :, example["latent"]]
    assert acts[example["position"] - first].item() == pytest.approx(example["activation"])
    index = torch.searchsorted(stream.start, example["position"], right=True) - 1
    assert example["document"] == stream.document[index]


def test_a_latent_that_is_a_neuron_has_that_neuron_alone(found: Exploration):
    best = found.neurons[found.neurons["rank"] == 0]
    assert best["neuron"].tolist() == best["latent"].tolist()
    assert best["share"].tolist() == [1.0] * 9


def test_the_batch_size_changes_nothing(
    found: Exploration,
    model: OneLayerTransformer,
    sae: SAE,
    stream: TokenStream,
    documents: pd.DataFrame,
):
    again = explore(
        model, sae, stream, documents, config=replace(CONFIG, batch_size=50), dtype=torch.float32
    )
    for one, other in zip(found, again, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_a_collapsed_autoencoder_gives_empty_frames(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream, documents: pd.DataFrame
):
    with torch.no_grad():
        sae.b_enc.fill_(-1e9)
    for name, frame in (
        explore(model, sae, stream, documents, config=CONFIG, dtype=torch.float32)._asdict().items()
    ):
        assert frame.empty
        assert list(frame.columns) == list(schema()[f"features/{name}.parquet"])


def test_a_wrong_value_in_a_nested_section_is_named():
    row = {"n_tokens": 1, "batch_size": 1, "seed": 0, "n_logits": 1, "n_neurons": 1}
    selection = {"n_latents": 1, "n_per_planted_kind": 0, "n_by_effect": 0, "seed": 0}
    examples = {"n_top": 1, "n_intervals": 0, "n_per_interval": 1}
    examples |= {"context_before": 0, "context_after": 0}
    row |= {"selection": selection, "examples": examples | {"seed": 0}}
    params = Params(tree={"features": row}, origin="params.yaml")
    with pytest.raises(ValueError, match=r"n_intervals=0 is below 1 .*features\.examples"):
        params.load(FeaturesConfig, "features")
