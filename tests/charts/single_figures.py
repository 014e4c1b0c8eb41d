"""Frames for the figures of single latents under test."""

import numpy as np
import pandas as pd
from tests.charts.synthetic import frame, with_row

from superposition.charts import single_features

PLANTED = ["base64", "dna", "", ""]


def concepts() -> pd.DataFrame:
    return frame(
        "contexts/concepts.parquet", 4, concept=range(4), planted=PLANTED, passed=[5, 3, 5, 1]
    )


def groups() -> pd.DataFrame:
    table = frame(
        "contexts/groups.parquet",
        40,
        concept=np.repeat(range(4), 10),
        grouping="tenth",
        group=np.tile(range(10), 4),
        active=10,
        inside=np.tile(range(10), 4),
    )
    return table.assign(planted=np.repeat(PLANTED, 10))


def curves() -> pd.DataFrame:
    table = frame("causal/curves.parquet", 8, concept=np.repeat(range(4), 2), group=[0, 1] * 4)
    return table.assign(planted=np.repeat(PLANTED, 2))


def held() -> pd.DataFrame:
    table = frame("causal/pinning.parquet", 4, planted=PLANTED, pinned=7, free=1)
    return table.assign(n=[9, 9, 9, 0])


def units() -> pd.DataFrame:
    table = frame("consistency/units.parquet", 6)
    return table.assign(who=np.repeat(single_features.WHO, 2))


def shares() -> pd.DataFrame:
    return frame(
        "causal/intervals.parquet", 22, latent=np.repeat([0, 1], 11), interval=[*range(11)] * 2
    )


FIGURES = {
    single_features.tests_passed: lambda: (with_row(concepts(), "l1", "batch-topk"),),
    single_features.specificity: lambda: (groups(),),
    single_features.correlations: lambda: (concepts(),),
    single_features.ablation: lambda: (curves(),),
    single_features.pinning: lambda: (held(),),
    single_features.predictability: lambda: (units(),),
    single_features.logit_tests: lambda: (units(),),
    single_features.intervals: lambda: (shares(),),
}
