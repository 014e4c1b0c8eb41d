"""A look at single latents: when they fire, what they do to the logits, which neurons they use."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Int
from torch import Tensor

from superposition.features.examples import ExamplesConfig, collect_examples, top_tokens
from superposition.features.logit_effects import (
    largest_effects,
    logit_effects,
    model_readout,
    top_logits,
)
from superposition.features.neurons import top_neurons
from superposition.features.selection import (
    PlantedCounts,
    SelectionConfig,
    select_latents,
    token_kinds,
)
from superposition.features.statistics import LatentCounts
from superposition.features.streaming import (
    LatentBatch,
    active,
    latent_batches,
    sample_windows,
)
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE


@dataclass(frozen=True, kw_only=True)
class FeaturesConfig:
    """Which latents of an autoencoder are looked at, and how much of each is kept."""

    autoencoders: dict[str, str]
    """Rows of `sae` whose latents are looked at, each with its row of `activations`."""
    n_tokens: int
    """Held-out tokens searched, rounded down to whole windows; all of them if there are fewer."""
    batch_size: int
    """Windows at a time. Only memory depends on it: about 40 kB a token at 4,096 latents."""
    seed: int
    """Draws the windows."""
    selection: SelectionConfig
    """Which latents."""
    examples: ExamplesConfig
    """Which examples of each."""
    n_logits: int
    """Tokens listed that a latent promotes, and as many that it suppresses."""
    n_neurons: int
    """Neurons listed of a latent's direction."""

    def __post_init__(self) -> None:
        for name in ("n_tokens", "batch_size", "n_logits", "n_neurons"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")


class Exploration(NamedTuple):
    """What was found about some latents, one frame features/<name>.parquet each."""

    latents: pd.DataFrame
    """The latents, and why they were chosen."""
    examples: pd.DataFrame
    """Contexts over the whole range of their activations."""
    logits: pd.DataFrame
    """The tokens they promote and suppress."""
    neurons: pd.DataFrame
    """The neurons with the largest coefficients in their directions."""


@torch.no_grad()
def explore(
    model: OneLayerTransformer,
    sae: SAE,
    stream: TokenStream,
    documents: pd.DataFrame,
    *,
    config: FeaturesConfig,
    dtype: torch.dtype,
) -> Exploration:
    """Some latents of `sae`, chosen by rule, on windows of the held-out `stream`.

    `documents` tells the kind of each document of the stream: columns document and kind.
    `dtype` is the format of the encoder's inputs; see `latent_batches`.
    """
    n_ctx, size = model.config.n_ctx, config.batch_size
    windows = sample_windows(stream, n_ctx=n_ctx, n_tokens=config.n_tokens, seed=config.seed)
    R = model_readout(model, windows, batch_size=size)
    kind = token_kinds(stream, documents)
    counts, planted = count(
        latent_batches(model, sae, windows, batch_size=size, dtype=dtype, description="counting"),
        d_sae=len(sae.W_dec),
        kind=kind.to(model.device),
    )
    chosen = select_latents(
        counts, planted, largest_effect=largest_effects(sae.W_dec, R), config=config.selection
    )
    latents = chosen["latent"].tolist()
    examples = collect_examples(
        latent_batches(model, sae, windows, batch_size=size, dtype=dtype, description="examples"),
        latents,
        max_activation=counts.maximum,
        stream=stream,
        config=config.examples,
    )
    return Exploration(
        latents=_with_top_tokens(chosen, examples),
        examples=examples,
        logits=top_logits(logit_effects(sae.W_dec[latents], R), latents, n=config.n_logits),
        neurons=top_neurons(sae.W_dec, latents, n=config.n_neurons),
    )


def count(
    batches: Iterable[LatentBatch], *, d_sae: int, kind: Int[Tensor, " n"]
) -> tuple[LatentCounts, PlantedCounts]:
    """What every latent does in the batches, and how often inside each planted context.

    `kind` labels every position of the stream, as `token_kinds` does.
    """
    counts = LatentCounts.empty(d_sae, device=kind.device)
    planted = PlantedCounts.empty(d_sae, device=kind.device)
    for batch in batches:
        found = active(batch.codes)
        counts.add_(found, n=batch.tokens.numel())
        planted.add_(found, kind=kind[batch.position.flatten()])
    return counts, planted


def _with_top_tokens(chosen: pd.DataFrame, examples: pd.DataFrame) -> pd.DataFrame:
    table = chosen.merge(top_tokens(examples), on="latent", how="left", validate="one_to_one")
    columns = ["latent", "reason", "top_token", "top_token_share"]
    columns += ["planted_kind", "planted_precision", "planted_recall"]
    return table.filter(columns)
