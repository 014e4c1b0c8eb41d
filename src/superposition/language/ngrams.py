"""What counting n-grams achieves on the same tokens: the baselines of the transformer's loss.

Interpolated Kneser-Ney with three discounts: for the highest order

    P(w | h) = max(c(hw) - D(c(hw)), 0) / c(h.) + gamma(h) P(w | h')

with h' = h without its first token and gamma(h) the mass that the discounts leave; the lower orders
are the same with, in place of the count c(g), the number of different tokens seen before g. The
lowest order is interpolated with the uniform distribution.

Source: Chen & Goodman (1998), An Empirical Study of Smoothing Techniques for Language Modeling,
section 3 (modified Kneser-Ney).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from torch import Tensor

from superposition.core.compute import progress

FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)
"""Where counts of counts give none or a negative one. Source: KenLM, `--discount_fallback`."""
UNSEEN = -1
"""In place of the id of an n-gram that the training tokens do not hold."""


class NgramLosses(NamedTuple):
    """Held-out loss of n-gram models in nats per token: mean over the held-out tokens.

    The stream is continuous, as the transformer sees it: separators are tokens like others, in
    contexts and as targets, and every token after the first one is predicted.
    """

    unigram: float
    """Counts of single tokens plus one."""
    bigram: float
    """Kneser-Ney, one token of context."""
    trigram: float
    """Kneser-Ney, two tokens of context."""
    five_gram: float
    """Kneser-Ney, four tokens of context."""
    n_tokens: int
    """Held-out tokens predicted."""


@dataclass(frozen=True, kw_only=True)
class Smoothed:
    """One order's discounted distribution, and what it leaves to the lower orders."""

    ngram_share: Float[ndarray, " n_ngrams"]
    """(c(hw) - D(c(hw))) / c(h.) of each n-gram."""
    left_over: Float[ndarray, " n_contexts"]
    """gamma(h) of each context; 1 where nothing was counted."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """The n-grams of one length seen in training, in order of their keys."""

    keys: Int[ndarray, " n_ngrams"]
    """Id of the first n - 1 tokens times d_vocab, plus the last token."""
    highest: Smoothed
    """From counts: for a model of this order."""
    lower: Smoothed | None
    """From the numbers of different tokens seen before: for models of higher orders, if any."""


@dataclass(frozen=True, kw_only=True)
class NgramModel:
    """Everything counted in training, for all orders up to the largest."""

    d_vocab: int
    """Tokens in the vocabulary."""
    unigram_counts: Int[ndarray, " d_vocab"]
    """Of single tokens."""
    levels: tuple[Level, ...]
    """Of length 1, 2, ...; those of length 1 are the whole vocabulary, seen or not."""


def ngram_losses(
    train: Int[Tensor, " n_train"], held_out: Int[Tensor, " n_held_out"], *, d_vocab: int
) -> NgramLosses:
    """The losses on `held_out` of n-gram models counted on `train`."""
    model = fit_ngrams(train, order=5, d_vocab=d_vocab)
    counts = model.unigram_counts
    targets = held_out[1:].numpy()
    unigram = np.log((counts[targets] + 1) / (counts.sum() + d_vocab))
    bigram, trigram, five_gram = (
        float(-np.log(token_probabilities(model, held_out, order=order)).mean())
        for order in (2, 3, 5)
    )
    return NgramLosses(float(-unigram.mean()), bigram, trigram, five_gram, len(targets))


def fit_ngrams(tokens: Int[Tensor, " n_tokens"], *, order: int, d_vocab: int) -> NgramModel:
    """Kneser-Ney models of `tokens` of every order up to `order`."""
    stream = tokens.numpy().astype(np.int64)
    ids, keys, counts = stream, np.arange(d_vocab), np.bincount(stream, minlength=d_vocab)
    n_contexts, levels, unigram_counts = 1, [], counts
    for length in progress(range(1, order), "counting n-grams"):
        longer = ids[:-1] * d_vocab + stream[length:]
        longer_keys, longer_ids, longer_counts = np.unique(
            longer, return_inverse=True, return_counts=True
        )
        contexts = keys // d_vocab
        highest = _smooth(counts, contexts, n_contexts)
        before = _tokens_before(ids, longer_ids, n_ngrams=len(keys), n_longer=len(longer_keys))
        lower = _smooth(before, contexts, n_contexts)
        levels.append(Level(keys=keys, highest=highest, lower=lower))
        n_contexts = len(keys)
        ids, keys, counts = longer_ids, longer_keys, longer_counts
    highest = _smooth(counts, keys // d_vocab, n_contexts)
    levels.append(Level(keys=keys, highest=highest, lower=None))
    return NgramModel(d_vocab=d_vocab, unigram_counts=unigram_counts, levels=tuple(levels))


def token_probabilities(
    model: NgramModel, tokens: Int[Tensor, " n_tokens"], *, order: int
) -> Float[ndarray, " n_tokens-1"]:
    """P(token | the `order` - 1 tokens before it) for every token of a stream after the first.

    The first few have fewer tokens before them and get the lower orders' probabilities.
    """
    if not 1 <= order <= len(model.levels):
        raise ValueError(f"order={order} is not between 1 and {len(model.levels)}")
    stream = tokens.numpy().astype(np.int64)
    probabilities = np.full(len(stream), 1 / model.d_vocab)
    contexts = np.zeros_like(stream)
    for length, level in enumerate(model.levels[:order], start=1):
        ngrams = _find(level.keys, contexts * model.d_vocab + stream, known=contexts != UNSEEN)
        smoothed = level.highest if length == order else level.lower
        assert smoothed is not None, "every level but the last has been smoothed for higher orders"
        share = np.where(ngrams == UNSEEN, 0.0, smoothed.ngram_share[ngrams])
        left_over = np.where(contexts == UNSEEN, 1.0, smoothed.left_over[contexts])
        probabilities = share + left_over * probabilities
        contexts = np.concatenate([[UNSEEN], ngrams[:-1]])
    return probabilities[1:]


def discounts(counts: Int[ndarray, " n_ngrams"]) -> Float[ndarray, " 4"]:
    """How much is taken from n-grams counted 0, 1, 2 and 3 or more times.

    D_1 = 1 - 2 Y n_2/n_1 = Y, D_2 = 2 - 3 Y n_3/n_2, D_3 = 3 - 4 Y n_4/n_3, where n_i n-grams were
    counted i times and Y = n_1/(n_1 + 2 n_2). Always positive, so that nothing is impossible.
    """
    n_1, n_2, n_3, n_4 = np.bincount(np.minimum(counts, 5), minlength=6)[1:5]
    if min(n_1, n_2, n_3) == 0:
        return np.array([0.0, *FALLBACK_DISCOUNTS])
    y = n_1 / (n_1 + 2 * n_2)
    estimates = np.array([y, 2 - 3 * y * n_3 / n_2, 3 - 4 * y * n_4 / n_3])
    return np.array([0.0, *np.where(estimates > 0, estimates, FALLBACK_DISCOUNTS)])


def _smooth(
    counts: Int[ndarray, " n_ngrams"], contexts: Int[ndarray, " n_ngrams"], n_contexts: int
) -> Smoothed:
    taken = discounts(counts)[np.minimum(counts, 3)]
    totals = np.bincount(contexts, weights=counts, minlength=n_contexts)
    taken_totals = np.bincount(contexts, weights=taken, minlength=n_contexts)
    seen = totals > 0
    left_over = np.divide(taken_totals, totals, out=np.ones(n_contexts), where=seen)
    safe_totals = np.where(seen, totals, 1.0)
    return Smoothed(ngram_share=(counts - taken) / safe_totals[contexts], left_over=left_over)


def _tokens_before(
    ids: Int[ndarray, " n"], longer_ids: Int[ndarray, " n-1"], *, n_ngrams: int, n_longer: int
) -> Int[ndarray, " {n_ngrams}"]:
    """How many different tokens stand before each n-gram: the longer n-grams that end with it."""
    endings = np.empty(n_longer, dtype=np.int64)
    endings[longer_ids] = ids[1:]
    return np.bincount(endings, minlength=n_ngrams)


def _find(
    keys: Int[ndarray, " n_ngrams"], wanted: Int[ndarray, " n"], *, known: Bool[ndarray, " n"]
) -> Int[ndarray, " n"]:
    """The places of the `wanted` keys; `UNSEEN` where there is none or the context is un`known`."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(known & (keys[places] == wanted), places, UNSEEN)
