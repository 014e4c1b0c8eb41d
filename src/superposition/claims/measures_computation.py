"""The statistics by which claims about neurons are judged: of the best model at each density."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from superposition.artefacts import Runs, Toy
from superposition.claims.measures import SEED
from superposition.intervals import N_RESAMPLES, Interval
from superposition.toy import geometry, motif, neurons

N_ROTATIONS = 1000
"""Random rotations of the linear model."""
N_SAMPLES = 20_000
"""Inputs on which neurons and outputs are measured."""
N_SHUFFLES = 99
"""Of the weights of each model."""
CLEAR = 0.05
"""Superposition score below which a feature shares its direction with none."""

Statistic = Callable[[Runs], Float[np.ndarray, " seed"]]


def interval_of_best(
    runs: list[Runs],
    statistic: Statistic,
    combine: Callable[[Float[np.ndarray, "resample density"]], Float[np.ndarray, " resample"]],
) -> Interval:
    """95% interval of `combine` of each density's `statistic` in its best random start.

    Random starts are drawn again with replacement at each density, and the best of them is kept.
    """
    rng = np.random.default_rng(SEED)
    columns = []
    for one in runs:
        drawn = rng.integers(len(one.loss), size=(N_RESAMPLES, len(one.loss)))
        columns.append(statistic(one)[drawn.min(axis=1)])
    low, high = np.percentile(combine(np.stack(columns, axis=1)), [2.5, 97.5])
    return float(low), float(high)


def mean_alignment(runs: Runs) -> Float[np.ndarray, " seed"]:
    """Mean over neurons of the share of each that belongs to one feature."""
    return neurons.alignment(runs.W).mean(axis=-1)


def monosemantic(runs: Runs) -> Float[np.ndarray, " seed"]:
    """Neurons with exactly one weight above the threshold."""
    return neurons.n_monosemantic(runs.W).astype(float)


def rotation_baseline(runs: Runs) -> float:
    """The mean alignment that 97.5% of random rotations of the best model stay below."""
    rotated = neurons.rotated_alignment(runs.W[0], n_rotations=N_ROTATIONS, seed=SEED)
    return float(np.percentile(rotated, 97.5))


def spearman(
    x: Float[np.ndarray, " case"], y: Float[np.ndarray, "sample case"]
) -> Float[np.ndarray, " sample"]:
    """Rank correlation of `x` with each row of `y`, with mean ranks for ties; 0 if all tie."""
    ranks = pd.DataFrame(np.vstack([x, y])).rank(axis=1).to_numpy()
    ranks = ranks - ranks.mean(axis=1, keepdims=True)
    length = np.linalg.norm(ranks, axis=1)
    product = length[0] * length[1:]
    return ranks[1:] @ ranks[0] / np.where(product > 0, product, 1)


def above_zero(runs: Runs) -> Float[np.ndarray, " seed"]:
    """How often the hidden neurons of each model are above zero."""
    pairs = zip(runs.W, runs.b_hidden, strict=True)
    options = {"feature_probability": runs.feature_probability, "n_samples": 4096, "seed": SEED}
    return np.array([neurons.share_above_zero(*pair, **options) for pair in pairs])


def impurity(runs: Runs) -> Float[np.ndarray, " seed"]:
    """The largest second weight into any neuron, relative to the neuron's largest."""
    return neurons.second_largest(runs.W).max(axis=-1)


def has_both_sides(runs: Runs) -> Bool[np.ndarray, " seed"]:
    """Whether each feature is the main one of one positive and one negative neuron, no more."""
    n_features = runs.W.shape[1]
    main = neurons.main_feature(runs.W)
    largest = np.take_along_axis(runs.W, main[:, None, :], axis=1)[:, 0]
    sides = np.sort(main + n_features * (largest < 0), axis=1)
    wanted = np.arange(2 * n_features)
    same = sides.shape[1] == len(wanted)
    return (sides == wanted).all(axis=1) if same else np.zeros(len(sides), dtype=bool)


def n_polysemantic(runs: Runs) -> int:
    """Polysemantic neurons of the best model."""
    return int(neurons.polysemantic(runs.W[0]).sum())


def rank_correlation(runs: Runs) -> float:
    """Over the neurons of the best model: rank of the main feature with being polysemantic."""
    rank = neurons.main_feature(runs.W[0]).astype(float)
    return float(spearman(rank, neurons.polysemantic(runs.W[0])[None].astype(float))[0])


def n_computed(runs: Runs) -> int:
    """Features whose absolute value the best model computes."""
    explained = neurons.variance_explained(
        runs.W[0].astype(np.float32),
        runs.W_out[0].astype(np.float32),
        runs.b[0].astype(np.float32),
        feature_probability=runs.feature_probability,
        n_samples=N_SAMPLES,
        seed=SEED,
    )
    return int((explained > neurons.COMPUTED).sum())


def motif_counts(toy: Toy) -> tuple[int, Float[np.ndarray, " shuffle"]]:
    """Motifs in the best models of all densities, and in each shuffle of all their weights."""
    models = [toy.at(p) for p in toy.densities]
    found = sum(len(motif.find(one.W[0], one.W_out[0])) for one in models)
    shuffled = [
        motif.shuffled_counts(one.W[0], one.W_out[0], n_shuffles=N_SHUFFLES, seed=SEED)
        for one in models
    ]
    return found, np.sum(shuffled, axis=0)


class Cleared(NamedTuple):
    """What an L1 penalty does at one density."""

    began: bool
    """Whether the best model without penalty represents more features than it has dimensions."""
    n_before: int
    """Features that it represents."""
    coefficient: float
    """The smallest coefficient at which no random start has superposition; infinite if none."""
    n_represented: int
    """Features that the best start represents there, or at the largest coefficient."""
    loss_ratio: float
    """Mean reconstruction loss of all starts there, relative to that without penalty."""
    less_at_the_end: bool
    """Whether the largest coefficient leaves fewer features, and fewer that share directions."""


def without_superposition(toy: Toy, feature_probability: float) -> Cleared:
    """The smallest L1 coefficient that removes superposition from every random start."""
    coefficients = sorted(set(toy.conditions["l1_coefficient"]))
    runs = [toy.at(feature_probability, l1_coefficient=each) for each in coefficients]
    first, last = runs[0], runs[-1]
    clear = [_is_clear(one) for one in runs]
    at = clear.index(True) if any(clear) else len(runs) - 1
    before, after = (_represented(one)[0] for one in (first, last))
    shares = [int((one.superposition[0][_represented(one)[0]] > CLEAR).sum()) for one in runs]
    return Cleared(
        began=bool(before.sum() > first.W.shape[-1]),
        n_before=int(before.sum()),
        coefficient=float(coefficients[at]) if any(clear) else np.inf,
        n_represented=int(_represented(runs[at])[0].sum()),
        loss_ratio=float(runs[at].loss.mean() / first.loss.mean()),
        less_at_the_end=bool(after.sum() < before.sum()) and shares[-1] < shares[0],
    )


def _represented(runs: Runs) -> Bool[np.ndarray, "seed feature"]:
    return runs.norm > geometry.REPRESENTED


def _is_clear(runs: Runs) -> bool:
    """Whether every start represents one to d_hidden features and none of them is shared."""
    represented = _represented(runs)
    counts = represented.sum(axis=1)
    some = (counts >= 1) & (counts <= runs.W.shape[-1])
    shared = (represented & (runs.superposition > CLEAR)).any(axis=1)
    return bool((some & ~shared).all())
