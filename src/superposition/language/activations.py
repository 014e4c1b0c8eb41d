"""The MLP's activations on a text, row by row, each with the token it belongs to.

The text is read in windows of n_ctx tokens that start at its multiples, so that the position of a
token in the text says which window it was in: nothing else is needed to see it in context again.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int
from torch import Tensor

from superposition.core.compute import progress
from superposition.language.transformer import OneLayerTransformer
from superposition.shards import Column, Layout, Rows


@dataclass(frozen=True, kw_only=True)
class ActivationsConfig:
    """Which activations are cached, and how."""

    transformer: str
    """The row of the transformer they are of."""
    n_tokens: int
    """Tokens whose activations are kept, one row each, no token twice. Source: Towards
    Monosemanticity, appendix: 10 billion; here what a disk holds, 2 bytes per neuron."""
    skip_first: int
    """Positions at the beginning of each window that are left out."""
    rows_per_shard: int
    """Rows in a file, and so in memory at a time."""
    batch_size: int
    """Windows that the transformer reads at once."""
    seed: int
    """Of the choice of windows, if not all are needed, and of the shuffle."""

    def __post_init__(self) -> None:
        for name in ("n_tokens", "rows_per_shard", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.skip_first < 0:
            raise ValueError(f"skip_first={self.skip_first} is below 0")


@runtime_checkable
class Writer(Protocol):
    """Somewhere to put rows."""

    def append(self, rows: Rows) -> None:
        """Add rows: a tensor for each column, all of the same length."""
        ...


def layout(config: ActivationsConfig, *, d_mlp: int) -> Layout:
    """The cache's columns: an activation vector in bfloat16, and where it comes from."""
    columns = {
        "acts": Column(torch.bfloat16, d_mlp),
        "token": Column(torch.int32),
        "document": Column(torch.int32),
        "position": Column(torch.int32),
    }
    return Layout(
        n_rows=config.n_tokens,
        rows_per_shard=config.rows_per_shard,
        seed=config.seed,
        columns=columns,
    )


@torch.no_grad()
def cache_activations(
    config: ActivationsConfig,
    model: OneLayerTransformer,
    tokens: Int[Tensor, " n"],
    *,
    document: Int[Tensor, " n_documents"],
    start: Int[Tensor, " n_documents+1"],
    writer: Writer,
) -> None:
    """Give `writer` one row for each of `config.n_tokens` tokens of the stream.

    The windows are drawn from the whole stream without replacement. Computed in float32.
    """
    n_ctx = model.config.n_ctx
    left = config.n_tokens
    windows = _chosen_windows(config, n_tokens=len(tokens), n_ctx=n_ctx)
    batches = windows.split(config.batch_size)
    for batch in progress(batches, f"activations of {config.transformer}", total=len(batches)):
        position = batch.unsqueeze(1) * n_ctx + torch.arange(n_ctx)
        acts = model.mlp_acts(tokens[position].to(model.device))
        position = position[:, config.skip_first :].flatten()[:left]
        rows = {
            "acts": acts[:, config.skip_first :].flatten(0, 1)[:left],
            "token": tokens[position],
            "document": document[torch.searchsorted(start, position, right=True) - 1],
            "position": position,
        }
        left -= len(position)
        writer.append(rows)


def _chosen_windows(config: ActivationsConfig, *, n_tokens: int, n_ctx: int) -> Tensor:
    """Numbers of the windows to read, ascending."""
    per_window = n_ctx - config.skip_first
    if per_window < 1:
        raise ValueError(f"skip_first={config.skip_first} leaves nothing of n_ctx={n_ctx}")
    n_windows = n_tokens // n_ctx
    if config.n_tokens > n_windows * per_window:
        raise ValueError(
            f"n_tokens={config.n_tokens} exceeds the {n_windows * per_window} tokens that "
            f"the stream of {n_tokens} has (n_ctx={n_ctx}, skip_first={config.skip_first})"
        )
    generator = torch.Generator().manual_seed(config.seed)
    n_needed = -(-config.n_tokens // per_window)
    return torch.randperm(n_windows, generator=generator)[:n_needed].sort().values
