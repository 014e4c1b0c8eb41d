"""Where a latent fires: examples in context from its whole range of activations.

The top examples alone make every latent look cleaner than it is. Equal-width intervals of (0, max]
with an unbiased sample in each show what it does the rest of the time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from superposition.features.streaming import LatentBatch, active, d_sae_of, documents_of
from superposition.language.tokens import TokenStream

TOP = 0
"""The interval that holds the top examples; 1 is the highest equal-width interval."""
COLUMNS = ["latent", "interval", "rank", "activation", "document", "position", "offset"]
COLUMNS += ["tokens", "activations"]


@dataclass(frozen=True, kw_only=True)
class ExamplesConfig:
    """Which examples to keep of each latent."""

    n_top: int
    """Top examples. Source: Towards Monosemanticity, the Arabic feature: 20."""
    n_intervals: int
    """Equal-width intervals of (0, max]. Source: Towards Monosemanticity, footnote 22: 11."""
    n_per_interval: int
    """Examples drawn in each interval."""
    context_before: int
    """Tokens shown before the one the latent is active on, as far as the window goes."""
    context_after: int
    """Tokens shown after it, as far as the window goes."""
    seed: int
    """Decides which tokens of an interval are drawn."""

    def __post_init__(self) -> None:
        for name in ("n_top", "n_intervals", "n_per_interval"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        for name in ("context_before", "context_after"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)} is negative")


def collect_examples(
    batches: Iterable[LatentBatch],
    latents: Sequence[int],
    *,
    max_activation: Float[Tensor, " d_sae"],
    stream: TokenStream,
    config: ExamplesConfig,
) -> pd.DataFrame:
    """Examples of each of the `latents` in context, over the whole range of its activations.

    Interval 0 holds the largest activations, one per document as far as there are enough documents.
    Interval i = 1..n holds tokens with activation in (max (n - i) / n, max (n - i + 1) / n], every
    such token equally likely, in random order. Which are drawn depends on the seed, the latent and
    the token's position alone, so not on the batches. Frame: features/examples.parquet.
    """
    pool = pd.DataFrame()
    for batch in batches:
        acts = _columns(batch, latents)
        found = _active_tokens(batch, acts, latents, max_activation=max_activation, config=config)
        positions = torch.tensor(found["position"].to_numpy())
        found["document"] = documents_of(stream, positions).numpy()
        kept = _survivors(found, config)
        with_context = _add_context(kept, batch, acts, config=config)
        pool = pd.concat([pool, with_context], ignore_index=True)
        pool = _survivors(pool, config)
    return _ranked(pool, latents, config)


def top_tokens(examples: pd.DataFrame) -> pd.DataFrame:
    """For each latent, the commonest token of its top examples and its share of them.

    Columns: latent, top_token, top_token_share. Of equally common tokens the smallest id is given.
    """
    top = examples[examples["interval"] == TOP]
    token = [ids[offset] for ids, offset in zip(top["tokens"], top["offset"], strict=True)]
    counts = pd.crosstab(top["latent"], pd.Series(token, index=top.index, name="token"))
    share = counts.div(counts.sum(axis=1), axis=0)
    return pd.DataFrame(
        {
            "latent": share.index,
            "top_token": share.idxmax(axis=1).to_numpy(),
            "top_token_share": share.max(axis=1).to_numpy(),
        }
    )


def _columns(batch: LatentBatch, latents: Sequence[int]) -> Tensor:
    """The activations of the `latents`, in this order: window seq chosen."""
    found = active(batch.codes)
    column = torch.full((d_sae_of(batch.codes),), -1, device=found.latents.device)
    column[list(latents)] = torch.arange(len(latents), device=column.device)
    wanted = column[found.latents] >= 0
    acts = torch.zeros(batch.tokens.numel(), len(latents), device=column.device)
    acts[found.inputs[wanted], column[found.latents[wanted]]] = found.values[wanted].float()
    return acts.unflatten(0, batch.tokens.shape)


def _active_tokens(
    batch: LatentBatch,
    acts: Tensor,
    latents: Sequence[int],
    *,
    max_activation: Tensor,
    config: ExamplesConfig,
) -> pd.DataFrame:
    """One row for each of the latents and each token of the batch on which it is active."""
    window, seq, column = acts.nonzero(as_tuple=True)
    chosen = torch.tensor(list(latents), dtype=torch.int64, device=acts.device)
    latent, activation = chosen[column], acts[window, seq, column]
    relative = activation / max_activation.to(activation)[latent]
    interval = config.n_intervals + 1 - (relative * config.n_intervals).ceil().long()
    columns = {
        "latent": latent,
        "interval": interval.clamp(1, config.n_intervals),
        "activation": activation,
        "position": batch.position[window, seq],
        "window": window,
        "seq": seq,
        "column": column,
        "key": _random_keys(latent, batch.position[window, seq], seed=config.seed),
    }
    return pd.DataFrame({name: values.cpu().numpy() for name, values in columns.items()})


def _random_keys(latent: Tensor, position: Tensor, *, seed: int) -> Tensor:
    """A uniform 64-bit number for each latent and position: SplitMix64's finaliser, in turn."""
    key = torch.zeros_like(position)
    for salt in (torch.full_like(position, seed), latent, position):
        key = (key ^ salt) + _signed(0x9E3779B97F4A7C15)
        key = (key ^ _shift(key, 30)) * _signed(0xBF58476D1CE4E5B9)
        key = (key ^ _shift(key, 27)) * _signed(0x94D049BB133111EB)
        key = key ^ _shift(key, 31)
    return key


def _signed(word: int) -> int:
    """The 64-bit word as the integer that int64 arithmetic, which wraps, takes it for."""
    return word - 2**64 if word >= 2**63 else word


def _shift(key: Tensor, bits: int) -> Tensor:
    """`key` shifted right with zeros moving in."""
    return (key >> bits) & (2 ** (64 - bits) - 1)


def _survivors(found: pd.DataFrame, config: ExamplesConfig) -> pd.DataFrame:
    """The rows of `found` that can still be among the examples, whatever comes later."""
    descending, n = _by_activation(found), config.n_top
    drawn = _drawn(found, n=config.n_per_interval)
    kept = [_best_of_documents(descending, n=n), descending.groupby("latent").head(n), drawn]
    return found.loc[np.unique(np.concatenate([rows.index for rows in kept]))]


def _by_activation(found: pd.DataFrame) -> pd.DataFrame:
    return found.sort_values(["latent", "activation", "position"], ascending=[True, False, True])


def _best_of_documents(descending: pd.DataFrame, *, n: int) -> pd.DataFrame:
    return descending.drop_duplicates(["latent", "document"]).groupby("latent").head(n)


def _drawn(found: pd.DataFrame, *, n: int) -> pd.DataFrame:
    return found.sort_values("key").groupby(["latent", "interval"]).head(n)


def _add_context(
    kept: pd.DataFrame, batch: LatentBatch, acts: Tensor, *, config: ExamplesConfig
) -> pd.DataFrame:
    """`kept` with the tokens around each row's token and the latent's activation on them."""
    seq = kept["seq"].to_numpy()
    first = np.maximum(seq - config.context_before, 0)
    stop = np.minimum(seq + config.context_after + 1, batch.tokens.shape[1])
    window, column = (torch.tensor(kept[name].to_numpy()) for name in ("window", "column"))
    tokens = batch.tokens.cpu()[window].int().numpy()
    activations = acts.cpu()[window, :, column].numpy()
    return kept.assign(
        offset=seq - first,
        tokens=_spans(tokens, first, stop, index=kept.index),
        activations=_spans(activations, first, stop, index=kept.index),
    )


def _spans(rows: np.ndarray, first: np.ndarray, stop: np.ndarray, *, index: pd.Index) -> pd.Series:
    pieces = [row[i:j] for row, i, j in zip(rows, first, stop, strict=True)]
    return pd.Series(pieces, index=index, dtype=object)


def _ranked(pool: pd.DataFrame, latents: Sequence[int], config: ExamplesConfig) -> pd.DataFrame:
    """The examples of the final pool, with their rank, in the order of `latents`."""
    descending = _by_activation(pool)
    best = _best_of_documents(descending, n=config.n_top)
    others = descending.drop(best.index)
    top = pd.concat([best, others]).groupby("latent").head(config.n_top)
    drawn = _drawn(pool, n=config.n_per_interval)
    table = pd.concat([_by_activation(top.assign(interval=TOP)), drawn], ignore_index=True)
    order = {latent: index for index, latent in enumerate(latents)}
    table = table.assign(
        rank=table.groupby(["latent", "interval"]).cumcount(),
        order=[order[latent] for latent in table["latent"]],
    )
    return table.sort_values(["order", "interval", "rank"], ignore_index=True).filter(COLUMNS)
