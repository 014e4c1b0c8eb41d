"""The expected loss of toy models without sampling which features are active.

With independent features, L = sum over sets A of active features of P(A) E[loss | A], where P(A)
is a product of densities. Summed over the sets of one size, these are the terms of the paper's
binomial expansion. Within a set the active values are uniform, and a low-discrepancy sequence
averages over them: a rare coincidence of three features gets as many points as a common one.
Source: Toy Models of Superposition, Mathematical Understanding. Differs: each feature may have a
density of its own, so that sets of one size no longer are equally likely.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.quasirandom import SobolEngine

MAX_FEATURES = 12
"""There are 2^n sets of n features; beyond this, plain sampling is the better way."""


class Points(NamedTuple):
    """Where the loss is evaluated."""

    x: Float[Tensor, "set point feature"]
    """Samples in which exactly the features of a set are active."""
    active: Bool[Tensor, "set feature"]
    """Which features are active in each set: all sets there are."""


class Estimate(NamedTuple):
    """An expected loss and how well it is known."""

    loss: Float[Tensor, " instance"]
    """Mean over features, as `ToyModel.loss`."""
    standard_error: Float[Tensor, " instance"]
    """Of the mean over independent scramblings of the points."""


def points(n_features: int, n_points: int, *, seed: int) -> Points:
    """`n_points` of a scrambled Sobol sequence in every set of active features.

    A power of two is best. The first coordinate of the set {0} and of {0, 1} are the same numbers.
    """
    if not 1 <= n_features <= MAX_FEATURES:
        raise ValueError(f"n_features={n_features}; allowed: 1 to {MAX_FEATURES}")
    sets = torch.arange(2**n_features)[:, None]
    active = (sets >> torch.arange(n_features)) % 2 == 1
    engine = SobolEngine(n_features, scramble=True, seed=seed)
    values = engine.draw(n_points, dtype=torch.float64)
    return Points(values * active[:, None], active)


def set_probabilities(
    active: Bool[Tensor, "set feature"], densities: Float[Tensor, " feature"]
) -> Float[Tensor, " set"]:
    """How likely it is that exactly the features of each set are active; they sum to 1.

    >>> set_probabilities(torch.tensor([[True, False]]), torch.tensor([0.5, 0.1])).item()
    0.44999998807907104
    """
    return torch.where(active, densities, 1 - densities).prod(dim=1)


def expected_loss(
    W: Float[Tensor, "*instance feature d_hidden"],
    b: Float[Tensor, "*instance feature"],
    at: Points,
    *,
    densities: Float[Tensor, " feature"],
    importance: Float[Tensor, " feature"],
) -> Float[Tensor, "*instance"]:
    """The loss of ReLU(W^T W x + b), mean over features, averaged over `at`."""
    x = at.x.flatten(0, 1)
    pre_acts = x @ (W @ W.mT) + b[..., None, :]
    error = ((x - pre_acts.relu()) ** 2) @ (importance / len(importance))
    by_set = error.unflatten(-1, at.x.shape[:2]).mean(dim=-1)
    return by_set @ set_probabilities(at.active, densities)


@torch.no_grad()
def estimate(
    W: Float[Tensor, "instance feature d_hidden"],
    b: Float[Tensor, "instance feature"],
    *,
    densities: Float[Tensor, " feature"],
    importance: Float[Tensor, " feature"],
    n_points: int,
    n_repeats: int,
    seed: int,
) -> Estimate:
    """The expected loss of every instance over `n_repeats` scramblings of `n_points` in each set.

    All instances see the same points, so that their differences are known better than their losses.
    """
    if n_repeats < 2:
        raise ValueError(f"n_repeats={n_repeats}; allowed: 2 and more, for a standard error")
    losses = []
    for repeat in range(n_repeats):
        at = points(W.shape[1], n_points, seed=seed + repeat)
        each = [
            expected_loss(*one, at, densities=densities, importance=importance)
            for one in zip(W, b, strict=True)
        ]
        losses.append(torch.stack(each))
    stacked = torch.stack(losses)
    return Estimate(stacked.mean(dim=0), stacked.std(dim=0) / n_repeats**0.5)
