"""Counts of units with concepts, as dense products: for neurons and directions.

Such units are active on a fifth to a half of all tokens, so that looking only at nonzero
activations saves nothing.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_array
from torch import Tensor

from superposition.features.concept_counts import (
    KEPT,
    Counts,
    Entries,
    Text,
    base_counts,
    single_tokens,
    size,
    thresholds,
)
from superposition.features.sparse_counts import entries_of
from superposition.features.streaming import LatentBatch

THRESHOLD_TOKENS = 65_536
"""The thresholds are quantiles over the first so many tokens of both halves: a unit that is active
on a fifth of them leaves a dozen activations above the highest one."""


class _Sums:
    """Counts that grow batch by batch; float32, exact up to 2^24 tokens."""

    def __init__(self, n_units: int, n_concepts: int, d_vocab: int, device: torch.device) -> None:
        shape = (2, n_units, len(KEPT))
        self.active = torch.zeros(shape, device=device)
        self.both = torch.zeros((*shape, n_concepts), device=device)
        self.mass = torch.zeros(2, d_vocab, n_units, device=device)

    def add_(self, batch: LatentBatch, text: Text, cuts: Float[Tensor, "unit threshold"]) -> None:
        """Count one batch."""
        acts = batch.codes.dense().float()
        position = batch.position.flatten().cpu().numpy()
        for half, mine in enumerate((text.first_half[position], ~text.first_half[position])):
            rows = torch.from_numpy(mine).to(acts.device)
            labels = torch.from_numpy(text.labels[position[mine]].toarray()).to(acts.device)
            x = acts[rows]
            self.mass[half].index_add_(0, batch.tokens.flatten()[rows].to(acts.device), x)
            for index, cut in enumerate(cuts.unbind(dim=1)):
                above = (x > cut).float()
                self.active[half, :, index] += above.sum(dim=0)
                self.both[half, :, index] += above.mT @ labels


def count(
    batches: Iterable[LatentBatch],
    text: Text,
    *,
    positions: Int[np.ndarray, " read"],
    n_units: int,
    d_vocab: int,
    threshold_tokens: int = THRESHOLD_TOKENS,
) -> Counts:
    """The counts over `batches`, which read the tokens at `positions` of the stream once each."""
    stream = iter(batches)
    head = list(_first(stream, n_tokens=threshold_tokens))
    assert head, "no batch was read"
    entries = Entries(*(np.concatenate(p) for p in zip(*map(entries_of, head), strict=True)))
    acts = entries.by_unit(n_units=n_units, n_tokens=len(text.token))
    cuts = thresholds(acts, text.first_half)
    device = head[0].tokens.device
    sums = _Sums(n_units, size(text.labels)[1], d_vocab, device)
    while head:
        sums.add_(head.pop(0), text, torch.from_numpy(cuts).to(device))
    for batch in stream:
        sums.add_(batch, text, torch.from_numpy(cuts).to(device))
    n, positives = base_counts(text, positions)
    first, second = (csr_array(half.mT.cpu().numpy()) for half in sums.mass)
    top_token, share = single_tokens((first, second))
    n_active, both = (each.cpu().numpy() for each in (sums.active, sums.both))
    return Counts(
        n, positives, cuts, n_active.astype(np.int64), both.astype(np.int32), top_token, share
    )


def _first(batches: Iterator[LatentBatch], *, n_tokens: int) -> Iterator[LatentBatch]:
    """Batches until they hold `n_tokens` tokens."""
    n = 0
    for batch in batches:
        yield batch
        n += batch.tokens.numel()
        if n >= n_tokens:
            return
