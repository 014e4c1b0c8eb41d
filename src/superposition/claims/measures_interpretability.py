"""Shares and differences by which claims about units and concepts are judged."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from superposition import intervals
from superposition.artefacts import Interpretability
from superposition.claims.measures import SEED
from superposition.features.concept_tables import MAIN_LEVEL
from superposition.values import between, fmt


class Difference(NamedTuple):
    """How much larger the share of one group is than that of another."""

    share: float
    """Of the first group."""
    other: float
    """Of the second."""
    interval: tuple[float, float]
    """95% interval of the difference."""

    @property
    def value(self) -> float:
        """The difference of the shares."""
        return self.share - self.other

    @property
    def above_zero(self) -> bool:
        """Whether the interval is."""
        return self.interval[0] > 0

    def words(self, name: str, other: str) -> str:
        """Both shares and the interval of their difference, in words."""
        return (
            f"{name} {fmt(self.share, '%')}, {other} {fmt(self.other, '%')} "
            f"(difference {between(*self.interval, '%')})"
        )


def explained(found: Interpretability, among: str = "any") -> Float[np.ndarray, " unit"]:
    """1 for each judged unit whose best concept reaches the main level, else 0."""
    return (found.best(among)["mcc"] >= MAIN_LEVEL).to_numpy(dtype=float)


def more_explained(
    found: Interpretability, other: Interpretability, among: str = "any"
) -> Difference:
    """How many more of the units of one dictionary than of another are explained."""
    first, second = explained(found, among), explained(other, among)
    interval = intervals.difference(first, second, seed=SEED)
    return Difference(float(first.mean()), float(second.mean()), interval)


def covered(found: Interpretability, kind: str = "any", *, equal_units: bool = False) -> pd.Series:
    """How surely each concept is covered at the main level: by the best of all units, 0 or 1; or
    by the best of equally many drawn ones, the share of the draws."""
    table = found.coverage(kind)
    if equal_units:
        return pd.Series(table["equal_units_covered"])
    return pd.Series((table["mcc"] >= MAIN_LEVEL).astype(float))


def more_covered(
    found: Interpretability, other: Interpretability, kind: str, *, equal_units: bool
) -> Difference:
    """How many more concepts one dictionary covers than another, concept by concept."""
    parts = [covered(each, kind, equal_units=equal_units) for each in (found, other)]
    first, second = pd.concat(parts, axis=1, join="inner").to_numpy(dtype=float).T
    interval = intervals.mean(first - second, seed=SEED)
    return Difference(float(first.mean()), float(second.mean()), interval)


def precision_by_decile(found: Interpretability, kind: str) -> Float[np.ndarray, "concept decile"]:
    """Precision of the best unit of each concept of a kind, by decile of its activation.

    Concepts whose best unit misses a decile on the reporting half are left out.
    """
    concepts = found.coverage(kind).index
    mine = found.deciles.loc[found.deciles["concept"].isin(concepts.tolist())]
    wide = mine.pivot(index="concept", columns="decile", values="precision")
    seen = mine.pivot(index="concept", columns="decile", values="n_active") > 0
    return wide.loc[seen.all(axis=1)].to_numpy(dtype=float)


def rank_correlation(values: Float[np.ndarray, "case position"]) -> Float[np.ndarray, " case"]:
    """Spearman's correlation of each case's values with their position; 0 if they are all equal."""
    ranks = pd.DataFrame(values).rank(axis=1).to_numpy()
    position = np.arange(values.shape[1]) - (values.shape[1] - 1) / 2
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    spread = np.sqrt((centred**2).sum(axis=1) * (position**2).sum())
    return np.divide(centred @ position, spread, out=np.zeros(len(values)), where=spread > 0)
