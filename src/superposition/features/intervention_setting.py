"""What interventions on single latents have to work with, computed once for all of them."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from scipy import sparse
from torch import Tensor

from superposition.features import encoded
from superposition.features.ablation import Reading
from superposition.features.logit_effects import model_readout
from superposition.features.recording import LabelledText
from superposition.features.residuals import residuals_on
from superposition.features.streaming import Windows
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE


@dataclass(frozen=True, kw_only=True)
class CausalConfig:
    """On which latents to intervene; the row of `contexts` of the same name has chosen them."""

    sae: str
    """Row of their autoencoder, the same as there."""
    activations: str
    """Row of the activations it was trained on, and so its transformer."""
    n_tokens: int
    """Held-out tokens, both halves together, rounded down to whole windows."""
    batch_size: int
    """Windows at a time. Only memory depends on it."""
    n_cases: int
    """Tokens on which a latent is taken away: at most so many inside its concept, outside it, and
    for each latent drawn at random."""
    n_random: int
    """Latents drawn at random for the effects by interval of activation."""
    n_prompts: int
    """Prompts of each concept that are continued while its latent is held."""
    prompt_tokens: int
    """Their length."""
    n_new: int
    """Tokens sampled after each."""
    seed: int
    """Draws windows, cases, latents and samples."""

    def __post_init__(self) -> None:
        for name in ("n_tokens", "batch_size", "n_cases", "n_prompts", "prompt_tokens", "n_new"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")


class Setting(NamedTuple):
    """What all interventions share."""

    model: OneLayerTransformer
    sae: SAE
    windows: Windows
    text: LabelledText
    acts: sparse.csr_matrix
    """Activations of all latents on the tokens that are reported."""
    reading: Reading
    """The same tokens."""
    weights: Float[Tensor, "d_mlp d_vocab"]
    """Change of every logit per unit of every neuron."""
    config: CausalConfig


@torch.no_grad()
def prepare(
    model: OneLayerTransformer,
    sae: SAE,
    windows: Windows,
    text: LabelledText,
    *,
    config: CausalConfig,
    dtype: torch.dtype,
) -> Setting:
    """Latents, residual stream and readout on the `windows`; only reported tokens are kept."""
    size, rows = config.batch_size, text.half(reported=True)
    (acts,) = encoded.encode(
        model, [sae], windows, batch_size=size, dtype=dtype, description="latents"
    )
    residual = residuals_on(model, windows, batch_size=size)[torch.from_numpy(rows)]
    following = torch.from_numpy(text.next_token[rows]).to(residual.device)
    reading = Reading(residual, following, text.window[rows])
    R = model_readout(model, windows, batch_size=size)
    return Setting(model, sae, windows, text, acts[rows], reading, R, config)
