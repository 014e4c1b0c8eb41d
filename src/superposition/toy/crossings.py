"""Where the losses of two arrangements cross while one feature becomes sparser.

Source: Toy Models of Superposition, Perturbing a Single Feature.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from superposition import intervals
from superposition.toy.branches import BRANCHES, DIGONS, PENTAGON


class Crossing(NamedTuple):
    """Where the losses of the two arrangements are equal."""

    ratio: float | None
    """How many times sparser than the others the first feature is; None if they do not cross."""
    interval: tuple[float, float] | None
    """95% interval: other random starts, and the error of the losses."""


def crossing(branches: pd.DataFrame, *, seed: int) -> Crossing:
    """How many times sparser the first feature is where digons begin to win.

    The difference of the lowest losses is interpolated linearly in the logarithm of the relative
    density. For the interval, starts are drawn again, and losses vary by their standard errors.
    """
    if len(difference(branches)) < 2:
        return Crossing(None, None)
    relative, losses, errors = _grid(branches)
    lowest = np.nanmin(losses, axis=2)
    (ratio,) = _ratios(relative, lowest[None, :, 0] - lowest[None, :, 1])
    if np.isnan(ratio):
        return Crossing(None, None)
    rng = np.random.default_rng(seed)
    shape = (intervals.N_RESAMPLES, *losses.shape)
    noisy = losses + errors * rng.standard_normal(shape)
    drawn = np.take_along_axis(noisy, rng.integers(losses.shape[2], size=shape), axis=3)
    drawn = np.where(np.isnan(drawn).all(axis=3, keepdims=True), noisy, drawn)
    again = np.nanmin(drawn, axis=3)
    ratios = _ratios(relative, again[..., 0] - again[..., 1])
    return Crossing(float(ratio), intervals.percentiles(ratios[~np.isnan(ratios)]))


def difference(branches: pd.DataFrame) -> pd.DataFrame:
    """Lowest loss of each arrangement: relative_density, ratio, pentagon, digons, advantage.

    The advantage of the pentagon is the share by which the loss of the digons is larger.
    """
    lowest = branches.pivot_table(
        index="relative_density", columns="branch", values="loss", aggfunc="min"
    )
    wide = lowest.reindex(columns=[*BRANCHES]).dropna().rename_axis(columns=None).reset_index()
    ratio, advantage = 1 / wide["relative_density"], wide[DIGONS] / wide[PENTAGON] - 1
    return wide.assign(ratio=ratio, advantage=advantage)


def advantage_at(branches: pd.DataFrame, ratio: float) -> float:
    """The pentagon's advantage at one ratio, interpolated in the logarithm of the ratio."""
    both = difference(branches)
    if both.empty:
        return float("nan")
    logs = np.log(both["relative_density"].to_numpy())
    return float(np.interp(-np.log(ratio), logs, both["advantage"].to_numpy()))


def summary(branches: pd.DataFrame, *, seed: int) -> dict[str, float | int | None]:
    """The numbers of perturbation/metrics.json: the crossing as a ratio, and its 95% interval."""
    ratio, interval = crossing(branches, seed=seed)
    low, high = interval or (None, None)
    relative_errors = branches["standard_error"].to_numpy() / branches["loss"].to_numpy()
    return {
        "n_polished": len(branches),
        "largest_relative_error": float(relative_errors.max()),
        "crossing_ratio": ratio,
        "crossing_ratio_low": low,
        "crossing_ratio_high": high,
    }


def _grid(branches: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Relative densities at which both branches exist, densest first, and what was found there.

    Losses and standard errors are [relative density, branch, start], NaN where there is no start.
    """
    keys = ["relative_density", "branch"]
    numbered = branches.assign(start=branches.groupby(keys).cumcount())
    relative = difference(branches)["relative_density"].to_numpy()[::-1]
    n_starts = int(numbered["start"].to_numpy().max()) + 1
    names = pd.MultiIndex.from_product(
        [relative, BRANCHES, range(n_starts)], names=[*keys, "start"]
    )
    full = numbered.set_index(names.names).reindex(names)
    shape = (len(relative), len(BRANCHES), -1)
    columns = ("loss", "standard_error")
    loss, error = (full[name].to_numpy(dtype=float).reshape(shape) for name in columns)
    return relative, loss, error


def _ratios(
    relative: np.ndarray, pentagon_minus_digons: np.ndarray
) -> Float[np.ndarray, " resample"]:
    """1 / relative density at the last change from pentagons to digons; NaN if there is none."""
    left, right = pentagon_minus_digons[:, :-1], pentagon_minus_digons[:, 1:]
    changes = (left < 0) & (right >= 0)
    last = changes.shape[1] - 1 - changes[:, ::-1].argmax(axis=1)
    rows, found = np.arange(len(changes)), changes.any(axis=1)
    before, after = left[rows, last], right[rows, last]
    weight = before / np.where(found, before - after, 1.0)
    logs = np.log(relative)
    return np.where(found, np.exp(-(logs[last] + weight * (logs[last + 1] - logs[last]))), np.nan)
