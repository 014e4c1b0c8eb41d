"""The concepts of every held-out token, and the catalogue that explains their ids."""

import pandas as pd

from superposition.core.stage import Stage
from superposition.language.concepts.labels import Labels


def catalogue(stage: Stage) -> pd.DataFrame:
    """One row a concept, columns as in schema.yaml."""
    return stage.store.load_table("concepts", "catalogue.parquet")


def labels(stage: Stage) -> Labels:
    """The concepts of the held-out stream."""
    tensors = stage.store.load_tensors("concepts", "labels.safetensors")
    return Labels(**tensors, n_concepts=len(catalogue(stage)))
