"""The loss of given toy models on plain samples: what every closed form has to agree with."""

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.toy.data import sample_features
from superposition.toy.models import ToyModel

CHUNK = 250_000
"""Samples held in memory at once."""


@torch.no_grad()
def sampled_loss(
    model: ToyModel,
    importance: Float[Tensor, " feature"],
    p: float,
    n_samples: int,
    generator: Generator,
) -> tuple[Float[Tensor, " instance"], Float[Tensor, " instance"]]:
    """Each instance's loss over plain samples, a sum over features, and its standard error."""
    probability, n_features = torch.tensor([p]), model.b.shape[1]
    total = torch.zeros(2, model.n_instances, dtype=torch.float64)
    for first in range(0, n_samples, CHUNK):
        n = min(CHUNK, n_samples - first)
        x = sample_features(n, probability, n_features=n_features, generator=generator)
        x = x.expand(-1, model.n_instances, -1)
        each = ((x - model(x)) ** 2 @ importance).double()
        total += torch.stack([each.sum(0), each.square().sum(0)])
    mean, mean_square = total / n_samples
    return mean, ((mean_square - mean**2) / n_samples).sqrt()
