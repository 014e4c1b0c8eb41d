"""Finite training sets: T sparse points of length 1, kept as their few active features.

Source: Superposition, Memorization, and Double Descent, Problem Setup. A point without any active
feature has no length and cannot be scaled to 1; it is drawn again (the paper does not say what it
does). With n (1 - S) = 10 active features on average, one point in 20,000 is such a point.
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor
from torch.nn import functional

DRAWN_AT_ONCE = 512
"""Points drawn together; the first points of a list do not depend on how long it gets."""


class PointSet(NamedTuple):
    """T points as lists of their active features, one list after the other."""

    start: Int[Tensor, " point"]
    """Where each point's list begins."""
    feature: Int[Tensor, " active"]
    """The active features, point by point."""
    value: Float[Tensor, " active"]
    """Their values; the squares of a point's values sum to 1."""
    n_features: int
    """Features of the world, n."""

    @property
    def n_points(self) -> int:
        """How many points there are, T."""
        return len(self.start)

    def part(self, first: int, end: int) -> "PointSet":
        """The points from `first` to before `end`."""
        entries = slice(int(self.ends()[first]), int(self.ends()[end]))
        start = self.start[first:end] - entries.start
        return PointSet(start, self.feature[entries], self.value[entries], self.n_features)

    def ends(self) -> Int[Tensor, " border"]:
        """The borders between the lists, the last end among them."""
        return torch.cat([self.start, self.start.new_tensor([len(self.value)])])

    def to(self, device: torch.device) -> "PointSet":
        """The same points on `device`."""
        lists = (self.start.to(device), self.feature.to(device), self.value.to(device))
        return PointSet(*lists, self.n_features)

    def points(self) -> Int[Tensor, " active"]:
        """To which point each entry of the lists belongs."""
        indices = torch.arange(self.n_points, device=self.start.device)
        return torch.repeat_interleave(indices, self.ends().diff())

    def dense(self) -> Float[Tensor, "point feature"]:
        """The points as rows of a matrix."""
        x = self.value.new_zeros(self.n_points, self.n_features)
        x[self.points(), self.feature] = self.value
        return x

    def hidden(self, W: Float[Tensor, "feature d_hidden"]) -> Float[Tensor, "point d_hidden"]:
        """The hidden vectors h = W x of the points."""
        return functional.embedding_bag(
            self.feature, W, self.start, mode="sum", per_sample_weights=self.value
        )


def draw_points(
    n_points: int, *, n_features: int, feature_probability: float, generator: Generator
) -> PointSet:
    """Points of length 1 whose features are active with `feature_probability`, and then uniform.

    A longer list from the same generator begins with the shorter one.
    """
    features, values, lengths = [], [], []
    missing = n_points
    while missing > 0:
        u = torch.rand(DRAWN_AT_ONCE, n_features, generator=generator) / feature_probability
        u = u[(u < 1).any(dim=1)][:missing]
        missing -= len(u)
        point, feature = (u < 1).nonzero(as_tuple=True)
        value = 1 - u[point, feature]
        squares = torch.zeros(len(u)).index_add_(0, point, value**2)
        features.append(feature)
        values.append(value / squares.sqrt()[point])
        lengths.append(torch.bincount(point, minlength=len(u)))
    count = torch.cat(lengths)
    return PointSet(
        count.cumsum(0) - count, torch.cat(features), torch.cat(values), n_features=n_features
    )


def random_stream(*entropy: int | str) -> Generator:
    """A stream of random numbers of its own for every list of numbers and words."""
    numbers = [n for one in entropy for n in (one.encode() if isinstance(one, str) else [one])]
    state = np.random.SeedSequence(numbers).generate_state(1, np.uint64)
    return Generator().manual_seed(int(state[0] >> 1))
