"""The figures of the first toy models, with made-up data for each."""

import numpy as np
import pandas as pd
from tests.charts.synthetic import features, instances

from superposition.charts import basics, capacity, replay

DENSITIES = (1.0, 0.2, 0.05)


def plane() -> pd.DataFrame:
    table = instances(DENSITIES, 4)
    return table.assign(geometry=np.resize(["orthogonal pair", "digons", "other"], len(table)))


def gram() -> pd.DataFrame:
    feature, other = np.indices((2, 2))
    columns = {"feature": feature.ravel(), "other": other.ravel(), "product": 0.5, "bias": -0.1}
    parts = [pd.DataFrame({"feature_probability": p, **columns}) for p in DENSITIES]
    return pd.concat(parts, ignore_index=True)


def moments() -> tuple[pd.DataFrame, pd.DataFrame]:
    columns = {"feature_probability": np.repeat(DENSITIES, 2), "moment": [0, 1] * 3}
    curve = pd.DataFrame(columns).assign(step=[0, 100] * 3, loss=[0.1, 0.01] * 3)
    arrows = pd.DataFrame(columns).assign(number=1, x=0.6, y=0.8)
    return curve, arrows


FIGURES = {
    basics.arrangements: lambda: (plane(),),
    basics.products: lambda: (gram(),),
    basics.biases: lambda: (features(DENSITIES, 5),),
    capacity.hundred: lambda: (instances(DENSITIES, 1), 20),
    capacity.sizes: lambda: (features(DENSITIES, 20), features(DENSITIES, 80)),
    capacity.scores: lambda: (features(DENSITIES, 20),),
    replay.learning: moments,
}
