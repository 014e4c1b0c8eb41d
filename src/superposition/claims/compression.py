"""Claims of "Toy Models of Superposition" about compressed sensing."""

import numpy as np
import pandas as pd

from superposition import intervals
from superposition.artefacts import NotTrained
from superposition.claims.core import Verdict, claim
from superposition.claims.measures import graded
from superposition.claims.measures_robustness import DENSEST_OF_BOUND, by_density, slope
from superposition.claims.robustness import SPARSE
from superposition.claims.toy_models import PAPER
from superposition.results import Results
from superposition.values import between, fmt

FLAT = -0.1
"""Slope of log ratio against log 1/p below which the ratio would go to 0 with p."""


@claim(
    "a62-compressed-sensing",
    paper=PAPER,
    source="Related Work, Compressed Sensing; appendix, Theorems 1 and 2",
    published="m = Ω(−n (1 − S) log (1 − S)), with a constant that is not stated",
    expected="200 features in 20 dimensions: over densities up to 0.3, m / (−N p log p) for N "
    "represented features does not fall to 0 with p (slope against log 1/p above −0.1, with its "
    "whole interval), and at p = 0.01 and below matching pursuit has a smaller error than the "
    "model's decoder, beyond its interval. Partly: the first. A bound up to an unknown constant "
    "cannot be confirmed by any finite set of models, only contradicted.",
    quantity="smallest m / (−N p log p)",
    figure="robustness.html#fig-bound",
    rows=(
        "toy.uniform-200-in-20",
        "toy.uniform-200-in-20-sparse",
        "sparse_recovery.uniform",
        "sparse_recovery.uniform-sparse",
    ),
)
def needs_dimensions(r: Results) -> Verdict:
    """The number of dimensions needed for n features is at least of the order of
    −n (1 − S) log (1 − S): linear in the number of features, modulated by their sparsity."""
    table = recoveries(r)
    used = table["feature_probability"].le(DENSEST_OF_BOUND) & table["n_represented"].gt(0)
    bounded = table.loc[used]
    if bounded.empty:
        raise NotTrained("no model of the densities of the bound represents a feature")
    ratio = by_density(bounded.assign(ratio=bounded["d_hidden"] / bounded["bound"]), "ratio")
    steepness, (low, high) = slope(ratio)
    gain = by_density(table.loc[table["feature_probability"] <= SPARSE], "gain", error="gain_error")
    ends = [intervals.percentiles(resampled) for resampled in gain.resampled]
    better = sum(end[0] > 0 for end in ends)
    wins = better == len(ends) > 0
    return Verdict(
        measured=float(ratio.mean.min()),
        interval=intervals.percentiles(ratio.resampled.min(axis=0)),
        holds=graded(low > FLAT and wins, low > FLAT),
        detail=f"The slope against log 1/p is {fmt(steepness, digits=2)} "
        f"({between(low, high, digits=2)}): "
        f"{'consistent with' if low > FLAT else 'not clearly consistent with'} a lower bound, "
        f"which this cannot confirm. Matching pursuit beats the model's decoder at {better} of "
        f"{len(ends)} densities up to 0.01.",
    )


def recoveries(r: Results) -> pd.DataFrame:
    """Both rows of sparse_recovery, one below the other."""
    rows = [name for name in ("uniform", "uniform-sparse") if name in r.rows("sparse_recovery")]
    tables = [r.sparse_recovery(name).instances for name in rows]
    return pd.concat(tables, ignore_index=True)


def crossover(table: pd.DataFrame) -> float:
    """The densest density at which matching pursuit has the smaller error; NaN if at none."""
    gain = by_density(table, "gain")
    return max(
        (p for p, mean in zip(gain.densities, gain.mean, strict=True) if mean > 0), default=np.nan
    )
