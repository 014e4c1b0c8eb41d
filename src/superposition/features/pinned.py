"""Text sampled with a latent pinned for a few tokens and then let go: does it keep itself going?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from scipy import sparse
from torch import Tensor

from superposition.features.streaming import Windows, active
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE

ARMS = {"pinned": True, "free": False}
"""With the latent held at its maximum for a while, and never."""


@dataclass(frozen=True, kw_only=True)
class SamplingConfig:
    """How much text is sampled, and how."""

    n_prompts: int
    """Prompts per latent, the same with and without pinning."""
    prompt_tokens: int
    """Tokens of each prompt, from text without the contexts."""
    pinned_tokens: int
    """Tokens sampled while the latent is held at its largest activation."""
    released_tokens: int
    """Tokens sampled afterwards by the model as it is; only these are counted."""
    seed: int
    """Of the samples."""

    def __post_init__(self) -> None:
        for name in ("n_prompts", "prompt_tokens", "pinned_tokens", "released_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")


def prompts(
    windows: Windows, labels: sparse.csr_matrix, config: SamplingConfig
) -> Int[Tensor, "prompt seq"]:
    """The first tokens of the first windows that hold none of the contexts there."""
    n_windows, n_ctx = windows.position.shape
    needed = config.prompt_tokens + config.pinned_tokens + config.released_tokens
    if needed > n_ctx:
        raise ValueError(f"a prompt and what is sampled are {needed} tokens; n_ctx={n_ctx}")
    inside = np.diff(labels.indptr).reshape(n_windows, n_ctx)[:, : config.prompt_tokens]
    free = np.flatnonzero(inside.sum(axis=1) == 0)[: config.n_prompts]
    return windows.tokens[torch.from_numpy(free), : config.prompt_tokens]


@torch.no_grad()
def sample_pinned(
    model: OneLayerTransformer,
    sae: SAE,
    prompts: Int[Tensor, "prompt seq"],
    latents: Mapping[str, int],
    strongest: Float[np.ndarray, " d_sae"],
    *,
    config: SamplingConfig,
) -> pd.DataFrame:
    """For each context's latent, samples after it was pinned and samples without, prompt by prompt.

    `n_active` counts released tokens on which the latent is active when the model reads the whole
    sample by itself, nothing pinned: what keeps it active is the text alone, and that text was
    written without help. Source: Towards Monosemanticity, pinning of the Arabic feature, and
    finite state automata. Differs: the latent is let go. Frame: automata/samples.parquet.
    """
    found = []
    for context, latent in latents.items():
        for arm, is_pinned in ARMS.items():
            push = float(strongest[latent]) if is_pinned else 0.0
            tokens = _sample(model, sae, prompts, latent, push=push, config=config)
            codes = sae.codes(model.mlp_acts(tokens).flatten(0, 1))
            fired = active(codes)
            on = torch.zeros(tokens.numel(), dtype=torch.bool, device=tokens.device)
            on[fired.inputs[fired.latents == latent]] = True
            released = on.view(tokens.shape)[:, -config.released_tokens :].sum(dim=1)
            for prompt, (ids, count) in enumerate(zip(tokens, released, strict=True)):
                columns = (context, latent, arm, prompt, config.released_tokens, int(count))
                found.append((*columns, ids.cpu().numpy().astype(np.int64)))
    columns = ["context", "latent", "arm", "prompt", "n_tokens", "n_active", "tokens"]
    return pd.DataFrame(found, columns=columns)


def _sample(
    model: OneLayerTransformer,
    sae: SAE,
    prompts: Tensor,
    latent: int,
    *,
    push: float,
    config: SamplingConfig,
) -> Tensor:
    """The prompts, then tokens drawn from the model, the first ones with the latent at `push`."""
    generator = torch.Generator().manual_seed(config.seed)
    tokens = prompts.to(model.device)
    for step in range(config.pinned_tokens + config.released_tokens):
        replace = None
        if push > 0 and step < config.pinned_tokens:
            replace = lambda acts: pin(sae, acts, latent, push)  # noqa: E731
        logits = (model.last_residual(tokens, replace)[:, -1] @ model.W_U).float().cpu()
        drawn = torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)
        tokens = torch.cat([tokens, drawn.to(tokens.device)], dim=1)
    return tokens


def pin(sae: SAE, acts: Tensor, latent: int, value: float) -> Tensor:
    """The activations with the latent's part of them, on the last token, set to `value`."""
    last = acts[:, -1]
    now = sae.codes(last).dense()[:, latent]
    pinned = last + (value - now).unsqueeze(1) * sae.W_dec[latent]
    return torch.cat([acts[:, :-1], pinned.unsqueeze(1)], dim=1)
