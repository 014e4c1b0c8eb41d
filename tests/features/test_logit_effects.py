"""Logit effects against what a tiny model really does when the LayerNorm's scale is frozen."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from superposition.core.store import schema
from superposition.features.logit_effects import (
    largest_effects,
    logit_effects,
    model_readout,
    readout,
    top_logits,
)
from superposition.features.streaming import sample_windows
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer


class Weights(NamedTuple):
    """The last layers of a model, and the residual stream under them."""

    W_dec: Tensor
    W_out: Tensor
    W_U: Tensor
    ln_weight: Tensor
    ln_bias: Tensor
    residual: Tensor


def weights(*, seed: int = 0) -> Weights:
    generator = torch.Generator().manual_seed(seed)
    shapes = (7, 5), (5, 6), (6, 11), (6,), (6,), (20, 6)
    return Weights(*(torch.randn(*shape, generator=generator).double() for shape in shapes))


def logits(w: Weights, mlp_acts: Tensor, *, scale: Tensor) -> Tensor:
    """LayerNorm with the given scale, then the unembedding; log-probabilities up to a constant."""
    residual = w.residual + mlp_acts @ w.W_out
    normalised = (residual - residual.mean(dim=-1, keepdim=True)) / scale
    return (normalised * w.ln_weight + w.ln_bias) @ w.W_U


def scales(w: Weights, mlp_acts: Tensor) -> Tensor:
    return (w.residual + mlp_acts @ w.W_out).std(dim=-1, correction=0, keepdim=True)


def effects_of(w: Weights, *, inverse_scale: float) -> Tensor:
    R = readout(w.W_out, w.W_U, ln_weight=w.ln_weight, inverse_scale=inverse_scale)
    return logit_effects(w.W_dec, R)


def test_effects_are_the_finite_differences_averaged_over_tokens_with_the_scale_frozen():
    w = weights()
    acts = torch.zeros(20, 5).double()
    scale = scales(w, acts)
    before = logits(w, acts, scale=scale)
    changes = torch.stack(
        [(logits(w, acts + 0.1 * row, scale=scale) - before).mean(dim=0) / 0.1 for row in w.W_dec]
    )
    expected = changes - changes.mean(dim=1, keepdim=True)
    effects = effects_of(w, inverse_scale=(1 / scale).mean().item())
    torch.testing.assert_close(effects.double(), expected, rtol=1e-4, atol=1e-5)


def test_differences_of_effects_are_differences_of_log_probabilities():
    w, acts = weights(seed=1), torch.zeros(20, 5).double()
    scale = scales(w, acts)
    before, after = (
        logits(w, a, scale=scale).log_softmax(dim=-1) for a in (acts, acts + w.W_dec[2])
    )
    change = (after - before).mean(dim=0)
    effect = effects_of(w, inverse_scale=(1 / scale).mean().item())[2].double()
    torch.testing.assert_close(effect - effect[0], change - change[0], rtol=1e-4, atol=1e-5)


def test_what_the_layernorm_and_the_softmax_ignore_changes_nothing():
    w = weights(seed=2)
    shift = torch.arange(6.0).unsqueeze(1)
    moved = w._replace(W_out=w.W_out + shift[:5], W_U=w.W_U + shift)
    torch.testing.assert_close(
        effects_of(moved, inverse_scale=1.0), effects_of(w, inverse_scale=1.0), rtol=1e-4, atol=1e-4
    )
    assert effects_of(w, inverse_scale=1.0).mean(dim=1).abs().max() < 1e-5


def test_the_readout_of_a_model_is_the_mean_jacobian_with_every_scale_frozen(
    model: OneLayerTransformer, stream: TokenStream
):
    windows = sample_windows(stream, n_ctx=8, n_tokens=160, seed=0)
    tokens = windows.tokens[:, :-1]
    acts, before = model.mlp_acts(tokens), model(tokens)
    scale = residual_scale(model, tokens)
    R = model_readout(model, windows, batch_size=3)
    for neuron in (0, 7):
        nudged = acts.clone()
        nudged[..., neuron] += 1e-2
        # The model's own scale moves too: undo it, as only the linear path is meant.
        moved = residual_scale(model, tokens, acts=nudged)
        linear = (model(tokens, lambda _, a=nudged: a) - bias(model)) * moved / scale
        change = ((linear - (before - bias(model))) / 1e-2).mean(dim=(0, 1))
        torch.testing.assert_close(R[neuron], change - change.mean(), rtol=5e-3, atol=5e-4)


def residual_scale(
    model: OneLayerTransformer, tokens: Tensor, *, acts: Tensor | None = None
) -> Tensor:
    """The final LayerNorm's scale, read off its input."""
    seen = []
    hook = model.ln_out.register_forward_hook(lambda _, inputs, output: seen.append(inputs[0]))
    model.last_residual(tokens, None if acts is None else lambda _: acts)
    hook.remove()
    return (seen[0].var(dim=-1, correction=0, keepdim=True) + model.ln_out.eps).sqrt()


def bias(model: OneLayerTransformer) -> Tensor:
    return model.ln_out.bias @ model.W_U


def test_largest_effects_do_not_depend_on_the_chunks():
    generator = torch.Generator().manual_seed(0)
    W_dec, R = (torch.randn(shape, generator=generator) for shape in ((9, 5), (5, 20)))
    expected = (W_dec @ R).amax(dim=1)
    torch.testing.assert_close(largest_effects(W_dec, R, chunk=2), expected)


def test_top_logits_lists_the_strongest_first_in_both_directions():
    frame = top_logits(torch.tensor([[0.5, -2.0, 3.0, 1.0]]), [42], n=2)
    assert list(frame.columns) == list(schema()["features/logits.parquet"])
    assert frame.values.tolist() == [
        [42, "up", 0, 2, 3.0],
        [42, "up", 1, 3, 1.0],
        [42, "down", 0, 1, -2.0],
        [42, "down", 1, 0, 0.5],
    ]


def test_more_logits_than_there_are_tokens_is_refused():
    with pytest.raises(ValueError, match="n_logits=5 is outside 1 to d_vocab=4"):
        top_logits(torch.zeros(1, 4), [0], n=5)
