"""Frames made up from schema.yaml: every column of a table, of the right kind."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from superposition.core.store import schema


def frame(table: str, n: int, **given: Any) -> pd.DataFrame:
    """`n` rows of the table called `table`; the columns in `given` are as given."""
    columns = schema()[table]
    unknown = set(given) - set(columns)
    assert not unknown, f"{table} has no {unknown}; have: {', '.join(columns)}"
    made = {name: given.get(name, _column(kind, n)) for name, kind in columns.items()}
    return pd.DataFrame(made)


def with_row(table: pd.DataFrame, *rows: str) -> pd.DataFrame:
    """`table` once for each experiment in `rows`, with the first column `row`."""
    parts = [table.assign(row=row) for row in rows]
    together = pd.concat(parts, ignore_index=True)
    return together.loc[:, ["row", *table.columns]]


def features(densities: Sequence[float], n_features: int) -> pd.DataFrame:
    """toy/features of one model at each density."""
    n = len(densities) * n_features
    return frame(
        "toy/features.parquet",
        n,
        instance=np.repeat(np.arange(len(densities)), n_features),
        feature_probability=np.repeat(densities, n_features),
        feature=np.tile(np.arange(n_features), len(densities)),
    )


def instances(densities: Sequence[float], n_seeds: int) -> pd.DataFrame:
    """toy/instances with the same random starts at every density."""
    n = len(densities) * n_seeds
    return frame(
        "toy/instances.parquet",
        n,
        seed=np.tile(np.arange(n_seeds), len(densities)),
        feature_probability=np.repeat(densities, n_seeds),
    )


def evaluations(*rows: str) -> pd.DataFrame:
    """The metrics of autoencoders, one row each."""
    numbers = {
        "l0": 20.0,
        "loss_clean": 3.0,
        "loss_sae": 3.2,
        "loss_mean_ablation": 4.0,
        "loss_zero_ablation": 5.0,
    }
    for kind, value in (("zero", 0.9), ("mean", 0.8)):
        name = f"loss_recovered_{kind}"
        numbers |= {name: value, f"{name}_low": value - 0.01, f"{name}_high": value + 0.01}
    return with_row(pd.DataFrame([numbers]), *rows)


def _column(kind: str, n: int) -> Any:
    """Values of the kind that schema.yaml names before the comma."""
    rng = np.random.default_rng(n)
    match kind.split(",")[0]:
        case "integer":
            return np.arange(n)
        case "number":
            return rng.uniform(0.01, 1, size=n)
        case "boolean":
            return rng.random(n) < 0.5
        case "string":
            return [f"word {index}" for index in range(n)]
        case "list":
            return [rng.uniform(0.1, 1, size=5) for _ in range(n)]
    raise AssertionError(f"schema.yaml has a column of kind {kind!r}")
