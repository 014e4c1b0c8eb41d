"""How well a unit tells a concept: precision, recall, F1 and Matthews correlation.

The threshold of a unit, the concept of a unit and the unit of a concept are chosen on one half of
the text; every score is reported on the other.
"""

from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from superposition.features.concept_counts import CHOOSE, REPORT, Counts

Criterion = Literal["mcc", "f1"]
CRITERIA: tuple[Criterion, ...] = ("mcc", "f1")
"""What thresholds, concepts and units are chosen by, and judged by."""
Number = np.ndarray | np.generic | float | int
UNITS_AT_ONCE = 256
"""Bounds memory: about 10 MB of intermediate results for 150 concepts."""


class Scores(NamedTuple):
    """Of units as detectors of concepts; ratios of counts over all tokens of a half."""

    precision: Shaped[np.ndarray, "..."]
    """Share of the active tokens that have the concept. From 0 to 1."""
    recall: Shaped[np.ndarray, "..."]
    """Share of the concept's tokens that are active. From 0 to 1."""
    f1: Shaped[np.ndarray, "..."]
    """Harmonic mean of both, 2 TP / (active + positives). From 0 to 1; a unit that is always on
    has 2b / (1 + b) on a concept of base rate b."""
    mcc: Shaped[np.ndarray, "..."]
    """Correlation of the two indicators. From -1 to 1; 0 for a unit that is always on, never on, or
    independent of the concept. Source: Matthews, "Comparison of the predicted and observed
    secondary structure of T4 phage lysozyme"."""


class Pairs(NamedTuple):
    """Every unit on every concept, at the threshold that is best on the first half."""

    threshold: Int[np.ndarray, "unit concept"]
    """Its index."""
    chosen: Float[np.ndarray, "unit concept"]
    """The criterion on the first half: what concepts and units are chosen by."""
    reported: Scores
    """On the second half."""


def scores(both: Number, active: Number, positives: Number, n: int) -> Scores:
    """Scores from counts that broadcast; 0 where a ratio is 0 / 0.

    MCC = (n TP - active positives) / sqrt(active (n - active) positives (n - positives)).

    >>> scores(8, 10, 16, 100).precision.item()
    0.8
    """
    both, active, positives = (np.asarray(each, dtype=float) for each in (both, active, positives))
    spread = active * (n - active) * positives * (n - positives)
    return Scores(
        precision=_ratio(both, active),
        recall=_ratio(both, positives),
        f1=_ratio(2 * both, active + positives),
        mcc=_ratio(n * both - active * positives, np.sqrt(spread)),
    )


def always_on(base_rate: Float[np.ndarray, " any"]) -> Float[np.ndarray, " any"]:
    """F1 of a unit that is always on, 2b / (1 + b): it needs to know nothing.

    >>> always_on(np.array([0.25])).tolist()
    [0.4]
    """
    return 2 * base_rate / (1 + base_rate)


def pairs(counts: Counts) -> dict[Criterion, Pairs]:
    """All pairs of a unit and a concept, each at its own threshold; of equal ones the lowest.

    By either criterion for the threshold.
    """
    n_units = counts.active.shape[1]
    blocks = [
        _pairs(counts, slice(start, start + UNITS_AT_ONCE))
        for start in range(0, n_units, UNITS_AT_ONCE)
    ]
    return {by: _joined([block[by] for block in blocks]) for by in CRITERIA}


def draws_of_units(
    found: Pairs, reported: Float[np.ndarray, "unit concept"], *, n: int, n_draws: int, seed: int
) -> Float[np.ndarray, "draw concept"]:
    """For `n` units drawn at random, again and again: each concept's score with the best of them.

    A larger dictionary has more chances to have a unit for a concept; this takes them away. The
    best unit is chosen on the first half, its score is `reported` on the second.
    """
    n_units = len(found.chosen)
    generator = np.random.default_rng(seed)
    draws = []
    for _ in range(n_draws if n < n_units else 1):
        drawn = np.sort(generator.permutation(n_units)[:n])
        best = drawn[found.chosen[drawn].argmax(axis=0)]
        draws.append(reported[best, np.arange(reported.shape[1])])
    return np.stack(draws)


def best_concepts(found: Pairs, among: Bool[np.ndarray, " concept"]) -> Int[np.ndarray, " unit"]:
    """The concept `among` some that each unit tells best; -1 where it tells none above chance."""
    if not among.any():
        return np.full(len(found.chosen), -1)
    best = np.where(among, found.chosen, -np.inf).argmax(axis=1)
    known = found.chosen[np.arange(len(best)), best] > 0
    return np.where(known, best, -1)


def _pairs(counts: Counts, units: slice) -> dict[Criterion, Pairs]:
    """The same for some units."""
    first, second = (
        scores(
            counts.both[half, units],
            counts.active[half, units, :, None],
            counts.positives[half],
            int(counts.n[half]),
        )
        for half in (CHOOSE, REPORT)
    )
    return {by: _at_best_threshold(getattr(first, by), second) for by in CRITERIA}


def _at_best_threshold(criterion: np.ndarray, reported: Scores) -> Pairs:
    best = criterion.argmax(axis=1, keepdims=True)
    picked = [np.take_along_axis(part, best, axis=1)[:, 0] for part in (criterion, *reported)]
    chosen, *rest = (part.astype(np.float32) for part in picked)
    return Pairs(best[:, 0], chosen, Scores(*rest))


def _joined(blocks: list[Pairs]) -> Pairs:
    parts = zip(*(block.reported for block in blocks), strict=True)
    return Pairs(
        threshold=np.concatenate([block.threshold for block in blocks]),
        chosen=np.concatenate([block.chosen for block in blocks]),
        reported=Scores(*(np.concatenate(part) for part in parts)),
    )


def _ratio(part: Number, whole: Number) -> np.ndarray:
    part, whole = np.broadcast_arrays(part, whole)
    return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)
