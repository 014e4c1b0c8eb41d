"""Tables of models with unequal or dependent features, for the figures and the prose."""

import numpy as np
import pandas as pd

from superposition import intervals
from superposition.artefacts import Toy
from superposition.claims.measures_uneven import SEED, collapse, perturbed
from superposition.claims.uneven import pentagon_solutions
from superposition.results import Results
from superposition.toy import crossings, sets

CORRELATED, ANTICORRELATED, THREE_PAIRS = (
    "correlated-two-pairs",
    "anticorrelated-two-pairs",
    "correlated-three-pairs",
)
ARRANGEMENTS = {
    CORRELATED: "correlated pairs, orthogonal",
    ANTICORRELATED: "anticorrelated pairs, opposite",
    THREE_PAIRS: "three correlated pairs, side by side",
}
"""What is counted in each experiment, in words."""


def best_sets(toy: Toy, set_size: int) -> pd.DataFrame:
    """The features of the best model at each density, with the column `set`."""
    return sets.with_sets(toy.best_features, set_size)


def crossing(branches: pd.DataFrame) -> pd.DataFrame:
    """Where the losses cross: one row with ratio, low, high; none if they do not."""
    found = crossings.crossing(branches, seed=SEED)
    rows = [] if found.interval is None else [(found.ratio, *found.interval)]
    return pd.DataFrame(rows, columns=["ratio", "low", "high"], dtype=float)


def solutions(r: Results) -> pd.DataFrame:
    """Norms and biases of the best pentagons: feature_probability, feature, bias, norm."""
    parts = [
        pd.DataFrame(
            {
                "feature_probability": one.feature_probability,
                "feature": np.arange(len(one.b[0])),
                "bias": one.b[0],
                "norm": one.norm[0],
            }
        )
        for one in pentagon_solutions(r)
    ]
    empty = pd.DataFrame(columns=["feature_probability", "feature", "bias", "norm"], dtype=float)
    return pd.concat(parts, ignore_index=True) if parts else empty


def represents_first(toy: Toy) -> pd.DataFrame:
    """How many starts represent all features: relative_density, ratio, n_fit, n_starts, best."""
    rows = [
        {
            "relative_density": one.relative_density,
            "ratio": 1 / one.relative_density,
            "n_fit": int(one.pentagon.sum()),
            "n_starts": len(one.pentagon),
            "best": bool(one.pentagon[0]),
        }
        for one in perturbed(toy, toy.densities[0])
    ]
    return pd.DataFrame(rows)


def collapsed(toy: Toy) -> pd.DataFrame:
    """How many starts have which number of collapsed pairs, by density.

    Columns: feature_probability, collapsed, n, n_starts, share, best (is it so in the best start).
    """
    rows = []
    for one in collapse(toy):
        for count in sorted(set(one.counts.tolist())):
            n = int((one.counts == count).sum())
            rows.append(
                {
                    "feature_probability": one.runs.feature_probability,
                    "collapsed": count,
                    "n": n,
                    "n_starts": len(one.counts),
                    "share": n / len(one.counts),
                    "best": count == int(one.counts[0]),
                }
            )
    return pd.DataFrame(rows)


def published_collapse(toy: Toy) -> pd.DataFrame:
    """The published ranges within the densities trained: sparsest, densest, collapsed."""
    lowest, highest = min(toy.densities), max(toy.densities)
    rows = [
        (max(low, lowest), min(high, highest), n)
        for low, high, n in sets.PUBLISHED_COLLAPSE
        if low < highest and high > lowest
    ]
    return pd.DataFrame(rows, columns=["sparsest", "densest", "collapsed"])


def shares(r: Results) -> pd.DataFrame:
    """How many random starts end in the expected arrangement, by experiment and density.

    Columns: arrangement, feature_probability, n_fit, n_starts, share, and its 95% interval: low,
    high.
    """
    rows = []
    for row, name in ARRANGEMENTS.items():
        toy = r.toy(row)
        for p in toy.densities:
            W = toy.at(p).W
            n, whole = int(_fits(row, W).sum()), len(W)
            rows.append((name, p, n, whole, n / whole, *intervals.wilson(n, whole)))
    columns = ["arrangement", "feature_probability", "n_fit", "n_starts", "share", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _fits(row: str, W: np.ndarray) -> np.ndarray:
    if row == CORRELATED:
        return sets.within(W, 2) < 0.1
    if row == ANTICORRELATED:
        return sets.pair_cosines(W).max(axis=1) < -0.95
    return sets.side_by_side(W) == W.shape[1] // 2
