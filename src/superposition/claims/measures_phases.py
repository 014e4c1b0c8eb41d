"""Phase diagrams of trained models, and what claims measure on them."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Shaped

from superposition import intervals
from superposition.artefacts import Toy
from superposition.claims.measures import SEED
from superposition.toy import phases
from superposition.toy.phase_labels import CONFUSED, labels
from superposition.toy.phases import SHARED, TWO_IN_ONE, World

GRID = 500
"""Points of numerical integration in each direction: good to a few millionths."""
AXES = ["feature_probability", "relative_importance"]

Pair = tuple[float, float]
Place = tuple[int, int]


class PhaseMap(NamedTuple):
    """The trained models of a phase diagram, over its cells and random starts."""

    cells: pd.DataFrame
    """One row per cell: `AXES`, loss of the best start (a sum over features), phase, share of the
    starts in that phase, theory (the phase of the best ideal solution), theory_loss."""
    loss: Float[np.ndarray, "cell seed"]
    """Mean over features; infinite for models that diverged."""
    phase: Shaped[np.ndarray, "cell seed"]
    """The phase of every model."""
    W: Float[np.ndarray, "cell seed feature d_hidden"]
    """Its weights."""

    @property
    def agrees(self) -> Bool[np.ndarray, "cell seed"]:
        """Whether each model is in the phase that theory gives its cell."""
        return self.phase == self.cells["theory"].to_numpy()[:, None]


def phase_map(toy: Toy, world: World) -> PhaseMap:
    """The models of a row in the order of its cells: densest first, importance rising."""
    table = toy.instances.sort_values([*AXES, "seed"], ascending=[False, True, True])
    shape = (-1, toy.n_seeds)
    order = table["instance"].to_numpy()
    W = toy.weights["W"][order]
    loss = table["loss"].where(~table["diverged"], np.inf).to_numpy(dtype=float).reshape(shape)
    phase = labels(world, W).reshape(shape)
    best = loss.argmin(axis=1)
    rows = np.arange(len(loss))
    cells = table.iloc[:: toy.n_seeds].loc[:, AXES].reset_index(drop=True)
    p, r = (cells[axis].to_numpy(dtype=float) for axis in AXES)
    theory = phases.losses(world, p, r, bias=True)
    cells = cells.assign(
        loss=loss[rows, best] * world.n_features,
        phase=phase[rows, best],
        share=(phase == phase[rows, best][:, None]).mean(axis=1),
        theory=np.array(world.phases, dtype=object)[theory.argmin(axis=0)],
        theory_loss=theory.min(axis=0),
    )
    return PhaseMap(cells, loss, phase, W.reshape(*loss.shape, *W.shape[1:]))


def share_interval(
    loss: Float[np.ndarray, "cell seed"], shows: Bool[np.ndarray, "cell seed"]
) -> intervals.Interval:
    """Interval of the share of cells whose best start `shows` something, had others been drawn."""
    kept = intervals.best_starts(loss, seed=SEED)
    return intervals.percentiles(np.take_along_axis(shows, kept, axis=1).mean(axis=0))


def places(cells: pd.DataFrame) -> list[Place]:
    """Row and column of every cell in the grid of the diagram."""
    axes = [np.unique(cells[axis].to_numpy(dtype=float), return_inverse=True)[1] for axis in AXES]
    return [(int(row), int(column)) for row, column in zip(*axes, strict=True)]


def away_from_borders(cells: pd.DataFrame) -> Bool[np.ndarray, " cell"]:
    """Whether theory has the same phase in the cell and in all cells that touch it."""
    theory = dict(zip(places(cells), cells["theory"], strict=True))

    def surrounded(place: Place) -> bool:
        return all(theory.get(near, theory[place]) == theory[place] for near in _near(place))

    return np.array([surrounded(place) for place in theory])


def pieces(cells: pd.DataFrame, phase: str) -> int:
    """In how many pieces a phase lies; cells that touch, if only at a corner, are one piece."""
    left = {
        place for place, found in zip(places(cells), cells["phase"], strict=True) if found == phase
    }
    count = 0
    while left:
        count += 1
        edge = [left.pop()]
        while edge:
            reached = left.intersection(_near(edge.pop()))
            left -= reached
            edge += reached
    return count


def largest_steps(
    cells: pd.DataFrame, w2: Float[np.ndarray, "cell resample"]
) -> Float[np.ndarray, "importance resample"]:
    """The largest change of w2 between neighbouring densities, for every importance below 1."""
    importance = cells["relative_importance"].to_numpy(dtype=float)
    p = cells["feature_probability"].to_numpy(dtype=float)
    steps = []
    for r in np.unique(importance[importance < 1]):
        line = np.flatnonzero(importance == r)
        ordered = w2[line[p[line].argsort()]]
        steps.append(np.abs(np.diff(ordered, axis=0)).max(axis=0))
    return np.stack(steps)


def signed_extra(W: Float[np.ndarray, "*model feature d_hidden"]) -> Float[np.ndarray, "*model"]:
    """w2 of models with two features in one dimension, turned so that w1 is not negative."""
    return W[..., 1, 0] * np.where(W[..., 0, 0] < 0, -1.0, 1.0)


def exact_phases(optima: pd.DataFrame, cells: pd.DataFrame) -> Shaped[np.ndarray, " cell"]:
    """The phase of the exact optimum with a bias, at the nearest point that was computed."""
    known = optima.loc[optima["bias"]]
    return known["phase"].to_numpy()[nearest(known, cells)]


def nearest(known: pd.DataFrame, cells: pd.DataFrame) -> Shaped[np.ndarray, " cell"]:
    """Which row of `known` lies nearest to each cell, on logarithmic axes."""
    here, there = (np.log(frame[AXES].to_numpy(dtype=float)) for frame in (cells, known))
    return ((here[:, None] - there[None]) ** 2).sum(axis=2).argmin(axis=1)


def unlike_nearby(cells: pd.DataFrame, reference: pd.DataFrame) -> Bool[np.ndarray, " cell"]:
    """Whether a cell's phase occurs in none of the `reference` cells around it.

    The grids may differ: around are the nearest grid lines below and above, in both directions.
    """
    lines = [np.unique(reference[axis].to_numpy(dtype=float)) for axis in AXES]
    points = reference[AXES].to_numpy(dtype=float)
    known = dict(zip(map(tuple, points.tolist()), reference["phase"], strict=True))

    def around(point: Float[np.ndarray, " axis"]) -> set[str]:
        ps, rs = (_around(*pair) for pair in zip(lines, point, strict=True))
        return {known[p, r] for p in ps for r in rs if (p, r) in known}

    each = zip(cells[AXES].to_numpy(dtype=float), cells["phase"], strict=True)
    return np.array([phase not in around(point) for point, phase in each])


def unlike_starts(found: PhaseMap, reference: PhaseMap) -> Bool[np.ndarray, "cell seed"]:
    """`unlike_nearby` of every random start."""
    each = [
        unlike_nearby(found.cells.assign(phase=found.phase[:, seed]), reference.cells)
        for seed in range(found.phase.shape[1])
    ]
    return np.stack(each, axis=1)


def slope_jump() -> float:
    """By how much dL/dp of the lowest loss changes at r = 1 and the density 4/7."""
    meeting = phases.triple_point(bias=True).feature_probability
    p = meeting + np.array([-2e-6, -1e-6, 1e-6, 2e-6])
    lowest = phases.losses(TWO_IN_ONE, p, 1.0, bias=True).min(axis=0)
    return abs(float((lowest[3] - lowest[2]) - (lowest[1] - lowest[0]))) / 1e-6


class Confusion(NamedTuple):
    """Two equally important features without a bias: where the best model keeps their sum."""

    distance: float
    """Of the best weights at p = 1 from (0.707, 0.707)."""
    excess: float
    """Of the lowest loss there over 1/12, relative to it."""
    tie: float
    """The same with a bias."""
    dense: float
    """The sparsest density at which the best model keeps the sum."""
    sparse: float
    """The next one, where it is an antipodal pair; NaN if there is none."""
    moved: float
    """How far the best weights move between the two."""


def confusion(optima: pd.DataFrame) -> Confusion:
    """What exact optima along r = 1 say about the confused feature."""
    line = optima.loc[np.isclose(optima["relative_importance"].to_numpy(dtype=float), 1.0)]
    line = line.sort_values(["bias", "feature_probability"], ascending=[True, False])
    free, biased = line.loc[~line["bias"]], line.loc[line["bias"]]
    W = free[["w1", "w2"]].to_numpy(dtype=float)
    p, loss = (free[name].to_numpy(dtype=float) for name in ("feature_probability", "loss"))
    phase = free["phase"].tolist()
    tie = float(biased["loss"].to_numpy(dtype=float)[0]) * 12 - 1
    distance, excess = float(np.abs(W[0] - np.sqrt(0.5)).max()), float(loss[0]) * 12 - 1
    last = next((i for i, found in enumerate(phase) if found != CONFUSED), len(phase)) - 1
    if last < 0 or last + 1 == len(phase) or phase[last + 1] != SHARED:
        return Confusion(distance, excess, tie, float(p[last]), np.nan, 0.0)
    moved = float(np.linalg.norm(W[last + 1] - W[last]))
    return Confusion(distance, excess, tie, float(p[last]), float(p[last + 1]), moved)


def integrated_losses(p: float, r: float, bias: bool) -> tuple[float, float, float]:
    """The losses of W = [1, 0], [1, -1] and [0, 1] for two features, by numerical integration."""
    ignored = p / 2 if bias else 0.0
    return (
        _integrated((1.0, 0.0), (0.0, ignored), p=p, r=r),
        _integrated((1.0, -1.0), (0.0, 0.0), p=p, r=r),
        _integrated((0.0, 1.0), (ignored, 0.0), p=p, r=r),
    )


def _integrated(w: Pair, b: Pair, *, p: float, r: float) -> float:
    """The loss of ReLU(w w^T x + b) for two features of importance 1 and r, by the midpoint rule.

    Each feature is 0 with probability 1 - p and otherwise uniform on `GRID` points of (0, 1).
    """
    x = np.concatenate([[0.0], (np.arange(GRID) + 0.5) / GRID])
    weight = np.concatenate([[1 - p], np.full(GRID, p / GRID)])
    h = w[0] * x[:, None] + w[1] * x[None, :]
    first = (x[:, None] - np.maximum(w[0] * h + b[0], 0)) ** 2
    second = (x[None, :] - np.maximum(w[1] * h + b[1], 0)) ** 2
    return float(weight @ (first + r * second) @ weight)


def _near(place: Place) -> list[Place]:
    row, column = place
    return [(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]


def _around(lines: Float[np.ndarray, " line"], value: np.floating) -> list[float]:
    """The grid lines next to a value, or the one that is equal to it up to rounding."""
    gaps = np.abs(np.log(lines / value))
    if gaps.min() < 1e-6:
        return [float(lines[gaps.argmin()])]
    above = int(np.searchsorted(lines, value))
    return [float(line) for line in lines[max(above - 1, 0) : above + 1]]
