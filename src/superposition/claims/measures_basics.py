"""The statistics by which claims about the first figures' trained models are judged."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int, Shaped

from superposition import intervals
from superposition.artefacts import Runs, Toy
from superposition.claims.measures import SEED
from superposition.intervals import Interval
from superposition.toy import geometry

IN_ORDER = ("orthogonal pair", "digon and one", "digons", "pentagon")
"""Arrangements of five features in the plane, from dense to sparse."""
SHARED = 0.1
"""Superposition score above which a feature counts as sharing its direction."""
OWN = 0.95
"""Dimensionality above which a feature counts as having a dimension to itself."""
FLAT = 0.05
"""Smallest singular value of unit-sized directions that still counts as an independent one."""


class Starts(NamedTuple):
    """A column of the random starts of an experiment by density, densest first, and their loss."""

    loss: Float[np.ndarray, "density seed"]
    """Held-out loss; infinite for starts that diverged."""
    value: Shaped[np.ndarray, "density seed"]
    """The column."""

    def of_best(self) -> Shaped[np.ndarray, " density"]:
        """The value of the random start with the lowest loss at every density."""
        best = self.loss.argmin(axis=1)
        return self.value[np.arange(len(best)), best]

    def resampled(self) -> Shaped[np.ndarray, "density resample"]:
        """The same, had other random starts been drawn."""
        return np.take_along_axis(self.value, intervals.best_starts(self.loss, seed=SEED), axis=1)


class Size(NamedTuple):
    """How much a model represents, so that models of different size can be compared."""

    per_dimension: float
    """Features represented per hidden dimension."""
    shared: float
    """Share of all features that are represented and share their direction."""


def starts(toy: Toy, column: str) -> Starts:
    """A column of the instances of an experiment whose conditions differ only in density."""
    wide = toy.instances.pivot(index="feature_probability", columns="seed")
    wide = wide.sort_index(ascending=False)
    loss = wide["loss"].to_numpy(dtype=float)
    return Starts(np.where(np.isnan(loss), np.inf, loss), wide[column].to_numpy())


def never_goes_back(labels: list[str]) -> bool:
    """Whether the named arrangements come in the order of `IN_ORDER`; `OTHER` may come between."""
    named = [label for label in labels if label != geometry.OTHER]
    if not set(named) <= set(IN_ORDER):
        return False
    ranks = [IN_ORDER.index(label) for label in named]
    return ranks == sorted(ranks)


def rank_correlation(
    densities: list[float], counts: Int[np.ndarray, "density *resample"]
) -> Float[np.ndarray, "*resample"]:
    """Spearman's correlation of counts with 1/p; 0 for counts that are all the same."""
    order = pd.DataFrame(counts.reshape(len(densities), -1)).rank().to_numpy()
    order = order - order.mean(axis=0)
    sparsity = pd.Series(densities).rank(ascending=False).to_numpy()[:, None]
    sparsity = sparsity - sparsity.mean()
    scale = np.sqrt((order**2).sum(axis=0) * (sparsity**2).sum())
    products = (order * sparsity).sum(axis=0)
    found = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    return found.reshape(counts.shape[1:])


def rank_interval(toy: Toy) -> Interval:
    """Interval of `rank_correlation` for the features represented by the best random starts."""
    counts = starts(toy, "n_represented").resampled()
    return intervals.percentiles(rank_correlation(toy.densities, counts))


def dependent(runs: Runs) -> Bool[np.ndarray, " seed"]:
    """Whether the represented features of each model are linearly dependent.

    That is the paper's W^T W not invertible, of the represented features: counting those that the
    model ignores, it never is for n > m. Directions count with length 1.
    """
    return np.array(
        [_flat(W[norm > geometry.REPRESENTED]) for W, norm in zip(runs.W, runs.norm, strict=True)]
    )


def overlapping(runs: Runs) -> Bool[np.ndarray, " seed"]:
    """Whether any represented feature of each model has less than a dimension to itself."""
    shares = np.where(runs.norm > geometry.REPRESENTED, runs.dimensionality, 1.0)
    return shares.min(axis=1) < OWN


def dimensions_left(toy: Toy) -> Starts:
    """Share of the hidden dimensions that the dimensionalities of all features do not add up to."""
    m = toy.weights["W"].shape[-1]
    shares = toy.features["dimensionality"].to_numpy(dtype=float)
    total = np.bincount(toy.features["instance"].to_numpy(dtype=int), weights=shares)
    loss, instance = starts(toy, "instance")
    return Starts(loss, 1 - total[instance] / m)


def sizes(runs: Runs) -> list[Size]:
    """How much each model represents."""
    represented = runs.norm > geometry.REPRESENTED
    shared = represented & (runs.superposition > SHARED)
    m = runs.W.shape[-1]
    return [
        Size(float(kept.sum() / m), float(both.mean()))
        for kept, both in zip(represented, shared, strict=True)
    ]


def further_apart(one: Size, other: Size) -> float:
    """The larger of the differences between two models' sizes."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def _flat(W: Float[np.ndarray, "represented d_hidden"]) -> bool:
    """Whether vectors are linearly dependent, or so nearly."""
    if len(W) > W.shape[1]:
        return True
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    return len(W) > 0 and bool(np.linalg.svd(unit, compute_uv=False).min() < FLAT)
