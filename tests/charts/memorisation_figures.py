"""Made-up data for the figures of models trained on finite data sets."""

import numpy as np
import pandas as pd
from tests.charts.synthetic import frame

from superposition.charts import memorisation


def models(**axes: list) -> pd.DataFrame:
    """Models of three sizes on two data sets, and of the values of other columns."""
    columns = {"n_points": [5, 50, 500], "data_set": [0, 1]} | axes
    grid = np.meshgrid(*columns.values(), indexing="ij")
    given = {name: axis.ravel() for name, axis in zip(columns, grid, strict=True)}
    n = grid[0].size
    return frame("memorisation/models.parquet", n, diverged=[False] * n, **given)


def vectors() -> pd.DataFrame:
    """Two vectors of each kind at two sizes."""
    columns = {"n_points": [5, 5, 50, 50] * 2, "kind": ["data points"] * 4 + ["features"] * 4}
    return pd.DataFrame(columns).assign(index=1, x=0.3, y=-0.4, norm=2.0, dimensionality=0.2)


FIGURES = {
    memorisation.vectors: lambda: (vectors(),),
    memorisation.norms: lambda: (models(),),
    memorisation.losses: lambda: (models(),),
    memorisation.dimensionalities: lambda: (models(),),
    memorisation.starts: lambda: (models(n_steps=[500, 5_000]), models(), models()),
    memorisation.size_map: lambda: (models(d_hidden=[1, 2]),),
    memorisation.weight_decay: lambda: (models(weight_decay=[0.01, 1.0]),),
    memorisation.training_length: lambda: (models(n_steps=[600, 6_000]),),
    memorisation.onset: lambda: (
        models(feature_probability=[0.1, 0.01]),
        models(weight_decay=[0.01, 0.1]),
    ),
}
