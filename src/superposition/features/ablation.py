"""What the language model predicts without a latent: its contribution taken from the MLP's output.

In a transformer of one layer nothing reads the MLP but the unembedding, so taking f_i d_i from the
activations at one token changes what is predicted there and nowhere else: no other token needs to
be computed again.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from scipy import stats
from torch import Tensor

from superposition.features import specificity
from superposition.features.residuals import changes
from superposition.intervals import Interval, percentiles
from superposition.language.transformer import OneLayerTransformer

N_RESAMPLES = 1000
"""Bootstrap samples of the intervals."""


class Reading(NamedTuple):
    """Some tokens, in order: what the model is about to predict on them, and what follows."""

    residual: Float[Tensor, "token d_model"]
    """The residual stream before the final LayerNorm."""
    next_token: Int[Tensor, " token"]
    """The token that follows each of them."""
    window: Int[np.ndarray, " token"]
    """Number of the window that each lies in."""


class Effect(NamedTuple):
    """The change of the log-probability of the token that follows, in nats, where a latent acts."""

    n: int
    """Tokens on which it was measured."""
    mean: float
    """Below 0 if the latent helps; NaN without tokens."""
    low: float
    """Lower end of the 95% interval, by the bootstrap over windows."""
    high: float
    """Upper end."""


class Ablated(NamedTuple):
    """One latent, taken away wherever it is active on some tokens."""

    on: Effect
    """On tokens of its concept."""
    off: Effect
    """On other tokens."""
    trend: float
    """Spearman correlation of activation and harm on tokens of its concept; NaN below 3 tokens."""
    trend_low: float
    """Lower end of the 95% interval, by Fisher's transformation."""
    trend_high: float
    """Upper end."""
    logit_agreement: float
    """Spearman correlation over the vocabulary of logit weights and of the mean fall of each
    token's log-probability."""
    curve: pd.DataFrame
    """By tenths of the activation, weakest first: group, activation, n, effect, low, high."""


def ablate(
    model: OneLayerTransformer,
    reading: Reading,
    acts: Float[np.ndarray, " token"],
    *,
    direction: Float[Tensor, " d_mlp"],
    weights: Float[np.ndarray, " d_vocab"],
    inside: Bool[np.ndarray, " token"],
    n_cases: int,
    rng: np.random.Generator,
) -> Ablated:
    """What a latent with these `acts` and logit `weights` does on tokens in and out of a concept.

    On at most `n_cases` tokens of each side, drawn at random among those where it is active.
    Source: Towards Monosemanticity, Arabic feature, ablation. Differs: the effect on every token
    that follows is measured exactly, with the final LayerNorm computed anew.
    """
    sides = [drawn(np.flatnonzero((acts > 0) & side), n_cases, rng) for side in (inside, ~inside)]
    on, off = (effects_at(model, reading, acts, rows, direction=direction) for rows in sides)
    strength, harm = acts[sides[0]], -on[0]
    trend = rank_correlation(strength, harm)
    return Ablated(
        _effect(on[0], reading.window[sides[0]], rng),
        _effect(off[0], reading.window[sides[1]], rng),
        trend,
        *_fisher_interval(trend, len(harm)),
        rank_correlation(weights, -on[1]) if len(harm) else float("nan"),
        _curve(strength, on[0], reading.window[sides[0]], rng),
    )


def effects_at(
    model: OneLayerTransformer,
    reading: Reading,
    acts: Float[np.ndarray, " token"],
    rows: Int[np.ndarray, " case"],
    *,
    direction: Float[Tensor, " d_mlp"],
) -> tuple[Float[np.ndarray, " case"], Float[np.ndarray, " d_vocab"]]:
    """The changes at the given tokens, and the mean change of every token's log-probability."""
    which = torch.from_numpy(rows).to(reading.residual.device)
    strength = torch.from_numpy(acts[rows]).to(reading.residual)
    written = direction.to(reading.residual) @ model.W_out.detach()
    removed = strength[:, None] * written[None]
    effect, mean = changes(model, reading.residual[which], removed, reading.next_token[which])
    return effect.cpu().double().numpy(), mean.cpu().double().numpy()


def drawn(
    rows: Int[np.ndarray, " row"], n: int, rng: np.random.Generator
) -> Int[np.ndarray, " drawn"]:
    """At most `n` of the rows, in order."""
    return np.sort(rng.choice(rows, size=n, replace=False)) if len(rows) > n else rows


def rank_correlation(x: Float[np.ndarray, " case"], y: Float[np.ndarray, " case"]) -> float:
    """Spearman's correlation; NaN where it is not defined."""
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.asarray(stats.spearmanr(x, y))[0])


def mean_interval(
    values: Float[np.ndarray, " case"],
    window: Int[np.ndarray, " case"],
    rng: np.random.Generator,
) -> Interval:
    """95% interval of the mean, windows drawn again with replacement."""
    _, index = np.unique(window, return_inverse=True)
    counts = np.bincount(index)
    sums = np.bincount(index, weights=values)
    n = len(counts)
    times = rng.multinomial(n, np.full(n, 1 / n), size=N_RESAMPLES)
    return percentiles((times @ sums) / (times @ counts))


def _effect(values: np.ndarray, window: np.ndarray, rng: np.random.Generator) -> Effect:
    if not len(values):
        return Effect(0, *[float("nan")] * 3)
    return Effect(len(values), float(values.mean()), *mean_interval(values, window, rng))


def _fisher_interval(correlation: float, n: int) -> Interval:
    """95% interval of a rank correlation: normal after atanh, variance 1.06 / (n - 3).

    Source: E. Fieller, H. Hartley, E. Pearson, "Tests for rank correlation coefficients".
    """
    if n <= 3 or not np.isfinite(correlation):
        return float("nan"), float("nan")
    centre = np.arctanh(np.clip(correlation, -0.999999, 0.999999))
    half = 1.96 * (1.06 / (n - 3)) ** 0.5
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))


def _curve(
    strength: np.ndarray, effect: np.ndarray, window: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    order = np.argsort(strength, kind="stable")
    rows = []
    for group, part in enumerate(np.array_split(order, specificity.N_TENTHS)):
        if len(part):
            low, high = mean_interval(effect[part], window[part], rng)
            found = (strength[part].mean(), len(part), effect[part].mean(), low, high)
            rows.append((group, *map(float, found)))
    table = pd.DataFrame(rows, columns=["group", "activation", "n", "effect", "low", "high"])
    return table.astype({"group": int, "n": int})
