"""The tables of trained toy models: one row an instance, a feature, or a step."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from superposition.toy import geometry

CONDITION = ("feature_probability", "relative_importance", "relative_density", "l1_coefficient")
"""The columns that tell conditions of one experiment apart."""


def instance_table(
    keys: pd.DataFrame,
    W: Float[Tensor, "instance feature d_hidden"],
    loss: Float[Tensor, " instance"],
) -> pd.DataFrame:
    """The table toy/instances: what came out of each of the instances named by `keys`."""
    return keys.assign(
        loss=loss.numpy(),
        diverged=loss.isnan().numpy(),
        n_represented=geometry.n_represented(W).numpy(),
        geometry=geometry.arrangement(W) if W.shape[-1] == 2 else "",
    )


def feature_table(
    keys: pd.DataFrame,
    W: Float[Tensor, "instance feature d_hidden"],
    b: Float[Tensor, "instance feature"],
    *,
    importance: Float[Tensor, "instance feature"],
) -> pd.DataFrame:
    """The table toy/features: every feature of each of the instances named by `keys`."""
    instances, features, d_hidden = W.shape
    plane = W if d_hidden == 2 else torch.full((instances, features, 2), torch.nan)
    columns = {
        "feature": torch.arange(features).expand(instances, -1),
        "importance": importance,
        "x": plane[..., 0],
        "y": plane[..., 1],
        "norm": geometry.norms(W),
        "bias": b,
        "dimensionality": geometry.dimensionality(W),
        "superposition": geometry.superposition(W),
    }
    measures = {name: values.flatten().numpy() for name, values in columns.items()}
    repeated = keys.loc[np.repeat(keys.index, features)].reset_index(drop=True)
    return repeated.assign(**measures)


def history_table(losses: Float[Tensor, "instance recorded"], *, steps: list[int]) -> pd.DataFrame:
    """The table toy/history: the training loss of every instance at the recorded `steps`."""
    instances = len(losses)
    return pd.DataFrame(
        {
            "instance": np.repeat(np.arange(instances), len(steps)),
            "step": np.tile(steps, instances),
            "loss": losses.flatten().numpy(),
        }
    )


def summary(instances: pd.DataFrame) -> dict[str, int | float]:
    """The numbers of toy/metrics.json: of all models, and of the best random start by density."""
    best = instances.groupby([*CONDITION]).loss.min()
    return {
        "n_instances": len(instances),
        "n_diverged": int(instances.diverged.sum()),
        "mean_loss": float(instances.loss.mean()),
        "mean_best_loss": float(best.mean()),
    }
