"""The residual stream just before the final LayerNorm: where a latent's contribution can be taken
away or added exactly, since nothing but the LayerNorm and the unembedding comes after it."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from superposition.features.logit_effects import input_of
from superposition.features.streaming import Windows, window_batches
from superposition.language.transformer import OneLayerTransformer

CASES = 1024
"""Tokens whose logits are computed at a time."""


@torch.no_grad()
def residuals_on(
    model: OneLayerTransformer, windows: Windows, *, batch_size: int
) -> Float[Tensor, "token d_model"]:
    """The residual stream on every token of the windows, on the model's device."""
    parts = [
        input_of(model, model.ln_out, batch.tokens[:, :-1].to(model.device)).flatten(0, 1)
        for batch in window_batches(windows, batch_size=batch_size, description="residual stream")
    ]
    return torch.cat(parts)


@torch.no_grad()
def log_probs(
    model: OneLayerTransformer, residual: Float[Tensor, "case d_model"]
) -> Float[Tensor, "case d_vocab"]:
    """Log-probabilities of the next token, in nats."""
    return model.head(model.ln_out(residual)).log_softmax(dim=-1)


@torch.no_grad()
def changes(
    model: OneLayerTransformer,
    residual: Float[Tensor, "case d_model"],
    removed: Float[Tensor, "case d_model"],
    next_token: Int[Tensor, " case"],
) -> tuple[Float[Tensor, " case"], Float[Tensor, " d_vocab"]]:
    """What taking `removed` away does to the log-probability of the token that follows, in nats,
    and, mean over cases, to that of every token of the vocabulary."""
    effects, total = [], torch.zeros(model.d_vocab, device=residual.device)
    for cases in torch.arange(len(residual), device=residual.device).split(CASES):
        ablated = log_probs(model, residual[cases] - removed[cases])
        change = ablated - log_probs(model, residual[cases])
        total += change.sum(dim=0)
        effects.append(change.gather(1, next_token[cases, None]).squeeze(1))
    n = max(len(residual), 1)
    return torch.cat(effects) if effects else residual.new_zeros(0), total / n
