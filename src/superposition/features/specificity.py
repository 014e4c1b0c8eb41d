"""How purely a unit is active inside a concept, weak and strong activations told apart."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int
from scipy import sparse, stats

from superposition.features.moments import firings, ones, product
from superposition.intervals import wilson

N_TENTHS = 10
"""Groups of equally many active tokens, from the weakest to the strongest."""
N_INTERVALS = 11
"""Intervals of equal width between 0 and the largest activation. Source: Towards Monosemanticity,
interval analysis (footnote 22)."""
MIN_IN_GROUP = 5
"""Active tokens from which a group's precision enters a trend."""
SPECIFIC = 0.5
"""Precision from which a latent counts as specific to a concept."""
MIN_ACTIVE = 20
"""Active tokens that such a precision needs."""


class Specificity(NamedTuple):
    """A unit as a detector of a concept."""

    active: int
    """Tokens on which it is active."""
    precision: float
    """Share of them inside the concept; NaN if there are none."""
    recall: float
    """Share of the concept's tokens on which it is active."""
    top_precision: float
    """Precision over the tenth of the active tokens with the strongest activations."""
    top_precision_low: float
    """Lower end of Wilson's 95% interval."""
    top_precision_high: float
    """Upper end."""
    trend: float
    """Spearman correlation of the tenth and its precision; NaN where precision is the same
    throughout."""
    interval_trend: float
    """The same over intervals of equal width of the activation."""


class Gaps(NamedTuple):
    """The tokens of a concept that its unit misses."""

    missed: int
    """How many there are."""
    filled: int
    """On how many of them another latent is active that is specific to the concept."""
    n_specific: int
    """How many other latents are specific to it: most of their active tokens lie inside."""
    alone: int
    """On how many of its tokens the unit is active and none of those others."""


def groups(acts: Float[np.ndarray, " token"], inside: Bool[np.ndarray, " token"]) -> pd.DataFrame:
    """Precision of the active tokens in groups by activation.

    Columns: grouping (tenth or interval), group (0 is the weakest), active, inside, activation (the
    mean).
    """
    rows = np.flatnonzero(acts > 0)
    order = rows[np.argsort(acts[rows], kind="stable")]
    tenth = np.arange(len(order)) * N_TENTHS // max(len(order), 1)
    strength = acts[order]
    scaled = strength * N_INTERVALS / max(strength.max(initial=0.0), np.finfo(np.float32).tiny)
    interval = np.minimum(scaled.astype(np.int64), N_INTERVALS - 1)
    tables = [
        _by_group("tenth", tenth, strength, inside[order], n=N_TENTHS),
        _by_group("interval", interval, strength, inside[order], n=N_INTERVALS),
    ]
    return pd.concat(tables, ignore_index=True)


def specificity(grouped: pd.DataFrame, *, n_inside: int) -> Specificity:
    """What the `groups` of a unit and a concept of `n_inside` tokens amount to."""
    tenths = grouped.loc[grouped["grouping"] == "tenth"]
    active, inside = int(tenths["active"].sum()), int(tenths["inside"].sum())
    if not active:
        return Specificity(0, *[float("nan")] * 7)
    top = tenths.loc[tenths["active"] > 0].iloc[-1]
    low, high = wilson(int(top["inside"]), int(top["active"]))
    return Specificity(
        active=active,
        precision=inside / active,
        recall=inside / max(n_inside, 1),
        top_precision=float(top["inside"] / top["active"]),
        top_precision_low=low,
        top_precision_high=high,
        trend=_trend(tenths),
        interval_trend=_trend(grouped.loc[grouped["grouping"] == "interval"]),
    )


def specific_latents(
    latents: sparse.csr_matrix, labels: sparse.csr_matrix
) -> Bool[np.ndarray, "d_sae concept"]:
    """Which latents are specific to which concepts: at least half of 20 or more active tokens."""
    active, inside = firings(latents), product(ones(latents), labels)
    return (inside >= SPECIFIC * active[:, None]) & (active[:, None] >= MIN_ACTIVE)


def gaps(
    latents: sparse.csr_matrix,
    inside: Bool[np.ndarray, " token"],
    specific: Bool[np.ndarray, " d_sae"],
    *,
    unit: int,
) -> Gaps:
    """What other latents, `specific` to the concept, do on its tokens that `unit` misses."""
    others: Int[np.ndarray, " other"] = np.setdiff1d(np.flatnonzero(specific), [unit])
    rows = latents[np.flatnonzero(inside)]
    missed = rows[:, [unit]].toarray().ravel() <= 0
    helped = np.asarray(rows[:, others].sum(axis=1)).ravel() > 0
    filled, alone = (int(mask.sum()) for mask in (missed & helped, ~missed & ~helped))
    return Gaps(int(missed.sum()), filled, len(others), alone)


def _by_group(
    grouping: str, group: np.ndarray, strength: np.ndarray, inside: np.ndarray, *, n: int
) -> pd.DataFrame:
    active = np.bincount(group, minlength=n)
    total = np.bincount(group, weights=strength, minlength=n)
    return pd.DataFrame(
        {
            "grouping": grouping,
            "group": np.arange(n),
            "active": active,
            "inside": np.bincount(group, weights=inside, minlength=n).astype(np.int64),
            "activation": total / np.maximum(active, 1),
        }
    )


def _trend(table: pd.DataFrame) -> float:
    enough = table.loc[table["active"] >= MIN_IN_GROUP]
    share = (enough["inside"] / enough["active"]).to_numpy(dtype=float)
    if len(share) < 3 or np.ptp(share) == 0:
        return float("nan")
    return float(np.asarray(stats.spearmanr(np.arange(len(share)), share))[0])
