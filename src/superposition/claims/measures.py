"""The statistics by which claims about toy models are judged."""

import numpy as np
import torch
from jaxtyping import Bool, Float

from superposition import intervals
from superposition.artefacts import Runs, Toy
from superposition.claims.core import Holds, Verdict
from superposition.toy import geometry
from superposition.values import between, fmt, of

SEED = 0
"""Of the bootstraps."""


def graded(exact: bool, roughly: bool) -> Holds:
    """The verdict of a claim that has a full and a partial form."""
    return "replicated" if exact else "partly" if roughly else "not replicated"


def best_start(
    runs: Runs, deviation: Float[np.ndarray, " seed"], fits: Bool[np.ndarray, " seed"]
) -> Verdict:
    """The verdict on the random start with the lowest loss; partly if only another one `fits`."""
    n_fit, n = int(fits.sum()), len(fits)
    low, high = intervals.wilson(n_fit, n)
    norms = ", ".join(fmt(float(norm), digits=2) for norm in runs.norm[0])
    return Verdict(
        measured=float(deviation[0]),
        interval=intervals.best(runs.loss[None], deviation[None], seed=SEED),
        holds=graded(bool(fits[0]), n_fit > 0),
        detail=f"Norms {norms} in the random start with the lowest loss; {of(n_fit, n)} starts "
        f"show the arrangement ({between(low, high, '%')}).",
    )


def gap_deviation(
    W: Float[np.ndarray, "seed feature 2"], ideal: tuple[float, ...]
) -> Float[np.ndarray, " seed"]:
    """Largest deviation in degrees of the angles between neighbours from the `ideal` ones.

    Both are in order of size; all features count, however short; 180 if one has no length at all.
    """
    deviations = []
    for each in W:
        gaps = np.sort(geometry.angle_gaps(torch.from_numpy(each), threshold=0.0).numpy())
        same = len(gaps) == len(ideal)
        deviations.append(np.abs(gaps - np.sort(ideal)).max() if same else 180.0)
    return np.array(deviations, dtype=float)


def over_densities(toy: Toy) -> list[Runs]:
    """The runs of every density, densest first, each in the same order of random starts."""
    return [toy.at(p).by_seed() for p in toy.densities]


def angle_to_first(W: Float[np.ndarray, "seed feature d_hidden"]) -> Float[np.ndarray, " seed"]:
    """Largest principal angle in degrees between what W embeds and the first d_hidden features."""
    d_hidden = W.shape[-1]
    basis = np.linalg.qr(W.astype(float)).Q
    cosines = np.linalg.svd(basis[:, :d_hidden], compute_uv=False)
    return np.degrees(np.arccos(np.clip(cosines.min(axis=-1), 0, 1)))


def linear_excess(runs: Runs) -> Float[np.ndarray, " seed"]:
    """By what share a linear model's expected loss exceeds that of keeping the first d_hidden.

    L = sum_i I_i (v sum_j A_ij^2 + (mu sum_j A_ij - b_i)^2) with A = 1 - W^T W, mean mu = p/2 and
    variance v = p/3 - p^2/4 of each feature; keeping the first m leaves v sum_(i>m) I_i.
    Differs: exact instead of on samples, which are too few at the sparsest densities.
    """
    p, importance = runs.feature_probability, runs.importance
    mean, variance = p / 2, p / 3 - p**2 / 4
    A = np.eye(runs.W.shape[1]) - runs.W @ runs.W.swapaxes(1, 2)
    loss = variance * (A**2).sum(axis=2) + (mean * A.sum(axis=2) - runs.b) ** 2
    return loss @ importance / (variance * importance[runs.W.shape[2] :].sum()) - 1


def worst_partner(runs: Runs, first_new: int) -> float:
    """How antipodal the new features are: the largest of their smallest cosines with another one.

    New are the represented features from index `first_new` on, in the best run; nothing new is 1.
    """
    represented = runs.norm[0] > geometry.REPRESENTED
    unit = runs.W[0] / np.maximum(runs.norm[0], np.finfo(float).tiny)[:, None]
    cosines = (unit @ unit.T)[:, represented]
    new = np.flatnonzero(represented)[np.flatnonzero(represented) >= first_new]
    return float(cosines[new].min(axis=1).max()) if len(new) else 1.0
