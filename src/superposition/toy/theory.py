"""What can be computed without training: losses of ideal solutions, phases, ideal polytopes.

Losses here are the paper's, a sum over features; divide by n_features for the trained models' mean.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.toy.data import sample_features
from superposition.toy.models import ToyModel

Value = float | Float[np.ndarray, "*#grid"]

PHASES = ("not represented", "superposition", "dedicated dimension")
"""What becomes of the extra feature. Source: Toy Models of Superposition, Phase Change."""

MONTE_CARLO_CHUNK = 250_000
"""Samples held in memory at once."""


class PhaseLosses(NamedTuple):
    """The expected loss of the ideal solution of each phase, in the order of `PHASES`."""

    not_represented: Value
    """W = [1, 0]: the extra feature is ignored."""
    superposition: Value
    """W = [1, -1]: the two features are an antipodal pair."""
    dedicated: Value
    """W = [0, 1]: the extra feature takes the only dimension."""


class Boundaries(NamedTuple):
    """The densities below which superposition has a lower loss than the other phases."""

    not_represented: Value
    """Below it, superposition beats ignoring the extra feature."""
    dedicated: Value
    """Below it, superposition beats dedicating the dimension to the extra feature."""


class PhasePoint(NamedTuple):
    """A point of the phase diagram."""

    relative_importance: float
    """Importance of the extra feature, that of the other being 1."""
    feature_probability: float
    """Density p = 1 - S."""


class Polytope(NamedTuple):
    """An ideal arrangement of equally important features."""

    vertices: Float[Tensor, "feature d_hidden"]
    """Their directions, of length 1."""
    dimensionality: float
    """The share D of a hidden dimension that each of them has."""


def variance(p: Value) -> Value:
    """Var(x) = p/3 - p^2/4 of a feature of density `p`: the loss of ignoring it with bias p/2."""
    return p / 3 - p * p / 4


def phase_losses(p: Value, r: Value, *, bias: bool) -> PhaseLosses:
    """Expected losses for n = 2 features of importance 1 and `r` in m = 1 dimension.

    Antipodal pair (1 + r) p^2 / 6; an ignored feature costs its importance times p/3 without bias,
    and times p/3 - p^2/4 with the best one, p/2.
    Source: Toy Models of Superposition, Phase Change; the formulas are derived here, the paper's
    separate notebook prints none.
    """
    p, r = np.broadcast_arrays(np.asarray(p, float), np.asarray(r, float))
    ignored = variance(p) if bias else p / 3
    return PhaseLosses(r * ignored, (1 + r) * p**2 / 6, ignored)


def boundaries(r: Value, *, bias: bool) -> Boundaries:
    """The borders of superposition at relative importance `r`: 4r/(2 + 5r) and 4/(5 + 2r).

    Without bias 2r/(1 + r) and 2/(1 + r). Derived by equating the losses of `phase_losses`.
    """
    if bias:
        return Boundaries(4 * r / (2 + 5 * r), 4 / (5 + 2 * r))
    return Boundaries(2 * r / (1 + r), 2 / (1 + r))


def triple_point(*, bias: bool) -> PhasePoint:
    """Where the three phases meet: equal importance, density 4/7, or 1 without bias."""
    return PhasePoint(1.0, 4 / 7 if bias else 1.0)


def phase_diagram(
    ps: Float[np.ndarray, " density"], rs: Float[np.ndarray, " importance"], *, bias: bool
) -> pd.DataFrame:
    """One row for each point of the grid: its losses, the lowest of them, and whose it is.

    Columns: feature_probability, relative_importance, the fields of `PhaseLosses`, loss, phase.
    """
    p, r = (axis.ravel() for axis in np.meshgrid(ps, rs, indexing="ij"))
    losses = phase_losses(p, r, bias=bias)
    frame = pd.DataFrame({"feature_probability": p, "relative_importance": r} | losses._asdict())
    stacked = np.stack([np.asarray(loss) for loss in losses])
    return frame.assign(
        loss=stacked.min(axis=0), phase=np.array(PHASES, dtype=object)[stacked.argmin(axis=0)]
    )


def monte_carlo_losses(p: float, r: float, *, n_samples: int, generator: Generator) -> pd.DataFrame:
    """The losses of `phase_losses` measured on samples, all solutions on the same ones.

    Columns: bias, phase, loss, standard_error, theory.
    """
    W = torch.tensor([[1.0, 0.0], [1.0, -1.0], [0.0, 1.0]]).repeat(2, 1)[..., None]
    ignored = (W == 0).squeeze(-1)
    has_bias = torch.tensor([False] * 3 + [True] * 3)
    b = torch.where(ignored & has_bias[:, None], p / 2, 0.0)
    model = ToyModel(W, b, output="relu")
    mean, error = _monte_carlo(model, torch.tensor([1.0, r]), p, n_samples, generator)
    theory = [*phase_losses(p, r, bias=False), *phase_losses(p, r, bias=True)]
    return pd.DataFrame(
        {
            "bias": has_bias.numpy(),
            "phase": PHASES * 2,
            "loss": mean.numpy(),
            "standard_error": error.numpy(),
            "theory": [float(value) for value in theory],
        }
    )


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


@torch.no_grad()
def _monte_carlo(
    model: ToyModel, importance: Tensor, p: float, n_samples: int, generator: Generator
) -> tuple[Tensor, Tensor]:
    """Each instance's mean loss over samples, a sum over features, and its standard error."""
    probability, n_features = torch.tensor([p]), model.b.shape[1]
    total = torch.zeros(2, model.n_instances, dtype=torch.float64)
    for first in range(0, n_samples, MONTE_CARLO_CHUNK):
        n = min(MONTE_CARLO_CHUNK, n_samples - first)
        x = sample_features(n, probability, n_features=n_features, generator=generator)
        x = x.expand(-1, model.n_instances, -1)
        losses = ((x - model(x)) ** 2 @ importance).double()
        total += torch.stack([losses.sum(0), losses.square().sum(0)])
    mean, mean_square = total / n_samples
    return mean, ((mean_square - mean**2) / n_samples).sqrt()
