"""What every contender trains on: the same inputs and, for the timing, the same first weights.

Only torch is needed: the peers' interpreter reads this module, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Generator, Tensor

N_FEATURES = 8192
"""Features in the world: more than any dictionary of the quality runs has latents."""
ACTIVE = 24
"""Features in each input, of random strength; each is as likely as the others."""
NOISE = 0.02
"""Standard deviation of what is added to every dimension."""
_PRIME = 2_147_483_647
"""Keeps the numbers of batches of different seeds apart."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is timed: an architecture at a size."""

    arch: str
    """A module of superposition.saes."""
    d_in: int
    """Dimensions of an input."""
    d_sae: int
    """Latents in the dictionary."""
    batch_size: int
    """Inputs in a step."""
    k: int
    """Active latents per input: k of TopK, and where the other architectures' first weights are."""
    n_steps: int
    """Steps of the schedule."""
    lr: float
    """Adam's learning rate, constant."""
    seed: int
    """Of the inputs and the first weights."""
    device: str = "cpu"
    """Where the steps are made, as torch calls it; inputs and first weights are made on the CPU."""


class FirstWeights(NamedTuple):
    """Weights to begin with, tied, with unit decoder rows."""

    W_enc: Float[Tensor, "d_in d_sae"]
    W_dec: Float[Tensor, "d_sae d_in"]
    cut: float
    """What k of d_sae pre-activations exceed, on average over inputs."""


def batches(case: Case, first: int = 0) -> Iterator[Float[Tensor, "batch d_in"]]:
    """Endless batches from number `first` on: sparse sums of fixed random directions, and noise.

    A number always gives the same batch.
    """
    directions = _unit_rows(N_FEATURES, case.d_in, Generator().manual_seed(case.seed))
    shape, number = (case.batch_size, ACTIVE), first
    while True:
        generator = Generator().manual_seed(case.seed * _PRIME + number)
        features = torch.randint(0, N_FEATURES, shape, generator=generator)
        strengths = torch.rand(shape, generator=generator)
        x = F.embedding_bag(features, directions, mode="sum", per_sample_weights=strengths)
        yield x + NOISE * torch.randn(x.shape, generator=generator)
        number += 1


def first_weights(case: Case) -> FirstWeights:
    """Random directions, and the cut that leaves k latents active on the first batch."""
    generator = Generator().manual_seed(case.seed + 1)
    W_dec = _unit_rows(case.d_sae, case.d_in, generator)
    some = next(batches(case))[:256]
    pre_acts = (some @ W_dec.mT).flatten()
    cut = pre_acts.kthvalue(len(pre_acts) - case.k * len(some)).values
    return FirstWeights(W_dec.mT.contiguous(), W_dec, float(cut))


def _unit_rows(n: int, d: int, generator: Generator) -> Float[Tensor, "n d"]:
    return F.normalize(torch.randn(n, d, generator=generator), dim=-1)
