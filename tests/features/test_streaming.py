"""Windows of held-out text."""

import pytest
import torch

from superposition.features.streaming import latent_batches, sample_windows
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE


def test_windows_are_pieces_of_the_stream_and_share_no_read_token(stream: TokenStream):
    windows = sample_windows(stream, n_ctx=8, n_tokens=160, seed=0)
    assert windows.tokens.shape == (20, 9)
    assert torch.equal(windows.tokens[:, :-1], stream.tokens[windows.position].long())
    assert torch.equal(windows.tokens[:, -1], stream.tokens[windows.position[:, -1] + 1].long())
    assert len(windows.position.unique()) == 160


def test_fewer_windows_are_some_of_the_same_and_all_are_all(stream: TokenStream):
    few, many = (sample_windows(stream, n_ctx=8, n_tokens=n, seed=3) for n in (80, 10**6))
    assert set(few.position[:, 0].tolist()) <= set(many.position[:, 0].tolist())
    assert many.position.flatten().tolist() == list(range(240))


def test_windows_are_spread_over_the_whole_stream(stream: TokenStream):
    starts = [
        sample_windows(stream, n_ctx=8, n_tokens=80, seed=seed).position[:, 0].double().mean()
        for seed in range(50)
    ]
    assert torch.stack(starts).mean().item() == pytest.approx(116, abs=10)


def test_batches_put_together_are_the_activations_of_all_windows(
    model: OneLayerTransformer, sae: SAE, stream: TokenStream
):
    windows = sample_windows(stream, n_ctx=8, n_tokens=80, seed=0)
    batches = list(
        latent_batches(model, sae, windows, batch_size=3, dtype=torch.float32, description="test")
    )
    assert [len(batch.tokens) for batch in batches] == [3, 3, 3, 1]
    acts = torch.cat([batch.codes.dense() for batch in batches])
    expected = sae.encode(model.mlp_acts(windows.tokens[:, :-1]))
    torch.testing.assert_close(acts, expected.flatten(0, 1))
    next_token = torch.cat([batch.next_token for batch in batches])
    assert torch.equal(next_token, windows.tokens[:, 1:])
