"""What the language model writes while a latent is held at its largest activation."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import stats
from torch import Tensor

from superposition.features.logit_effects import input_of
from superposition.features.residuals import log_probs
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE


class Pin(NamedTuple):
    """A latent and the activation it is held at."""

    latent: int
    activation: float


class Pinned(NamedTuple):
    """How many continuations lie in a concept, with the latent held and as the model is."""

    n: int
    """Prompts, none of which has a token of the concept."""
    pinned: int
    """Continuations in the concept while the latent is held: at least half of their tokens are
    among those that typically follow the concept."""
    free: int
    """The same without holding it."""
    pinned_tokens: float
    """Share of all sampled tokens that are among them, while the latent is held."""
    free_tokens: float
    """The same without."""
    p_value: float
    """Of Fisher's exact test that holding the latent makes no difference, against more."""


@torch.no_grad()
def continuations(
    model: OneLayerTransformer,
    sae: SAE,
    prompts: Int[Tensor, "prompt seq"],
    *,
    pin: Pin | None,
    n_new: int,
    seed: int,
) -> Int[Tensor, "prompt n_new"]:
    """Tokens sampled after each prompt, at temperature 1.

    With a `pin`, the MLP's activations x become x + (a - f_i(x)) d_i before a new token is drawn.
    Earlier tokens need no change: in one layer, nothing later reads their MLP.
    Source: Towards Monosemanticity, Arabic feature, pinning.
    """
    if prompts.shape[1] + n_new > model.config.n_ctx:
        raise ValueError(
            f"{prompts.shape[1]} + n_new={n_new} tokens exceed n_ctx={model.config.n_ctx}"
        )
    generator = torch.Generator().manual_seed(seed)
    tokens = prompts.to(model.device)
    for _ in range(n_new):
        residual = input_of(model, model.ln_out, tokens)[:, -1]
        if pin is not None:
            residual = residual + _added(model, sae, tokens, pin)
        chances = log_probs(model, residual).exp().cpu()
        drawn = torch.multinomial(chances, 1, generator=generator).to(tokens)
        tokens = torch.cat([tokens, drawn], dim=1)
    return tokens[:, prompts.shape[1] :].cpu()


def compare(
    pinned: Int[np.ndarray, "prompt n_new"],
    free: Int[np.ndarray, "prompt n_new"],
    belongs: Bool[np.ndarray, " d_vocab"],
) -> Pinned:
    """Continuations with and without the pin; `belongs` marks the concept's typical next tokens."""
    if not len(pinned):
        return Pinned(0, 0, 0, float("nan"), float("nan"), float("nan"))
    inside = [belongs[tokens] for tokens in (pinned, free)]
    hits = [int((each.mean(axis=1) >= 0.5).sum()) for each in inside]
    n = len(pinned)
    table = [[hits[0], n - hits[0]], [hits[1], n - hits[1]]]
    p_value = float(stats.fisher_exact(table, alternative="greater").pvalue)
    return Pinned(n, *hits, *(float(each.mean()) for each in inside), p_value)


def _added(model: OneLayerTransformer, sae: SAE, tokens: Tensor, pin: Pin) -> Float[Tensor, "p d"]:
    """What holding the latent adds to the residual stream at the last token of each prompt."""
    x = model.mlp_acts(tokens)[:, -1]
    acts = sae.codes(x).dense()[:, pin.latent]
    return (pin.activation - acts)[:, None] * (sae.W_dec[pin.latent] @ model.W_out)
