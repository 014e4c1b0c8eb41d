"""Frames for the figures of autoencoders on known features."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from tests.charts.synthetic import frame

from superposition import known_tables
from superposition.charts import toy_saes
from superposition.saes.matching import KINDS

VARIANTS = ("l1", "batch-topk")
N_INSTANCES = 3


def compared(table: str, variants: Sequence[str], n_each: int, **given: Any) -> pd.DataFrame:
    """The table `toy_comparison/<table>` with `n_each` rows for each variant and instance."""
    n = len(variants) * N_INSTANCES * n_each
    return frame(
        f"toy_comparison/{table}.parquet",
        n,
        variant=np.repeat(variants, N_INSTANCES * n_each),
        instance=np.tile(np.repeat(range(N_INSTANCES), n_each), len(variants)),
        **given,
    )


def instances(*variants: str) -> pd.DataFrame:
    return compared("instances", variants or VARIANTS, 1)


def trace(*variants: str) -> pd.DataFrame:
    names = variants or VARIANTS
    step = np.tile([0, 19, 20, 40], N_INSTANCES * len(names))
    return compared("trace", names, 4, step=step)


def latents(*variants: str) -> pd.DataFrame:
    names = variants or VARIANTS
    kind = np.tile(KINDS, N_INSTANCES * len(names))
    latent = np.tile(range(len(KINDS)), N_INSTANCES * len(names))
    return compared("latents", names, len(KINDS), kind=kind, latent=latent)


def sweeps() -> pd.DataFrame:
    parts = [instances("k-1", "k-3").assign(data=name) for name in ("independent", "correlated")]
    return pd.concat(parts, ignore_index=True)


def differences() -> pd.DataFrame:
    rows = [("tied", "features", 1.0, 0.5, 1.5), ("tied", "loss", -0.1, -0.2, 0.0)]
    return pd.DataFrame(rows, columns=known_tables.COLUMNS)


def vectors() -> pd.DataFrame:
    columns = {"instance": [0, 0, 0], "kind": ["feature", "decoder", "encoder"]}
    return pd.DataFrame(columns).assign(x=0.6, y=[0.8, -0.8, 0.8])


FIGURES = {
    toy_saes.recovery: lambda: (instances(),),
    toy_saes.kinds: lambda: (instances(),),
    toy_saes.wrong_l0: lambda: (sweeps(),),
    toy_saes.learning: lambda: (trace(),),
    toy_saes.differences: lambda: (differences(),),
    toy_saes.tilt: lambda: (latents(),),
    toy_saes.encoders: lambda: (vectors(),),
}
