"""A tiny transformer with random weights, a tiny stream, and autoencoders with known answers."""

import pandas as pd
import pytest
import torch

from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer, TransformerConfig
from superposition.saes import l1
from superposition.saes.base import TrainingConfig

D_MLP, D_VOCAB, N_CTX, N_TOKENS = 12, 30, 8, 245


@pytest.fixture(scope="session")
def model() -> OneLayerTransformer:
    config = TransformerConfig(
        d_model=6,
        d_mlp=D_MLP,
        n_heads=2,
        d_head=3,
        n_ctx=N_CTX,
        seed=0,
        held_out_tokens=1,
        made_from="transformer/trained",
    )
    model = OneLayerTransformer(config, d_vocab=D_VOCAB)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return model


@pytest.fixture(scope="session")
def stream() -> TokenStream:
    generator = torch.Generator().manual_seed(1)
    start = torch.tensor([*range(0, N_TOKENS, 25), N_TOKENS])
    tokens = torch.randint(1, D_VOCAB, (N_TOKENS,), generator=generator, dtype=torch.int32)
    tokens[start[:-1]] = 0
    document = torch.randperm(len(start) - 1, generator=generator).int()
    return TokenStream(tokens=tokens, document=document, start=start)


@pytest.fixture(scope="session")
def documents(stream: TokenStream) -> pd.DataFrame:
    kinds = ["package", "dna", "base64", "hexadecimal"]
    n = len(stream.document)
    return pd.DataFrame({"document": range(n), "kind": [kinds[i % 4] for i in range(n)]})


@pytest.fixture
def sae() -> l1.SAE:
    """Latents +-1 times each neuron: it reconstructs exactly, and half of its latents are dead."""
    training = TrainingConfig(
        n_steps=1,
        batch_size=1,
        lr=None,
        beta2=0.999,
        warm_up=0.0,
        decay=0.0,
        gradient_clip=None,
        dead_window=1,
        log_every=1,
    )
    config = l1.Config(
        arch="l1",
        activations="one",
        d_sae=2 * D_MLP,
        seed=0,
        training=training,
        resampling=None,
        l1_coefficient=0.0,
    )
    sae = l1.SAE(config, d_in=D_MLP)
    with torch.no_grad():
        sae.W_dec.copy_(torch.cat([torch.eye(D_MLP), -torch.eye(D_MLP)]))
        sae.W_enc.copy_(sae.W_dec.mT)
    return sae
