"""How models arrange features in sets: the first `set_size` features, the next, and so on.

Source: Toy Models of Superposition, Correlated and Anticorrelated Features.
"""

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

COLLAPSED = 0.98
"""Cosine above which two features have become one direction: 11 degrees. Merged pairs have 0.999
and more; the closest that stay apart are 60 degrees from each other."""
PRESENT = 0.1
"""Norm below which a feature has no direction to speak of."""
PUBLISHED_COLLAPSE = ((0.25, 1.0, 3), (0.15, 0.2, 2), (0.05, 0.15, 1), (0.0, 0.05, 0))
"""From which to which density how many of three pairs are collapsed, "approximately".

Source: the same paper, Collapsing of Correlated Features. Differs: above 0.5 it says that models
are "most similar to PCA", which collapses all three. A border belongs to both of its bands.
"""


def set_of(n_features: int, set_size: int) -> Int[np.ndarray, " feature"]:
    """The set of each feature.

    >>> set_of(6, 2).tolist()
    [0, 0, 1, 1, 2, 2]
    """
    return np.arange(n_features) // set_size


def with_sets(features: pd.DataFrame, set_size: int) -> pd.DataFrame:
    """The table of features with the column `set`, counted from 1."""
    return features.assign(set=features["feature"].to_numpy() // set_size + 1)


def cosines(
    W: Float[np.ndarray, "seed feature d_hidden"],
) -> Float[np.ndarray, "seed feature feature"]:
    """Cosine of the angle between every two features; 0 if one of them is not there."""
    norm = np.linalg.norm(W, axis=-1, keepdims=True)
    unit = np.where(norm > PRESENT, W / np.maximum(norm, PRESENT), 0.0)
    return unit @ unit.swapaxes(1, 2)


def pair_cosines(
    W: Float[np.ndarray, "seed feature d_hidden"],
) -> Float[np.ndarray, "seed pair"]:
    """Cosine between the two features of every pair: sets of two."""
    first = np.arange(0, W.shape[1], 2)
    return cosines(W)[:, first, first + 1]


def collapsed(W: Float[np.ndarray, "seed feature d_hidden"]) -> Bool[np.ndarray, "seed pair"]:
    """Which pairs have become one direction."""
    return pair_cosines(W) > COLLAPSED


def within(
    W: Float[np.ndarray, "seed feature d_hidden"], set_size: int
) -> Float[np.ndarray, " seed"]:
    """Mean absolute cosine of features of one set: 0 if every set is orthogonal in itself."""
    same = _same(W.shape[1], set_size) & ~np.eye(W.shape[1], dtype=bool)
    return np.abs(cosines(W))[:, same].mean(axis=1)


def across(
    W: Float[np.ndarray, "seed feature d_hidden"], set_size: int
) -> Float[np.ndarray, " seed"]:
    """Mean over features of the largest absolute cosine with a feature of another set."""
    other = ~_same(W.shape[1], set_size)
    return np.where(other, np.abs(cosines(W)), 0.0).max(axis=2).mean(axis=1)


def side_by_side(W: Float[np.ndarray, "seed feature 2"]) -> Int[np.ndarray, " seed"]:
    """How many pairs are neighbours: no other feature lies between the two, on the shorter way.

    By chance a pair of six features is with probability 2/5, all three pairs are with 2/15.
    """
    angles = np.degrees(np.arctan2(W[..., 1], W[..., 0]))
    order = angles.argsort(axis=1)
    place = order.argsort(axis=1)
    n = W.shape[1]
    apart = (place[:, 1::2] - place[:, ::2]) % n
    there = (np.linalg.norm(W, axis=-1) > PRESENT).reshape(len(W), -1, 2).all(axis=2)
    return (((apart == 1) | (apart == n - 1)) & there).sum(axis=1)


def principal_share(W: Float[np.ndarray, "feature d_hidden"]) -> Float[np.ndarray, " pair"]:
    """Share of each pair's weights on its principal component (a + b) / sqrt 2; 1 if collapsed."""
    first, second = W[::2], W[1::2]
    total = (first**2 + second**2).sum(axis=1)
    return ((first + second) ** 2).sum(axis=1) / 2 / np.maximum(total, np.finfo(float).tiny)


def published_counts(feature_probability: float) -> set[int]:
    """How many collapsed pairs the paper gives at a density: none, one, or two at a border.

    >>> published_counts(0.3), published_counts(0.15), published_counts(0.22)
    ({3}, {1, 2}, set())
    """
    bands = PUBLISHED_COLLAPSE
    return {n for low, high, n in bands if low <= feature_probability <= high}


def _same(n_features: int, set_size: int) -> Bool[np.ndarray, "feature feature"]:
    sets = set_of(n_features, set_size)
    return sets[:, None] == sets
