"""Frames for the figures of cost and scaling."""

import pandas as pd

from superposition.charts import scaling

WIDTHS = (512, 4096, 131_072)


def by_width() -> pd.DataFrame:
    rows = [
        (name, width, seed, "loss recovered", 0.5 + 0.01 * seed)
        for name in ("BatchTopK, 30 active", "L1, coefficient 0.1")
        for width in WIDTHS
        for seed in (0, 1)
    ]
    return pd.DataFrame(rows, columns=["autoencoder", "d_sae", "seed", "measure", "value"])


def costs() -> pd.DataFrame:
    rows = [("here", "toy", 30.0), ("here", "sae", 90.0), ("reference run, full", "sae", 60.0)]
    return pd.DataFrame(rows, columns=["run", "stage", "seconds"])


FIGURES = {
    scaling.recovered: lambda: (by_width(),),
    scaling.density: lambda: (by_width(),),
    scaling.belonging: lambda: (by_width(),),
    scaling.covered: lambda: (by_width(),),
    scaling.costs: lambda: (costs(),),
}
