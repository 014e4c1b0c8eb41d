"""The statistics by which claims about attacks and about compressed sensing are judged."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from superposition import intervals
from superposition.claims.measures import SEED

REMOVED = 1.1
"""Features per dimension up to which there is no superposition: 1, and 10% beyond."""
DENSEST_OF_BOUND = 0.3
"""Densities up to which -p log p rises with p, so that the bound means something."""


class ByDensity(NamedTuple):
    """A measure of models, averaged over random starts at every density, and what chance does."""

    densities: list[float]
    """Densest first."""
    mean: Float[np.ndarray, " density"]
    """Over random starts."""
    resampled: Float[np.ndarray, "density resample"]
    """The same had other random starts, and other inputs, been drawn."""


def by_density(table: pd.DataFrame, column: str, *, error: str | None = None) -> ByDensity:
    """`column` by density; `error` is the column of its standard error over inputs, if it has one.

    Models of one density share their inputs, so the error does not shrink with their number.
    """
    rng = np.random.default_rng(SEED)
    densities = sorted(set(table["feature_probability"].tolist()), reverse=True)
    means, resampled = [], []
    for p in densities:
        rows = table.loc[table["feature_probability"] == p]
        values = rows[column].to_numpy(dtype=float)
        drawn = rng.integers(len(values), size=(intervals.N_RESAMPLES, len(values)))
        noise = rng.standard_normal(intervals.N_RESAMPLES)
        scale = float(rows[error].to_numpy(dtype=float).mean()) if error else 0.0
        means.append(values.mean())
        resampled.append(values[drawn].mean(axis=1) + scale * noise)
    return ByDensity(densities, np.array(means), np.stack(resampled))


def rise(measure: ByDensity, *, n_sparsest: int) -> tuple[float, intervals.Interval]:
    """The mean over the sparsest densities relative to the densest one, with its interval."""
    resampled = measure.resampled[-n_sparsest:].mean(axis=0) / measure.resampled[0]
    estimate = float(measure.mean[-n_sparsest:].mean() / measure.mean[0])
    return estimate, intervals.percentiles(resampled)


def correlation(one: ByDensity, other: ByDensity) -> tuple[float, intervals.Interval]:
    """Pearson's r of two measures over densities, with its interval."""
    r = _pearson(one.mean[:, None], other.mean[:, None])
    resampled = _pearson(one.resampled, other.resampled)
    return float(r[0]), intervals.percentiles(resampled)


def crossing(
    norms: Float[np.ndarray, " norm"],
    features_per_dimension: Float[np.ndarray, "norm seed"],
) -> tuple[float, intervals.Interval]:
    """The attack norm at which the mean over random starts falls to `REMOVED`, with its interval.

    On straight lines between the norms that were trained; infinite if it never does. A value of
    NaN is a model that diverged.
    """
    n_seeds = features_per_dimension.shape[1]
    rng = np.random.default_rng(SEED)
    drawn = rng.integers(n_seeds, size=(intervals.N_RESAMPLES, n_seeds))
    resampled = [
        _crossing(norms, np.nanmean(features_per_dimension[:, seeds], axis=1)) for seeds in drawn
    ]
    estimate = _crossing(norms, np.nanmean(features_per_dimension, axis=1))
    return estimate, intervals.percentiles(np.minimum(resampled, np.finfo(float).max))


def slope(ratio: ByDensity) -> tuple[float, intervals.Interval]:
    """The slope of log ratio against log 1/p: below 0 if it goes to 0 with p, with its interval."""
    x = -np.log(ratio.densities)
    x = x - x.mean()
    fit = x / (x @ x)
    found = fit @ np.log(ratio.resampled)
    return float(fit @ np.log(ratio.mean)), intervals.percentiles(found)


def over_norms(
    instances: pd.DataFrame, probability: float
) -> tuple[Float[np.ndarray, " norm"], Float[np.ndarray, "norm seed"]]:
    """The attack norms, weakest first, and the features per dimension; NaN for what diverged."""
    rows = instances.loc[instances["feature_probability"] == probability]
    measured = rows.assign(shown=np.where(rows["diverged"], np.nan, rows["features_per_dimension"]))
    wide = measured.pivot(index="attack_norm", columns="seed", values="shown").sort_index()
    return wide.index.to_numpy(dtype=float), wide.to_numpy(dtype=float)


def _crossing(norms: np.ndarray, values: np.ndarray) -> float:
    below = np.flatnonzero(values <= REMOVED)
    if not len(below):
        return float("inf")
    first = int(below[0])
    if first == 0:
        return float(norms[0])
    (left, right), (high, low) = norms[first - 1 : first + 1], values[first - 1 : first + 1]
    return float(left + (right - left) * (high - REMOVED) / (high - low))


def _pearson(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Correlation along the first axis, for every column."""
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    size = np.sqrt((one**2).sum(axis=0) * (other**2).sum(axis=0))
    return (one * other).sum(axis=0) / np.where(size > 0, size, np.inf)
