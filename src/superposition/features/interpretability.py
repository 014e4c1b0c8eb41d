"""What the units of a dictionary mean, measured against concepts that are known for every token.

Are latents more interpretable than neurons, and than the honest controls? Without a human or a
language model as the judge: a unit means a concept as far as its activity can tell the concept.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from superposition import intervals
from superposition.features import concept_tables, dense_counts, sparse_counts
from superposition.features.concept_counts import Counts
from superposition.features.concept_scores import CRITERIA, pairs
from superposition.features.concept_text import text_of
from superposition.features.controls import (
    mean_and_covariance,
    principal_directions,
    random_directions,
)
from superposition.features.neurons import Neurons
from superposition.features.streaming import Dictionary, Windows, latent_batches, sample_windows
from superposition.language.concepts.labels import Labels
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE

COVARIANCE_TOKENS = 65_536
"""Tokens from which the mean and the principal components are taken: 128 for each neuron."""


@dataclass(frozen=True, kw_only=True)
class InterpretabilityConfig:
    """A dictionary and the text on which its units are matched with concepts."""

    dictionary: Literal["sae", "neurons", "pca", "random"]
    """An autoencoder's latents; the neurons themselves; principal components; random directions."""
    reads: str
    """Where the dictionary comes from: `sae/<row>` for latents, else `transformer/<row>`."""
    activations: str
    """The row of activations whose transformer it belongs to."""
    n_tokens: int
    """Held-out tokens, rounded down to whole windows; all of them if there are fewer."""
    n_directions: int | None = None
    """For pca and random: directions, two units each. Half as many as neurons give as many units
    as there are neurons."""
    batch_size: int
    """Windows at a time. Only memory depends on it."""
    seed: int
    """Draws the windows, the random directions, and the units of equal numbers."""

    def __post_init__(self) -> None:
        if min(self.n_tokens, self.batch_size) < 1:
            raise ValueError(f"n_tokens={self.n_tokens}, batch_size={self.batch_size}: below 1")
        if (self.dictionary in ("pca", "random")) != (self.n_directions is not None):
            raise ValueError(
                f"n_directions={self.n_directions} with dictionary={self.dictionary}: pca and "
                "random need it, no other takes it"
            )
        expected = "sae/" if self.dictionary == "sae" else "transformer/"
        if not self.reads.startswith(expected):
            raise ValueError(
                f"reads={self.reads}: dictionary={self.dictionary} reads {expected}..."
            )

    @property
    def sae(self) -> str | None:
        """The row of the autoencoder, if it is one."""
        return self.reads.removeprefix("sae/") if self.dictionary == "sae" else None


class Interpretation(NamedTuple):
    """What was found about one dictionary, frames interpretability/<name>.parquet."""

    units: pd.DataFrame
    """What each unit does."""
    matches: pd.DataFrame
    """The concept that each unit tells best."""
    concepts: pd.DataFrame
    """The unit that tells each concept best."""
    deciles: pd.DataFrame
    """How specific that unit is, by decile of its activation."""
    shares: pd.DataFrame
    """Of units explained and concepts covered."""
    metrics: dict[str, int | float]
    """A few numbers."""

    def tables(self) -> dict[str, pd.DataFrame]:
        """The frames by name."""
        return {name: table for name, table in self._asdict().items() if name != "metrics"}


@torch.no_grad()
def interpret(
    model: OneLayerTransformer,
    sae: SAE | None,
    stream: TokenStream,
    labels: Labels,
    catalogue: pd.DataFrame,
    *,
    config: InterpretabilityConfig,
    dtype: torch.dtype,
) -> Interpretation:
    """How well the units of a dictionary on the MLP of `model` tell the concepts of the catalogue.

    `sae` is the autoencoder where the configuration names one. Only concepts that are `judged`
    count. `dtype` is the format of the dictionary's inputs; see `latent_batches`.
    """
    windows = sample_windows(
        stream, n_ctx=model.config.n_ctx, n_tokens=config.n_tokens, seed=config.seed
    )
    dictionary, n_units = _dictionary(model, sae, windows, config=config)
    concepts = catalogue.loc[catalogue["judged"]].reset_index(drop=True)
    batches = latent_batches(
        model,
        dictionary,
        windows,
        batch_size=config.batch_size,
        dtype=torch.float32 if sae is None else dtype,
        description="matching units with concepts",
    )
    count = dense_counts.count if sae is None else sparse_counts.count
    counts = count(
        batches,
        text_of(stream, labels, concepts),
        positions=windows.position.flatten().numpy(),
        n_units=n_units,
        d_vocab=model.d_vocab,
    )
    return interpretation(counts, concepts, seed=config.seed)


def interpretation(counts: Counts, concepts: pd.DataFrame, *, seed: int) -> Interpretation:
    """Everything that follows from the counts; `concepts` are those counted, in their order."""
    found = pairs(counts)
    units = concept_tables.units(counts)
    matches = concept_tables.matches(counts, found, concepts)
    coverage = concept_tables.coverage(counts, found, concepts, seed=seed)
    shares = concept_tables.shares(units, matches, coverage, seed=seed)
    return Interpretation(
        units=units,
        matches=matches,
        concepts=coverage,
        deciles=concept_tables.deciles(counts, found["mcc"], concepts),
        shares=shares,
        metrics=_metrics(counts, units, matches, shares, seed=seed),
    )


def _dictionary(
    model: OneLayerTransformer,
    sae: SAE | None,
    windows: Windows,
    *,
    config: InterpretabilityConfig,
) -> tuple[Dictionary, int]:
    """The dictionary and its number of units."""
    if sae is not None:
        return sae, len(sae.W_dec)
    if config.n_directions is None:
        return Neurons(), model.config.d_mlp
    n_windows = max(1, COVARIANCE_TOKENS // model.config.n_ctx)
    some = Windows(windows.tokens[:n_windows], windows.position[:n_windows])
    mean, covariance = mean_and_covariance(model, some, batch_size=config.batch_size)
    if config.dictionary == "pca":
        directions = principal_directions(mean, covariance, n=config.n_directions)
    else:
        directions = random_directions(mean, n=config.n_directions, seed=config.seed)
    return directions, 2 * config.n_directions


def _metrics(
    counts: Counts, units: pd.DataFrame, matches: pd.DataFrame, shares: pd.DataFrame, *, seed: int
) -> dict[str, int | float]:
    known = units["judged"].to_numpy(dtype=bool)
    on_one_token = units["single_token_share"].to_numpy(dtype=float)[known] >= 0.5
    judged = matches.loc[matches["unit"].isin(np.flatnonzero(known).tolist())]
    found: dict[str, int | float] = {
        "n_tokens": int(counts.n.sum()),
        "n_units": len(units),
        "n_judged_units": int(known.sum()),
        "n_concepts": counts.positives.shape[1],
        "single_token_units": float(on_one_token.mean()) if known.any() else 0.0,
    }
    for kind in concept_tables.KINDS:
        for by in CRITERIA:
            mine = judged.loc[(judged["among"] == kind) & (judged["chosen_by"] == by), by]
            found |= _mean(f"mean_{by}_{kind}", mine.to_numpy(dtype=float), seed=seed)
    main = shares.loc[shares["level"] == concept_tables.MAIN_LEVEL]
    for of, by, kind, share in zip(
        main["of"], main["chosen_by"], main["among"], main["share"], strict=True
    ):
        found[f"{_NAMES[of]}_{by}_{kind}"] = float(share)
    return found


_NAMES = {
    "units": "explained",
    "concepts": "covered",
    "concepts, equal units": "covered_equal_units",
}


def _mean(name: str, cases: Float[np.ndarray, " unit"], *, seed: int) -> dict[str, float]:
    """The mean over units with its bootstrap interval."""
    if not len(cases):
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), 0.0)
    low, high = intervals.mean(cases, seed=seed)
    return {name: float(cases.mean()), f"{name}_low": low, f"{name}_high": high}
