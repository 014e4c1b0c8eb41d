"""Whether dimensionalities gather at particular fractions, or just pass through them.

The mass within `HALF_WIDTH` of a fraction is compared with that of its surroundings. Features of
one model are not independent (the corners of a shape share its D), so chance is a random turn of
every model's values as a whole, not of each value.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

FRACTIONS = {
    "tetrahedron": 3 / 4,
    "triangle": 2 / 3,
    "digon": 1 / 2,
    "pentagon": 2 / 5,
    "square antiprism": 3 / 8,
}
"""Where dimensionalities are said to gather. Source: Toy Models of Superposition, Feature
Dimensionality."""
ABSENT = (3 / 5, 3 / 7)
"""Where none are said to gather. Source: the same paper, Why These Structures."""
GUIDES = (5 / 6, 4 / 5, 3 / 4, 2 / 3, 1 / 2, 2 / 5, 3 / 8, 2 / 6, 2 / 7, 3 / 12, 3 / 20)
"""The guide lines of the figure. Source: official notebook."""
HALF_WIDTH = 0.01
"""Of the window around a fraction."""
REACH = 0.03
"""Of the surroundings, on either side."""
N_PERMUTATIONS = 2000
"""Random turns: the smallest p-value is one in so many."""


class Cluster(NamedTuple):
    """What was found around one fraction."""

    fraction: float
    n_inside: int
    """Values within `HALF_WIDTH` of it."""
    ratio: float
    """How much denser they lie there than in the surroundings; infinite if those are empty."""
    p_value: float
    """Share of random turns with at least so many of them in the window."""
    n_models: int
    """Models with at least one value in the window."""

    def stands_out(self, *, ratio: float = 3.0, p: float = 0.01) -> bool:
        """Whether values gather here: several times the surroundings, and not by chance."""
        return self.ratio > ratio and self.p_value < p


def near(
    values: Float[np.ndarray, " value"], fraction: float, *, half_width: float = HALF_WIDTH
) -> Bool[np.ndarray, " value"]:
    """Which values are within `half_width` of a fraction."""
    return np.abs(values - fraction) <= half_width


def cluster(
    values: Float[np.ndarray, " value"],
    model: Int[np.ndarray, " value"],
    fraction: float,
    *,
    others: Sequence[float],
    seed: int,
) -> Cluster:
    """How values gather around a fraction. `model` says which of them belong together.

    Windows around the `others` are no part of the surroundings: 3/8 is close to 2/5.
    """
    place, length = _unrolled(values, fraction, others)
    kept = ~np.isnan(place)
    owner, inside = model[kept], place[kept] < 2 * HALF_WIDTH
    count, outside = int(inside.sum()), int((~inside).sum())
    density = outside / (length - 2 * HALF_WIDTH)
    turned = _turned_counts(place[kept], owner, length, seed=seed)
    return Cluster(
        fraction=fraction,
        n_inside=count,
        ratio=count / (2 * HALF_WIDTH) / density if density else np.inf if count else 0.0,
        p_value=float((1 + (turned >= count).sum()) / (1 + N_PERMUTATIONS)),
        n_models=len(set(owner[inside].tolist())),
    )


def _unrolled(
    values: Float[np.ndarray, " value"], fraction: float, others: Sequence[float]
) -> tuple[Float[np.ndarray, " value"], float]:
    """Places along the window and then its surroundings, and their length; NaN is outside.

    Surroundings that belong to another fraction's window are cut out.
    """
    low, high = fraction - REACH, fraction + REACH
    pieces = [(fraction - HALF_WIDTH, fraction + HALF_WIDTH)]
    borders = [low, fraction - HALF_WIDTH, fraction + HALF_WIDTH, high]
    for start, end in (borders[:2], borders[2:]):
        for other in sorted(others):
            first, last = other - HALF_WIDTH, other + HALF_WIDTH
            if other != fraction and first < end and last > start:
                pieces.append((start, max(start, first)))
                start = min(end, last)
        pieces.append((start, end))
    place, length = np.full(len(values), np.nan), 0.0
    for start, end in pieces:
        inside = (values >= start) & (values < end)
        place[inside] = length + values[inside] - start
        length += end - start
    return place, length


def _turned_counts(
    place: Float[np.ndarray, " value"],
    owner: Int[np.ndarray, " value"],
    length: float,
    *,
    seed: int,
) -> Int[np.ndarray, " permutation"]:
    """Values in the window after turning each model's places by a random part of the length."""
    rng = np.random.default_rng(seed)
    _, index = np.unique(owner, return_inverse=True)
    turns = rng.uniform(0, length, size=(N_PERMUTATIONS, index.max(initial=0) + 1))
    counts = [((place + turn[index]) % length < 2 * HALF_WIDTH).sum() for turn in turns]
    return np.array(counts, dtype=np.int64)
