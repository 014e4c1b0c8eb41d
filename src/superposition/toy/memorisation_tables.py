"""The tables of models trained on finite data sets: one row a model, a feature, a point, a step."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from superposition.toy.memorisation_config import CONDITION, Model
from superposition.toy.point_gradient import squared_errors
from superposition.toy.point_sets import PointSet

FEATURES = ("feature", "x", "y", "norm", "bias", "dimensionality", "n_active")
POINTS = ("point", "x", "y", "norm", "dimensionality", "error")


class Tables(NamedTuple):
    """The tables of some models."""

    models: pd.DataFrame
    features: pd.DataFrame
    points: pd.DataFrame
    history: pd.DataFrame


def shares(vectors: Float[Tensor, "vector d_hidden"]) -> Float[Tensor, " vector"]:
    """The share of a hidden dimension that each vector has to itself, D_i = |v_i|^2 / sum_j
    (v_i/|v_i| . v_j)^2, and 0 for a vector without length; T vectors in a regular T-gon get m/T.

    The same measure for directions of features and for hidden vectors of data points.
    Source: Superposition, Memorization, and Double Descent, How Do Representations Change; for
    features, Toy Models of Superposition, Feature Dimensionality.
    """
    wide = vectors.double()
    squares = wide.square().sum(1)
    overlap = ((wide @ (wide.mT @ wide)) * wide).sum(1)
    return torch.where(overlap > 0, squares**2 / overlap, 0).float()


def model_table(
    team: Sequence[Model],
    weights: Float[Tensor, "model row feature"],
    sets: Sequence[PointSet],
    *,
    test_loss: Float[Tensor, " model"],
) -> pd.DataFrame:
    """The table memorisation/models: the losses, norms and dimensionalities of models."""
    rows = []
    for one, points, test in zip(weights, sets, test_loss.tolist(), strict=True):
        train = float(squared_errors(one.to(points.value), points).mean())
        diverged = not np.isfinite(train) or not np.isfinite(test)
        W = one[:-1].mT.contiguous()
        rows.append(
            {
                "train_loss": np.nan if diverged else train,
                "test_loss": np.nan if diverged else test,
                "diverged": diverged,
                "W_norm": float(W.norm()),
                "b_norm": float(one[-1].norm()),
                "feature_dimensionality": float(shares(W).max()),
                "point_dimensionality": float(shares(_hidden(one, points)).mean()),
            }
        )
    return pd.concat([pd.DataFrame([*team]), pd.DataFrame(rows)], axis=1)


def feature_table(
    team: Sequence[Model], weights: Float[Tensor, "model row feature"], sets: Sequence[PointSet]
) -> pd.DataFrame:
    """The table memorisation/features: the directions of all features of the models of `team`."""
    frames = [_empty(FEATURES)]
    for model, one, points in zip(team, weights, sets, strict=False):
        W = one[:-1].mT.contiguous()
        active = torch.bincount(points.feature, minlength=len(W))
        columns = _in_plane(W) | {"bias": one[-1].numpy(), "n_active": active.cpu().numpy()}
        frames.append(_rows(model.model, "feature", columns, FEATURES))
    return pd.concat(frames[1:] or frames, ignore_index=True)


def point_table(
    team: Sequence[Model], weights: Float[Tensor, "model row feature"], sets: Sequence[PointSet]
) -> pd.DataFrame:
    """The table memorisation/points: the hidden vectors of the training points."""
    frames = [_empty(POINTS)]
    for model, one, points in zip(team, weights, sets, strict=False):
        errors = squared_errors(one.to(points.value), points).cpu().numpy()
        columns = _in_plane(_hidden(one, points)) | {"error": errors}
        frames.append(_rows(model.model, "point", columns, POINTS))
    return pd.concat(frames[1:] or frames, ignore_index=True)


def history_table(
    team: Sequence[Model], losses: Float[Tensor, "recorded model"], steps: list[int]
) -> pd.DataFrame:
    """The table memorisation/history: training losses at the recorded steps."""
    columns = {
        "model": np.repeat([model.model for model in team], len(losses)),
        "step": np.tile(steps[: len(losses)], len(team)),
        "loss": losses.T.flatten().numpy(),
    }
    return pd.DataFrame(columns)


def joined(parts: Sequence[Tables]) -> Tables:
    """The tables of all models, in the order of the models."""
    return Tables(
        *(
            pd.concat(tables, ignore_index=True).sort_values(
                "model", kind="stable", ignore_index=True
            )
            for tables in zip(*parts, strict=True)
        )
    )


def summary(models: pd.DataFrame) -> dict[str, int | float]:
    """The numbers of memorisation/metrics.json: of all models, and the largest mean test loss."""
    by_condition = models.groupby([*CONDITION]).test_loss.mean().to_numpy()
    return {
        "n_models": len(models),
        "n_diverged": int(models.diverged.sum()),
        "mean_train_loss": float(models.train_loss.mean()),
        "mean_test_loss": float(models.test_loss.mean()),
        "highest_test_loss": float(np.nanmax(by_condition)),
        "lowest_test_loss": float(np.nanmin(by_condition)),
    }


def _hidden(weights: Tensor, points: PointSet) -> Tensor:
    return points.hidden(weights[:-1].mT.contiguous().to(points.value)).cpu()


def _in_plane(vectors: Float[Tensor, "vector 2"]) -> dict[str, np.ndarray]:
    return {
        "x": vectors[:, 0].numpy(),
        "y": vectors[:, 1].numpy(),
        "norm": vectors.norm(dim=1).numpy(),
        "dimensionality": shares(vectors).numpy(),
    }


def _rows(
    model: int, name: str, columns: dict[str, np.ndarray], order: Sequence[str]
) -> pd.DataFrame:
    length = len(columns["x"])
    found = {name: np.arange(length), **columns}
    return pd.DataFrame({"model": model} | {column: found[column] for column in order})


def _empty(columns: Sequence[str]) -> pd.DataFrame:
    counts = ("model", "feature", "point", "n_active")
    types = {name: np.int64 if name in counts else np.float32 for name in ("model", *columns)}
    return pd.DataFrame({name: np.empty(0, dtype) for name, dtype in types.items()})
