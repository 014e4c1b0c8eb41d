"""The statistics by which claims about single latents are judged."""

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import stats

from superposition.artefacts import NotTrained
from superposition.claims.measures import SEED
from superposition.intervals import N_RESAMPLES, Interval, percentiles
from superposition.language.planted import KINDS
from superposition.results import Results
from superposition.values import between, fmt

MAIN = "batch-topk"
"""The row of contexts and of consistency that claims are judged by."""
SHUFFLED = "batch-topk-shuffled"
"""The row on the transformer with permuted weights."""
PROXY = "proxy"
"""Group of the rows that the paper's proxies mark instead of our labels."""
TESTS = {
    "specific": "specific",
    "sensitive": "sensitive",
    "effective": "raises its tokens",
    "no_neuron": "no neuron",
    "universal": "universal",
}
"""The outcomes of the five tests, and what to call them."""
HALF = 5
"""Intervals of the activation, of eleven, that make the lower half: those wholly below it."""


class Superiority(NamedTuple):
    """How often one case exceeds another."""

    value: float
    """P(a > b) + P(a = b) / 2. From 0 to 1; 0.5 if both are alike."""
    interval: Interval
    """95% interval, by the bootstrap over the cases of each side."""


def concepts(r: Results, row: str = MAIN) -> pd.DataFrame:
    """The concepts tested, without the proxies."""
    table = r.contexts(row).concepts
    return table.loc[table["group"] != PROXY].reset_index(drop=True)


def planted(r: Results, row: str = MAIN, *, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """The rows of the planted contexts, in the order of `KINDS`; of `table` if one is given."""
    among = concepts(r, row) if table is None else table
    found = among.loc[among["planted"] != ""].set_index("planted", drop=False)
    kinds = [kind for kind in KINDS if kind in found.index]
    if not kinds:
        raise NotTrained(f"no planted context with enough tokens in contexts.{row}")
    return found.loc[kinds]


def planted_one(r: Results, kind: str, *, proxy: bool = False) -> dict[Hashable, Any]:
    """The row of one planted context; of its proxy if asked."""
    table = r.contexts(MAIN).concepts
    chosen = table.loc[(table["planted"] == kind) & ((table["group"] == PROXY) == proxy)]
    if not len(chosen):
        raise NotTrained(f"no {kind} with enough tokens in contexts.{MAIN}")
    return chosen.to_dict("records")[0]


def natural(r: Results, row: str = MAIN) -> pd.DataFrame:
    """The concepts that were not planted."""
    table = concepts(r, row)
    return table.loc[table["planted"] == ""].reset_index(drop=True)


def by_kind(table: pd.DataFrame, name: str, unit: str = "") -> str:
    """A measure of each planted context: `0.8 base64, 0.9 dna`, with intervals if known."""
    parts = []
    for row in table.to_dict("records"):
        text = f"{fmt(float(row[name]), unit)} {row['planted']}"
        if f"{name}_low" in table.columns:
            ends = float(row[f"{name}_low"]), float(row[f"{name}_high"])
            text += f" ({between(*ends, unit)})"
        parts.append(text)
    return ", ".join(parts)


def total(column: Any) -> int:
    """The sum of a column of counts, or how many of its outcomes are true."""
    return int(column.to_numpy().sum())


def median(column: Any) -> float:
    """The median of a column, missing values left out."""
    return float(np.nanmedian(column.to_numpy(dtype=float)))


def average(column: Any) -> float:
    """The mean of a column, missing values left out."""
    return float(np.nanmean(column.to_numpy(dtype=float)))


def rank_correlation(x: Any, y: Any) -> float:
    """Spearman's correlation of two columns; NaN where one does not vary."""
    a, b = (column.to_numpy(dtype=float) for column in (x, y))
    if not len(a) or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.asarray(stats.spearmanr(a, b))[0])


def superiority(a: Float[np.ndarray, " case"], b: Float[np.ndarray, " other"]) -> Superiority:
    """How often a case of `a` exceeds one of `b`; NaN are left out.

    Source: H. Mann and D. Whitney, "On a test of whether one of two random variables is
    stochastically larger than the other": U / (m n).
    """
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if not len(a) or not len(b):
        raise NotTrained("no unit that was active often enough to be scored")
    rng = np.random.default_rng(SEED)
    drawn = [
        _superior(rng.choice(a, size=len(a)), rng.choice(b, size=len(b)))
        for _ in range(N_RESAMPLES // 4)
    ]
    return Superiority(_superior(a, b), percentiles(np.array(drawn)))


def scores(r: Results, row: str, kind: str, column: str) -> Float[np.ndarray, " unit"]:
    """One score of all units of a kind that were scored."""
    units = r.consistency(row).units
    found = units.loc[units["kind"] == kind, column].to_numpy(dtype=float)
    return found[np.isfinite(found)]


def contextual(r: Results, row: str, kind: str) -> Float[np.ndarray, " unit"]:
    """Predictability of the units whose 20 top examples are not all on one token."""
    units = r.consistency(row).units
    chosen = units.loc[(units["kind"] == kind) & (units["top_token_share"] < 1)]
    found = chosen["predictability"].to_numpy(dtype=float)
    return found[np.isfinite(found)]


def mean_shares(r: Results, row: str = MAIN) -> pd.DataFrame:
    """Each random latent's share of active tokens, activation and effect in the upper intervals.

    Columns: count, mass, effect; index: latent.
    """
    table = r.causal(row).intervals
    if not len(table):
        raise NotTrained(f"no latent that is active often enough in causal.{row}")
    upper = table.loc[table["interval"] >= HALF]
    return upper.groupby("latent")[["count", "mass", "effect"]].sum()


def _superior(a: np.ndarray, b: np.ndarray) -> float:
    ranks = stats.rankdata(np.concatenate([a, b]))[: len(a)]
    return float((ranks.sum() - len(a) * (len(a) + 1) / 2) / (len(a) * len(b)))
