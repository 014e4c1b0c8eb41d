"""Made-up frames for the figures of geometry."""

from collections.abc import Callable

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts import geometry
from superposition.site import drawings

DENSITIES = (1.0, 0.4, 0.1)


def curve() -> pd.DataFrame:
    columns = {"seed": [0, 0, 0, 1, 1, 1], "feature_probability": DENSITIES * 2}
    return pd.DataFrame(columns | {"d_star": [1.0, 0.5, 0.2, 1.0, 0.51, 0.21]})


def graphs() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The ideal shapes as if each were the model of a density."""
    nodes, edges = drawings.ideal_shapes()
    density = {name: 0.5**index for index, name in enumerate(sorted(set(nodes["group"])))}
    nodes, edges = (one.assign(group=one["group"].map(density)) for one in (nodes, edges))
    return nodes, edges


def features() -> pd.DataFrame:
    return graphs()[0].rename(columns={"group": "feature_probability"})


def sizes() -> pd.DataFrame:
    rows = [(n, m, p) for n, m in ((100, 10), (400, 20)) for p in (0.5, 0.25, 0.12)]
    frame = pd.DataFrame(rows, columns=["n_features", "d_hidden", "feature_probability"])
    return frame.assign(row="a", seed=0, features_per_dimension=np.linspace(2, 4, len(frame)))


def starts() -> pd.DataFrame:
    rows = [(n, m, p) for n in (6, 7) for m in (2, 3) for p in (0.05, 0.01)]
    frame = pd.DataFrame(rows, columns=["n_features", "d_hidden", "feature_probability"])
    return frame.assign(row="a", n_best=np.arange(len(frame)) + 1, n_starts=24, share=0.5)


FIGURES: dict[Callable[..., alt.TopLevelMixin], Callable[[], tuple[pd.DataFrame, ...]]] = {
    geometry.d_star: lambda: (curve(),),
    geometry.dimensionalities: lambda: (features(),),
    geometry.graph: graphs,
    geometry.shapes: lambda: tuple(drawings.ideal_shapes()),
    geometry.sizes: lambda: (sizes(),),
    geometry.starts: lambda: (starts(),),
}
