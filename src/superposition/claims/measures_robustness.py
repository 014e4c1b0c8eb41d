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


class Curve(NamedTuple):
    """Features per dimension after training under attack."""

    norms: Float[np.ndarray, " norm"]
    """Of the attacks, weakest first; only those under which some model did not diverge."""
    values: list[Float[np.ndarray, " seed"]]
    """One array a norm, a number for each random start."""

    @property
    def mean(self) -> Float[np.ndarray, " norm"]:
        """Over random starts."""
        return np.array([values.mean() for values in self.values])


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


def crossing(curve: Curve) -> tuple[float, intervals.Interval]:
    """The attack norm at which the mean over random starts falls to `REMOVED`, with its interval.

    On straight lines between the norms that were trained; infinite if it never does.
    """
    rng = np.random.default_rng(SEED)
    resampled = np.stack(
        [
            values[rng.integers(len(values), size=(intervals.N_RESAMPLES, len(values)))].mean(1)
            for values in curve.values
        ]
    )
    found = np.array([_crossing(curve.norms, means) for means in resampled.T])
    highest = float(curve.norms[-1])
    return _crossing(curve.norms, curve.mean), intervals.percentiles(np.minimum(found, highest))


def slope(ratio: ByDensity) -> tuple[float, intervals.Interval]:
    """The slope of log ratio against log 1/p: below 0 if it goes to 0 with p, with its interval."""
    x = -np.log(ratio.densities)
    x = x - x.mean()
    fit = x / (x @ x)
    found = fit @ np.log(ratio.resampled)
    return float(fit @ np.log(ratio.mean)), intervals.percentiles(found)


def over_norms(instances: pd.DataFrame, probability: float) -> Curve:
    """The features per dimension of one density, without the models that diverged."""
    chosen = (instances["feature_probability"] == probability) & ~instances["diverged"]
    found = instances.loc[chosen]
    norms = sorted(set(found["attack_norm"].tolist()))
    columns = [found.loc[found["attack_norm"] == norm] for norm in norms]
    values = [rows["features_per_dimension"].to_numpy(dtype=float) for rows in columns]
    return Curve(np.array(norms), values)


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
