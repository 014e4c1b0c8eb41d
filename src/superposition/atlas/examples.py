"""One unit's activations on the text: histogram, commonest tokens, examples in context.

All of it follows from one column of the sparse matrix of tokens by units, so every unit costs as
much as it is active, and no second pass over the text is needed.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from scipy import sparse

from superposition.atlas.config import AtlasConfig
from superposition.core.compute import progress

TOP = 0
"""The interval that holds the top examples; 1 is the highest equal-width interval."""
EXAMPLES = ["unit", "interval", "rank", "activation", "document", "position", "offset"]
EXAMPLES += ["tokens", "activations"]


class Reading(NamedTuple):
    """The text that was read, token by token, in the order of the matrix's rows."""

    token: Int[np.ndarray, " token"]
    """Token ids."""
    position: Int[np.ndarray, " token"]
    """Index of each in the held-out stream."""
    document: Int[np.ndarray, " token"]
    """The document it belongs to."""
    n_ctx: int
    """Tokens in a window."""


class Column(NamedTuple):
    """Where one unit is active."""

    rows: Int[np.ndarray, " active"]
    """Which tokens, ascending."""
    values: Float[np.ndarray, " active"]
    """How strongly."""


def column(acts: sparse.csc_matrix, unit: int) -> Column:
    """The activations of one unit."""
    stretch = slice(acts.indptr[unit], acts.indptr[unit + 1])
    return Column(acts.indices[stretch], acts.data[stretch])


def summaries(acts: sparse.csc_matrix, reading: Reading, config: AtlasConfig) -> pd.DataFrame:
    """One row per unit: how often and how strongly it is active, and on which tokens.

    `histogram` counts activations in `n_bins` equal steps of (0, max]; `top_tokens` hold most of
    the sum of its activations. Frame: atlas/units.parquet, but for the effects.
    """
    rows = []
    for unit in progress(range(acts.shape[1]), "histograms", total=acts.shape[1]):
        active = column(acts, unit)
        maximum = float(active.values.max(initial=0.0))
        tokens, shares = _top_tokens(active, reading.token, n=config.n_relatives)
        rows.append(
            {
                "unit": unit,
                "n_active": len(active.rows),
                "density": len(active.rows) / acts.shape[0],
                "max_activation": maximum,
                "mean_activation": float(active.values.mean()) if len(active.rows) else 0.0,
                "histogram": histogram(active.values, n_bins=config.n_bins),
                "top_tokens": tokens,
                "top_token_shares": shares,
            }
        )
    return pd.DataFrame(rows)


def histogram(values: Float[np.ndarray, " active"], *, n_bins: int) -> Int[np.ndarray, " bin"]:
    """How many of the positive `values` lie in each of `n_bins` equal steps of (0, max].

    >>> histogram(np.array([0.1, 0.5, 1.0]), n_bins=2).tolist()
    [2, 1]
    """
    if not len(values):
        return np.zeros(n_bins, dtype=np.int64)
    steps = np.ceil(values / values.max() * n_bins).astype(np.int64)
    return np.bincount(steps.clip(1, n_bins) - 1, minlength=n_bins)


def collect(acts: sparse.csc_matrix, reading: Reading, config: AtlasConfig) -> pd.DataFrame:
    """Examples of every unit in context. Frame: atlas/examples.parquet.

    As features.examples: interval 0 holds the largest activations, one per document as far as
    there are enough; the others are equal steps downwards, with a random sample in each.
    """
    found = []
    for unit in progress(range(acts.shape[1]), "examples", total=acts.shape[1]):
        active = column(acts, unit)
        rng = np.random.default_rng([config.seed, unit])
        chosen = [(TOP, top(active, reading.document, n=config.n_top))]
        chosen += intervals(active.values, config=config, rng=rng)
        found += [
            _example(unit, interval, rank, index, active, reading, config)
            for interval, indices in chosen
            for rank, index in enumerate(indices.tolist())
        ]
    return pd.DataFrame(found, columns=EXAMPLES)


def top(
    active: Column, document: Int[np.ndarray, " token"], *, n: int
) -> Int[np.ndarray, " example"]:
    """Indices into `active` of the `n` strongest, one per document as far as there are enough."""
    order = np.argsort(-active.values, kind="stable")
    _, first = np.unique(document[active.rows[order]], return_index=True)
    first = np.sort(first)[:n]
    others = np.setdiff1d(np.arange(len(order)), first)[: n - len(first)]
    return order[np.sort(np.concatenate([first, others]))].astype(np.int64)


def intervals(
    values: Float[np.ndarray, " active"], *, config: AtlasConfig, rng: np.random.Generator
) -> list[tuple[int, Int[np.ndarray, " example"]]]:
    """For each interval from 1, the strongest, indices of tokens drawn in it, strongest first."""
    if not len(values):
        return []
    step = np.ceil(values / values.max() * config.n_intervals).clip(1, config.n_intervals)
    found = []
    for interval in range(1, config.n_intervals + 1):
        inside = np.flatnonzero(step == config.n_intervals + 1 - interval)
        n = min(config.n_per_interval, len(inside))
        drawn = rng.choice(inside, size=n, replace=False) if n else inside
        found.append((interval, drawn[np.argsort(-values[drawn], kind="stable")]))
    return found


def _top_tokens(
    active: Column, token: Int[np.ndarray, " token"], *, n: int
) -> tuple[np.ndarray, np.ndarray]:
    ids, which = np.unique(token[active.rows], return_inverse=True)
    sums = np.bincount(which, weights=active.values, minlength=len(ids))
    largest = np.argsort(-sums, kind="stable")[:n]
    return ids[largest].astype(np.int64), sums[largest] / max(sums.sum(), np.finfo(float).tiny)


def _example(
    unit: int,
    interval: int,
    rank: int,
    index: int,
    active: Column,
    reading: Reading,
    config: AtlasConfig,
) -> tuple[object, ...]:
    """A row of the table: the token and those around it in its window."""
    row = int(active.rows[index])
    start = row - row % reading.n_ctx
    first = max(row - config.context_before, start)
    stop = min(row + config.context_after + 1, start + reading.n_ctx)
    around = slice(*np.searchsorted(active.rows, [first, stop]))
    strengths = np.zeros(stop - first, dtype=np.float32)
    strengths[active.rows[around] - first] = active.values[around]
    place = int(reading.document[row]), int(reading.position[row]), row - first
    tokens = reading.token[first:stop]
    return (unit, interval, rank, float(active.values[index]), *place, tokens, strengths)
