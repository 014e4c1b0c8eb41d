"""The statistics by which claims about memorisation are judged.

Data sets are what is drawn again in the intervals: the fresh test points are many and shared.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int

from superposition import intervals
from superposition.artefacts import Memorisation
from superposition.toy import geometry

SEED = 0
"""Of the bootstraps."""
ONSET_SHARE = 0.1
"""The messy middle begins where the test loss has risen by this share of the bump above 1, the loss
of always answering 0."""
CIRCLES_APART = 0.2
"""Two circles: somewhere between sorted radii is a gap of this share of the mean radius, with at
least two points on both sides."""


class Curve(NamedTuple):
    """A quantity for every data set, by size; of the best start where there are several."""

    n_points: Int[np.ndarray, " size"]
    """Sizes T, smallest first."""
    values: Float[np.ndarray, "data_set size"]
    """The quantity."""

    @property
    def mean(self) -> Float[np.ndarray, " size"]:
        """Mean over data sets."""
        return np.nanmean(self.values, axis=0)

    def interval(self, statistic: Callable[[np.ndarray], float]) -> intervals.Interval:
        """Interval of `statistic` of the mean curve, data sets drawn again."""
        n = len(self.values)
        drawn = np.random.default_rng(SEED).integers(n, size=(intervals.N_RESAMPLES, n))
        means = np.nanmean(self.values[drawn], axis=1)
        return intervals.percentiles(np.array([statistic(mean) for mean in means]))


class Polygon(NamedTuple):
    """How far some hidden vectors are from a regular polygon around the origin."""

    gap_error: float
    """Largest deviation of an angle between neighbours, relative to 360/T."""
    radius_spread: float
    """Standard deviation of their lengths, relative to the mean."""
    share_error: float
    """Mean absolute value of D T / m - 1."""


def curve(models: pd.DataFrame, column: str) -> Curve:
    """`column` by data set and size; `models` are of one condition otherwise."""
    table = models.pivot_table(index="data_set", columns="n_points", values=column, dropna=False)
    return Curve(table.columns.to_numpy(dtype=np.int64), table.to_numpy(dtype=float))


def by_value(models: pd.DataFrame, column: str) -> dict[float, Curve]:
    """Test losses for every value of `column`, smallest first."""
    return {
        float(value): curve(models.loc[models[column] == value], "test_loss")
        for value in sorted(set(models[column].tolist()))
    }


def polygon(vectors: Float[np.ndarray, "point 2"]) -> Polygon:
    """The deviations of hidden vectors of points from a regular polygon."""
    T = len(vectors)
    gaps = geometry.angle_gaps(torch.tensor(vectors), threshold=0.0).numpy()
    radius = np.linalg.norm(vectors, axis=1)
    if len(gaps) < T:
        return Polygon(float(T - 1), float(radius.std() / radius.mean()), 1.0)
    unit = vectors / radius[:, None]
    shares = radius**2 / ((unit @ vectors.T) ** 2).sum(axis=1)
    return Polygon(
        gap_error=float(np.abs(gaps * T / 360 - 1).max()),
        radius_spread=float(radius.std() / radius.mean()),
        share_error=float(np.abs(shares * T / 2 - 1).mean()),
    )


def polygons(row: Memorisation, models: pd.DataFrame) -> pd.DataFrame:
    """`models` with the columns of `Polygon` for the hidden vectors of their training points."""
    points = {model: vectors for model, vectors in row.points.groupby("model")}
    found = {
        model: polygon(points[model].loc[:, ["x", "y"]].to_numpy(dtype=float))
        for model in models.model
    }
    measures = pd.DataFrame([found[model] for model in models.model], index=models.index)
    return models.join(measures)


def directions(row: Memorisation, model: int) -> Float[np.ndarray, "feature 2"]:
    """W of one model, the longest directions first."""
    mine = row.features.loc[row.features.model == model].sort_values(by="norm", ascending=False)
    return mine.loc[:, ["x", "y"]].to_numpy(dtype=float)


def regular(T: int) -> tuple[Float[np.ndarray, "2 point"], float]:
    """W and b by which T orthonormal points are memorised exactly, as a T-gon.

    In a basis in which point t is the unit vector e_t, W has the corners of a T-gon of radius r as
    columns. Outputs are r^2 + b at the point itself and at most r^2 cos(2 pi / T) + b elsewhere;
    the first is 1 and the second 0 for r^2 = 1 / (1 - cos(2 pi / T)) and b = 1 - r^2.
    """
    radius = 1 / np.sqrt(1 - np.cos(2 * np.pi / T))
    angles = 2 * np.pi * np.arange(T) / T
    return radius * np.stack([np.cos(angles), np.sin(angles)]), 1 - radius**2


def bump(mean: Float[np.ndarray, " size"]) -> float:
    """How far the highest test loss between the ends is above the higher one of the ends."""
    return float(mean[1:-1].max() - max(mean[0], mean[-1])) if len(mean) > 2 else np.nan


def onset(n_points: Int[np.ndarray, " size"], mean: Float[np.ndarray, " size"]) -> float:
    """The size from which on the test loss stays below 1, interpolated on log T; NaN if there is
    none, or if it is below 1 at all sizes."""
    above = np.flatnonzero(mean >= 1)
    if not len(above) or above[-1] == len(mean) - 1:
        return np.nan
    last = above[-1]
    share = (mean[last] - 1) / (mean[last] - mean[last + 1])
    low, high = np.log(n_points[last]), np.log(n_points[last + 1])
    return float(np.exp(low + share * (high - low)))


def middle(n_points: Int[np.ndarray, " size"], mean: Float[np.ndarray, " size"]) -> float:
    """The smallest size at which the test loss has risen by `ONSET_SHARE` of the bump above 1."""
    threshold = ONSET_SHARE * (mean.max() - 1)
    risen = np.flatnonzero(mean - 1 >= threshold)
    return float(n_points[risen[0]]) if mean.max() > 1 else np.nan


def on_two_circles(radii: Float[np.ndarray, " point"]) -> bool:
    """Whether points lie on two circles around the origin, see `CIRCLES_APART`."""
    ordered = np.sort(radii)
    gaps = np.diff(ordered)[1:-1]
    return bool(len(gaps) and gaps.max() > CIRCLES_APART * ordered.mean())


def largest_step(
    values: Float[np.ndarray, "data_set size"],
) -> tuple[int, intervals.Interval, bool]:
    """The largest rise of the mean from one size to the next one: where it begins, its interval,
    and whether every data set has it."""
    steps = np.diff(values, axis=1)
    where = int(steps.mean(axis=0).argmax())
    rise = steps[:, where]
    return where, intervals.mean(rise, seed=SEED), bool((rise > 0).all())


class Pentagon(NamedTuple):
    """How far the five longest directions of one model are from a pentagon of their own."""

    ratio: float
    """Fifth length over the sixth."""
    angle: float
    """Largest deviation of an angle between neighbours from 72 degrees."""
    dimensionality: float
    """The largest one of a feature."""

    def stands_out(self, ratio: float) -> bool:
        """Whether there is a pentagon, this many times longer than the sixth direction."""
        return self.ratio > ratio and self.angle <= 8 and self.dimensionality < 0.4


def at_largest(row: Memorisation) -> pd.DataFrame:
    """The models with the most points, lowest training loss first."""
    models = row.best_starts
    return models.loc[models.n_points == models.n_points.max()].sort_values(by="train_loss")


def pentagon(row: Memorisation, model: int) -> Pentagon:
    """The five longest directions of one model."""
    W = directions(row, model)
    norms = np.linalg.norm(W, axis=1)
    angles = np.degrees(np.sort(np.arctan2(W[:5, 1], W[:5, 0])))
    gaps = np.diff(np.append(angles, angles[0] + 360))
    shares = row.features[row.features.model == model].dimensionality
    return Pentagon(
        ratio=float(norms[4] / max(norms[5], 1e-12)),
        angle=float(np.abs(gaps - 72).max()),
        dimensionality=float(shares.max()),
    )
