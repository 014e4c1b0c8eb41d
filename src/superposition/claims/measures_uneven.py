"""The statistics by which claims about unequal and dependent features are judged."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from superposition import intervals
from superposition.artefacts import Runs, Toy
from superposition.intervals import Interval
from superposition.toy import branches, geometry, sets

SEED = 0
"""Of the bootstraps."""


class Perturbed(NamedTuple):
    """The models at one density of the first feature, the lowest loss first."""

    relative_density: float
    runs: Runs
    pentagon: Bool[np.ndarray, " seed"]
    """Which models represent all five features."""


def perturbed(toy: Toy, feature_probability: float) -> list[Perturbed]:
    """The models of every relative density, the densest first feature first."""
    relative = sorted(set(toy.conditions["relative_density"].tolist()), reverse=True)
    found = []
    for one in relative:
        runs = toy.at(feature_probability, relative_density=one)
        found.append(Perturbed(one, runs, is_pentagon(runs.W)))
    return found


def is_pentagon(W: Float[np.ndarray, "seed feature 2"]) -> Bool[np.ndarray, " seed"]:
    """Which models represent all their features."""
    names = [branches.branch_of(torch.from_numpy(each)) for each in W]
    return np.array([name == branches.PENTAGON for name in names])


def pentagons(one: Perturbed) -> Runs:
    """Only the models that represent all features, the lowest loss first."""
    shared = ("feature_probability", "n_diverged", "importance")
    by_model = {name: v[one.pentagon] for name, v in vars(one.runs).items() if name not in shared}
    return replace(one.runs, **by_model)


def gaps_beside_first(W: Float[np.ndarray, "seed feature 2"]) -> Float[np.ndarray, "seed 2"]:
    """Angles in degrees from the first feature to its neighbours on either side, smaller first."""
    angles = np.degrees(np.arctan2(W[..., 1], W[..., 0]))
    turned = np.sort((angles[:, 1:] - angles[:, :1]) % 360, axis=1)
    return np.sort(np.stack([turned[:, 0], 360 - turned[:, -1]], axis=1), axis=1)


def gap_change(first: Runs, last: Runs) -> Interval:
    """Interval of the difference of the mean gap beside the first feature, best model each."""
    drawn = []
    for seed, runs in enumerate((first, last)):
        kept = intervals.best_starts(runs.loss[None], seed=SEED + seed)[0]
        drawn.append(gaps_beside_first(runs.W).mean(axis=1)[kept])
    return intervals.percentiles(drawn[0] - drawn[1])


class Arranged(NamedTuple):
    """Whether the models of each density have an arrangement: the best one, and how many."""

    densities: list[float]
    best: Bool[np.ndarray, " density"]
    n_fit: Int[np.ndarray, " density"]
    n_starts: Int[np.ndarray, " density"]

    def share(self, index: int) -> float:
        """The share of random starts that have it, at one density."""
        return float(self.n_fit[index] / self.n_starts[index])


def arranged(runs: list[Runs], fits: list[Bool[np.ndarray, " seed"]]) -> Arranged:
    """`fits` says of each model, the lowest loss first, whether it has the arrangement."""
    return Arranged(
        densities=[one.feature_probability for one in runs],
        best=np.array([bool(fit[0]) for fit in fits]),
        n_fit=np.array([int(fit.sum()) for fit in fits]),
        n_starts=np.array([len(fit) for fit in fits]),
    )


def best_interval(runs: list[Runs], statistics: list[Float[np.ndarray, " seed"]]) -> Interval:
    """Interval of the largest over densities of a statistic of the best model."""
    kept = [
        statistic[intervals.best_starts(one.loss[None], seed=SEED)[0]]
        for one, statistic in zip(runs, statistics, strict=True)
    ]
    return intervals.percentiles(np.max(kept, axis=0))


class Collapse(NamedTuple):
    """Collapsed pairs at one density, the model with the lowest loss first."""

    runs: Runs
    counts: Int[np.ndarray, " seed"]
    published: set[int]
    """What the paper gives; empty where it gives nothing."""

    @property
    def agrees(self) -> bool:
        """Whether the best model has the published number."""
        return int(self.counts[0]) in self.published

    @property
    def excess(self) -> float:
        """By what share the best model with the published number has a larger loss than the best.

        Infinite if no random start has it.
        """
        shown = np.isin(self.counts, [*self.published])
        if not shown.any():
            return float("inf")
        return float(self.runs.loss[shown.argmax()] / self.runs.loss[0] - 1)


def collapse(toy: Toy) -> list[Collapse]:
    """Collapsed pairs at every density, densest first."""
    runs = [toy.at(p) for p in toy.densities]
    return [
        Collapse(
            one,
            sets.collapsed(one.W).sum(axis=1),
            sets.published_counts(one.feature_probability),
        )
        for one in runs
    ]


def agreement_interval(found: list[Collapse]) -> Interval:
    """Interval of the number of densities that agree, had other random starts been drawn."""
    agree = [
        np.isin(one.counts, [*one.published])[
            intervals.best_starts(one.runs.loss[None], seed=SEED)[0]
        ]
        for one in found
    ]
    return intervals.percentiles(np.sum(agree, axis=0))


def hexagon(W: Float[np.ndarray, "seed feature 2"], tolerance: float) -> Bool[np.ndarray, " seed"]:
    """Which models represent all features with about equal angles between neighbours."""
    found = []
    for each in W:
        gaps = geometry.angle_gaps(torch.from_numpy(each)).numpy()
        n = len(each)
        found.append(len(gaps) == n and bool((np.abs(gaps - 360 / n) <= tolerance).all()))
    return np.array(found)
