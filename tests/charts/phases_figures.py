"""Made-up frames for the figures of phases and of the loss on paper."""

import numpy as np
import pandas as pd
from tests.charts.synthetic import frame

from superposition.charts import phases, theory
from superposition.charts.phase_frames import EXACT, IDEAL, TRAINED
from superposition.toy.phases import THREE_IN_TWO, TWO_IN_ONE, World, border_lines, phase_diagram

PS, RS = np.geomspace(1, 0.01, 5), np.geomspace(0.1, 10, 4)


def diagram(world: World) -> tuple[pd.DataFrame, pd.DataFrame]:
    cells = phase_diagram(world, PS, RS, bias=True)
    columns = ["feature_probability", "relative_importance", "phase", "loss", "share", "panel"]
    panels = [cells.assign(panel=panel, share=0.5).loc[:, columns] for panel in (IDEAL, TRAINED)]
    lines = border_lines(world, np.geomspace(0.1, 10, 9), sparsest=0.01, bias=True)
    return pd.concat(panels, ignore_index=True), lines


def curves() -> pd.DataFrame:
    cells = phase_diagram(TWO_IN_ONE, PS, RS, bias=True)
    return pd.concat([cells.assign(solution=name) for name in (*TWO_IN_ONE.phases, TRAINED)]).loc[
        :, ["feature_probability", "relative_importance", "loss", "solution"]
    ]


def weights() -> pd.DataFrame:
    cells = phase_diagram(TWO_IN_ONE, PS, RS, bias=True)
    keys = cells.loc[:, ["feature_probability", "relative_importance"]].assign(value=0.5)
    parts = [
        keys.assign(source=source, weight=weight)
        for source in (EXACT, TRAINED)
        for weight in ("w1", "w2")
    ]
    return pd.concat(parts, ignore_index=True)


def landscape() -> pd.DataFrame:
    p, w1, w2 = np.meshgrid(PS, [-1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], indexing="ij")
    columns = {"feature_probability": p.ravel(), "w1": w1.ravel(), "w2": w2.ravel()}
    return pd.DataFrame(columns).assign(loss=np.arange(1, p.size + 1) / p.size)


def shares() -> pd.DataFrame:
    columns = {"feature_probability": np.repeat(PS, 3), "active": [0, 1, 2] * 5}
    return pd.DataFrame(columns).assign(model="pentagon", share=1 / 3)


def products() -> pd.DataFrame:
    start, rank = np.meshgrid([-1, 0, 1], [0, 1, 2], indexing="ij")
    columns = {"start": start.ravel(), "rank": rank.ravel(), "product": 0.1}
    return pd.DataFrame(columns).assign(polytope="triangle")


def second() -> pd.DataFrame:
    weight = np.linspace(-1.3, 0, 5)
    parts = [
        pd.DataFrame({"model": name, "weight": weight, "loss": 1.0})
        for name in ("linear", "ReLU, p = 1")
    ]
    return pd.concat(parts, ignore_index=True)


FIGURES = {
    phases.two_in_one: lambda: diagram(TWO_IN_ONE),
    phases.three_in_two: lambda: diagram(THREE_IN_TWO),
    phases.activations: lambda: (diagram(TWO_IN_ONE)[0],),
    phases.branches: lambda: (curves(),),
    phases.jump: lambda: (weights(),),
    phases.landscape: lambda: (landscape(),),
    theory.second_feature: lambda: (second(),),
    theory.expansion: lambda: (shares(),),
    theory.thomson: lambda: (products(),),
    theory.compression: lambda: (
        frame("theory/compression.parquet", 4, n_steps=[2, 2, 3, 3]).assign(linear=1 / 24),
    ),
}
