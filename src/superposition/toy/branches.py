"""Two arrangements of five features in the plane, followed while one feature becomes sparser.

The loss of each arrangement changes smoothly with the density of the first feature; where the two
curves cross, the best arrangement changes at once. Training finds either arrangement by chance and
not quite exactly, so both are polished here on the expected loss, from trained weights.
Source: Toy Models of Superposition, Perturbing a Single Feature.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from superposition.toy import expected_loss, geometry
from superposition.toy.expected_loss import Points

PENTAGON, DIGONS, OTHER = "pentagon", "digons", "other"
BRANCHES = (PENTAGON, DIGONS)
"""All five features, more or less as a pentagon; all but the first, as two digons."""
IDEAL = -1
"""The seed of a start that was not trained: the ideal shape."""
BETTER = 4
"""How many times as many points evaluate the loss as polish it."""


@dataclass(frozen=True, kw_only=True)
class PerturbationConfig:
    """How exactly the two arrangements are compared."""

    models: str
    """Row of `toy` whose trained models are the starting points."""
    relative_densities: tuple[float, ...]
    """Density of the first feature relative to the others, finest around the crossing."""
    n_starts: int
    """Trained models polished for each arrangement and relative density."""
    n_steps: int
    """Steps of L-BFGS at most."""
    n_points: int
    """Points in each set of active features while polishing; a power of two."""
    n_repeats: int
    """Independent sets of `BETTER` times as many points, on which the result is evaluated."""
    seed: int
    """Of the points."""

    def __post_init__(self) -> None:
        for name in ("n_starts", "n_steps", "n_points"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}; allowed: 1 and more")
        if self.n_repeats < 2:
            raise ValueError(f"n_repeats={self.n_repeats}; allowed: 2 and more")
        if len(self.relative_densities) < 2 or min(self.relative_densities) <= 0:
            raise ValueError(
                f"relative_densities={self.relative_densities}; allowed: two and more, above 0"
            )


class Trained(NamedTuple):
    """Trained models of five equally important features in the plane."""

    instances: pd.DataFrame
    """Their conditions: columns seed, feature_probability, relative_density, loss."""
    W: Float[Tensor, "instance feature 2"]
    b: Float[Tensor, "instance feature"]


class Polished(NamedTuple):
    """A model at a minimum of the expected loss."""

    W: Float[Tensor, "feature 2"]
    b: Float[Tensor, " feature"]


class Start(NamedTuple):
    """From where a branch is followed."""

    branch: str
    seed: int
    """Random start of the trained model, or `IDEAL`."""
    relative_density: float
    """At which it was trained."""
    model: Polished


def branch_of(W: Float[Tensor, "feature 2"]) -> str:
    """`PENTAGON` if all features are represented, `DIGONS` if all but the first are, as digons.

    >>> branch_of(torch.tensor([[0.0, 0], [1, 0], [0, 1], [-1, 0], [0, -1]]))
    'digons'
    """
    represented = (geometry.norms(W) > geometry.REPRESENTED).tolist()
    if all(represented):
        return PENTAGON
    others = W[1:]
    if not represented[0] and geometry.arrangement(others[None]) == ["digons"]:
        return DIGONS
    return OTHER


def polish(
    start: Polished, at: Points, *, densities: Float[Tensor, " feature"], n_steps: int
) -> Polished:
    """The minimum of the expected loss next to `start`, by L-BFGS with a line search."""
    W, b = (tensor.double().clone().requires_grad_() for tensor in start)
    importance = torch.ones(len(b), dtype=torch.float64)
    optimizer = torch.optim.LBFGS(
        [W, b],
        max_iter=n_steps,
        tolerance_grad=1e-9,
        tolerance_change=1e-13,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = expected_loss.expected_loss(W, b, at, densities=densities, importance=importance)
        loss.backward()
        return loss

    optimizer.step(closure)
    return Polished(W.detach(), b.detach())


def follow(trained: Trained, config: PerturbationConfig) -> pd.DataFrame:
    """The table perturbation/branches: both arrangements at every relative density.

    For each, `n_starts` trained models are polished: of those that show it, the ones trained at the
    nearest relative density, lowest loss first. So is the ideal shape: training can leave the
    dropped feature with a negative bias, from where the ReLU passes no gradient and its best guess,
    half its density, is never found. What leaves its arrangement is not in the table.
    """
    p = float(trained.instances["feature_probability"].to_numpy()[0])
    shown = trained.instances.assign(branch=[branch_of(W) for W in trained.W])
    at = expected_loss.points(trained.W.shape[1], config.n_points, seed=config.seed)
    rows = []
    for relative in config.relative_densities:
        densities = torch.full((trained.W.shape[1],), p, dtype=torch.float64)
        densities[0] *= relative
        starts = [
            one for name in BRANCHES for one in _starts(trained, shown, name, relative, config)
        ]
        polished = [
            polish(one.model, at, densities=densities, n_steps=config.n_steps) for one in starts
        ]
        rows += _rows(polished, starts, densities, relative, config)
    return pd.DataFrame(rows)


def _starts(
    trained: Trained,
    shown: pd.DataFrame,
    branch: str,
    relative: float,
    config: PerturbationConfig,
) -> list[Start]:
    """The models from which a branch is followed: trained ones, best first, and the ideal one."""
    found = shown.reset_index(drop=True).loc[shown["branch"].to_numpy() == branch]
    distance = np.abs(np.log(found["relative_density"] / relative)).round(6)
    ordered = found.assign(distance=distance).sort_values(["distance", "loss"], kind="stable")
    chosen = ordered.index[: config.n_starts].tolist()
    seeds, at = shown["seed"].to_numpy(int), shown["relative_density"].to_numpy(float)
    models = [
        Start(branch, int(seeds[i]), float(at[i]), Polished(trained.W[i], trained.b[i]))
        for i in chosen
    ]
    p = float(shown["feature_probability"].to_numpy()[0])
    return [*models, Start(branch, IDEAL, relative, _ideal(branch, p * relative))]


def _ideal(branch: str, density: float) -> Polished:
    """Directions of length 1 and no bias; a dropped first feature is guessed as its mean."""
    n = 5 if branch == PENTAGON else 4
    angles = torch.arange(n) * (2 * torch.pi / n)
    W = torch.zeros(5, 2)
    W[5 - n :] = torch.stack([angles.cos(), angles.sin()], dim=1)
    b = torch.zeros(5)
    b[0] = 0.0 if branch == PENTAGON else density / 2
    return Polished(W, b)


def _rows(
    polished: list[Polished],
    starts: list[Start],
    densities: Float[Tensor, " feature"],
    relative: float,
    config: PerturbationConfig,
) -> list[dict[str, float | int | str]]:
    evaluated = expected_loss.estimate(
        torch.stack([one.W for one in polished]),
        torch.stack([one.b for one in polished]),
        densities=densities,
        importance=torch.ones_like(densities),
        n_points=BETTER * config.n_points,
        n_repeats=config.n_repeats,
        seed=config.seed + 1,
    )
    return [
        {
            "relative_density": relative,
            "branch": start.branch,
            "seed": start.seed,
            "start_density": start.relative_density,
            "loss": float(loss),
            "standard_error": float(error),
        }
        for one, start, loss, error in zip(polished, starts, *evaluated, strict=True)
        if branch_of(one.W) == start.branch
    ]
