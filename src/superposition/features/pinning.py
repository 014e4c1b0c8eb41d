"""What the language model writes while a latent is held at its largest activation."""

from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import stats
from torch import Tensor

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
    replace = None if pin is None else partial(_hold, sae=sae, pin=pin)
    for _ in range(n_new):
        last = model.last_residual(tokens, replace)[:, -1]
        chances = model.head(last).softmax(dim=-1).cpu()
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
    p_value = float(np.asarray(stats.fisher_exact(table, alternative="greater"))[1])
    shares = [float(each.mean()) for each in inside]
    return Pinned(n, hits[0], hits[1], shares[0], shares[1], p_value)


def _hold(
    acts: Float[Tensor, "prompt seq d_mlp"], *, sae: SAE, pin: Pin
) -> Float[Tensor, "prompt seq d_mlp"]:
    """The activations with the latent held on the last token of each prompt."""
    x = acts[:, -1]
    missing = pin.activation - sae.codes(x).dense()[:, pin.latent]
    return torch.cat([acts[:, :-1], (x + missing[:, None] * sae.W_dec[pin.latent])[:, None]], dim=1)
