"""Made-up results on units and concepts: so many units explained, so many concepts covered."""

import numpy as np
import pandas as pd

from superposition.core.store import Store
from superposition.features import concept_tables
from superposition.features.concept_scores import CRITERIA

CONCEPTS = pd.DataFrame(
    {"concept": range(30), "kind": ["context"] * 20 + ["token"] * 10, "judged": True}
)
"""Twenty context concepts, ten token concepts."""
TOLD, UNTOLD = 0.8, 0.1
"""Matthews correlations of what is told and what is not."""


def dictionary(
    *,
    explained: float = 0.6,
    by_context: float = 0.4,
    covers_context: float = 0.7,
    covers_token: float = 1.0,
    few_cover: float = 0.4,
    rises: float = 1.0,
    frequent: float = 0.0,
    n_units: int = 200,
    concepts: pd.DataFrame = CONCEPTS,
) -> dict[str, pd.DataFrame]:
    """The tables of a dictionary, shares as given.

    `rises` is the share of concepts whose best unit is more specific the stronger it is;
    `frequent` is the share of units with a high F1 and no correlation.
    """
    units = pd.DataFrame(
        {
            "unit": range(n_units),
            "density": 0.01,
            "judged": [True] * (n_units - 1) + [False],
            "top_token": 5,
            "single_token_share": np.linspace(0, 1, n_units),
        }
    )
    shares_of = {"any": explained, "context": by_context, "token": explained - by_context}
    matches = pd.concat(
        [
            _matches(by, kind, share, frequent, n_units)
            for by in CRITERIA
            for kind, share in shares_of.items()
        ],
        ignore_index=True,
    )
    covered = {"context": covers_context, "token": covers_token}
    coverage = pd.concat(
        [_coverage(by, covered, few_cover, concepts) for by in CRITERIA], ignore_index=True
    )
    return {
        "units": units,
        "matches": matches,
        "concepts": coverage,
        "deciles": _deciles(rises, concepts),
        "shares": concept_tables.shares(units, matches, coverage, seed=0),
    }


def save(store: Store, row: str, tables: dict[str, pd.DataFrame]) -> None:
    """The tables and the few metrics that pages read."""
    for name, table in tables.items():
        store.save_table(table, "interpretability", row, f"{name}.parquet")
    n = len(tables["units"])
    metrics = {"n_tokens": 1_000, "n_units": n, "n_judged_units": n - 1, "n_concepts": 30}
    means = {f"mean_{by}_{kind}": 0.5 for by in CRITERIA for kind in concept_tables.KINDS}
    store.save_json(
        metrics | means | {"single_token_units": 0.5}, "interpretability", row, "metrics.json"
    )


def probes(mcc: float, concepts: pd.DataFrame = CONCEPTS) -> pd.DataFrame:
    """Probes that all have this Matthews correlation."""
    scores = dict.fromkeys(("chosen", "precision", "recall", "f1", "mcc"), mcc)
    return concepts.loc[:, ["concept", "kind"]].assign(**scores)


def _first(share: float, n: int) -> np.ndarray:
    return np.arange(n) < round(share * n)


def _matches(by: str, kind: str, share: float, frequent: float, n: int) -> pd.DataFrame:
    told = _first(share, n)
    misled = _first(frequent, n) & (by == "f1")
    mcc = np.where(told & ~misled, TOLD, UNTOLD)
    return pd.DataFrame(
        {
            "unit": range(n),
            "chosen_by": by,
            "among": kind,
            "concept": 1,
            "base_rate": np.where(misled, 0.4, 0.02),
            "threshold": 0.5,
            "precision": mcc,
            "recall": mcc,
            "f1": np.where(misled, 0.6, mcc),
            "mcc": mcc,
        }
    )


def _coverage(
    by: str, covered: dict[str, float], few: float, concepts: pd.DataFrame
) -> pd.DataFrame:
    told = np.zeros(len(concepts), dtype=bool)
    for kind, share in covered.items():
        mine = (concepts["kind"] == kind).to_numpy()
        told[mine] = _first(share, int(mine.sum()))
    mcc = np.where(told, TOLD, UNTOLD)
    return pd.DataFrame(
        {
            "concept": concepts["concept"].to_numpy(),
            "chosen_by": by,
            "kind": concepts["kind"].to_numpy(),
            "base_rate": 0.02,
            "unit": range(len(concepts)),
            "threshold": 0.5,
            **dict.fromkeys(("precision", "recall", "f1", "mcc"), mcc),
            "equal_units_score": mcc * few,
            "equal_units_covered": np.where(told, few, 0.0),
        }
    )


def _deciles(rises: float, concepts: pd.DataFrame) -> pd.DataFrame:
    rising = _first(rises, len(concepts))
    levels = np.linspace(0.1, 0.9, 10)
    precision = np.where(rising[:, None], levels, levels[::-1])
    return pd.DataFrame(
        {
            "concept": np.repeat(concepts["concept"].to_numpy(), 10),
            "unit": np.repeat(np.arange(len(concepts)), 10),
            "decile": np.tile(np.arange(1, 11), len(concepts)),
            "n_active": 20,
            "precision": precision.ravel(),
        }
    )
