"""How features share the hidden dimensions: norms, dimensionality, superposition, arrangement."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

REPRESENTED = 0.5
"""Norm above which a feature counts as represented. Source: the threshold of the paper's plots of
the number of learned features; solutions sit near 0 or near 1, so that little depends on it."""

ARRANGEMENTS = {
    "orthogonal pair": ((90.0, 270.0),),
    "digon and one": ((90.0, 90.0, 180.0),),
    "digons": ((180.0, 180.0), (90.0, 90.0, 90.0, 90.0)),
    "triangle": ((120.0, 120.0, 120.0),),
    "pentagon": ((72.0, 72.0, 72.0, 72.0, 72.0),),
}
"""Ideal angles in degrees between neighbouring features in the plane, smallest first."""

OTHER = "other"
"""The label of what is in no list of `ARRANGEMENTS`."""

ANGLE_TOLERANCE = 10.0
"""Largest deviation in degrees of any angle from an ideal one. Unequal importance bends the
pentagon's by up to 3 degrees; the next arrangement of five features is 18 degrees away."""


def norms(
    W: Float[Tensor, "*instance feature d_hidden"],
) -> Float[Tensor, "*instance feature"]:
    """The length of each feature's direction: near 1 if it is represented, 0 if it is not."""
    return W.norm(dim=-1)


def directions(
    W: Float[Tensor, "*instance feature d_hidden"],
) -> Float[Tensor, "*instance feature d_hidden"]:
    """W_i / |W_i|, and 0 for a feature without any weight."""
    length = W.norm(dim=-1, keepdim=True)
    return torch.where(length > 0, W / length, 0)


def dimensionality(
    W: Float[Tensor, "*instance feature d_hidden"],
) -> Float[Tensor, "*instance feature"]:
    """The share of a hidden dimension each feature has to itself, between 0 and 1.

    D_i = |W_i|^2 / sum_j (What_i . W_j)^2, and 0 for a feature without weight. They sum to at most
    d_hidden.
    Source: Toy Models of Superposition, Feature Dimensionality.
    """
    overlap = (directions(W) @ W.mT).square().sum(-1)
    return torch.where(overlap > 0, W.square().sum(-1) / overlap, 0)


def superposition(
    W: Float[Tensor, "*instance feature d_hidden"],
) -> Float[Tensor, "*instance feature"]:
    """How strongly the other features can activate each feature's direction.

    s_i = sum_{j != i} (What_i . W_j)^2: 0 if it is orthogonal to all, 1 or more if the others
    together can activate it as strongly as itself. Noise for features that are not represented.
    Source: Toy Models of Superposition, Basic Results.
    """
    return (directions(W) @ W.mT).square().sum(-1) - W.square().sum(-1)


def interference(
    W: Float[Tensor, "*instance feature d_hidden"],
) -> Float[Tensor, "*instance feature feature"]:
    """W_i . W_j with 0 on the diagonal: what feature j adds to the output of feature i."""
    gram = W @ W.mT
    return gram - torch.diag_embed(gram.diagonal(dim1=-2, dim2=-1))


def n_represented(
    W: Float[Tensor, "*instance feature d_hidden"], *, threshold: float = REPRESENTED
) -> Int[Tensor, "*instance"]:
    """The number of features with a norm above `threshold`."""
    return (norms(W) > threshold).sum(-1)


def dimensions_per_feature(
    W: Float[Tensor, "*instance feature d_hidden"],
) -> Float[Tensor, "*instance"]:
    """D* = m / |W|_F^2, hidden dimensions per learned feature.

    Source: Toy Models of Superposition, Uniform Superposition.
    """
    return W.shape[-1] / W.square().sum((-2, -1))


def angle_gaps(
    W: Float[Tensor, "feature 2"], *, threshold: float = REPRESENTED
) -> Float[Tensor, " gap"]:
    """Angles in degrees between neighbouring represented features; they sum to 360.

    >>> angle_gaps(torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.1]])).tolist()
    [90.0, 270.0]
    """
    kept = W[norms(W) > threshold]
    angles = torch.atan2(kept[:, 1], kept[:, 0]).rad2deg().sort().values
    return torch.cat([angles, angles[:1] + 360]).diff()


def arrangement(
    W: Float[Tensor, "instance feature 2"], *, tolerance: float = ANGLE_TOLERANCE
) -> list[str]:
    """The name in `ARRANGEMENTS` of each instance's represented features, or `OTHER`.

    Every angle between neighbours must be within `tolerance` degrees of the ideal one.
    """
    return [_label(angle_gaps(each).sort().values, tolerance) for each in W]


def _label(gaps: Tensor, tolerance: float) -> str:
    for name, ideals in ARRANGEMENTS.items():
        for ideal in ideals:
            if len(gaps) == len(ideal):
                deviation = (gaps - gaps.new_tensor(ideal)).abs().max()
                if deviation <= tolerance:
                    return name
    return OTHER
