"""The statistics by which claims about the geometry of features are judged."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from superposition import intervals
from superposition.artefacts import Toy
from superposition.toy import clusters, graphs
from superposition.toy.geometry import REPRESENTED
from superposition.values import fmt

SEED = 0
"""Of the bootstraps and permutations."""
PLATEAU = 0.05
"""D* is at a fraction if it differs from it by at most this share."""
AWAY = 0.1
"""Bands that differ from every plateau by more than this share are compared with it."""
GRID = 1000
"""Points at which curves over density are interpolated, and bands that are compared."""
WHOLE = 0.02
"""How far a sum of dimensionalities may be from a whole number."""


class Curve(NamedTuple):
    """D* over density."""

    log_sparsity: Float[np.ndarray, " density"]
    """ln(1/p), increasing."""
    d_star: Float[np.ndarray, "seed density"]
    """m / |W|_F^2."""


class Pool(NamedTuple):
    """The represented features of many models."""

    D: Float[np.ndarray, " feature"]
    """Their dimensionalities."""
    model: Int[np.ndarray, " feature"]
    """Which model each belongs to."""
    n_models: int
    """Models looked at, those without represented features included."""


class Sticky(NamedTuple):
    """How much of the range of densities D* spends where."""

    at_one: float
    """Share of the logarithmic range within `PLATEAU` of 1."""
    at_half: float
    """Share within `PLATEAU` of 1/2."""
    elsewhere: float
    """Largest share of a band of the same width that is away from both."""


def curve(toy: Toy) -> Curve:
    """D* at every density, for the random starts that converged at all of them."""
    runs = [toy.at(p) for p in toy.densities]
    seeds = sorted(set.intersection(*(set(one.seed.tolist()) for one in runs)))
    d_star = np.array([_d_star(one.by_seed().W[np.isin(np.sort(one.seed), seeds)]) for one in runs])
    return Curve(-np.log(np.array(toy.densities)), d_star.T)


def sticky(x: Float[np.ndarray, " density"], d_star: Float[np.ndarray, " density"]) -> Sticky:
    """How long D* stays at 1, at 1/2 and at most elsewhere, interpolated between densities."""
    grid = np.linspace(x[0], x[-1], GRID)
    values = np.exp(np.interp(grid, x, np.log(d_star)))

    def share(centre: float) -> float:
        return float((np.abs(values / centre - 1) <= PLATEAU).mean())

    centres = np.geomspace(values.min() / (1 - PLATEAU), values.max() / (1 + PLATEAU), GRID)
    others = [c for c in centres.tolist() if all(_apart(c, level) for level in (1.0, 0.5))]
    return Sticky(share(1.0), share(0.5), max([share(c) for c in others], default=0.0))


def features_per_dimension(toy: Toy, p: float) -> Float[np.ndarray, " seed"]:
    """|W|_F^2 / m at density `p`, interpolated on logarithmic scales between trained densities."""
    x, d_star = curve(toy)
    return np.array([np.exp(-np.interp(-np.log(p), x, np.log(one))) for one in d_star])


def largest_deviation(
    by_row: Sequence[Sequence[Float[np.ndarray, " _seed"]]],
) -> tuple[float, intervals.Interval]:
    """Largest relative distance of a row's mean from that of all rows, over densities.

    `by_row[k][d]` are the values of row k at density d. The interval resamples random starts.
    """
    rng = np.random.default_rng(SEED)

    def deviation(means: Float[np.ndarray, "row density"]) -> float:
        return float(np.abs(means / means.mean(axis=0) - 1).max())

    def resampled() -> Float[np.ndarray, "row density"]:
        drawn = [rng.integers(len(row[0]), size=len(row[0])) for row in by_row]
        return np.array([[v[d].mean() for v in row] for row, d in zip(by_row, drawn, strict=True)])

    measured = deviation(np.array([[values.mean() for values in row] for row in by_row]))
    low, high = np.percentile([deviation(resampled()) for _ in range(GRID)], [2.5, 97.5])
    return measured, (float(low), float(high))


def pool(toys: Sequence[Toy]) -> Pool:
    """The represented features of every model of these experiments that converged."""
    D, model, n = [], [], 0
    for toy in toys:
        for p in toy.densities:
            runs = toy.at(p)
            for norm, dimensionality in zip(runs.norm, runs.dimensionality, strict=True):
                kept = dimensionality[norm > REPRESENTED]
                D.append(kept)
                model.append(np.full(len(kept), n))
                n += 1
    return Pool(np.concatenate(D).astype(float), np.concatenate(model), n)


def gatherings(
    found: Pool, fractions: Sequence[float], *, others: Sequence[float]
) -> list[clusters.Cluster]:
    """How the features gather around each of the fractions."""
    return [
        clusters.cluster(found.D, found.model, one, others=others, seed=SEED) for one in fractions
    ]


def gathered(lines: list[clusters.Cluster], found: Pool) -> str:
    """What was found at each fraction, in words."""
    each = [
        f"{fmt(line.fraction)} {'yes' if line.stands_out() else 'no'} "
        f"({fmt(line.n_inside)} features of {fmt(line.n_models)} models)"
        for line in lines
    ]
    return (
        f"{', '.join(each)}; {fmt(len(found.D))} represented features of {fmt(found.n_models)} "
        "models in all."
    )


def in_pairs(
    W: Float[np.ndarray, "feature d_hidden"], D: Float[np.ndarray, " feature"]
) -> Bool[np.ndarray, " represented"]:
    """Which represented features have exactly one antipode (cosine below -0.98) and D = 1/2."""
    kept = np.linalg.norm(W, axis=1) > REPRESENTED
    unit = W[kept] / np.linalg.norm(W[kept], axis=1, keepdims=True)
    partners = (unit @ unit.T < -0.98).sum(axis=1)
    return (partners == 1) & clusters.near(D[kept].astype(float), 0.5)


def parts_of(toy: Toy) -> list[list[graphs.Component]]:
    """The components of every model of an experiment, densest first."""
    return [
        graphs.components(W, D)
        for p in toy.densities
        for W, D in zip(toy.at(p).W, toy.at(p).dimensionality, strict=True)
    ]


def whole(dimensions: Float[np.ndarray, " part"]) -> Bool[np.ndarray, " part"]:
    """Which sums of dimensionalities are whole numbers above 0, within `WHOLE`."""
    nearest = np.round(dimensions)
    return (np.abs(dimensions - nearest) <= WHOLE) & (nearest > 0)


def simplex(n: int) -> Float[np.ndarray, "n n"]:
    """The n basis vectors projected onto what is orthogonal to (1, ..., 1)."""
    return np.eye(n) - 1 / n


def like_best(
    W: Float[np.ndarray, "seed feature d_hidden"], *, tolerance: float = graphs.SHAPE_TOLERANCE
) -> Bool[np.ndarray, " seed"]:
    """Which models have the geometry of the first one: the same sorted products of features."""
    products = graphs.sorted_products(W)
    return graphs.rms(products - products[0]) <= tolerance


def _d_star(W: Float[np.ndarray, "seed feature d_hidden"]) -> Float[np.ndarray, " seed"]:
    return W.shape[2] / (W.astype(float) ** 2).sum(axis=(1, 2))


def _apart(centre: float, level: float) -> bool:
    """Whether the band around a centre has nothing of the surroundings of a plateau."""
    below = centre * (1 + PLATEAU) < level * (1 - AWAY)
    return below or centre * (1 - PLATEAU) > level * (1 + AWAY)
