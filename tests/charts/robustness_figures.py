"""Frames for the figures of attacks, of training under attack, and of compressed sensing."""

import numpy as np
import pandas as pd
from tests.charts.synthetic import frame, with_row

from superposition.charts import robustness

DENSITIES = (1.0, 0.2, 0.01)


def profiles() -> pd.DataFrame:
    columns = {"feature_probability": [1.0, 1.0, 0.1, 0.1], "rank": [0, 1] * 2}
    return pd.DataFrame(columns).assign(change=[1.0, 0.0, 0.8, -0.6])


def attacks() -> pd.DataFrame:
    n = 3 * len(DENSITIES)
    return frame(
        "robustness/attacks.parquet",
        n,
        instance=np.repeat(range(len(DENSITIES)), 3),
        feature_probability=np.repeat(DENSITIES, 3),
        attack=["feature", "gradient", "random"] * len(DENSITIES),
    )


def trained() -> pd.DataFrame:
    return frame(
        "adversarial/instances.parquet",
        8,
        feature_probability=np.repeat([0.1, 0.03], 4),
        attack_norm=np.tile(np.repeat([0.0, 0.8], 2), 2),
        seed=np.tile([0, 1], 4),
        diverged=[False] * 7 + [True],
    )


def training() -> pd.DataFrame:
    return with_row(trained().assign(limit=0.3), "fifty-in-five", "twenty-in-ten")


def recoveries() -> pd.DataFrame:
    return frame(
        "sparse_recovery/instances.parquet",
        3,
        feature_probability=DENSITIES,
        bound=[0.0, 10.0, 20.0],
        recovery_loss=[0.1, 0.01, 0.0],
    )


FIGURES = {
    robustness.profile: lambda: (profiles(),),
    robustness.vulnerability: lambda: (attacks(),),
    robustness.tracking: lambda: (attacks(),),
    robustness.kinds: lambda: (attacks(),),
    robustness.silence: lambda: (attacks(),),
    robustness.training: lambda: (training(),),
    robustness.bound: lambda: (recoveries(),),
    robustness.recovery: lambda: (recoveries(),),
}
