"""Compressed sensing: what a decoder that is not a neural network reads from the hidden layer.

A toy model writes x into h = W x with fewer numbers. Its own decoder is one matrix and a ReLU.
Orthogonal matching pursuit takes more work: it looks for the smallest set of features that explains
h, one feature after another. Source: Tropp and Gilbert, "Signal Recovery From Random Measurements
Via Orthogonal Matching Pursuit".
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.toy import geometry
from superposition.toy.data import sample_features
from superposition.toy.robustness import Models, over_densities

EXPLAINED = 1e-4
"""Length of the rest, relative to h, below which h counts as explained."""
RIDGE = 1e-9
"""Relative weight that keeps two parallel directions from making the equations singular."""


@dataclass(frozen=True, kw_only=True)
class SparseRecoveryConfig:
    """Sparse recovery from the hidden layers of one row of toy models."""

    models: str
    """Row of the section toy: tied models with a ReLU, all features equally important."""
    n_samples: int
    """Inputs, the same ones for all models of a density."""
    max_active: int
    """Features that matching pursuit uses for one input at most."""
    seed: int
    """Of the inputs."""

    def __post_init__(self) -> None:
        if self.n_samples < 2:
            raise ValueError(f"n_samples={self.n_samples}; allowed: 2 and more, for an error")
        if self.max_active < 1:
            raise ValueError(f"max_active={self.max_active}; allowed: 1 and more")


def matching_pursuit(
    W: Float[Tensor, "feature d_hidden"],
    h: Float[Tensor, "batch d_hidden"],
    *,
    max_active: int,
) -> Float[Tensor, "batch feature"]:
    """A sparse x with W x = h as nearly as at most `max_active` features allow.

    In each round the feature whose direction fits the rest best joins, and all that have joined are
    fitted anew by least squares. In the end values are cut off at 0 and 1, as features are.
    """
    directions = geometry.directions(W).double()
    target = h.double()
    rest, x = target, target.new_zeros(len(h), len(W))
    chosen = torch.zeros(len(h), 0, dtype=torch.int64, device=h.device)
    open_ = rest.norm(dim=1) > 0
    for _ in range(min(max_active, *W.shape)):
        fit = rest @ directions.mT
        fit.scatter_(1, chosen, -torch.inf)
        chosen = torch.cat([chosen, fit.argmax(1, keepdim=True)], dim=1)
        values = _least_squares(directions[chosen], target)
        found = torch.zeros_like(x).scatter(1, chosen, values)
        x = torch.where(open_[:, None], found, x)
        rest = target - x @ directions
        open_ = rest.norm(dim=1) > EXPLAINED * target.norm(dim=1)
        if not open_.any():
            break
    length = W.double().norm(dim=1)
    return torch.where(length > 0, x / length, 0).clamp(0, 1).to(h)


def recover_all(
    config: SparseRecoveryConfig, models: Models, *, device: torch.device
) -> pd.DataFrame:
    """The table sparse_recovery/instances: both decoders on every model that did not diverge."""

    def recover(p: float, rows: pd.DataFrame) -> pd.DataFrame:
        return recover_density(config, models, p, rows, device=device)

    return over_densities(models.instances, recover, device=device)


def recover_density(
    config: SparseRecoveryConfig,
    models: Models,
    probability: float,
    rows: pd.DataFrame,
    *,
    device: torch.device,
) -> pd.DataFrame:
    """Both decoders on the models of one density, which share the inputs."""
    x = sample_features(
        config.n_samples,
        torch.tensor([probability], device=device),
        n_features=models.W.shape[1],
        generator=Generator(device).manual_seed(config.seed),
    )[:, 0]
    parts = []
    for instance, n_represented in zip(rows["instance"], rows["n_represented"], strict=True):
        W, b = models.W[instance].to(device), models.b[instance].to(device)
        bound = lower_bound(float(n_represented), probability=probability)
        found = {"instance": instance, "d_hidden": W.shape[1], "bound": bound}
        parts.append(found | compare(W, b, x, max_active=config.max_active))
    keys = rows.loc[:, ["instance", "seed", "feature_probability", "n_represented"]]
    return keys.merge(pd.DataFrame(parts), on="instance")


def compare(
    W: Float[Tensor, "feature d_hidden"],
    b: Float[Tensor, " feature"],
    x: Float[Tensor, "batch feature"],
    *,
    max_active: int,
) -> dict[str, float]:
    """The mean squared errors of the model's decoder and of matching pursuit, on the same h."""
    h = x @ W
    own = ((h @ W.mT + b).relu() - x).square().mean(1)
    sparse = (matching_pursuit(W, h, max_active=max_active) - x).square().mean(1)
    gain = (own - sparse).double().cpu().numpy()
    return {
        "loss": float(own.mean()),
        "recovery_loss": float(sparse.mean()),
        "gain": float(gain.mean()),
        "gain_error": float(gain.std(ddof=1) / np.sqrt(len(gain))),
        "recovered_share": float((sparse < 1e-6).float().mean()),
    }


def lower_bound(n_features: float, *, probability: float) -> float:
    """-n p log p, the number of dimensions that n features of density p need, up to a constant.

    Source: Toy Models of Superposition, appendix on compressed sensing, Theorem 2: m must be at
    least some constant times -n (1 - S) log(1 - S). The constant is not stated.
    """
    return float(n_features * probability * -np.log(probability))


def summary(table: pd.DataFrame) -> dict[str, int | float]:
    """The numbers of sparse_recovery/metrics.json."""
    return {
        "n_instances": len(table),
        "mean_loss": float(table["loss"].to_numpy().mean()),
        "mean_recovery_loss": float(table["recovery_loss"].to_numpy().mean()),
    }


def _least_squares(
    directions: Float[Tensor, "batch chosen d_hidden"], target: Float[Tensor, "batch d_hidden"]
) -> Float[Tensor, "batch chosen"]:
    """The combination of each sample's directions that comes nearest to its target."""
    gram = directions @ directions.mT
    gram.diagonal(dim1=1, dim2=2).add_(RIDGE)
    wanted = directions @ target[:, :, None]
    return torch.linalg.solve(gram, wanted)[:, :, 0]
