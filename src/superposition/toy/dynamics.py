"""How a model gets where it ends: losses along the way, jumps of dimensionality, stages, plateaus.

Everything is computed from snapshots of the weights, on samples that all snapshots share: a
difference between two of them then is one of the weights and not of the samples.
"""

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

JUMP = 0.2
"""Change of a dimensionality that counts as a jump."""
JUMP_SHARE = 0.01
"""Share of the training within which a jump happens."""
SMOOTHING = 0.02
"""Share of the training over which the rate of learning is averaged."""
CONTRAST = 2.0
"""How many times slower a plateau is than the falls on both sides of it."""
SLOWEST = 0.01
"""Fall of the natural logarithm of the loss in a hundredth of the training below which differences
of the rate do not matter."""


class Points(NamedTuple):
    """Samples on which losses are compared, and how much each counts."""

    x: Float[np.ndarray, "sample feature"]
    weight: Float[np.ndarray, " sample"]
    """They sum to one."""


class Stretch(NamedTuple):
    """A part of the training, from one snapshot to another."""

    first: int
    last: int


def independent_points(n_features: int, p: float, *, n_samples: int, seed: int) -> Points:
    """Samples of independent features of density `p`."""
    rng = np.random.default_rng(seed)
    active = rng.random((n_samples, n_features)) < p
    x = rng.random((n_samples, n_features)) * active
    return Points(x, np.full(n_samples, 1 / n_samples))


def correlated_points(n_sets: int, set_size: int, p: float, *, n_samples: int, seed: int) -> Points:
    """Samples of sets of features that occur together: `n_samples` of every choice of sets.

    Each choice is weighted by its probability, so that rare ones are known as well as common ones.
    """
    values = np.random.default_rng(seed).random((n_samples, n_sets * set_size))
    choices = np.array(list(itertools.product((0.0, 1.0), repeat=n_sets)))
    chance = np.where(choices == 1, p, 1 - p).prod(axis=1)
    x = np.concatenate([values * np.repeat(choice, set_size) for choice in choices])
    return Points(x, np.repeat(chance / n_samples, n_samples))


def losses(
    W: Float[np.ndarray, "snapshot feature d_hidden"],
    b: Float[np.ndarray, "snapshot feature"],
    points: Points,
) -> Float[np.ndarray, " snapshot"]:
    """Squared error of ReLU(W^T W x + b) at each snapshot, mean over features of importance 1."""
    x = points.x.astype(W.dtype)
    found = []
    for weights, bias in zip(W, b, strict=True):
        error = (x - np.maximum(x @ weights @ weights.T + bias, 0)) ** 2
        found.append(float(points.weight @ error.mean(axis=1)))
    return np.array(found)


def dimensionality(
    W: Float[np.ndarray, "*snapshot feature d_hidden"],
) -> Float[np.ndarray, "*snapshot feature"]:
    """D_i = |W_i|^4 / sum_j (W_i . W_j)^2, as in `geometry`, and 0 for a feature without weight."""
    square = ((W @ W.swapaxes(-1, -2)) ** 2).sum(axis=-1)
    return (W**2).sum(axis=-1) ** 2 / np.maximum(square, np.finfo(np.float32).tiny)


def jumps(
    D: Float[np.ndarray, "snapshot feature"], steps: Int[np.ndarray, " snapshot"]
) -> Int[np.ndarray, " window"]:
    """How many features jump in each window of `JUMP_SHARE` of the training.

    A jump is a change by more than `JUMP` from one snapshot to the one a window's length later. It
    belongs to the window of its middle.
    """
    ends = windows(steps)
    lag = max(1, (len(steps) - 1) // (len(ends) - 1))
    jumping = np.abs(D[lag:] - D[:-lag]) > JUMP
    middle = (steps[lag:] + steps[:-lag]) / 2
    window = np.searchsorted(steps[ends], middle, side="right") - 1
    inside = [jumping[window == index] for index in range(len(ends) - 1)]
    return np.array([one.any(axis=0).sum() for one in inside], dtype=np.int64)


def windows(
    steps: Int[np.ndarray, " snapshot"], *, share: float = JUMP_SHARE
) -> Int[np.ndarray, " end"]:
    """The snapshots nearest to the borders of equal windows of a share of the training."""
    borders = np.linspace(steps[0], steps[-1], round(1 / share) + 1)
    return np.unique(np.abs(steps[:, None] - borders[None, :]).argmin(axis=0))


def passage(
    D: Float[np.ndarray, "snapshot feature"],
    steps: Int[np.ndarray, " snapshot"],
    *,
    low: float,
    high: float,
) -> Float[np.ndarray, " passed"]:
    """Steps that each feature took from last being below `low` to staying above `high`.

    Only features that end above `high` and once were below `low`.
    """
    taken = []
    for course in D.T:
        below = np.flatnonzero(course < low)
        above = settled(-course, steps, below=-high)
        if len(below) and above is not None:
            taken.append(float(above - steps[below[-1]]))
    return np.array(taken)


def settled(
    course: Float[np.ndarray, " snapshot"], steps: Int[np.ndarray, " snapshot"], *, below: float
) -> int | None:
    """The step from which on a quantity stays below a threshold, or None if it does not."""
    above = np.flatnonzero(~(course < below))
    first = above[-1] + 1 if len(above) else 0
    return int(steps[first]) if first < len(steps) else None


def first_above(
    course: Float[np.ndarray, " snapshot"], steps: Int[np.ndarray, " snapshot"], *, above: float
) -> int | None:
    """The step at which a quantity is above a threshold for the first time, or None."""
    found = np.flatnonzero(course > above)
    return int(steps[found[0]]) if len(found) else None


def plateaus(
    loss: Float[np.ndarray, " snapshot"], steps: Int[np.ndarray, " snapshot"]
) -> list[Stretch]:
    """Where learning almost stands still: the rate of the loss's fall is `CONTRAST` times lower
    than at its fastest before, and, unless training ends first, than at its fastest after.

    The rate is the fall of the loss's logarithm, averaged over `SMOOTHING` of the training.
    """
    ends = windows(steps, share=SMOOTHING)
    rate = -np.diff(np.log(loss[ends])) / np.diff(steps[ends]) * (steps[-1] - steps[0]) / 100
    rate = np.maximum(rate, SLOWEST)
    found, start, fastest, slowest = [], None, rate[0], rate[0]
    for index, now in enumerate(rate):
        if start is None and now * CONTRAST <= fastest:
            start, slowest = index, now
        elif start is not None and now >= slowest * CONTRAST:
            found.append(Stretch(int(ends[start]), int(ends[index])))
            start, fastest = None, now
        slowest, fastest = min(slowest, now), max(fastest, now)
    if start is not None:
        found.append(Stretch(int(ends[start]), int(ends[-1])))
    return found


def permutation_p_value(
    values: Float[np.ndarray, " case"],
    chosen: Bool[np.ndarray, " case"],
    group: Int[np.ndarray, " case"],
    *,
    n_permutations: int,
    seed: int,
) -> float:
    """Chance that a random choice, equally many in each group, has at least so large ranks.

    Ranks are taken within the group, so that outliers and differences between groups do not matter.
    """
    rng = np.random.default_rng(seed)
    observed, random = 0.0, np.zeros(n_permutations)
    for one in np.unique(group):
        inside = group == one
        ranks = values[inside].argsort().argsort()
        observed += float(ranks[chosen[inside]].sum())
        order = rng.random((n_permutations, len(ranks))).argsort(axis=1)
        random += ranks[order[:, : int(chosen[inside].sum())]].sum(axis=1)
    return float((1 + (random >= observed).sum()) / (1 + n_permutations))
