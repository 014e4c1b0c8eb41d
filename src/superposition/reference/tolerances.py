"""How far two runs of the same code may lie apart before they differ, value by value.

A difference of two runs has the standard error √2 s, if s is that of one; `SIGMAS` of these are
allowed. Where s comes from, first what is known best:

1. the spread over seeds, for tables with a column `seed`, and for rows that a second row repeats
   with another seed;
2. the interval that was computed with the value, unless few samples left it no width;
3. for counts √n, and for shares of n things √(p(1 − p)/n);
4. otherwise a share of the value, by kind (`RELATIVE`).

Words, and counts that the parameters fix, must be the same.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeGuard

import numpy as np

SIGMAS = 3.0
"""Standard errors of a difference that are allowed: one value in 400 exceeds them by chance."""
NORMAL_95 = 1.96
"""Standard errors to each side that make a 95% interval."""
RELATIVE = {"loss": 0.02, "extreme": 0.2, "rows": 0.1, "other": 0.05}
"""Allowed without anything better, as a share of the value: for losses and squared errors, which
move little; for largest and smallest values, which move a lot; for the rows of a table; for the
rest."""
LEAST = 0.01
"""Share of a mean that is allowed even if the few seeds lie closer together by chance."""
SHARE = 0.03
"""Allowed for a share whose number of things is not known."""
FLOOR = 1e-6
"""Allowed always: what is smaller is rounding."""
SAME = 1e-12
"""Relative difference below which two numbers are identical."""
FIXED = ("n_", "d_", "instances", "vocab", "train_", "held_out_", "packages", "ultra_low_density_t")
"""How the names of whole numbers begin that parameters and text decide, or that are 0 in a run
which went well: trainings that diverged or collapsed."""
MEASURED = ("n_judged_units", "n_live", "n_polished", "instances_complete")
"""Those that begin so, and yet are counted in what was trained."""
_LOSSES = ("loss", "mse", "mean_square")
_EXTREMES = ("highest", "lowest", "largest", "smallest", "max", "min")


class Tolerance(NamedTuple):
    """How far apart two values may be."""

    allowed: float
    """Largest absolute difference; 0 where they must be the same."""
    basis: str
    """Where that comes from."""


MUST_BE_SAME = Tolerance(0.0, "must be the same")


def of_metric(name: str, values: Mapping[str, Any], twin: Mapping[str, Any] | None) -> Tolerance:
    """For one value of a metrics.json; `twin` is that of the row with another seed, if any."""
    value = values[name]
    if not is_number(value):
        return MUST_BE_SAME
    if isinstance(value, int) and name.startswith(FIXED) and name not in MEASURED:
        return MUST_BE_SAME
    found = _of_interval(name, values) or of_kind(name, value)
    other = (twin or {}).get(name)
    if is_number(other):
        spread = Tolerance(SIGMAS * abs(value - other), "two seeds")  # √2 s of two is |a − b|
        return max(found, spread)
    return found


def of_claim(record: Mapping[str, Any]) -> Tolerance:
    """For what a claim measured."""
    value, interval = record["measured"], record["interval"]
    if not is_number(value):
        return MUST_BE_SAME
    if interval and all(map(is_number, interval)) and (width := interval[1] - interval[0]) > 0:
        return of_width(width)
    return of_kind(record["quantity"], value)


def of_width(width: float | int) -> Tolerance:
    """From the width of a 95% interval."""
    error = width / (2 * NORMAL_95)
    return Tolerance(max(SIGMAS * math.sqrt(2) * error, FLOOR), "95% interval")


def of_kind(name: str, value: float | int) -> Tolerance:
    """From what kind of number it is, and nothing else.

    >>> of_kind("dead", 200).allowed, of_kind("held_out_loss", 3.0).basis
    (60.0, '2% of a loss')
    """
    if isinstance(value, int):
        return Tolerance(SIGMAS * math.sqrt(2 * max(value, 1)), "count")
    if any(word in name for word in _LOSSES) and "recovered" not in name:
        return _relative("loss", value, "2% of a loss")
    if any(word in name for word in _EXTREMES):
        return _relative("extreme", value, "20% of an extreme")
    if 0 <= value <= 1 and ("share" in name or "fraction" in name):
        return Tolerance(SHARE, "share")
    return _relative("other", value, "5%")


def of_share(share: float, n: int) -> Tolerance:
    """For a share of `n` things; at least one thing may be different."""
    width = SIGMAS * math.sqrt(2 * share * (1 - share) / n)
    return Tolerance(max(width, 1.0 / n), f"share of {n:,}")


def of_rows(n: int) -> Tolerance:
    """For how many rows a table has."""
    return Tolerance(RELATIVE["rows"] * n, "10% of the rows")


def of_mean(values: np.ndarray, seeds: np.ndarray | None) -> Tolerance:
    """For the mean of a column: from the means of each seed, if there are two or more."""
    size = float(np.abs(values).mean())
    known = np.unique(seeds) if seeds is not None else np.array([])
    if seeds is None or len(known) < 2:
        return Tolerance(max(RELATIVE["other"] * size, FLOOR), "5% of the mean size")
    means = [values[seeds == seed].mean() for seed in known]
    error = float(np.std(means, ddof=1)) / math.sqrt(len(means))
    allowed = SIGMAS * math.sqrt(2) * error
    return Tolerance(max(allowed, LEAST * size, FLOOR), f"{len(known)} seeds")


def same(a: Any, b: Any) -> bool:
    """Whether two values are identical, up to the last digits of a number."""
    if is_number(a) and is_number(b):
        return (a != a and b != b) or math.isclose(a, b, rel_tol=SAME, abs_tol=0.0)
    return type(a) is type(b) and a == b


def within(own: Any, reference: Any, tolerance: Tolerance) -> bool:
    """Whether the difference is one that two runs may have."""
    if not (is_number(own) and is_number(reference)):
        return False
    return abs(own - reference) <= tolerance.allowed


def is_number(value: Any) -> TypeGuard[int | float]:
    """Whether it is a number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _of_interval(name: str, values: Mapping[str, Any]) -> Tolerance | None:
    """From `<name>_low` and `<name>_high` beside it; the ends themselves move as far."""
    stem = name.removesuffix("_low").removesuffix("_high")
    low, high = values.get(f"{stem}_low"), values.get(f"{stem}_high")
    if low is None or high is None or low == high:
        return None
    return of_width(high - low)


def _relative(kind: str, value: float, basis: str) -> Tolerance:
    return Tolerance(max(RELATIVE[kind] * abs(value), FLOOR), basis)
