"""Results about memorisation made by hand: models with given losses, and with given vectors."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from superposition.results import Results
from superposition.toy import memorisation_tables as tables
from superposition.toy.memorisation_config import Model

Loss = Callable[[Model], float]
Vectors = Callable[[Model], NDArray[np.float64]]


def models(
    n_points: Sequence[int],
    *,
    d_hidden: Sequence[int] = (2,),
    densities: Sequence[float] = (0.01,),
    decays: Sequence[float] = (0.01,),
    n_steps: Sequence[int] = (5_000,),
    n_data_sets: int = 4,
    n_starts: int = 1,
) -> list[Model]:
    """Every combination, in order."""
    axes = np.meshgrid(
        n_points,
        d_hidden,
        densities,
        decays,
        n_steps,
        range(n_data_sets),
        range(n_starts),
        indexing="ij",
    )
    rows = zip(*(axis.ravel().tolist() for axis in axes), strict=True)
    return [
        Model(index, int(T), int(m), p, decay, int(steps), int(data), int(start))
        for index, (T, m, p, decay, steps, data, start) in enumerate(rows)
    ]


def add_memorisation(
    r: Results,
    row: str,
    team: Sequence[Model],
    *,
    test: Loss = lambda _: 1.0,
    train: Loss = lambda model: 0.1 + 0.01 * model.start,
    W_norm: Loss = lambda _: 2.2,
    share: Loss = lambda _: 0.02,
    vectors: Vectors | None = None,
    directions: Vectors | None = None,
) -> None:
    """Models with these losses; `vectors` are hidden vectors of points, `directions` rows of W."""
    table = pd.DataFrame([*team]).assign(
        train_loss=[train(model) for model in team],
        test_loss=[test(model) for model in team],
        diverged=[not np.isfinite(train(model)) for model in team],
        W_norm=[W_norm(model) for model in team],
        b_norm=[2 * W_norm(model) for model in team],
        feature_dimensionality=[share(model) for model in team],
        point_dimensionality=[2 / model.n_points for model in team],
    )
    r.params.tree.setdefault("memorisation", {}).setdefault(row, {"n_features": 1_000})
    none = torch.empty(0, 3, 1)
    features, points = tables.feature_table([], none, []), tables.point_table([], none, [])
    if directions is not None:
        features = pd.concat([_rows(model, directions(model), "feature") for model in team])
    if vectors is not None:
        points = pd.concat([_rows(model, vectors(model), "point") for model in team])
    r.store.save_table(table, "memorisation", row, "models.parquet")
    r.store.save_table(features.reset_index(drop=True), "memorisation", row, "features.parquet")
    r.store.save_table(points.reset_index(drop=True), "memorisation", row, "points.parquet")


def corners(T: int, *, bent: float = 0.0, inner: float = 1.0) -> NDArray[np.float64]:
    """A regular T-gon, its first corner moved by the angle `bent` in units of 360/T, the first
    half of its corners at the radius `inner`."""
    angles = 2 * np.pi * (np.arange(T) + bent * (np.arange(T) == 0)) / T
    radius = np.where(np.arange(T) < T // 2, inner, 1.0)
    return 3 * (radius * np.array([np.cos(angles), np.sin(angles)])).T


def pentagon(*, sixth: float = 0.1, n_features: int = 40) -> NDArray[np.float64]:
    """Five long directions in a pentagon, the others short."""
    W = np.zeros((n_features, 2))
    W[:5] = corners(5) / 3
    W[5:] = sixth * np.array([1.0, 0.0])
    return W


def _rows(model: Model, vectors: NDArray[np.float64], kind: str) -> pd.DataFrame:
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    lengths = np.linalg.norm(vectors, axis=1)
    overlaps = ((unit @ vectors.T) ** 2).sum(axis=1)
    columns = {
        "model": model.model,
        kind: np.arange(len(vectors)),
        "x": vectors[:, 0],
        "y": vectors[:, 1],
        "norm": lengths,
    }
    shares = lengths**2 / np.maximum(overlaps, 1e-9)
    last = {"error": 0.1} if kind == "point" else {"n_active": 1}
    between = {} if kind == "point" else {"bias": 0.0}
    return pd.DataFrame(columns | between | {"dimensionality": shares} | last)
