"""How autoencoders of a sweep are compared, and how two groups of latents are told apart."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from scipy import stats

from superposition import intervals
from superposition.artefacts import NotTrained
from superposition.results import Results

N_COMPARED = 5
"""Values of L0, evenly spaced on a logarithmic axis, at which two frontiers are compared."""
NARROWEST = 0.15
"""Smallest standard deviation of a component, in decades: densities of few firings come in steps,
and a component must not fit one of them."""
N_ROUNDS = 500
"""Rounds of the fit of two components."""


class Gap(NamedTuple):
    """How far one frontier lies above another at equal L0."""

    by_seed: Float[np.ndarray, " seed"]
    """Mean difference over the L0 compared, of each seed."""
    low_l0: float
    """The least L0 compared."""
    high_l0: float
    """The largest."""

    @property
    def mean(self) -> float:
        """Mean over seeds."""
        return float(self.by_seed.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Of the mean, over seeds."""
        return intervals.student(self.by_seed)


class Mixture(NamedTuple):
    """One and two normal components fitted to numbers, by greatest likelihood."""

    means: Float[np.ndarray, " two"]
    """Of the two components, ascending."""
    deviations: Float[np.ndarray, " two"]
    """Their standard deviations."""
    shares: Float[np.ndarray, " two"]
    """Their weights."""
    bic_gain: float
    """Bayesian information criterion of one component minus that of two: positive speaks for two,
    above 10 very strongly (Kass and Raftery 1995)."""

    @property
    def separation(self) -> float:
        """Ashman's D, sqrt(2) |m1 - m2| / sqrt(s1^2 + s2^2): above 2 the two are clearly apart."""
        distance = np.abs(np.diff(self.means))[0]
        return float(np.sqrt(2) * distance / np.sqrt((self.deviations**2).sum()))


def measured(r: Results, row: str, column: str) -> pd.DataFrame:
    """The points of a sweep at which `column` was measured and some latent is active."""
    points = r.sweep(row).points
    return points.loc[points[column].notna() & (points["l0"] > 0)]


def by_level(r: Results, row: str, column: str) -> pd.Series:
    """Mean of `column` over seeds, by width and level."""
    points = measured(r, row, column)
    if not len(points):
        raise NotTrained(f"nothing measured in the sweep {row}")
    width, level, values = (points[name].to_numpy() for name in ("d_sae", "level", column))
    keys = sorted(set(zip(width.tolist(), level.tolist(), strict=True)))
    means = [float(values[(width == d) & (level == one)].mean()) for d, one in keys]
    return pd.Series(means, index=pd.MultiIndex.from_tuples(keys, names=["d_sae", "level"]))


def gap(r: Results, row: str, other: str, column: str) -> Gap:
    """How far the frontier of `row` lies above that of `other` in `column`, at equal L0.

    Between its levels a seed's frontier is a straight line over log L0. Seeds are compared with
    themselves, and only where both rows have points on both sides.
    """
    return gap_between(measured(r, row, column), measured(r, other, column), column)


def gap_between(points: pd.DataFrame, others: pd.DataFrame, column: str) -> Gap:
    """As `gap`, of two sets of points."""
    seeds = [seed for seed in _seeds(points) if seed in _seeds(others)]
    lines = [(_line(points, seed, column), _line(others, seed, column)) for seed in seeds]
    ends = [(line[0][0], line[0][-1]) for pair in lines for line in pair]
    low, high = (max(e[0] for e in ends), min(e[1] for e in ends)) if ends else (1.0, 0.0)
    if low >= high:
        raise NotTrained("no level of sparsity that both have")
    at = np.linspace(low, high, N_COMPARED)
    differences = [(np.interp(at, *one) - np.interp(at, *two)).mean() for one, two in lines]
    return Gap(np.array(differences), float(np.exp(low)), float(np.exp(high)))


def at_l0(r: Results, row: str, column: str, l0: float) -> Float[np.ndarray, " seed"]:
    """Where each seed's frontier passes `l0`; none of seeds whose points are all on one side."""
    points = measured(r, row, column)
    lines = [_line(points, seed, column) for seed in _seeds(points)]
    found = [
        np.interp(np.log(l0), *line) for line in lines if line[0][0] <= np.log(l0) <= line[0][-1]
    ]
    return np.array(found, dtype=float)


def mixture(values: Float[np.ndarray, " case"]) -> Mixture:
    """One and two normal components, by expectation and maximisation from the quartiles."""
    one = _log_normal(values, values.mean(), max(float(values.std()), NARROWEST))
    means = np.quantile(values, [0.25, 0.75])
    deviations, shares = np.full(2, max(float(values.std()), NARROWEST)), np.full(2, 0.5)
    for _ in range(N_ROUNDS):
        joint = np.log(shares) + _log_normal(values[:, None], means, deviations)
        weights = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
        totals = np.maximum(weights.sum(axis=0), 1e-9)
        means = (weights * values[:, None]).sum(axis=0) / totals
        spread = (weights * (values[:, None] - means) ** 2).sum(axis=0) / totals
        deviations, shares = np.maximum(np.sqrt(spread), NARROWEST), totals / totals.sum()
    joint = np.log(shares) + _log_normal(values[:, None], means, deviations)
    two = np.logaddexp.reduce(joint, axis=1)
    order = np.argsort(means)
    gain = 2 * float(two.sum() - one.sum()) - 3 * float(np.log(len(values)))
    return Mixture(means[order], deviations[order], shares[order], gain)


def separation(
    columns: Float[np.ndarray, "case column"], is_low: Bool[np.ndarray, " case"]
) -> float:
    """How well the columns tell the low cases from the others: area under the ROC curve.

    A logistic regression is fitted to every other case and judged on the rest. From 0.5 to 1.
    """
    scaled = (columns - columns.mean(axis=0)) / np.maximum(columns.std(axis=0), 1e-12)
    design = np.column_stack([np.ones(len(scaled)), scaled])
    weights = np.zeros(design.shape[1])
    fit, target = design[::2], is_low[::2].astype(float)
    for _ in range(50):  # Newton's method; the small ridge keeps it finite where they separate
        p = 1 / (1 + np.exp(-np.clip(fit @ weights, -30, 30)))
        slope = fit.T @ (target - p) - 1e-3 * weights
        curvature = fit.T @ (fit * (p * (1 - p))[:, None]) + 1e-3 * np.eye(len(weights))
        weights = weights + np.linalg.solve(curvature, slope)
    return area(design[1::2] @ weights, is_low[1::2])


def area(scores: Float[np.ndarray, " case"], positive: Bool[np.ndarray, " case"]) -> float:
    """Share of pairs of a positive and another case in which the positive one scores higher.

    >>> area(np.array([1.0, 2.0, 3.0]), np.array([False, True, True]))
    1.0
    """
    ranks = stats.rankdata(scores)
    n, n_others = int(positive.sum()), int((~positive).sum())
    if n == 0 or n_others == 0:
        raise NotTrained("no latent on one of two sides")
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * n_others))


def _seeds(points: pd.DataFrame) -> list[int]:
    """The seeds with two levels or more."""
    seed, level = (points[name].to_numpy() for name in ("seed", "level"))
    return [int(one) for one in np.unique(seed) if len(np.unique(level[seed == one])) >= 2]


def _line(points: pd.DataFrame, seed: int, column: str) -> tuple[np.ndarray, np.ndarray]:
    """log L0 and `column` of one seed's points, by rising L0."""
    own = points.loc[points["seed"] == seed].sort_values("l0")
    return np.log(own["l0"].to_numpy(float)), own[column].to_numpy(float)


def _log_normal(
    x: np.ndarray, mean: np.ndarray | float, deviation: np.ndarray | float
) -> np.ndarray:
    return -0.5 * ((x - mean) / deviation) ** 2 - np.log(deviation) - 0.5 * np.log(2 * np.pi)
