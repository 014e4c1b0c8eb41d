"""Made-up frames for the figures of learning."""

from collections.abc import Callable

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts import learning

STEPS = np.arange(0, 500, 100)


def levels() -> tuple[pd.DataFrame, pd.DataFrame]:
    step, feature = np.meshgrid(STEPS, np.arange(4), indexing="ij")
    columns = {"step": step.ravel(), "feature": feature.ravel()}
    D = np.linspace(0, 0.5, 20)
    model = pd.DataFrame({"step": STEPS, "loss": np.geomspace(1, 0.1, 5), "jumps": [0, 2, 0, 1, 0]})
    return pd.DataFrame(columns).assign(dimensionality=D), model


def stages() -> tuple[pd.DataFrame, pd.DataFrame]:
    step, feature = np.meshgrid(STEPS, np.arange(6), indexing="ij")
    columns = {"step": step.ravel(), "feature": feature.ravel(), "set": 1 + feature.ravel() // 3}
    angle = 2 * np.pi * feature.ravel() / 6
    plane = {"x": 0.8 * np.cos(angle), "y": 0.8 * np.sin(angle)}
    courses = {"within": [0, 0.6, 0.7, 0.2, 0], "between": [0.1, -0.2, -0.3, -0.3, -0.33]}
    model = {"step": STEPS, "loss": np.geomspace(1, 0.1, 5)} | courses
    return pd.DataFrame(columns | plane), pd.DataFrame(model | {"partner": np.linspace(0, -1, 5)})


FIGURES: dict[Callable[..., alt.TopLevelMixin], Callable[[], tuple[pd.DataFrame, ...]]] = {
    learning.levels: levels,
    learning.stages: stages,
}
