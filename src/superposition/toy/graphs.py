"""The features of a model as a graph: who interferes with whom, and which shapes fall out of it.

Two features are joined if their directions overlap. Features that are not joined, even through
others, lie in orthogonal subspaces: the model is put together from independent shapes (a tegum
product), and each can be compared with the ideal ones.
Source: Toy Models of Superposition, The Geometry of Superposition.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from superposition.toy.geometry import OTHER, REPRESENTED
from superposition.toy.theory import polytopes

EDGE = 0.05
"""Absolute product |W_i . W_j| above which two features are joined. The weakest edge of an ideal
shape is 0.14, in the square antiprism; what is left between orthogonal ones after training is 0.02.
"""
SHAPE_TOLERANCE = 0.1
"""Largest root-mean-square distance of the sorted cosines from an ideal shape's that still is this
shape. A trained square antiprism, 0.08 away, is flatter than the tight one; a cube is 0.3 away."""
ALONE = "alone"
"""The shape of a feature that is joined to no other."""
GAP = 1.0
"""Space between two shapes in a drawing, in radii of a digon."""


class Component(NamedTuple):
    """Features that are joined to each other and to no other ones."""

    features: tuple[int, ...]
    """Their indices."""
    shape: str
    """The name of the polytope they form, `ALONE` or `OTHER`."""
    dimensions: float
    """Sum of their dimensionalities: how many hidden dimensions they fill."""


class Place(NamedTuple):
    """Where a drawing shows one feature."""

    feature: int
    component: int
    """Index of its component, the largest first."""
    x: float
    y: float


def edges(
    W: Float[np.ndarray, "feature d_hidden"], *, threshold: float = EDGE
) -> Bool[np.ndarray, "feature feature"]:
    """Which represented features are joined: |W_i . W_j| above `threshold`."""
    represented = np.linalg.norm(W, axis=1) > REPRESENTED
    joined = np.abs(W @ W.T) > threshold
    return joined & np.outer(represented, represented) & ~np.eye(len(W), dtype=bool)


def components(
    W: Float[np.ndarray, "feature d_hidden"],
    dimensionality: Float[np.ndarray, " feature"],
    *,
    threshold: float = EDGE,
) -> list[Component]:
    """The connected parts of the graph of represented features, the largest first."""
    joined = edges(W, threshold=threshold)
    left = set(np.flatnonzero(np.linalg.norm(W, axis=1) > REPRESENTED).tolist())
    found = []
    while left:
        members = _reached(joined, min(left))
        left -= set(members)
        total = float(dimensionality[members].sum())
        found.append(Component(tuple(members), shape(W[members]), total))
    return sorted(found, key=lambda part: (-len(part.features), part.features))


def shape(W: Float[np.ndarray, "feature d_hidden"]) -> str:
    """The ideal polytope with as many corners and almost the same angles, or `OTHER`.

    >>> shape(np.array([[1.0, 0.0], [-0.9, 0.0]])), shape(np.eye(2))
    ('digon', 'other')
    """
    if len(W) == 1:
        return ALONE
    cosines = sorted_cosines(W)
    for name, ideal in _ideal_cosines().items():
        if len(ideal) == len(cosines) and rms((cosines - ideal)[None])[0] <= SHAPE_TOLERANCE:
            return name
    return OTHER


def sorted_cosines(
    W: Float[np.ndarray, "*model feature d_hidden"],
) -> Float[np.ndarray, "*model pair"]:
    """The cosines of all pairs of features in order of size: the same in every rotation."""
    length = np.maximum(np.linalg.norm(W, axis=-1, keepdims=True), np.finfo(float).tiny)
    return sorted_products(W / length)


def sorted_products(
    W: Float[np.ndarray, "*model feature d_hidden"],
) -> Float[np.ndarray, "*model pair"]:
    """The products W_i . W_j of all pairs of features in order of size."""
    first, second = np.triu_indices(W.shape[-2], 1)
    return np.sort((W @ W.swapaxes(-1, -2))[..., first, second], axis=-1)


def rms(differences: Float[np.ndarray, "model pair"]) -> Float[np.ndarray, " model"]:
    """Root mean square over pairs: the distance of sorted products."""
    return np.sqrt((differences**2).mean(axis=-1))


def layout(W: Float[np.ndarray, "feature d_hidden"], parts: list[Component]) -> list[Place]:
    """A drawing of the graph: each component on a circle, the circles in rows, the largest first.

    On its circle a feature has the place of its direction in the component's two main axes, so that
    polygons come out as polygons. The whole is about as high as it is wide.
    """
    radii = [_radius(len(part.features)) for part in parts]
    row_width = np.sqrt(sum((2 * radius + GAP) ** 2 for radius in radii))
    places, x, y, height = [], 0.0, 0.0, 0.0
    for index, (part, radius) in enumerate(zip(parts, radii, strict=True)):
        if x and x + 2 * radius > row_width:
            x, y, height = 0.0, y - height - GAP, 0.0
        for feature, angle in zip(part.features, _angles(W[[*part.features]]), strict=True):
            dx, dy = radius * (1 + np.cos(angle)), radius * (np.sin(angle) - 1)
            places.append(Place(feature, index, float(x + dx), float(y + dy)))
        x, height = x + 2 * radius + GAP, max(height, 2 * radius)
    return places


def product_of(*factors: Float[np.ndarray, "_ _"]) -> Float[np.ndarray, "feature d_hidden"]:
    """A tegum product: each factor in a subspace of its own, orthogonal to the others."""
    size = np.sum([factor.shape for factor in factors], axis=0)
    W, row, column = np.zeros(size), 0, 0
    for factor in factors:
        rows, columns = factor.shape
        W[row : row + rows, column : column + columns] = factor
        row, column = row + rows, column + columns
    return W


def _reached(joined: Bool[np.ndarray, "feature feature"], start: int) -> list[int]:
    """All features that can be reached from `start` along edges."""
    reached = np.zeros(len(joined), dtype=bool)
    reached[start] = True
    while True:
        more = reached | joined[reached].any(axis=0)
        if (more == reached).all():
            return np.flatnonzero(reached).tolist()
        reached = more


@cache
def _ideal_cosines() -> dict[str, Float[np.ndarray, " pair"]]:
    return {name: sorted_cosines(ideal.vertices.numpy()) for name, ideal in polytopes().items()}


def _radius(n: int) -> float:
    """Of the circle of a component of n features, so that neighbours keep their distance."""
    return 0.0 if n == 1 else max(1.0, n / 6)


def _angles(W: Float[np.ndarray, "feature d_hidden"]) -> Float[np.ndarray, " feature"]:
    """Evenly spaced angles, in the order of the directions in the two main axes."""
    axes = np.linalg.svd(W, full_matrices=False).Vh[:2]
    flat = W @ axes.T
    across = flat[:, 1] if flat.shape[1] > 1 else np.zeros(len(W))
    order = np.argsort(np.arctan2(across, flat[:, 0]), kind="stable")
    angles = np.empty(len(W))
    angles[order] = 2 * np.pi * np.arange(len(W)) / len(W)
    return angles
