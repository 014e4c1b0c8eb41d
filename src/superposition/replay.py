"""Toy models while they learn: a few moments of the best ones, small enough for a page."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int

from superposition.artefacts import Toy
from superposition.toy import geometry

N_MOMENTS = 33
"""Moments shown at most."""


class Replay(NamedTuple):
    """What the random start with the lowest loss looked like at every density."""

    curve: pd.DataFrame
    """feature_probability, moment, step, loss: training loss around each moment."""
    arrows: pd.DataFrame
    """feature_probability, moment, number, x, y: the directions of the features, from 1."""


def replay(toy: Toy) -> Replay:
    """The moments of training of models with two hidden dimensions, closer together at first."""
    steps = toy.snapshots.steps
    kept = moments(len(steps))
    curves, arrows = [], []
    for p in toy.densities:
        best = int(toy.at(p).instance[0])
        history = toy.history.loc[toy.history["instance"] == best]
        columns = {"feature_probability": p, "moment": np.arange(len(kept)), "step": steps[kept]}
        curves.append(pd.DataFrame(columns).assign(loss=losses_around(history, steps[kept])))
        arrows.append(_arrows(p, toy.snapshots.W[kept, best]))
    return Replay(
        pd.concat(curves, ignore_index=True).round({"loss": 6}),
        pd.concat(arrows, ignore_index=True).round({"x": 3, "y": 3}),
    )


def moments(n_snapshots: int) -> Int[np.ndarray, " moment"]:
    """Which of the snapshots to show: models change quickly at first and hardly at all later."""
    return np.unique((np.linspace(0, 1, N_MOMENTS) ** 2 * (n_snapshots - 1)).round().astype(int))


def losses_around(
    history: pd.DataFrame, steps: Int[np.ndarray, " moment"]
) -> Float[np.ndarray, " moment"]:
    """The mean of the recorded losses that are nearer to each of `steps` than to the others.

    One batch is a noisy sample of the loss; where no record is nearest, it is the nearest record.
    """
    recorded, loss = history["step"].to_numpy(), history["loss"].to_numpy(dtype=float)
    nearest = np.abs(recorded[:, None] - steps).argmin(axis=1)
    alone = loss[np.abs(recorded - steps[:, None]).argmin(axis=1)]
    count = np.bincount(nearest, minlength=len(steps))
    total = np.bincount(nearest, weights=loss, minlength=len(steps))
    return np.where(count > 0, total / np.maximum(count, 1), alone)


def settled(toy: Toy, p: float) -> int:
    """The first step from which the best model of density `p` keeps the arrangement it ends in."""
    best = int(toy.at(p).instance[0])
    labels = geometry.arrangement(torch.from_numpy(toy.snapshots.W[:, best]))
    changes = [index for index, label in enumerate(labels) if label != labels[-1]]
    return int(toy.snapshots.steps[changes[-1] + 1 if changes else 0])


def _arrows(p: float, W: Float[np.ndarray, "moment feature 2"]) -> pd.DataFrame:
    moment, feature = np.indices(W.shape[:2])
    columns = {
        "feature_probability": p,
        "moment": moment.ravel(),
        "number": feature.ravel() + 1,
        "x": W[..., 0].ravel(),
        "y": W[..., 1].ravel(),
    }
    return pd.DataFrame(columns)
