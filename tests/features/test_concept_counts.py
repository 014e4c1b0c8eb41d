"""Counting units with concepts: against a naive loop, and the same by either way."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from tests.features.conftest import D_MLP, D_VOCAB, N_CTX, N_TOKENS

from superposition.features import dense_counts, sparse_counts
from superposition.features.concept_counts import KEPT, Counts, Text, thresholds
from superposition.features.neurons import Neurons
from superposition.features.streaming import Dictionary, latent_batches, sample_windows
from superposition.language.concepts.labels import halves
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes import l1

N_CONCEPTS = 5
WAYS = (sparse_counts.count, dense_counts.count)


@pytest.fixture
def text(stream: TokenStream) -> Text:
    generator = np.random.default_rng(0)
    labels = generator.random((N_TOKENS, N_CONCEPTS)) < 0.3
    return Text(
        token=stream.tokens.numpy(),
        first_half=halves(stream).numpy(),
        labels=csr_array(labels.astype(np.float32)),
    )


def counted(
    way,
    model: OneLayerTransformer,
    dictionary: Dictionary,
    stream: TokenStream,
    text: Text,
    *,
    n_units: int,
    **more: int,
) -> Counts:
    windows = sample_windows(stream, n_ctx=N_CTX, n_tokens=160, seed=0)
    batches = latent_batches(
        model, dictionary, windows, batch_size=3, dtype=torch.float32, description="test"
    )
    positions = windows.position.flatten().numpy()
    return way(batches, text, positions=positions, n_units=n_units, d_vocab=D_VOCAB, **more)


def activations(
    model: OneLayerTransformer, dictionary: Dictionary, stream: TokenStream
) -> tuple[np.ndarray, np.ndarray]:
    """Positions read and activations there, without batches."""
    windows = sample_windows(stream, n_ctx=N_CTX, n_tokens=160, seed=0)
    with torch.no_grad():
        x = model.mlp_acts(windows.tokens[:, :-1]).flatten(0, 1)
        return windows.position.flatten().numpy(), dictionary.codes(x).dense().numpy()


@pytest.mark.parametrize("way", WAYS)
def test_counts_are_those_of_a_naive_loop(way, model, stream, sae, text):
    counts = counted(way, model, sae, stream, text, n_units=2 * D_MLP)
    positions, acts = activations(model, sae, stream)
    labels = text.labels.toarray()[positions] > 0
    for half in (0, 1):
        mine = text.first_half[positions] == (half == 0)
        assert counts.n[half] == mine.sum()
        assert counts.positives[half].tolist() == labels[mine].sum(axis=0).tolist()
        for unit in range(2 * D_MLP):
            for index, cut in enumerate(counts.thresholds[unit]):
                above = mine & (acts[:, unit] > cut)
                assert counts.active[half, unit, index] == above.sum()
                assert counts.both[half, unit, index].tolist() == labels[above].sum(axis=0).tolist()


@pytest.mark.parametrize("way", WAYS)
def test_thresholds_keep_their_shares_of_the_first_half(way, model, stream, sae, text):
    counts = counted(way, model, sae, stream, text, n_units=2 * D_MLP)
    n = counts.active[0, :, :1]
    expected = np.ceil(n * np.array(KEPT) - 1e-9).clip(min=np.minimum(n, 1))
    assert (counts.thresholds[:, 0] == 0).all()
    assert np.abs(counts.active[0] - expected).max() <= 1  # equal activations stay together


def test_both_ways_agree_in_every_number(model, stream, text):
    found = [counted(way, model, Neurons(), stream, text, n_units=D_MLP) for way in WAYS]
    for sparse, dense in zip(*found, strict=True):
        np.testing.assert_allclose(sparse, dense, rtol=1e-5)


def test_small_buffers_change_nothing_but_where_thresholds_come_from(model, stream, sae, text):
    whole = counted(sparse_counts.count, model, sae, stream, text, n_units=2 * D_MLP)
    parts = counted(
        sparse_counts.count, model, sae, stream, text, n_units=2 * D_MLP, max_entries=50
    )
    assert (parts.active[:, :, 0] == whole.active[:, :, 0]).all()
    assert (parts.both[:, :, 0] == whole.both[:, :, 0]).all()
    assert (parts.top_token == whole.top_token).all()


@pytest.mark.parametrize("way", WAYS)
def test_a_unit_of_one_token_has_all_its_activation_there(way, model, stream, sae, text):
    counts = counted(way, model, sae, stream, text, n_units=2 * D_MLP)
    positions, acts = activations(model, sae, stream)
    first, token = text.first_half[positions], text.token[positions]
    for unit in range(2 * D_MLP):
        mass = np.bincount(token[first], weights=acts[first, unit], minlength=D_VOCAB)
        assert counts.top_token[unit] == mass.argmax()
        rest = acts[~first, unit]
        share = rest[token[~first] == mass.argmax()].sum() / max(rest.sum(), 1e-9)
        assert counts.single_token_share[unit] == pytest.approx(share, rel=1e-5)


def test_a_dead_unit_has_no_counts_and_thresholds_of_zero(model, stream, sae: l1.SAE, text):
    with torch.no_grad():
        sae.b_enc[3] = -1e6
    counts = counted(sparse_counts.count, model, sae, stream, text, n_units=2 * D_MLP)
    assert counts.active[:, 3].sum() == counts.both[:, 3].sum() == 0
    assert (counts.thresholds[3] == 0).all()
    assert counts.single_token_share[3] == 0


def test_thresholds_of_a_hand_made_unit():
    values = np.arange(1, 11, dtype=np.float32)  # ten activations: deciles are between them
    acts = csr_array(values[None])
    found = thresholds(acts, np.ones(10, dtype=bool))[0]
    assert found[:10].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert found[10:].tolist() == [9] * 6
