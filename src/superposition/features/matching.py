"""Which unit of one dictionary matches which of another: the largest correlation of activations.

The best of thousands is high by chance too. So the match is chosen on one half of the documents and
its correlation reported on the other, beside a null in which the other's tokens are shuffled.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from scipy import sparse

from superposition.features.moments import CrossMoments, Matrix, firings
from superposition.features.streaming import Windows, window_batches
from superposition.language.transformer import OneLayerTransformer


class Best(NamedTuple):
    """The best match of every unit of X among those of Y."""

    match: Int[np.ndarray, " unit"]
    """Chosen on the first half."""
    correlation: Float[np.ndarray, " unit"]
    """With it, on the second half: an unbiased estimate for this match."""
    in_sample: Float[np.ndarray, " unit"]
    """The largest correlation over all tokens: the paper's estimate, biased upwards."""


def matches(
    x: sparse.csr_matrix, y: sparse.csr_matrix, late: Bool[np.ndarray, " n_tokens"], *, seed: int
) -> tuple[Best, Best]:
    """The best matches of X's units among Y's, and those where Y's tokens are shuffled.

    `late` says which tokens are in the second half; shuffling stays within a half.
    Source: Towards Monosemanticity, Universality: the largest Pearson correlation of activations.
    Differs: chosen and reported on different documents, and the null.
    """
    halves = [(x[half], y[half]) for half in (~late, late)]
    true = best_of(*(CrossMoments.of(*half) for half in halves))
    rng = np.random.default_rng(seed)  # one after the other, for memory
    mixed = [(x_half, y_half[rng.permutation(y_half.shape[0])]) for x_half, y_half in halves]
    return true, best_of(*(CrossMoments.of(*half) for half in mixed))


def best_of(early: CrossMoments, late: CrossMoments) -> Best:
    """The best matches, from the sums over both halves."""
    match = early.correlation().argmax(axis=1)
    reported = late.correlation()[np.arange(len(match)), match]
    return Best(match, reported, early.plus(late).correlation().max(axis=1))


def often_active(
    x: Matrix, late: Bool[np.ndarray, " n_tokens"], least: int
) -> Int[np.ndarray, " judged"]:
    """The units active on at least that many tokens of each half."""
    early_count, late_count = firings(x[~late]), firings(x[late])
    return np.flatnonzero(np.minimum(early_count, late_count) >= least)


class Neurons(NamedTuple):
    """The neurons of one model and their best matches among another's."""

    best: Best
    """As they are."""
    null: Best
    """With the other model's tokens shuffled."""
    active: Int[np.ndarray, "half neuron"]
    """Tokens of each half on which each neuron is active."""
    top_token: Int[np.ndarray, " neuron"]
    """The token id that holds most of each neuron's activation."""


@torch.no_grad()
def neuron_matches(
    first: OneLayerTransformer,
    second: OneLayerTransformer,
    windows: Windows,
    late: Bool[np.ndarray, " n_tokens"],
    *,
    batch_size: int,
    seed: int,
) -> Neurons:
    """`matches` of the neurons of `first` among those of `second`, in sums batch by batch.

    Shuffling stays within a half of a batch.
    """
    sizes = [model.config.d_mlp for model in (first, second)]
    true, shuffled = ([CrossMoments.empty(*sizes) for _ in range(2)] for _ in range(2))
    active = np.zeros((2, sizes[0]), dtype=np.int64)
    by_token = torch.zeros(first.d_vocab, sizes[0], dtype=torch.float64)
    rng, start = np.random.default_rng(seed), 0
    for batch in window_batches(windows, batch_size=batch_size, description="neurons"):
        tokens = batch.tokens[:, :-1]
        x, y = (_acts(model, tokens) for model in (first, second))
        by_token.index_add_(0, tokens.flatten(), torch.from_numpy(x).double())
        half = late[start : start + len(x)]
        for i, chosen in enumerate((~half, half)):
            x_half, y_half = x[chosen], y[chosen]
            true[i].add_(x_half, y_half)
            shuffled[i].add_(x_half, y_half[rng.permutation(len(y_half))])
            active[i] += firings(x_half)
        start += len(x)
    return Neurons(best_of(*true), best_of(*shuffled), active, by_token.argmax(dim=0).numpy())


def _acts(model: OneLayerTransformer, tokens: torch.Tensor) -> np.ndarray:
    return model.mlp_acts(tokens.to(model.device)).flatten(0, 1).cpu().numpy()
