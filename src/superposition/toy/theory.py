"""What follows without training from the data alone: variance, the linear model, ideal polytopes.

Losses here are the paper's, a sum over features; divide by n_features for the trained models' mean.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

Value = float | Float[np.ndarray, "*#grid"]


class Polytope(NamedTuple):
    """An ideal arrangement of equally important features."""

    vertices: Float[Tensor, "feature d_hidden"]
    """Their directions, of length 1."""
    dimensionality: float
    """The share D of a hidden dimension that each of them has."""


def variance(p: Value) -> Value:
    """Var(x) = p/3 - p^2/4 of a feature of density `p`: the loss of ignoring it with bias p/2."""
    return p / 3 - p * p / 4


def linear_loss(importance: Float[Tensor, " feature"], p: float, *, d_hidden: int) -> float:
    """The lowest loss of a linear model, sum_{i > m} I_i Var(x_i): it keeps the m most important.

    Source: Toy Models of Superposition, Basic Results (the linear model is PCA); derived.
    """
    dropped = importance.double().sort(descending=True).values[d_hidden:]
    return float(dropped.sum() * variance(p))


def polytopes() -> dict[str, Polytope]:
    """The arrangements whose dimensionalities the paper finds, by name.

    Source: Toy Models of Superposition, Feature Dimensionality. The antiprism's D is 3/8 only at
    the height z^2 = 1/3, at which its frame is tight; Thomson's solution has z^2 = 0.318.
    """
    z, radius = math.sqrt(1 / 3), math.sqrt(2 / 3)
    square = [_polygon(4, turn=turn) * radius for turn in (0.0, 0.5)]
    heights = [torch.full((4, 1), sign * z, dtype=torch.float64) for sign in (1, -1)]
    antiprism = torch.cat([torch.cat(pair, 1) for pair in zip(square, heights, strict=True)])
    corners = torch.tensor([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], dtype=torch.float64)
    return {
        "digon": Polytope(torch.tensor([[1.0], [-1.0]], dtype=torch.float64), 1 / 2),
        "triangle": Polytope(_polygon(3), 2 / 3),
        "tetrahedron": Polytope(corners / math.sqrt(3), 3 / 4),
        "pentagon": Polytope(_polygon(5), 2 / 5),
        "square antiprism": Polytope(antiprism, 3 / 8),
    }


def _polygon(sides: int, *, turn: float = 0.0) -> Tensor:
    angles = (torch.arange(sides, dtype=torch.float64) + turn) * (2 * math.pi / sides)
    return torch.stack([angles.cos(), angles.sin()], dim=1)
