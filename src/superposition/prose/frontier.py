"""The numbers of the chapter on architectures, frontiers and widths."""

import numpy as np
import pandas as pd

from superposition import intervals
from superposition.charts.frontier import NAMES as TITLES
from superposition.claims.measures_frontier import at_l0
from superposition.results import Results
from superposition.sources import sourced
from superposition.values import NOT_RUN, between, fmt

Texts = dict[str, str]

REFERENCE_L0 = 30.0
"""At which the architectures are compared in words: the middle of the levels."""
GOAL_RECOVERED, GOAL_L0, GOAL_DEAD = 0.95, 32, 0.05
"""What the best autoencoder of 4,096 latents was to reach. Ours; no paper's."""
_COUNTS = ("fr_points", "fr_diverged", "fr_collapsed", "fr_seeds", "fr_tokens", "fr_seen")
_ORDER = ("fr_l0", "fr_best", "fr_best_variance", "fr_worst", "fr_worst_variance", "fr_order")
_WIDTHS = (
    *("wd_least", "wd_most", "wd_l0", "wd_seeds", "wd_variance_least", "wd_variance_most"),
    *("wd_recovered_least", "wd_recovered_most", "wd_alive_least", "wd_alive_most"),
)
_ABLATION = ("ab_zero", "ab_mean", "ab_stricter")
_GOAL = ("goal_recovered", "goal_l0", "goal_dead", "goal_met", "goal_l1")
_CONTROLS = ("second_recovered", "second_l0", "control_recovered", "control_l0", "control_variance")
NAMES = (*_COUNTS, *_ORDER, *_WIDTHS, *_ABLATION, *_GOAL, *_CONTROLS)
"""Names of the values, at every scale."""


def texts(r: Results) -> Texts:
    """Every value of the chapter, at every scale."""
    rows = [row for row in TITLES if row in r.rows("sweep")]
    found = _named(_COUNTS, _counts(r, rows) if rows else None)
    found |= _named(_ORDER, _order(r, rows) if rows else None)
    known = "widths" in r.rows("sweep")
    found |= _named(_WIDTHS, _widths(r) if known else None)
    found |= _named(_ABLATION, _ablation(r) if known else None)
    found |= _named(_GOAL, _goal(r) if {"l1", "batch-topk"} <= {*r.rows("sae")} else None)
    others = {"batch-topk-second-model", "batch-topk-shuffled"}
    return found | _named(_CONTROLS, _controls(r) if others <= {*r.rows("sae")} else None)


def _named(keys: tuple[str, ...], shown: list[str] | None) -> Texts:
    """The values by name, or NOT_RUN for each."""
    return dict(zip(keys, shown or [NOT_RUN] * len(keys), strict=True))


@sourced
def _counts(r: Results, rows: list[str]) -> list[str]:
    points = pd.concat([r.sweep(row).points for row in rows])
    names = ("dead_fraction", "diverged", "n_activations")
    dead, diverged, seen = (points[name].to_numpy(float) for name in names)
    return [
        fmt(len(points)),
        _none(int(diverged.sum())),
        _none(int((dead == 1).sum())),
        fmt(len(set(points["seed"]))),
        fmt(int(r.sweep(rows[0]).metrics.n_tokens or 0)),
        fmt(int(seen.max())),
    ]


@sourced
def _order(r: Results, rows: list[str]) -> list[str] | None:
    """The architectures by explained variance where the frontier passes the reference L0."""
    at = {row: at_l0(r, row, "explained_variance", REFERENCE_L0) for row in rows}
    means = {row: float(values.mean()) for row, values in at.items() if len(values)}
    if not means:
        return None
    order = sorted(means, key=lambda row: -means[row])
    best, worst = order[0], order[-1]
    return [
        fmt(REFERENCE_L0, "given"),
        TITLES[best],
        _spread(at[best]),
        TITLES[worst],
        _spread(at[worst]),
        ", ".join(f"{TITLES[row]} ({fmt(means[row], '%')})" for row in order),
    ]


@sourced
def _widths(r: Results) -> list[str] | None:
    points = r.sweep("widths").points
    kept = points.loc[points["l0"].notna()]
    if not len(kept):
        return None
    alive = kept["d_sae"] * (1 - kept["dead_fraction"])
    means = kept.assign(alive=alive).groupby("d_sae").mean(numeric_only=True)
    least, most = means.iloc[0], means.iloc[-1]
    return [
        fmt(int(means.index[0])),
        fmt(int(means.index[-1])),
        between(float(means["l0"].min()), float(means["l0"].max())),
        fmt(len(set(kept["seed"]))),
        *(fmt(float(one["explained_variance"]), "%") for one in (least, most)),
        *(fmt(float(one["loss_recovered_zero"]), "%") for one in (least, most)),
        *(fmt(round(float(one["alive"]))) for one in (least, most)),
    ]


@sourced
def _ablation(r: Results) -> list[str] | None:
    m = r.sweep("widths").metrics
    if m.loss_clean is None:
        return None
    zero, mean = (float(m.things[f"loss_{k}_ablation"] - m.loss_clean) for k in ("zero", "mean"))
    stricter = "the mean" if mean < zero else "zeros"
    return [fmt(zero, "nats"), fmt(mean, "nats"), stricter]


@sourced
def _goal(r: Results) -> list[str]:
    m, l1 = (r.evaluation(row).metrics for row in ("batch-topk", "l1"))
    parts = {
        "the loss recovered": m.loss_recovered_zero >= GOAL_RECOVERED,
        "L0": m.l0 <= GOAL_L0,
        "the share of dead latents": m.dead_fraction < GOAL_DEAD,
    }
    missed = [name for name, met in parts.items() if not met]
    verdict = "It meets all three" if not missed else f"It misses {' and '.join(missed)}"
    within = "within" if 10 <= l1.l0 <= 20 else "outside"
    return [
        fmt(float(m.loss_recovered_zero), "%"),
        fmt(float(m.l0)),
        fmt(float(m.dead_fraction), "%"),
        verdict,
        f"{fmt(float(l1.l0))}, {within} the range",
    ]


@sourced
def _controls(r: Results) -> list[str]:
    second, control = (
        r.evaluation(row).metrics for row in ("batch-topk-second-model", "batch-topk-shuffled")
    )
    return [
        fmt(float(second.loss_recovered_zero), "%"),
        fmt(float(second.l0)),
        fmt(float(control.loss_recovered_zero), "%"),
        fmt(float(control.l0)),
        fmt(float(control.explained_variance), "%"),
    ]


def _spread(values: np.ndarray) -> str:
    """Mean and interval over seeds; the mean alone of a single one."""
    mean = fmt(float(values.mean()), "%")
    if len(values) < 2:
        return mean
    return f"{mean} ({between(*intervals.student(values), '%')})"


def _none(n: int) -> str:
    return fmt(n) if n else "none"
