"""Frames for the figures of units and concepts."""

import numpy as np
import pandas as pd
from tests.claims.interpretability_world import dictionary

from superposition.charts import concepts
from superposition.interpretability_tables import DICTIONARIES, PROBE

NAMES = [*DICTIONARIES.values()]


def shares() -> pd.DataFrame:
    table = dictionary()["shares"].query("chosen_by == 'mcc'")
    return pd.concat([table.assign(dictionary=name) for name in NAMES], ignore_index=True)


def reached() -> pd.DataFrame:
    grid = np.linspace(0, 1, 11)
    tables = [pd.DataFrame({"dictionary": name, "mcc": grid, "share": 1 - grid}) for name in NAMES]
    return pd.concat(tables, ignore_index=True)


def coverage() -> pd.DataFrame:
    columns = {"concept": [0, 1, 2], "name": ["a", "b", "c"], "group": ["g", "g", "h"]}
    table = pd.DataFrame(columns).assign(rule="which", kind="context", base_rate=0.1)
    whos = ["latents (BatchTopK)", "neurons", "random directions", PROBE]
    scores = [0.9, 0.4, 0.1, 0.95]
    parts = [table.assign(who=who, mcc=mcc) for who, mcc in zip(whos, scores, strict=True)]
    return pd.concat(parts, ignore_index=True)


def best() -> pd.DataFrame:
    columns = {"dictionary": ["neurons", "latents (BatchTopK)"] * 2, "unit": range(4)}
    rates = {"base_rate": [0.01, 0.1, 0.4, 0.6], "f1": 0.5, "mcc": 0.3}
    return pd.DataFrame(columns | rates).assign(name="a concept")


def deciles() -> pd.DataFrame:
    table = dictionary()["deciles"].assign(name="a concept", dictionary="neurons")
    return pd.concat([table, table.assign(dictionary="latents (BatchTopK)")], ignore_index=True)


def ceiling() -> pd.DataFrame:
    columns = {"name": ["a", "b"], "group": "g", "kind": ["context", "token"], "base_rate": 0.1}
    return pd.DataFrame(columns).assign(latent=[0.4, 0.9], probe=[0.6, 0.95])


FIGURES = {
    concepts.explained: lambda: (shares(),),
    concepts.shuffled: lambda: (shares(),),
    concepts.distribution: lambda: (reached(),),
    concepts.coverage: lambda: (coverage(),),
    concepts.f1_bound: lambda: (best(),),
    concepts.deciles: lambda: (deciles(),),
    concepts.ceiling: lambda: (ceiling(),),
}
