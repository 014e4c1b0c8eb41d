"""The stages in which two sets of correlated features find their octahedron.

First the features of a set point the same way (the world has two things), then each set opens into
a triangle, and last the triangles turn against each other until every feature has its antipode in
the other set. Source: Toy Models of Superposition, Superposition and Learning Dynamics.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from superposition.toy import dynamics

GATHERED, OPENED, ALIGNED = 0.25, 0.1, -0.95
"""Cosines that begin and end the stages: of features of a set, the same, and of partners. A set of
three orthogonal features has 0, antipodal partners have -1."""
HALF = 0.03
"""How far a dimensionality may be from 1/2 in an octahedron."""


class Courses(NamedTuple):
    """How two sets of features lie to each other."""

    within: Float[np.ndarray, "*snapshot"]
    """Mean cosine of two features of one set."""
    between: Float[np.ndarray, "*snapshot"]
    """Mean cosine of two features of different sets."""
    partner: Float[np.ndarray, "*snapshot"]
    """Cosine of a feature and its nearest antipode in the other set, the largest of them."""


class Stages(NamedTuple):
    """The steps at which thresholds are crossed; None if they are not."""

    gathered: int | None
    """The features of a set are close to each other for the first time."""
    opened: int | None
    """From here on, they are not."""
    aligned: int | None
    """From here on, every feature has an antipode in the other set."""

    @property
    def in_order(self) -> bool:
        """Whether all three happen, one after the other."""
        steps = [self.gathered, self.opened, self.aligned]
        known = [step for step in steps if step is not None]
        return len(known) == 3 and known == sorted(set(known))


def courses(W: Float[np.ndarray, "*snapshot feature d_hidden"]) -> Courses:
    """The cosines of the two halves of the features, which are the two sets."""
    cosines = _cosines(W)
    size = W.shape[-2] // 2
    first, second = np.triu_indices(size, 1)
    own = [cosines[..., :size, :size], cosines[..., size:, size:]]
    across = cosines[..., :size, size:]
    return Courses(
        within=np.mean([one[..., first, second].mean(axis=-1) for one in own], axis=0),
        between=across.mean(axis=(-2, -1)),
        partner=np.maximum(across.min(axis=-1).max(axis=-1), across.min(axis=-2).max(axis=-1)),
    )


def stages(course: Courses, steps: Int[np.ndarray, " snapshot"]) -> Stages:
    """When one model goes from stage to stage."""
    return Stages(
        gathered=dynamics.first_above(course.within, steps, above=GATHERED),
        opened=dynamics.settled(course.within, steps, below=OPENED),
        aligned=dynamics.settled(course.partner, steps, below=ALIGNED),
    )


def octahedra(
    W: Float[np.ndarray, "model feature d_hidden"],
) -> Bool[np.ndarray, " model"]:
    """Which models are octahedra with antipodes from different sets.

    Every feature has exactly one antipode (cosine below `ALIGNED`), in the other set, and a
    dimensionality within `HALF` of 1/2.
    """
    size = W.shape[-2] // 2
    antipodal = _cosines(W) < ALIGNED
    across = antipodal[..., :size, size:]
    matched = (across.sum(axis=-1) == 1).all(axis=-1) & (across.sum(axis=-2) == 1).all(axis=-1)
    n_pairs = antipodal.sum(axis=(-2, -1)) // 2
    halves = np.abs(dynamics.dimensionality(W) - 0.5).max(axis=-1) <= HALF
    return matched & (n_pairs == size) & halves


def aligned_projection(
    W: Float[np.ndarray, "snapshot feature d_hidden"],
) -> Float[np.ndarray, "snapshot feature 2"]:
    """All snapshots seen from one side: along an axis of the last one's threefold symmetry.

    The axis is the mean direction of the first set in the last snapshot; an octahedron with a set
    on either face looks like a hexagon from there.
    """
    size = W.shape[1] // 2
    centre = W[-1, :size].mean(axis=0) - W[-1, size:].mean(axis=0)
    start = np.concatenate([centre[:, None], W[-1, :size].T], axis=1)
    axes = np.linalg.qr(start).Q[:, 1:3]
    return W @ axes


def _cosines(W: Float[np.ndarray, "*model feature d_hidden"]) -> np.ndarray:
    length = np.maximum(np.linalg.norm(W, axis=-1, keepdims=True), np.finfo(np.float32).tiny)
    unit = W / length
    return unit @ unit.swapaxes(-1, -2)
