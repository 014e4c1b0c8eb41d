"""The statistics by which claims about relations between latents are judged."""

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Shaped

from superposition import intervals
from superposition.artefacts import NotTrained
from superposition.claims.measures import SEED
from superposition.intervals import Interval

WIDTHS = ("sweep.widths",)
"""The rows that feature splitting needs."""
N_RESAMPLES = 1_000
"""Bootstrap samples of medians and of correlations over thousands of units."""


def column(table: pd.DataFrame, name: str) -> Float[np.ndarray, " row"]:
    """A column of measurements; an empty one says that there was nothing to compare."""
    values = table[name].to_numpy(dtype=np.float64)
    if not len(values):
        raise NotTrained("no unit active often enough to be compared")
    return values


def median_gap(
    cases: Float[np.ndarray, " case"], others: Float[np.ndarray, " other"]
) -> tuple[float, Interval]:
    """The median of `cases` minus that of `others`, with a bootstrap over both."""
    rng = np.random.default_rng(SEED)
    drawn = [
        np.median(rng.choice(each, (N_RESAMPLES, len(each))), axis=1) for each in (cases, others)
    ]
    gap = float(np.median(cases) - np.median(others))
    return gap, intervals.percentiles(drawn[0] - drawn[1])


def paired_median_gap(
    cases: Float[np.ndarray, " case"], others: Float[np.ndarray, " case"]
) -> tuple[float, Interval]:
    """The same for two measurements of each case, which are drawn together."""
    drawn = np.random.default_rng(SEED).integers(len(cases), size=(N_RESAMPLES, len(cases)))
    gaps = np.median(cases[drawn], axis=1) - np.median(others[drawn], axis=1)
    return float(np.median(cases) - np.median(others)), intervals.percentiles(gaps)


def correlation_gap(
    target: Float[np.ndarray, " case"],
    first: Float[np.ndarray, " case"],
    second: Float[np.ndarray, " case"],
) -> tuple[float, float, Interval]:
    """How `first` and how `second` correlate with `target`, and an interval of the difference."""
    rng = np.random.default_rng(SEED)
    gaps = []
    for _ in range(N_RESAMPLES):
        drawn = rng.integers(len(target), size=len(target))
        gaps.append(pearson(first[drawn], target[drawn]) - pearson(second[drawn], target[drawn]))
    both = pearson(first, target), pearson(second, target)
    return *both, intervals.percentiles(np.array(gaps))


def pearson(x: Float[np.ndarray, " case"], y: Float[np.ndarray, " case"]) -> float:
    """Pearson's correlation; 0 where one of the two does not vary."""
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 0 else 0.0


def count(mask: Any) -> int:
    """How many of a column are true."""
    return int(np.count_nonzero(np.asarray(mask, dtype=bool)))


def average(values: Any) -> float:
    """The mean of a column."""
    return float(np.mean(np.asarray(values, dtype=np.float64)))


def median(values: Any) -> float:
    """The median of a column."""
    return float(np.median(np.asarray(values, dtype=np.float64)))


def by_width(table: pd.DataFrame, name: str, how: str) -> Float[np.ndarray, " width"]:
    """For every width, ascending, the mean over seeds of a column's mean or sum."""
    each = table.groupby(["d_sae", "seed"], sort=True)[name].agg(how).reset_index()
    widths = [rows for _, rows in each.groupby("d_sae", sort=True)]
    return np.array([average(rows[name]) for rows in widths])


def listed(values: Shaped[np.ndarray, " width"], digits: int = 3) -> str:
    """Numbers in a row, as few digits as tell them apart."""
    return ", ".join(f"{value:.{digits}g}" for value in values)
