"""The toy world: features that are 0 with probability S = 1 - p, and otherwise between 0 and 1.

Training draws one uniform number per feature and sample, and shares it among all densities and
seeds: at density p a feature is active where its number u is below p, with the value 1 - u/p.
Samples without any active feature, most of them at low density, are counted instead of stored.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

WORTH_LEAVING_OUT = 0.05
"""Share of empty samples below which finding and leaving them out costs more than it saves."""


class Batch(NamedTuple):
    """One batch of samples at one density; samples without active features may be only counted."""

    x: Float[Tensor, "feature_and_one active"]
    """The samples, as columns; the last row is all ones, for the bias."""
    n_empty: int
    """Further samples of the batch, in which every feature is absent."""


class Batches(NamedTuple):
    """Consecutive batches of samples at one density."""

    x: Float[Tensor, "feature_and_one active"]
    """The samples, batch after batch, above a row of ones; most or all empty ones left out."""
    starts: list[int]
    """The first column of every batch, and then the number of columns."""
    batch_size: int
    """Samples in every batch, empty ones included."""

    def batch(self, index: int) -> Batch:
        """The batch at `index`."""
        start, end = self.starts[index], self.starts[index + 1]
        return Batch(self.x[:, start:end], self.batch_size - (end - start))


def sample_features(
    n_samples: int,
    probability: Float[Tensor, " instance"],
    *,
    n_features: int,
    generator: Generator,
) -> Float[Tensor, "batch instance feature"]:
    """Independent samples for every instance: x_i = 0 with probability 1 - p, else uniform.

    The plain way, with two random numbers a value, on the device of `probability`.
    Source: Toy Models of Superposition, Experiment Setup.
    """
    shape = (n_samples, len(probability), n_features)
    options = {"generator": generator, "device": probability.device, "dtype": probability.dtype}
    values = torch.rand(shape, **options)
    active = torch.rand(shape, **options) < probability[:, None]
    return values * active


class Uniforms(NamedTuple):
    """Uniform numbers from which the samples of every density are made."""

    u: Float[Tensor, "feature sample"]
    """One number in [0, 1) for each feature of each sample."""
    smallest: Float[Tensor, " sample"]
    """The smallest number of each sample: below p, the sample is not empty at density p."""


def draw_uniforms(
    n_samples: int, n_features: int, *, generator: Generator, dtype: torch.dtype = torch.float32
) -> Uniforms:
    """Uniform numbers for `n_samples` samples, on the generator's device."""
    shape = (n_features, n_samples)
    u = torch.rand(shape, generator=generator, device=generator.device, dtype=dtype)
    return Uniforms(u, u.amin(0))


def independent_batches(uniforms: Uniforms, probability: float, *, batch_size: int) -> Batches:
    """Batches in which every feature is active with `probability`, independently.

    x = max(0, 1 - u/p) is 0 with probability 1 - p, and otherwise uniform as u/p given u < p is.
    Differs from `sample_features`: densities made from the same `uniforms` are coupled, because
    random numbers are the costliest part of small models and the coupling favours no density.
    Values come in steps of 2^-24 / p (float32), 6e-5 at p = 0.001.
    """
    u, smallest = uniforms
    n_features, n_samples = u.shape
    if (1 - probability) ** n_features < WORTH_LEAVING_OUT:
        starts = list(range(0, n_samples + 1, batch_size))
    else:
        active = (smallest < probability).nonzero().squeeze(1)
        starts = _starts(active, n_samples, batch_size)
        u = u.index_select(1, active)
    x = u.new_empty(n_features + 1, u.shape[1])
    torch.sub(u.new_ones(()), u, alpha=1 / probability, out=x[:-1])
    x[:-1].clamp_(min=0)
    x[-1] = 1
    return Batches(x, starts, batch_size)


def pack(x: Float[Tensor, "feature sample"], *, batch_size: int) -> Batches:
    """The same samples with the empty ones only counted, for any distribution of features."""
    active = (x != 0).any(0).nonzero().squeeze(1)
    packed = _with_ones(x.index_select(1, active))
    return Batches(packed, _starts(active, x.shape[1], batch_size), batch_size)


def count_empty(batches: Sequence[Batches]) -> Int[Tensor, "batch density"]:
    """The number of empty samples in every batch of every density, on the CPU."""
    starts = torch.tensor([each.starts for each in batches]).T
    sizes = torch.tensor([each.batch_size for each in batches])
    return sizes - starts.diff(dim=0)


def _with_ones(x: Tensor) -> Tensor:
    return torch.cat([x, x.new_ones(1, x.shape[1])])


def _starts(active: Tensor, n_samples: int, batch_size: int) -> list[int]:
    if n_samples % batch_size:
        raise ValueError(f"n_samples={n_samples} is not a multiple of batch_size={batch_size}")
    firsts = torch.arange(0, n_samples + 1, batch_size, device=active.device)
    return torch.searchsorted(active, firsts).tolist()
