"""What a latent does to the next token's logits, through the linear path of the last layers.

The one nonlinear step after the MLP is the final LayerNorm. Its centring and its weight are linear;
its scale, the standard deviation of the residual stream, is held at a constant. With it the logits
are linear in the MLP's activations, and a latent's effect is one row of W_dec times a matrix.
"""

from collections.abc import Sequence

import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from superposition.features.streaming import Windows, window_batches
from superposition.language.transformer import OneLayerTransformer


def readout(
    W_out: Float[Tensor, "d_mlp d_model"],
    W_U: Float[Tensor, "d_model d_vocab"],
    *,
    ln_weight: Float[Tensor, " d_model"],
    inverse_scale: float,
) -> Float[Tensor, "d_mlp d_vocab"]:
    """The change of every logit per unit of every neuron, relative to the mean over the vocabulary.

    R = s W_out C diag(w) W_U C', where C and C' take out the mean over d_model and over d_vocab,
    w is the final LayerNorm's weight and s = E[1 / scale] its mean inverse scale. Averaged over
    tokens, this is the exact effect with every token's own scale held fixed.

    Source: Towards Monosemanticity, logit weights of the Arabic feature (d W_down, the linearised
    LayerNorm, W_unembed). Differs: relative to the mean over the vocabulary instead of the median,
    which depends on no token in particular and makes differences those of log-probabilities.
    """
    weights = W_out.detach().float(), W_U.detach().float()
    into_residual = weights[0] - weights[0].mean(dim=1, keepdim=True)
    into_logits = weights[1] - weights[1].mean(dim=1, keepdim=True)
    return inverse_scale * (into_residual * ln_weight.detach().float()) @ into_logits


@torch.no_grad()
def mean_inverse_scale(model: OneLayerTransformer, windows: Windows, *, batch_size: int) -> float:
    """E[1 / scale] of the final LayerNorm over all tokens of the windows.

    scale = sqrt(variance of the residual stream over d_model + epsilon).
    """
    total, n = 0.0, 0
    for batch in window_batches(windows, batch_size=batch_size, description="LayerNorm's scale"):
        residual = input_of(model, model.ln_out, batch.tokens[:, :-1].to(model.device))
        variance = residual.float().var(dim=-1, correction=0)
        total += (variance + model.ln_out.eps).rsqrt().sum(dtype=torch.float64).item()
        n += variance.numel()
    return total / n


def model_readout(
    model: OneLayerTransformer, windows: Windows, *, batch_size: int
) -> Float[Tensor, "d_mlp d_vocab"]:
    """The `readout` of `model`, the LayerNorm's scale taken from the windows."""
    inverse_scale = mean_inverse_scale(model, windows, batch_size=batch_size)
    ln_weight = model.ln_out.weight
    return readout(model.W_out, model.W_U, ln_weight=ln_weight, inverse_scale=inverse_scale)


def input_of(
    model: OneLayerTransformer, module: nn.Module, tokens: Int[Tensor, "batch seq"]
) -> Float[Tensor, "batch seq d_model"]:
    """What `module` is given when `model` reads `tokens`."""
    seen: list[Tensor] = []
    hook = module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    try:
        model.last_residual(tokens)
    finally:
        hook.remove()
    return seen[0]


def logit_effects(
    W_dec: Float[Tensor, "d_sae d_mlp"], R: Float[Tensor, "d_mlp d_vocab"]
) -> Float[Tensor, "d_sae d_vocab"]:
    """The change of every logit per unit of every latent's activation: W_dec R."""
    return W_dec.detach().to(R.dtype) @ R


def largest_effects(
    W_dec: Float[Tensor, "d_sae d_mlp"], R: Float[Tensor, "d_mlp d_vocab"], *, chunk: int = 4096
) -> Float[Tensor, " d_sae"]:
    """Each latent's effect on the logit it raises most; `chunk` latents at a time."""
    return torch.cat([logit_effects(rows, R).amax(dim=1) for rows in W_dec.split(chunk)])


def top_logits(
    effects: Float[Tensor, "latent d_vocab"], latents: Sequence[int], *, n: int
) -> pd.DataFrame:
    """The `n` tokens each of the `latents` promotes most (up) and suppresses most (down).

    Row i of `effects` belongs to `latents[i]`. Rank 0 is the strongest of its sign.
    Frame: features/logits.parquet.
    """
    if not 1 <= n <= effects.shape[1]:
        raise ValueError(f"n_logits={n} is outside 1 to d_vocab={effects.shape[1]}")
    frames = [
        _strongest(effects, latents, n=n, sign=sign, largest=largest)
        for sign, largest in (("up", True), ("down", False))
    ]
    return pd.concat(frames, ignore_index=True)


def _strongest(
    effects: Tensor, latents: Sequence[int], *, n: int, sign: str, largest: bool
) -> pd.DataFrame:
    top = effects.topk(n, dim=1, largest=largest)
    return pd.DataFrame(
        {
            "latent": torch.as_tensor(list(latents)).repeat_interleave(n).numpy(),
            "sign": sign,
            "rank": torch.arange(n).repeat(len(latents)).numpy(),
            "token": top.indices.flatten().cpu().numpy(),
            "effect": top.values.flatten().cpu().numpy(),
        }
    )
