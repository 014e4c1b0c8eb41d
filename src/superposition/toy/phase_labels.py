"""In which phase a trained model is: what its weights make of the extra feature."""

import numpy as np
from jaxtyping import Float, Shaped

from superposition.toy.phases import (
    ANOTHER_DROPPED,
    DEDICATED,
    IGNORED,
    OTHERS_SHARE,
    SHARED,
    World,
)

CONFUSED = "confused"
"""Two features on the same side of one dimension: the model cannot tell them apart."""
JOINT, OTHER = "all three share", "other"
"""What trained models may do besides."""
SMALL = 0.3
"""A weight below this is no weight: solutions sit near 0 or near 1."""


def labels(
    world: World, W: Float[np.ndarray, "model feature d_hidden"]
) -> Shaped[np.ndarray, " model"]:
    """The phase of each trained model."""
    if world.n_features == 2:
        return _two_in_one(W[:, 0, 0], W[:, 1, 0])
    return _three_in_two(W)


def outcome(phase: str) -> str:
    """What becomes of the extra feature, whatever becomes of the others."""
    if phase in (ANOTHER_DROPPED, OTHERS_SHARE):
        return DEDICATED
    return SHARED if phase == JOINT else phase


def _two_in_one(
    first: Float[np.ndarray, " model"], extra: Float[np.ndarray, " model"]
) -> Shaped[np.ndarray, " model"]:
    has_first, has_extra = np.abs(first) >= SMALL, np.abs(extra) >= SMALL
    opposite = first * extra < 0
    return np.select(
        [
            has_first & ~has_extra,
            ~has_first & has_extra,
            has_first & has_extra & opposite,
            has_first & has_extra,
        ],
        [IGNORED, DEDICATED, SHARED, CONFUSED],
        OTHER,
    ).astype(object)


_NULL_DIRECTIONS = {
    IGNORED: ((0, 0, 1),),
    SHARED: ((0, 1, 1), (1, 0, 1)),
    ANOTHER_DROPPED: ((1, 0, 0), (0, 1, 0)),
    OTHERS_SHARE: ((1, 1, 0),),
    JOINT: ((1, 1, 1),),
    OTHER: ((0, 1, -1), (1, 0, -1), (1, -1, 0), (1, 1, -1), (1, -1, 1), (-1, 1, 1)),
}
"""The combination of the features that each arrangement cannot see."""


def _three_in_two(W: Float[np.ndarray, "model 3 2"]) -> Shaped[np.ndarray, " model"]:
    """The arrangement whose null direction is nearest to that of W; OTHER if W has two of them."""
    names = [name for name, found in _NULL_DIRECTIONS.items() for _ in found]
    candidates = np.array([one for found in _NULL_DIRECTIONS.values() for one in found], float)
    candidates /= np.linalg.norm(candidates, axis=1, keepdims=True)
    left, sizes, _ = np.linalg.svd(W.astype(float), full_matrices=True)
    nearest = np.abs(left[:, :, 2] @ candidates.swapaxes(0, 1)).argmax(axis=1)
    return np.where(sizes[:, 1] >= SMALL, np.array(names, dtype=object)[nearest], OTHER)
