"""Frames for the figures of the catalogue of concepts."""

import pandas as pd
from tests.charts.synthetic import frame

from superposition.charts import catalogue


def concepts() -> pd.DataFrame:
    kinds = ["context", "token", "context", "token"]
    return frame("concepts/catalogue.parquet", 4, kind=kinds, judged=[True, True, True, False])


FIGURES = {catalogue.token_alone: lambda: (concepts(),)}
