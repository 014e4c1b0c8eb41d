"""Frames for the figures of unequal and dependent features."""

import numpy as np
import pandas as pd
from tests.charts.synthetic import features

from superposition.charts import uneven
from superposition.toy import norm_rules

DENSITIES = (0.5, 0.1, 0.01)
RATIOS = np.array([0.5, 1.0, 2.5, 4.0])


def perturbed() -> pd.DataFrame:
    table = features((0.05, 0.05, 0.05), 5)
    return table.assign(relative_density=np.repeat([2.0, 1.0, 0.2], 5))


def in_sets() -> pd.DataFrame:
    table = features(DENSITIES, 6)
    return table.assign(set=table["feature"] // 2 + 1)


def losses() -> pd.DataFrame:
    columns = {"relative_density": 1 / RATIOS, "pentagon": 1 / RATIOS, "digons": 2 / RATIOS**2}
    table = pd.DataFrame(columns)
    return table.assign(ratio=RATIOS, advantage=table["digons"] / table["pentagon"] - 1)


def crossing() -> pd.DataFrame:
    return pd.DataFrame({"ratio": [2.0], "low": [1.9], "high": [2.1]})


def solutions() -> pd.DataFrame:
    columns = {"feature_probability": 0.05, "feature": range(5), "bias": -0.2, "norm": 1.1}
    return pd.DataFrame(columns)


def collapsed() -> pd.DataFrame:
    columns = {"feature_probability": [0.5, 0.1, 0.1], "collapsed": [3, 1, 0], "n": [4, 3, 1]}
    table = pd.DataFrame(columns).assign(n_starts=4, best=[True, True, False])
    return table.assign(share=table["n"] / 4)


def published() -> pd.DataFrame:
    return pd.DataFrame({"sparsest": [0.25, 0.05], "densest": [0.5, 0.15], "collapsed": [3, 1]})


def shares() -> pd.DataFrame:
    columns = {"arrangement": ["side by side"] * 2 + ["opposite"] * 2, "share": 0.5, "n_fit": 2}
    table = pd.DataFrame(columns).assign(feature_probability=[0.1, 0.01] * 2, n_starts=4)
    return table.assign(low=0.2, high=0.8)


FIGURES = {
    uneven.pentagon: lambda: (perturbed(),),
    uneven.sets: lambda: (in_sets(),),
    uneven.branches: lambda: (losses(), crossing()),
    uneven.norm_rule: lambda: (solutions(), norm_rules.curves(-0.4, -0.1)),
    uneven.collapse: lambda: (collapsed(), published()),
    uneven.shares: lambda: (shares(),),
}
