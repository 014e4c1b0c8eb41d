"""Tables of what units mean: each unit's best concept, each concept's best unit, and the shares.

A unit is *explained* at a level if its Matthews correlation with its best concept reaches the level
on the half that nothing was chosen by; a concept is *covered* if its best unit's does.
"""

from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from superposition import intervals
from superposition.features.concept_counts import CHOOSE, REPORT, Counts
from superposition.features.concept_scores import (
    CRITERIA,
    Criterion,
    Pairs,
    best_concepts,
    draws_of_units,
)

LEVELS = (0.3, 0.5, 0.7)
"""Scores from which a unit is explained, a concept covered; ours."""
MAIN_LEVEL = 0.5
"""The level that claims are judged by: between a hint and a detector."""
EQUAL_UNITS = 512
"""Units drawn where dictionaries of different sizes are compared: as many as there are neurons."""
N_DRAWS = 100
"""Times they are drawn."""
MIN_ACTIVE = 10
"""Tokens of the first half on which a unit must be active to be judged. As MIN_FIRINGS of the
densities: fewer cannot tell a rare unit from a dead one."""
DECILES = 10
"""The first thresholds of a unit are the ends of its deciles."""
Kind = Literal["any", "context", "token"]
KINDS: tuple[Kind, ...] = ("any", "context", "token")
"""Which concepts a unit may be matched with."""


def units(counts: Counts) -> pd.DataFrame:
    """One row per unit: what it does. Frame: interpretability/units.parquet."""
    return pd.DataFrame(
        {
            "unit": np.arange(counts.active.shape[1]),
            "density": counts.active[:, :, 0].sum(axis=0) / counts.n.sum(),
            "judged": judged_units(counts),
            "top_token": counts.top_token,
            "single_token_share": counts.single_token_share,
        }
    )


def judged_units(counts: Counts) -> Bool[np.ndarray, " unit"]:
    """Units that are active often enough."""
    return counts.active[CHOOSE, :, 0] >= MIN_ACTIVE


def matches(counts: Counts, found: dict[Criterion, Pairs], concepts: pd.DataFrame) -> pd.DataFrame:
    """Each unit's best concept by either criterion among concepts of each kind.

    Frame: interpretability/matches.parquet. Columns `concept` and `base_rate` are -1 and 0 where
    the unit tells no concept above chance.
    """
    tables = [
        _matches(counts, found[by], concepts, kind=kind).assign(chosen_by=by, among=kind)
        for by in CRITERIA
        for kind in KINDS
    ]
    together = pd.concat(tables, ignore_index=True)
    keys = ["unit", "chosen_by", "among"]
    return together.loc[:, [*keys, *together.columns.drop(keys)]]


def coverage(
    counts: Counts, found: dict[Criterion, Pairs], concepts: pd.DataFrame, *, seed: int
) -> pd.DataFrame:
    """Each concept's best unit by either criterion, of all and of `EQUAL_UNITS` drawn ones.

    Frame: interpretability/concepts.parquet.
    """
    tables = [_coverage(counts, found[by], concepts, by=by, seed=seed) for by in CRITERIA]
    return pd.concat(tables, ignore_index=True)


def deciles(counts: Counts, found: Pairs, concepts: pd.DataFrame) -> pd.DataFrame:
    """Precision of each concept's best unit by Matthews correlation, by decile of its activation.

    The deciles are those of its positive activations on the first half, 10 the strongest; the
    precision is that on the second. Source: Towards Monosemanticity, specificity of the Arabic
    feature and interval analysis. Differs: equal numbers of activations instead of equal widths,
    so that each has enough of them. Frame: interpretability/deciles.parquet.
    """
    best = found.chosen.argmax(axis=0)
    which = np.arange(len(best))
    above = counts.active[REPORT][best, :DECILES]
    both = counts.both[REPORT][best, :DECILES, which]
    n_active, n_both = (-np.diff(each, axis=1, append=0) for each in (above, both))
    precision = np.divide(n_both, n_active, out=np.zeros(n_both.shape), where=n_active > 0)
    return pd.DataFrame(
        {
            "concept": np.repeat(concepts["concept"].to_numpy(), DECILES),
            "unit": np.repeat(best, DECILES),
            "decile": np.tile(np.arange(1, DECILES + 1), len(best)),
            "n_active": n_active.astype(int).ravel(),
            "precision": precision.ravel(),
        }
    )


def shares(
    units: pd.DataFrame, matches: pd.DataFrame, coverage: pd.DataFrame, *, seed: int
) -> pd.DataFrame:
    """Shares of units explained and of concepts covered at each level, with 95% intervals.

    Intervals are over units (Wilson), and over concepts (bootstrap): they say how far other units
    or other concepts like these would differ, not other texts. Frame:
    interpretability/shares.parquet.
    """
    judged = matches.loc[matches["unit"].isin(units.loc[units["judged"], "unit"])]
    rows = [
        _explained(judged, by=by, kind=kind, level=level)
        for by in CRITERIA
        for kind in KINDS
        for level in LEVELS
    ]
    rows += [
        _covered(coverage, of=of, by=by, kind=kind, level=level, seed=seed)
        for of in ("concepts", "concepts, equal units")
        for by in CRITERIA
        for kind in KINDS
        for level in (LEVELS if of == "concepts" else (MAIN_LEVEL,))
    ]
    return pd.DataFrame([row for row in rows if row["n"]], columns=_SHARES)


def of_kind(concepts: pd.DataFrame, kind: Kind) -> Bool[np.ndarray, " concept"]:
    """Which concepts a kind allows."""
    return ((concepts["kind"] == kind) | (kind == "any")).to_numpy(dtype=bool)


_SHARES = ["of", "chosen_by", "among", "level", "share", "low", "high", "n"]


def _matches(counts: Counts, found: Pairs, concepts: pd.DataFrame, *, kind: Kind) -> pd.DataFrame:
    best = best_concepts(found, of_kind(concepts, kind))
    unit = np.flatnonzero(best >= 0)
    concept = best[unit]
    base_rate = counts.positives[REPORT] / max(counts.n[REPORT], 1)
    values = {
        "concept": concepts["concept"].to_numpy()[concept],
        "base_rate": base_rate[concept],
        "threshold": counts.thresholds[unit, found.threshold[unit, concept]],
        **{name: each[unit, concept] for name, each in found.reported._asdict().items()},
    }
    table = pd.DataFrame(values, index=pd.Index(unit, name="unit"))
    every = table.reindex(range(len(best)), fill_value=0)
    every.loc[best < 0, "concept"] = -1
    return every.reset_index()


def _coverage(
    counts: Counts, found: Pairs, concepts: pd.DataFrame, *, by: Criterion, seed: int
) -> pd.DataFrame:
    best = found.chosen.argmax(axis=0)
    which = np.arange(len(best))
    at = found.threshold[best, which]
    reported = {name: table[best, which] for name, table in found.reported._asdict().items()}
    drawn = draws_of_units(
        found, getattr(found.reported, by), n=EQUAL_UNITS, n_draws=N_DRAWS, seed=seed
    )
    columns = {
        "concept": concepts["concept"].to_numpy(),
        "chosen_by": by,
        "kind": concepts["kind"].to_numpy(),
        "base_rate": counts.positives[REPORT] / max(counts.n[REPORT], 1),
        "unit": best,
        "threshold": counts.thresholds[best, at],
        **reported,
        "equal_units_score": drawn.mean(axis=0),
        "equal_units_covered": (drawn >= MAIN_LEVEL).mean(axis=0),
    }
    return pd.DataFrame(columns)


def _explained(judged: pd.DataFrame, *, by: Criterion, kind: Kind, level: float) -> dict:
    mine = judged.loc[(judged["chosen_by"] == by) & (judged["among"] == kind), by]
    n, n_explained = len(mine), int((mine >= level).sum())
    low, high = intervals.wilson(n_explained, n) if n else (0.0, 0.0)
    return _share("units", by, kind, level, n_explained / max(n, 1), (low, high), n)


def _covered(
    coverage: pd.DataFrame, *, of: str, by: Criterion, kind: Kind, level: float, seed: int
) -> dict:
    mine = coverage.loc[coverage["chosen_by"] == by]
    mine = mine.loc[of_kind(mine, kind)]
    column = mine[by] >= level if of == "concepts" else mine["equal_units_covered"]
    cases: Float[np.ndarray, " concept"] = column.to_numpy(dtype=float)
    interval = intervals.mean(cases, seed=seed) if len(cases) else (0.0, 0.0)
    return _share(
        of, by, kind, level, float(cases.mean()) if len(cases) else 0.0, interval, len(cases)
    )


def _share(
    of: str, by: str, kind: str, level: float, share: float, interval: tuple[float, float], n: int
) -> dict:
    return dict(zip(_SHARES, (of, by, kind, level, share, *interval, n), strict=True))
