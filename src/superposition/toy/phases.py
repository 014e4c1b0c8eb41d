"""What becomes of an extra feature when there is one dimension too few: phases and their borders.

Losses here are the paper's, a sum over features; divide by n_features for the trained models' mean.
Source: Toy Models of Superposition, Superposition as a Phase Change. The formulas are derived here:
the paper shows the diagrams and keeps the formulas in a notebook of their own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.toy.models import ToyModel
from superposition.toy.monte_carlo import sampled_loss
from superposition.toy.theory import variance

Value = float | Float[np.ndarray, "*#grid"]

IGNORED, SHARED, DEDICATED = "not represented", "superposition", "dedicated dimension"
"""What becomes of the extra feature, the last one."""
ANOTHER_DROPPED, OTHERS_SHARE = "dedicated, another dropped", "dedicated, the others share"
"""With three features, what it costs the others that the extra one has a dimension."""


class Solution(NamedTuple):
    """An ideal model: features are dropped, or opposite in one dimension, or have one each."""

    phase: str
    """What becomes of the extra feature."""
    dropped: tuple[int, ...] = ()
    """Features without weight."""
    paired: tuple[int, ...] = ()
    """Two features in opposite directions, or none."""


@dataclass(frozen=True, kw_only=True)
class World:
    """Features of importance 1 and an extra one of importance r, in one dimension too few."""

    n_features: int
    """n; the extra feature is the last."""
    solutions: tuple[Solution, ...]
    """Those that the paper compares."""

    @property
    def d_hidden(self) -> int:
        """m."""
        return self.n_features - 1

    @property
    def phases(self) -> tuple[str, ...]:
        """The names of the solutions."""
        return tuple(solution.phase for solution in self.solutions)


TWO_IN_ONE = World(
    n_features=2,
    solutions=(
        Solution(IGNORED, dropped=(1,)),
        Solution(SHARED, paired=(0, 1)),
        Solution(DEDICATED, dropped=(0,)),
    ),
)
"""W = [1, 0], [1, -1] and [0, 1]."""
THREE_IN_TWO = World(
    n_features=3,
    solutions=(
        Solution(IGNORED, dropped=(2,)),
        Solution(SHARED, paired=(1, 2)),
        Solution(ANOTHER_DROPPED, dropped=(0,)),
        Solution(OTHERS_SHARE, paired=(0, 1)),
    ),
)
"""W orthogonal to [0, 0, 1], [0, 1, 1], [1, 0, 0] and [1, 1, 0]."""


class Boundaries(NamedTuple):
    """The densities below which two features share a dimension."""

    ignored: Value
    """Below it, the extra feature is stored with another one instead of being ignored."""
    dedicated: Value
    """Below it, a pair is formed instead of dropping a feature other than the extra one."""


class PhasePoint(NamedTuple):
    """A point of the phase diagram."""

    relative_importance: float
    """Importance of the extra feature, that of the others being 1."""
    feature_probability: float
    """Density p = 1 - S."""


def losses(world: World, p: Value, r: Value, *, bias: bool) -> Float[np.ndarray, "phase *grid"]:
    """The expected loss of each solution of `world` at density `p` and relative importance `r`.

    A pair costs the sum of its importances times p^2/6, a dropped feature its importance times p/3
    without bias and times p/3 - p^2/4 with the best one, p/2.
    """
    p, r = np.broadcast_arrays(np.asarray(p, float), np.asarray(r, float))
    extra = world.n_features - 1
    ignored = variance(p) if bias else p / 3

    def cost(features: Sequence[int]) -> Value:
        return sum((r if feature == extra else np.ones_like(r) for feature in features), 0.0 * r)

    return np.stack(
        [cost(one.dropped) * ignored + cost(one.paired) * p**2 / 6 for one in world.solutions]
    )


def boundaries(world: World, r: Value, *, bias: bool) -> Boundaries:
    """The borders at relative importance `r`, from equating two `losses`.

    Two features: 4r/(2 + 5r) and 4/(5 + 2r), without bias 2r/(1 + r) and 2/(1 + r). Three features:
    the first is the same, the second does not depend on r and is 4/7, without bias 1.
    """
    rival = np.ones_like(r, dtype=float) if world.n_features == 3 else r
    if bias:
        return Boundaries(4 * r / (2 + 5 * r), 4 / (5 + 2 * rival))
    return Boundaries(2 * r / (1 + r), 2 / (1 + rival))


def triple_point(*, bias: bool) -> PhasePoint:
    """Where the phases meet: equal importance, density 4/7, or 1 without bias."""
    return PhasePoint(1.0, 4 / 7 if bias else 1.0)


def phase_diagram(
    world: World,
    ps: Float[np.ndarray, " density"],
    rs: Float[np.ndarray, " importance"],
    *,
    bias: bool,
) -> pd.DataFrame:
    """One row for each point of the grid: its losses, the lowest of them, and whose it is.

    Columns: feature_probability, relative_importance, loss, phase, and the loss of every phase.
    """
    p, r = (axis.ravel() for axis in np.meshgrid(ps, rs, indexing="ij"))
    each = losses(world, p, r, bias=bias)
    columns = {
        "feature_probability": p,
        "relative_importance": r,
        "loss": each.min(axis=0),
        "phase": np.array(world.phases, dtype=object)[each.argmin(axis=0)],
    }
    return pd.DataFrame(columns | dict(zip(world.phases, each, strict=True)))


def border_lines(
    world: World, rs: Float[np.ndarray, " importance"], *, sparsest: float, bias: bool
) -> pd.DataFrame:
    """The borders between phases as lines: line, feature_probability, relative_importance.

    `rs` are in increasing order; the line of equal importance reaches down to the density
    `sparsest` if phases meet there in every density.
    """
    meeting = triple_point(bias=bias)
    low, high = rs[rs < 1], rs[rs > 1]
    below = boundaries(world, low, bias=bias).ignored
    above = boundaries(world, high, bias=bias).dedicated
    end = sparsest if world.n_features == 3 else meeting.feature_probability
    lines = {
        "extra feature ignored or paired": (np.append(below, meeting.feature_probability), low, 1),
        "pair or dedicated": (
            np.append(np.flip(np.atleast_1d(above)), meeting.feature_probability),
            high[::-1],
            1,
        ),
        "equal importance": (np.array([1.0, end]), np.array([1.0]), 1),
    }
    frames = [
        pd.DataFrame({"line": name, "feature_probability": p, "relative_importance": [*r, last]})
        for name, (p, r, last) in lines.items()
    ]
    return pd.concat(frames, ignore_index=True)


def ideal_weights(world: World) -> Float[Tensor, "phase feature d_hidden"]:
    """W of each solution: a dimension for every feature that is not dropped, one for a pair."""
    W = torch.zeros(len(world.solutions), world.n_features, world.d_hidden)
    for index, solution in enumerate(world.solutions):
        single = {*range(world.n_features)} - {*solution.dropped, *solution.paired}
        for dimension, feature in enumerate(sorted(single)):
            W[index, feature, dimension] = 1.0
        for sign, feature in zip((1.0, -1.0), solution.paired, strict=False):
            W[index, feature, -1] = sign
    return W


@torch.no_grad()
def monte_carlo(
    world: World, p: float, r: float, *, n_samples: int, generator: Generator
) -> pd.DataFrame:
    """The `losses` measured on samples, all solutions on the same ones.

    Columns: bias, phase, loss, standard_error, theory.
    """
    n = len(world.solutions)
    W = ideal_weights(world).repeat(2, 1, 1)
    dropped = (W == 0).all(dim=-1)
    has_bias = torch.arange(2 * n) >= n
    b = torch.where(dropped & has_bias[:, None], p / 2, 0.0)
    importance = torch.ones(world.n_features)
    importance[-1] = r
    mean, error = sampled_loss(ToyModel(W, b, output="relu"), importance, p, n_samples, generator)
    theory = [losses(world, p, r, bias=bias) for bias in (False, True)]
    columns = {
        "bias": has_bias.numpy(),
        "phase": world.phases * 2,
        "loss": mean.numpy(),
        "standard_error": error.numpy(),
        "theory": np.concatenate(theory),
    }
    return pd.DataFrame(columns)
