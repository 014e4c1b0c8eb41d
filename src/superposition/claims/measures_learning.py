"""The statistics by which claims about the course of learning are judged."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from superposition.artefacts import Toy
from superposition.toy import dynamics, stages

SEED = 0
"""Of the samples on which snapshots are compared."""
N_SAMPLES = 1000
"""Of independent features: the loss is then known to 1%, its changes far better."""
N_SET_SAMPLES = 512
"""Of each choice of active sets."""


class Levels(NamedTuple):
    """The course of one model's dimensionalities and loss."""

    seed: int
    steps: Int[np.ndarray, " snapshot"]
    D: Float[np.ndarray, "snapshot feature"]
    loss: Float[np.ndarray, " snapshot"]
    n_jumps: Int[np.ndarray, " window"]
    """Features that jump in each hundredth of the training."""
    falls: Float[np.ndarray, " window"]
    """By how much the logarithm of the loss falls in it."""

    @property
    def share_in_jumps(self) -> float:
        """Share of the fall after the first window that is in windows with jumps."""
        later, jumping = np.maximum(self.falls[1:], 0), self.n_jumps[1:] > 0
        return float(later[jumping].sum() / max(later.sum(), np.finfo(float).tiny))


class Ends(NamedTuple):
    """How the models of one density learned two sets of features."""

    octahedron: Bool[np.ndarray, " seed"]
    """Whether they end as an octahedron with antipodes from different sets."""
    in_order: Bool[np.ndarray, " seed"]
    """Whether they pass the stages in order."""
    n_plateaus: Int[np.ndarray, " seed"]
    """Plateaus of the loss, the last one included."""


def energy_levels(toy: Toy) -> list[Levels]:
    """The courses of all random starts at the only density."""
    runs, snapshots = toy.at(toy.densities[0]).by_seed(), toy.snapshots
    points = dynamics.independent_points(
        runs.W.shape[1], runs.feature_probability, n_samples=N_SAMPLES, seed=SEED
    )
    ends = dynamics.windows(snapshots.steps)
    found = []
    for seed, instance in zip(runs.seed.tolist(), runs.instance.tolist(), strict=True):
        W, b = snapshots.W[:, instance], snapshots.b[:, instance]
        D, loss = dynamics.dimensionality(W), dynamics.losses(W, b, points)
        n_jumps = dynamics.jumps(D, snapshots.steps)
        falls = -np.diff(np.log(loss[ends]))
        found.append(Levels(seed, snapshots.steps, D.astype(float), loss, n_jumps, falls))
    return found


def learning_stages(toy: Toy, p: float) -> Ends:
    """The end states and stages of all random starts at density `p`, the lowest loss first."""
    runs, snapshots = toy.at(p), toy.snapshots
    W, b = snapshots.W[:, runs.instance], snapshots.b[:, runs.instance]
    points = set_points(runs.feature_probability, n_features=W.shape[2])
    course, steps = stages.courses(W), snapshots.steps
    each = [
        stages.stages(stages.Courses(*(one[:, k] for one in course)), steps)
        for k in range(W.shape[1])
    ]
    losses = [dynamics.losses(W[:, k], b[:, k], points) for k in range(W.shape[1])]
    return Ends(
        octahedron=stages.octahedra(runs.W),
        in_order=np.array([one.in_order for one in each], dtype=bool),
        n_plateaus=np.array([len(dynamics.plateaus(loss, steps)) for loss in losses], dtype=int),
    )


def set_points(p: float, *, n_features: int) -> dynamics.Points:
    """Samples of two sets of correlated features of density `p`."""
    return dynamics.correlated_points(2, n_features // 2, p, n_samples=N_SET_SAMPLES, seed=SEED)
