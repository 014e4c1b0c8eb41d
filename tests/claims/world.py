"""Results made by hand: what the stages would leave behind if the world were as given."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from superposition.core.params import Params
from superposition.core.store import Store
from superposition.results import Results
from superposition.toy import tables
from superposition.toy.tables import CONDITION

ROWS = {
    "toy": ("five-in-two", "twenty-in-five", "twenty-in-five-linear", "sae-target"),
    "toy_sae": ("no-resampling", "random-resampling", "loss-weighted-resampling"),
    "sae": ("l1",),
}
EVALUATION = {
    "n_tokens": 1_000_000,
    "d_in": 512,
    "d_sae": 4096,
    "l0": 15.0,
    "neuron_l0": 120.0,
    "loss_clean": 3.0,
    "loss_sae": 3.4,
    "loss_zero_ablation": 5.0,
    "loss_recovered_zero": 0.8,
    "loss_recovered_zero_low": 0.79,
    "loss_recovered_zero_high": 0.81,
    "loss_recovered_mean": 0.7,
    "loss_recovered_mean_low": 0.69,
    "loss_recovered_mean_high": 0.71,
    "dead": 168,
    "dead_fraction": 168 / 4096,
    "ultra_low_density": 292,
    "ultra_low_density_fraction": 292 / 4096,
    "over_one_percent": 40,
}
"""Of an autoencoder like A/1. Source: Towards Monosemanticity, Global Analysis."""


def results(root: Path, *, scale: str = "laptop") -> Results:
    """Results at a scale that has every row and no artefact yet."""
    tree = {section: {row: {} for row in rows} for section, rows in ROWS.items()}
    return Results(
        params=Params(tree=tree | {"scale": scale}, origin="test"), store=Store(scale, root)
    )


Condition = float | tuple[float, float, float, float]
"""A density; or with the relative importance, the relative density and the L1 coefficient."""


def add_toy(
    r: Results,
    row: str,
    models: Mapping[Any, Sequence[Tensor]],
    *,
    biases: Mapping[Any, Sequence[Tensor]] | None = None,
    W_out: Mapping[Any, Sequence[Tensor]] | None = None,
    b_hidden: Mapping[Any, Sequence[Tensor]] | None = None,
    losses: Mapping[Any, Sequence[float]] | None = None,
    snapshots: tuple[Sequence[int], Tensor] | None = None,
    base: float = 0.9,
) -> None:
    """Models with these weights, a list for each `Condition`, the lowest loss first.

    A loss of NaN is a model that diverged; `snapshots` are steps and W during training.
    """
    stacked = {"W": models, "b": biases, "W_out": W_out, "b_hidden": b_hidden}
    weights = {
        name: torch.stack([one for condition in models for one in given[condition]])
        for name, given in stacked.items()
        if given is not None
    }
    W = weights["W"]
    weights.setdefault("b", torch.zeros(W.shape[:2]))
    keys = _keys([*models], len(next(iter(models.values()))))
    loss = torch.tensor(keys["seed"].tolist()) + 1.0
    if losses is not None:
        loss = torch.tensor([value for condition in models for value in losses[condition]])
    importance = (base ** torch.arange(W.shape[1])).expand(W.shape[:2])
    instances = tables.instance_table(keys, W, loss)
    features = tables.feature_table(keys, W, weights["b"], importance=importance)
    steps, W_then = snapshots if snapshots is not None else ([], torch.empty(0, *W.shape))
    kept = {
        "steps": torch.tensor(steps, dtype=torch.int64),
        "W": W_then,
        "b": torch.zeros(W_then.shape[:-1]),
    }
    r.params.tree["toy"].setdefault(row, {})
    r.store.save_tensors(weights, "toy", row, "weights.safetensors")
    r.store.save_tensors(kept, "toy", row, "snapshots.safetensors")
    r.store.save_table(instances, "toy", row, "instances.parquet")
    r.store.save_table(features, "toy", row, "features.parquet")


def _keys(conditions: Sequence[Condition], n_seeds: int) -> pd.DataFrame:
    full = [one if isinstance(one, tuple) else (one, 1.0, 1.0, 0.0) for one in conditions]
    rows = [(seed, *condition) for condition in full for seed in range(n_seeds)]
    frame = pd.DataFrame(rows, columns=["seed", *CONDITION])
    return frame.rename_axis("instance").reset_index()


def add_toy_sae(r: Results, row: str, recovered: Sequence[int], *, cosine: float = 0.99) -> None:
    """Autoencoders of which each recovers this many of five features."""
    instance, feature = np.indices((len(recovered), 5))
    found = feature < np.asarray(recovered)[:, None]
    table = pd.DataFrame(
        {
            "instance": instance.ravel(),
            "seed": 0,
            "feature": feature.ravel(),
            "latent": feature.ravel(),
            "cosine": np.where(found, cosine, 0.3).ravel(),
            "density": 0.01,
            "recovered": found.ravel(),
        }
    )
    r.store.save_table(table, "toy_sae", row, "recovery.parquet")


def add_sae(
    r: Results, row: str, other: dict[str, float], *, l1_coefficient: float = 0.004
) -> None:
    """An autoencoder with the evaluation of A/1, but for the `other` metrics."""
    r.params.tree["sae"][row] = {"arch": "l1", "d_sae": 4096, "l1_coefficient": l1_coefficient}
    r.store.save_json(EVALUATION | other, "evaluation", row, "metrics.json")


def polygon(corners: int, *, n_features: int = 5, turn: float = 0.0) -> Tensor:
    """The first features at the corners of a regular polygon in the plane, the others at 0."""
    angles = (torch.arange(corners) + turn) * (2 * torch.pi / corners)
    W = torch.zeros(n_features, 2)
    W[:corners] = torch.stack([angles.cos(), angles.sin()], dim=1)
    return W


def orthogonal_pair(n_features: int = 5) -> Tensor:
    """The first two features at right angles, the others at 0."""
    return torch.eye(n_features, 2)
