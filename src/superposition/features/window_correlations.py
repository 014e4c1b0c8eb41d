"""Correlations over tokens, with intervals that allow for tokens of one window being alike."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from superposition.intervals import CONFIDENCE

N_RESAMPLES = 1000
"""Bootstrap samples of the intervals."""


class Correlated(NamedTuple):
    """Pearson correlations of pairs of columns, and what other windows would have given."""

    value: Float[np.ndarray, " pair"]
    """Over all tokens. 0 where one side does not vary."""
    draws: Float[np.ndarray, "resample pair"]
    """The same over windows drawn again with replacement."""

    @property
    def low(self) -> Float[np.ndarray, " pair"]:
        """Lower ends of the 95% intervals."""
        return np.quantile(self.draws, (1 - CONFIDENCE) / 2, axis=0)

    @property
    def high(self) -> Float[np.ndarray, " pair"]:
        """Upper ends."""
        return np.quantile(self.draws, (1 + CONFIDENCE) / 2, axis=0)

    def minus(self, other: "Correlated") -> "Correlated":
        """The differences, pair by pair; both must come from the same seed and windows."""
        return Correlated(self.value - other.value, self.draws - other.draws)


def paired(
    x: Float[np.ndarray, "token pair"],
    y: Float[np.ndarray, "token pair"],
    *,
    window: Int[np.ndarray, " token"],
    seed: int,
) -> Correlated:
    """Correlation of each column of `x` with the same column of `y`, bootstrapped over windows.

    `window` ascends. Windows are drawn, not tokens, because neighbouring tokens are alike; not
    documents, because some contexts have only a few documents.
    """
    moments = _moments(x, y, window)
    n_windows, n_pairs, _ = moments.shape
    rng = np.random.default_rng(seed)
    times = rng.multinomial(n_windows, np.full(n_windows, 1 / n_windows), size=N_RESAMPLES)
    drawn = times.astype(np.float64) @ moments.reshape(n_windows, -1)
    draws = _pearson(drawn.reshape(N_RESAMPLES, n_pairs, -1))
    return Correlated(_pearson(moments.sum(axis=0)), draws)


def _moments(x: np.ndarray, y: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Of every window and pair: n, sums of x, y, x^2, y^2 and xy."""
    begins = np.flatnonzero(np.diff(window, prepend=-1))
    n = np.broadcast_to(np.diff(begins, append=len(window))[:, None], (len(begins), x.shape[1]))
    sums = [np.add.reduceat(part, begins, axis=0) for part in (x, y, x * x, y * y, x * y)]
    return np.stack([n, *sums], axis=-1).astype(np.float64)


def _pearson(moments: np.ndarray) -> np.ndarray:
    n, x, y, xx, yy, xy = np.moveaxis(moments, -1, 0)
    spread = np.sqrt(np.maximum(n * xx - x * x, 0) * np.maximum(n * yy - y * y, 0))
    return np.divide(n * xy - x * y, spread, out=np.zeros_like(spread), where=spread > 0)
