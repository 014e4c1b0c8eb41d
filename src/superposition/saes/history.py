"""How a training went, step by step: what is measured on the batches, and the tables of it."""

from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from superposition.saes import distributed, metrics
from superposition.saes.base import Loss

Row = dict[str, int | float]
"""One row of a history."""


class Moment(NamedTuple):
    """Where a training is when it is measured."""

    step: int
    """Steps made."""
    lr: float
    """Learning rate of the last one."""
    dead: Bool[Tensor, "*instance d_sae"]
    """The latents that have not fired in the dead window."""
    resampled: Int[Tensor, "*instance"]
    """Latents resampled since the row before."""


@torch.no_grad()
def rows(moment: Moment, x: Float[Tensor, "*instance batch d_in"], loss: Loss) -> list[Row]:
    """The rows for the step just made on `x`: one, or one per instance.

    With other processes, `x` and `loss` are of this one's slice of the batch, the rows of all.
    """
    of_slice = {"loss": loss.total, "mse": loss.mse, "l0": loss.codes.l0()}
    means = {name: distributed.mean(each, x.shape[-2]) for name, each in of_slice.items()}
    x = distributed.gathered(x, -2)
    table: dict[str, Tensor] = means | {
        "dead": moment.dead.sum(-1),
        "resampled": moment.resampled,
    }
    columns = {name: values.reshape(-1).tolist() for name, values in table.items()}
    shared: Row = {"step": moment.step, "tokens": moment.step * x.shape[-2], "lr": moment.lr}
    if x.ndim == 2:
        x_hat = distributed.gathered(loss.x_hat, -2)
        shared["explained_variance"] = float(metrics.explained_variance(x, x_hat))
    each = [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]
    return [{"instance": instance} | shared | row for instance, row in enumerate(each)]


def language_history(rows: list[Row]) -> pd.DataFrame:
    """The history of one autoencoder: schema.yaml, sae/history.csv."""
    columns = ["step", "tokens", "lr", "loss", "mse", "l0", "explained_variance"]
    return pd.DataFrame(rows, columns=[*columns, "dead", "resampled"])


def toy_history(rows: list[Row]) -> pd.DataFrame:
    """The history of every instance: schema.yaml, toy_sae/history.parquet."""
    columns = ["instance", "step", "loss", "mse", "l0", "resampled"]
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values(["instance", "step"], ignore_index=True)


def summary(history: pd.DataFrame) -> dict[str, float | int]:
    """The numbers of sae/metrics.json: the last row of the history, over training batches."""
    last = history.iloc[-1]
    return {
        "n_activations": int(last["tokens"]),
        "l0": float(last["l0"]),
        "mse": float(last["mse"]),
        "explained_variance": float(last["explained_variance"]),
        "dead": int(last["dead"]),
    }
