"""Frames for the figures of frontiers, widths, densities and dead latents."""

import numpy as np
import pandas as pd
from tests.charts.synthetic import frame, with_row
from tests.claims.sweep_world import points

from superposition.charts import frontier


def frontiers() -> pd.DataFrame:
    """Two architectures, of which one autoencoder diverged and one collapsed."""
    one = points(height=0.7)
    broken = one.assign(
        l0=one["l0"].where(one.index != 0).where(one.index != 4, 0.0),
        diverged=one.index == 0,
    )
    rows = [with_row(one, "l1"), with_row(broken, "batch-topk"), with_row(one, "widths")]
    return pd.concat(rows, ignore_index=True)


def by_width() -> pd.DataFrame:
    return points(height=0.6, widths=(512, 2048), seeds=(0,))


def latents() -> pd.DataFrame:
    names = np.repeat(["512-30-0", "512-30-1", "1024-30-0"], 4)
    return frame("sweep/latents.parquet", 12, point=names, density=[0.0, *[0.01] * 11])


def one() -> pd.DataFrame:
    return frame("evaluation/latents.parquet", 9, density=[0.0, *[0.001] * 8])


def curve() -> pd.DataFrame:
    return pd.DataFrame({"log": [-4.0, -3.0, -2.0], "count": [1.0, 5.0, 1.0]})


FIGURES = {
    frontier.frontier: lambda: (frontiers(),),
    frontier.recovered: lambda: (frontiers(),),
    frontier.widths: lambda: (by_width(),),
    frontier.width_densities: lambda: (latents(),),
    frontier.components: lambda: (one(), curve()),
    frontier.separation: lambda: (one(),),
    frontier.dense: lambda: (points(height=0.7),),
    frontier.dead: lambda: (frontiers(),),
}
