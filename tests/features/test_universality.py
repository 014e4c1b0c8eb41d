"""Matches are found where they were planted, and chance alone does not look like a match."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import sparse

from superposition.core.store import schema
from superposition.features import encoded, matching, streaming, universality
from superposition.features.membership import Contexts
from superposition.features.universality import Side, UniversalityConfig
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer, shuffled
from superposition.saes import l1

CONFIG = UniversalityConfig(
    first="sae/one",
    first_activations="main",
    second="sae/two",
    second_activations="main",
    n_tokens=240,
    batch_size=4,
    min_active=3,
    seed=0,
)


def activations(seed: int, *, n: int = 4_000, d: int = 20) -> sparse.csr_matrix:
    rng = np.random.default_rng(seed)
    dense = rng.random((n, d)) * (rng.random((n, d)) < 0.05)
    return sparse.csr_matrix(dense.astype(np.float32))


def test_units_of_a_permuted_copy_find_themselves() -> None:
    x, order = activations(0), np.random.default_rng(1).permutation(20)
    best, null = matching.matches(x, x[:, order], np.arange(4_000) % 2 == 1, seed=0)
    assert (order[best.match] == np.arange(20)).all()
    np.testing.assert_allclose(best.correlation, 1, atol=1e-6)
    assert np.abs(null.correlation).max() < 0.1


def test_without_anything_in_common_the_in_sample_value_is_above_the_reported_one() -> None:
    late = np.arange(4_000) % 2 == 1
    best, _ = matching.matches(activations(0), activations(1), late, seed=0)
    assert best.in_sample.mean() > 0.02
    assert abs(best.correlation.mean()) < best.in_sample.mean() / 2


def test_a_unit_silent_in_one_half_is_not_compared() -> None:
    x = sparse.csr_matrix(np.array([[1, 0], [1, 1], [1, 0], [1, 1]], dtype=np.float32))
    late = np.array([False, True, False, True])
    assert matching.often_active(x, late, 2).tolist() == [0]


def contexts(stream: TokenStream) -> Contexts:
    rows = (stream.tokens % 3 == 0).numpy()[:, None]
    return Contexts(sparse.csr_matrix(rows.astype(np.float32)), ["third"])


def compared(
    model: OneLayerTransformer,
    sae: l1.SAE,
    stream: TokenStream,
    *,
    other: OneLayerTransformer | None = None,
) -> universality.Comparison:
    config = CONFIG if other is None else replace(CONFIG, second_activations="other")
    return universality.compare(
        Side(model, sae),
        Side(other or model, sae),
        stream,
        contexts(stream),
        config=config,
        dtype=torch.float32,
    )


def test_a_dictionary_compared_with_itself_matches_in_every_respect(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    units = compared(model, sae, stream).units
    assert set(units["kind"]) == {"latent"}
    assert (units["unit"] == units["match"]).all()
    for name in ("correlation", "logit_correlation", "attribution_correlation"):
        np.testing.assert_allclose(units[name].astype(float), 1, atol=1e-4)
    np.testing.assert_allclose(units["decoder_cosine"], 1, atol=1e-5)
    assert (units["null_correlation"] < 0.9).all()


def test_another_model_has_neurons_to_compare_and_no_directions(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    found = compared(model, sae, stream, other=shuffled(model, seed=0))
    units = found.units
    assert set(units["kind"]) == {"latent", "neuron"}
    assert units["decoder_cosine"].isna().all()
    numbers = universality.summary(found, CONFIG)
    assert numbers["mean_best_decoder_cosine"] is None
    assert numbers["neurons_compared"] == (units["kind"] == "neuron").sum()


def test_neurons_are_matched_as_sparse_latents_are(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    """The autoencoder's first latents are the neurons."""
    units = compared(model, sae, stream, other=shuffled(model, seed=0)).units
    latents, neurons = (units[units["kind"] == kind] for kind in ("latent", "neuron"))
    both = latents.merge(neurons, on="unit")
    assert len(both) > 3
    np.testing.assert_allclose(both["correlation_x"], both["correlation_y"], atol=1e-4)
    assert (both["top_token_x"] == both["top_token_y"]).all()


def test_the_best_detector_of_a_context_is_named_with_its_match(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    (row,) = compared(model, sae, stream).contexts.to_dict("records")
    assert row["context"] == "third"
    assert row["latent"] == row["match"]
    assert row["f1"] == pytest.approx(row["match_f1"])


def test_opposite_latents_are_no_neighbours_and_equal_ones_are(sae: l1.SAE) -> None:
    assert universality.neighbours(sae).empty
    with torch.no_grad():
        sae.W_dec[1] = sae.W_dec[0]
    (pair,) = universality.neighbours(sae).to_dict("records")
    assert (pair["latent"], pair["other"]) == (0, 1)
    assert pair["decoder_cosine"] == pytest.approx(1)
    assert pair["encoder_cosine"] == pytest.approx(0)


def test_the_tables_have_the_columns_of_the_schema(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    for name, table in compared(model, sae, stream)._asdict().items():
        assert list(table.columns) == list(schema()[f"universality/{name}.parquet"])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_tokens": 0}, "n_tokens=0"),
        ({"first": "toy/one"}, "allowed: sae/<row>"),
        ({"first": "sweep/widths"}, "sweeps have some"),
        ({"second_point": "512-30-0"}, "sweeps have some"),
    ],
)
def test_rows_that_make_no_sense_are_refused(fields: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(CONFIG, **fields)


def test_encoding_gives_the_autoencoders_own_activations(
    model: OneLayerTransformer, sae: l1.SAE, stream: TokenStream
) -> None:
    windows = streaming.sample_windows(stream, n_ctx=8, n_tokens=80, seed=0)
    (acts,) = encoded.encode(
        model, [sae], windows, batch_size=3, dtype=torch.float32, description="test"
    )
    with torch.no_grad():
        expected = sae.encode(model.mlp_acts(windows.tokens[:, :-1])).flatten(0, 1)
    np.testing.assert_allclose(acts.toarray(), expected.numpy(), atol=1e-5)
    text = encoded.text_of(windows)
    assert (stream.tokens.numpy()[text.position] == text.token).all()
    assert (stream.tokens.numpy()[text.position + 1] == text.next_token).all()


def test_the_top_token_holds_most_of_the_activation() -> None:
    acts = sparse.csr_matrix(np.array([[1, 0], [2, 0], [4, 0]], dtype=np.float32))
    sums = encoded.by_token(acts, np.array([5, 5, 7]), d_vocab=9)
    token, share = encoded.top_token(sums)
    assert token[0] == 7
    assert share.tolist() == pytest.approx([4 / 7, 0])


def test_a_latent_is_single_token_by_its_strongest_activations_alone() -> None:
    dense = np.zeros((25, 3), dtype=np.float32)
    dense[:, 0] = np.arange(25, 0, -1)  # token 1 on its 20 strongest
    dense[:, 1] = np.arange(1, 26)  # others among them
    dense[:10, 2] = 1  # too few
    token = np.array([1] * 20 + [2] * 5)
    found = encoded.is_single_token(sparse.csr_matrix(dense), token)
    assert found.tolist() == [True, False, False]
    assert isinstance(pd.Series(found).sum(), np.integer)
