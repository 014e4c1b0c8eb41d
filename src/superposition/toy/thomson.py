"""Directions that keep out of each other's way: the paper's generalised Thomson problem.

With directions of length 1 and no bias, what is left of the loss with one feature present is the
interference sum_{i != j} ReLU(W_i . W_j)^2: points on a sphere that repel each other, but only
nearer than a right angle. Source: Toy Models of Superposition, Mathematical Understanding.
"""

from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.optim import Adam

from superposition.toy.geometry import interference
from superposition.toy.theory import polytopes

LR = 0.05
"""Of Adam, falling to 0 along a half cosine: enough for every start to settle within its basin."""
SHOWN = 12
"""Starts of each shape whose products are kept, those with the lowest energy."""


class Shape(NamedTuple):
    """So many points on a sphere, and the polytope that the paper names for them."""

    n_points: int
    d_hidden: int
    polytope: str


SHAPES = (
    Shape(2, 1, "digon"),
    Shape(3, 2, "triangle"),
    Shape(5, 2, "pentagon"),
    Shape(4, 3, "tetrahedron"),
    Shape(8, 3, "square antiprism"),
)


def energy(W: Float[Tensor, "*start point d_hidden"]) -> Float[Tensor, "*start"]:
    """The interference of directions of length 1."""
    return interference(W).relu().square().sum(dim=(-2, -1))


def minimise(
    shape: Shape, *, n_starts: int, n_steps: int, seed: int
) -> Float[Tensor, "start point d_hidden"]:
    """Directions of length 1 where the energy is lowest, from random starts, best first."""
    generator = Generator().manual_seed(seed)
    size = (n_starts, shape.n_points, shape.d_hidden)
    free = torch.randn(size, generator=generator, dtype=torch.float64).requires_grad_()
    optimiser = Adam([free], lr=LR)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, n_steps)
    for _ in range(n_steps):
        optimiser.zero_grad()
        energy(torch.nn.functional.normalize(free, dim=-1)).sum().backward()
        optimiser.step()
        schedule.step()
    found = torch.nn.functional.normalize(free.detach(), dim=-1)
    return found[energy(found).argsort(stable=True)]


def products(W: Float[Tensor, "*start point d_hidden"]) -> Float[Tensor, "*start pair"]:
    """The products W_i . W_j of all pairs, sorted: the same for any rotation and numbering."""
    first, second = torch.triu_indices(W.shape[-2], W.shape[-2], offset=1)
    return (W @ W.mT)[..., first, second].sort(dim=-1).values


def ideal(shape: Shape) -> Float[Tensor, "point d_hidden"]:
    """The polytope that the paper names."""
    return polytopes()[shape.polytope].vertices


def starts_table(shape: Shape, found: Float[Tensor, "start point d_hidden"]) -> pd.DataFrame:
    """Every start, best first: polytope, start, energy, ideal_energy, distance.

    `distance` is the largest difference of the sorted products from those of the polytope.
    """
    columns = {
        "polytope": shape.polytope,
        "start": range(len(found)),
        "energy": energy(found).numpy(),
        "ideal_energy": float(energy(ideal(shape))),
        "distance": (products(found) - products(ideal(shape))).abs().amax(dim=-1).numpy(),
    }
    return pd.DataFrame(columns)


def products_table(shape: Shape, found: Float[Tensor, "start point d_hidden"]) -> pd.DataFrame:
    """The sorted products of the polytope (start -1) and of the best starts.

    Columns: polytope, start, rank, product.
    """
    sets = torch.cat([products(ideal(shape))[None], products(found[:SHOWN])])
    start, rank = torch.meshgrid(
        torch.arange(len(sets)) - 1, torch.arange(sets.shape[1]), indexing="ij"
    )
    columns = {
        "polytope": shape.polytope,
        "start": start.flatten().numpy(),
        "rank": rank.flatten().numpy(),
        "product": sets.flatten().numpy(),
    }
    return pd.DataFrame(columns)
