"""Results on single latents made by hand: a world like the paper's, to be spoiled one by one."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from tests.charts.synthetic import frame

from superposition.claims.measures_single_features import MAIN, SHUFFLED, TESTS
from superposition.core.params import Params
from superposition.core.store import Store, schema
from superposition.language.planted import KINDS
from superposition.results import Results

N_NATURAL = 8
CLEAR: dict[str, Any] = {
    "n_inside": 1000,
    "share": 0.01,
    "correlation": 0.8,
    "null_correlation": 0.05,
    "neuron_correlation": 0.2,
    "neuron_gap": 0.6,
    "partner_correlation": 0.9,
    "active": 900,
    "precision": 0.8,
    "recall": 0.8,
    "top_precision": 0.98,
    "trend": 0.9,
    "interval_trend": 0.9,
    "missed": 200,
    "filled": 150,
    "n_specific": 2,
    "alone": 600,
    "logit_area": 0.95,
    "n_next": 100,
    "partner_logit_correlation": 0.3,
    "n_large": 20,
    "top_1": 0.1,
    "latent_top_examples": 20,
    "neuron_top_examples": 1,
    "neurons_with_example": 1,
    "passed": 5,
}
"""Of a context whose latent does all that the paper says."""
UNCLEAR = CLEAR | {"correlation": 0.4, "passed": 2, "interval_trend": 0.5}


def add_contexts(
    r: Results,
    planted: Mapping[str, Any] | None = None,
    natural: Mapping[str, Any] | None = None,
    *,
    row: str = MAIN,
) -> None:
    """Three planted contexts and their proxies like `CLEAR`, and natural ones like `UNCLEAR`, but
    for the columns given."""
    rows = [
        CLEAR | dict(planted or {}) | {"name": f"planted {kind}", "group": group, "planted": kind}
        for group in ("planted", "proxy")
        for kind in KINDS
    ]
    natural_row = {"name": "natural"} | UNCLEAR | dict(natural or {})
    rows += [natural_row | {"group": "x", "planted": ""} for _ in range(N_NATURAL)]
    table = pd.DataFrame(rows).assign(concept=range(len(rows)), latent=range(len(rows)))
    table = table.assign(neuron=0, partner=0, **dict.fromkeys(TESTS, True))
    for name in ("correlation", "neuron_correlation", "neuron_gap", "partner_correlation"):
        table = table.assign(
            **{f"{name}_low": table[name] - 0.05, f"{name}_high": table[name] + 0.05}
        )
    for name in ("top_precision", "logit_area"):
        table = table.assign(**{f"{name}_low": table[name] - 0.02, f"{name}_high": table[name]})
    r.params.tree.setdefault("contexts", {})[row] = {"n_tokens": 1000}
    columns = list(schema()["contexts/concepts.parquet"])
    r.store.save_table(table.loc[:, columns], "contexts", row, "concepts.parquet")


def add_causal(
    r: Results,
    *,
    effect: float = -0.5,
    trend: float = 0.5,
    agreement: float = 0.8,
    p_value: float = 1e-9,
    natural_agreement: float = 0.6,
    upper: tuple[float, float] = (0.2, 0.7),
) -> None:
    """Interventions on the planted contexts' latents, and on natural ones; `upper` has the shares
    of active tokens and of effect in the upper intervals."""
    keys = pd.DataFrame(
        {
            "concept": range(3 + N_NATURAL),
            "name": "c",
            "group": "x",
            "planted": [*KINDS, *[""] * N_NATURAL],
            "latent": 0,
        }
    )
    ablation = keys.assign(
        n_on=100,
        effect_on=effect,
        low_on=effect - 0.1,
        high_on=effect + 0.1,
        n_off=10,
        effect_off=-0.01,
        low_off=-0.02,
        high_off=0.01,
        trend=trend,
        trend_low=trend - 0.2,
        trend_high=trend + 0.2,
        logit_agreement=[agreement] * 3 + [natural_agreement] * N_NATURAL,
    )
    pinning = keys.assign(
        n=40, pinned=39, free=0, pinned_tokens=0.9, free_tokens=0.01, p_value=p_value, activation=9
    )
    latents = np.repeat(np.arange(20), 11)
    interval = np.tile(np.arange(11), 20)
    above = interval >= 5
    intervals = pd.DataFrame(
        {
            "latent": latents,
            "interval": interval,
            "count": np.where(above, upper[0] / 6, (1 - upper[0]) / 5),
            "mass": np.where(above, 0.5 / 6, 0.5 / 5),
            "effect": np.where(above, upper[1] / 6, (1 - upper[1]) / 5),
        }
    )
    r.params.tree.setdefault("causal", {})[MAIN] = {"n_prompts": 40, "n_new": 8}
    for name, table in {"ablation": ablation, "pinning": pinning, "intervals": intervals}.items():
        r.store.save_table(table, "causal", MAIN, f"{name}.parquet")


def add_consistency(r: Results, row: str, **other: float) -> None:
    """Scores of 40 latents and 40 neurons around given means; `other` says which are different."""
    latents = {"single": 0.1, "predictability": 0.6, "logit_area": 0.8, "logit_accuracy": 0.74}
    if row == SHUFFLED:
        latents |= {"single": 0.8, "predictability": 0.2, "logit_area": 0.5, "logit_accuracy": 0.5}
    latents |= {"density": 0.01, "slope": 0.0} | other
    neurons = {"single": 0.0, "predictability": 0.4, "logit_area": 0.6, "logit_accuracy": 0.58}
    neurons |= {"density": 0.3, "slope": 0.0}
    tables = [_units("latent", latents), _units("neuron", neurons)]
    r.params.tree.setdefault("consistency", {})[row] = {}
    table = pd.concat(tables, ignore_index=True)
    r.store.save_table(table, "consistency", row, "units.parquet")


def write_all(store: Store) -> None:
    """Everything that the chapter reads, of every row."""
    r = Results(Params(tree={}, origin="test"), store)
    for row in (MAIN, "l1"):
        add_contexts(r, row=row)
    add_causal(r)
    for row in (MAIN, "l1", SHUFFLED):
        add_consistency(r, row)
    concepts = r.contexts(MAIN).concepts["concept"].tolist()
    n = 10 * len(concepts)
    groups = frame(
        "contexts/groups.parquet",
        n,
        concept=np.repeat(concepts, 10),
        grouping="tenth",
        group=np.tile(range(10), len(concepts)),
        active=20,
        inside=15,
    )
    curves = frame("causal/curves.parquet", 6, concept=np.repeat(concepts[:3], 2), group=[0, 1] * 3)
    samples = frame(
        "causal/samples.parquet",
        2,
        concept=concepts[0],
        pinned=[True, False],
        read=[[1, 2], [1, 2]],
        written=[[40, 80], [120, 5]],
    )
    store.save_table(groups, "contexts", MAIN, "groups.parquet")
    store.save_table(curves, "causal", MAIN, "curves.parquet")
    store.save_table(samples, "causal", MAIN, "samples.parquet")


def _units(kind: str, means: Mapping[str, float], n: int = 40) -> pd.DataFrame:
    spread = np.linspace(-0.05, 0.05, n)
    order = np.arange(n) * 7 % n
    return pd.DataFrame(
        {
            "kind": kind,
            "unit": range(n),
            "density": means["density"] * (1 + np.linspace(-0.5, 0.5, n)),
            "top_token_share": np.where(np.arange(n) < means["single"] * n, 1.0, 0.4),
            "predictability": means["predictability"]
            + spread[order]
            + means["slope"] * np.linspace(-0.5, 0.5, n),
            "logit_area": means["logit_area"] + spread,
            "logit_accuracy": means["logit_accuracy"] + spread,
        }
    )
