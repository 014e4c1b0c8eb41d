"""Does a unit raise the tokens that follow where it is active? Ranks of logit weights, tested."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import sparse, stats

from superposition.features.recording import one_hot

MIN_COUNT = 5
"""Occurrences from which a token's next-token statistics count."""
LIFT = 2.0
"""A token belongs to a concept if it follows the concept's tokens at least this many times as often
as it follows any token."""
FIRST_RANK, LAST_RANK = 10, 60
"""Of a unit's logit weights, the ranks whose tokens are to be told from random ones: from the
first, up to but not including the last. Source: Towards Monosemanticity, automated
interpretability of logit weights: 100 tokens, 50 of ranks 10 to 60 and 50 random."""
PRIOR = 10.0
"""Tokens' worth of unigram statistics added to those of a unit, so that a token never seen after it
is merely unlikely."""
_Z = 1.959963984540054


class Area(NamedTuple):
    """Area under the ROC curve: the chance that a positive case scores above a negative one."""

    value: float
    """From 0 to 1, ties counting half; NaN without positives or without negatives."""
    low: float
    """Lower end of DeLong's 95% interval."""
    high: float
    """Upper end."""


class LogitTest(NamedTuple):
    """How well the tokens after a unit tell its top logit tokens from random ones; by unit."""

    area: Float[np.ndarray, " unit"]
    """Area under the ROC curve; 0.5 is chance."""
    accuracy: Float[np.ndarray, " unit"]
    """Share of the tokens put on the right side, half of them called top; 0.5 is chance."""


def area(scores: Float[np.ndarray, " case"], positive: Bool[np.ndarray, " case"]) -> Area:
    """The area with its interval.

    Source: E. DeLong, D. DeLong, D. Clarke-Pearson, "Comparing the areas under two or more
    correlated receiver operating characteristic curves".
    """
    m, n = int(positive.sum()), int((~positive).sum())
    if not m or not n:
        return Area(float("nan"), float("nan"), float("nan"))
    ranks = stats.rankdata(scores)
    above = (ranks[positive] - stats.rankdata(scores[positive])) / n
    below = 1 - (ranks[~positive] - stats.rankdata(scores[~positive])) / m
    value = float(above.mean())
    error = _Z * np.sqrt(_variance(above) / m + _variance(below) / n)
    return Area(value, max(0.0, value - float(error)), min(1.0, value + float(error)))


def next_lifts(
    labels: sparse.csr_matrix, next_token: Int[np.ndarray, " token"], *, d_vocab: int
) -> tuple[Float[np.ndarray, "concept d_vocab"], Bool[np.ndarray, " d_vocab"]]:
    """P(next token | concept) / P(next token), and the tokens common enough to be judged.

    0 where the token follows the concept fewer than 5 times. A token is judged if it occurs at
    least 5 times as a next token.
    """
    following = one_hot(next_token, d_vocab)
    counts = np.asarray((labels.T @ following).todense(), dtype=np.float64)
    totals = np.bincount(next_token, minlength=d_vocab)
    sizes = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    lifts = counts / sizes * len(next_token) / np.maximum(totals, 1)
    return np.where(counts >= MIN_COUNT, lifts, 0.0), totals >= MIN_COUNT


def next_scores(
    acts: Float[np.ndarray, "token unit"],
    next_token: Int[np.ndarray, " token"],
    *,
    d_vocab: int,
) -> Float[np.ndarray, "unit d_vocab"]:
    """log of how much more often each token follows where a unit is active, than anywhere.

    log [(sum f [next = v] + a p_v) / (sum f + a)] - log p_v, where activations f are divided by
    their mean over active tokens, p_v is the token's share of all next tokens and a = 10. What
    never follows an active token scores alike, below everything that does.
    """
    share = np.maximum(np.bincount(next_token, minlength=d_vocab), 1) / len(next_token)
    active = np.maximum((acts > 0).sum(axis=0), 1)
    weights = acts * (active / np.maximum(acts.sum(axis=0), np.finfo(np.float32).tiny))
    following = (one_hot(next_token, d_vocab).T @ weights).T
    total = weights.sum(axis=0)[:, None] + PRIOR
    return (np.log(following + PRIOR * share) - np.log(total) - np.log(share)).astype(np.float64)


def rank_top_tokens(
    effects: Float[np.ndarray, "unit d_vocab"],
    scores: Float[np.ndarray, "unit d_vocab"],
    *,
    seed: int,
) -> LogitTest:
    """Whether `scores` tell each unit's top tokens by logit weight from random ones.

    As many random tokens as top ones are drawn from those of lower rank.
    Source: Towards Monosemanticity, automated interpretability of logit weights. Differs: next
    tokens of the unit's active contexts take the place of Claude's explanation of it.
    """
    n = min(LAST_RANK, effects.shape[1] // 2) - FIRST_RANK
    if n < 1:
        raise ValueError(f"d_vocab={effects.shape[1]} has no ranks {FIRST_RANK} to {LAST_RANK}")
    rng = np.random.default_rng(seed)
    order = np.argsort(-effects, axis=1, kind="stable")
    top, rest = order[:, FIRST_RANK : FIRST_RANK + n], order[:, FIRST_RANK + n :]
    picks = np.argsort(rng.random(rest.shape), axis=1)[:, :n]
    drawn = np.take_along_axis(rest, picks, axis=1)
    high, low = (np.take_along_axis(scores, tokens, axis=1) for tokens in (top, drawn))
    wins = high[:, :, None] > low[:, None, :]
    ties = high[:, :, None] == low[:, None, :]
    both = np.concatenate([high, low], axis=1)
    called = np.lexsort((rng.random(both.shape), -both), axis=1)[:, :n]
    return LogitTest((wins + 0.5 * ties).mean(axis=(1, 2)), (called < n).mean(axis=1))


def _variance(values: np.ndarray) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0
