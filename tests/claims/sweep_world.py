"""Sweeps made by hand: frontiers that are straight lines over log L0."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from tests.charts.synthetic import frame

from superposition.results import Results

SEEDS = (0, 1, 2)


def points(
    *,
    height: float,
    l0: Sequence[float] = (10.0, 30.0, 60.0),
    widths: Sequence[int] = (1024,),
    seeds: Sequence[int] = SEEDS,
    noise: float = 0.001,
    wider: float = 0.0,
    **columns: Any,
) -> pd.DataFrame:
    """Points whose fidelity is `height` at L0 10, and rises by 0.1 with each factor e.

    Each step in width adds `wider`; seeds differ by `noise`. The level is the L0.
    """
    keys = [(d, one, seed) for d in widths for one in l0 for seed in seeds]
    d_sae, level, seed = (np.array(part) for part in zip(*keys, strict=True))
    step = np.searchsorted(np.array(sorted(widths)), d_sae)
    fidelity = height + 0.1 * np.log(level / 10) + wider * step + noise * (seed - 1)
    made = {
        "point": [f"{d}-{one:g}-{s}" for d, one, s in keys],
        "d_sae": d_sae,
        "level": level.astype(float),
        "seed": seed,
        "diverged": False,
        "l0": level.astype(float),
        "explained_variance": fidelity,
        "loss_recovered_zero": fidelity,
        "loss_recovered_mean": fidelity - 0.05,
        "dead_fraction": 0.0,
    }
    return frame("sweep/points.parquet", len(keys), **(made | columns))


def add_sweep(r: Results, row: str, table: pd.DataFrame) -> None:
    """A sweep with these points."""
    r.params.tree.setdefault("sweep", {})[row] = {}
    r.store.save_table(table, "sweep", row, "points.parquet")
    losses = {"loss_clean": 3.0, "loss_zero_ablation": 5.0, "loss_mean_ablation": 4.5}
    r.store.save_json(losses | {"n_tokens": 1024}, "sweep", row, "metrics.json")
