"""95% intervals for the verdicts: of a share, of a mean, of a choice of the best."""

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.special import stdtrit

CONFIDENCE = 0.95
"""Of every interval here."""
N_RESAMPLES = 2000
"""Bootstrap samples: the ends of an interval are then good to about a tenth of its width."""
_Z = 1.959963984540054
"""The normal distribution's quantile at (1 + CONFIDENCE) / 2."""

Interval = tuple[float, float]


def wilson(part: int, whole: int) -> Interval:
    """Interval of a share of independent cases: Wilson's score interval.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference".

    >>> tuple(round(end, 3) for end in wilson(8, 8))
    (0.676, 1.0)
    """
    if not 0 <= part <= whole or whole == 0:
        raise ValueError(f"{part} of {whole} is no share")
    share, weight = part / whole, _Z**2 / whole
    centre = (share + weight / 2) / (1 + weight)
    half = _Z / (1 + weight) * np.sqrt(share * (1 - share) / whole + weight / (4 * whole))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def mean(cases: Float[np.ndarray, " case"], *, seed: int) -> Interval:
    """Interval of the mean of independent cases, by the percentile bootstrap."""
    drawn = _resampled(len(cases), seed)
    return percentiles(cases[drawn].mean(axis=1))


def student(cases: Float[np.ndarray, " case"]) -> Interval:
    """Interval of the mean of few independent cases, as of three seeds: Student's t.

    A bootstrap of three cases never leaves their range, and is too narrow. Infinite for one case.

    >>> tuple(round(end, 2) for end in student(np.array([1.0, 2.0, 3.0])))
    (-0.48, 4.48)
    """
    if len(cases) < 2:
        return -np.inf, np.inf
    half = float(stdtrit(len(cases) - 1, (1 + CONFIDENCE) / 2)) * cases.std(ddof=1)
    half /= np.sqrt(len(cases))
    return float(cases.mean() - half), float(cases.mean() + half)


def difference(
    cases: Float[np.ndarray, " case"], others: Float[np.ndarray, " other"], *, seed: int
) -> Interval:
    """Interval of the mean of `cases` minus the mean of `others`, each resampled on its own."""
    drawn, drawn_others = _resampled(len(cases), seed), _resampled(len(others), seed + 1)
    return percentiles(cases[drawn].mean(axis=1) - others[drawn_others].mean(axis=1))


def best(
    losses: Float[np.ndarray, "density seed"],
    statistic: Float[np.ndarray, "density seed"],
    *,
    seed: int,
) -> Interval:
    """Interval of the worst density's `statistic`, each density judged by its best random start.

    What other random starts would have given: starts are drawn again with replacement, the one with
    the lowest loss is kept at every density, and the largest of their statistics is taken.
    """
    kept = best_starts(losses, seed=seed)
    return percentiles(np.take_along_axis(statistic, kept, axis=1).max(axis=0))


def best_starts(
    losses: Float[np.ndarray, "density seed"], *, seed: int
) -> Int[np.ndarray, "density resample"]:
    """Which random start has the lowest loss at every density, had other starts been drawn.

    Starts are drawn again with replacement, the same ones at every density.
    """
    drawn = _resampled(losses.shape[1], seed)
    chosen = losses[:, drawn].argmin(axis=2)
    return np.take_along_axis(drawn[None], chosen[..., None], axis=2)[..., 0]


def percentiles(statistics: Shaped[np.ndarray, " resample"]) -> Interval:
    """The ends of the interval that holds `CONFIDENCE` of a statistic's resamples."""
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(statistics, [tail, 100 - tail])
    return float(low), float(high)


def _resampled(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(n, size=(N_RESAMPLES, n))
