"""The toy world: features that are 0 with probability S = 1 - p, and otherwise between 0 and 1.

Training draws one uniform number per feature and sample, and shares it among all densities and
seeds: at density p a feature is active where its number u is below p, with the value 1 - u/p.
Samples without any active feature, most of them at low density, are counted instead of stored.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.toy.config import Source, ToyConfig

WORTH_LEAVING_OUT = 0.05
"""Share of empty samples below which finding and leaving them out costs more than it saves."""


class Batch(NamedTuple):
    """One batch of samples; those without active features are one column with a weight."""

    x: Float[Tensor, "feature_and_one column"]
    """The samples, as columns; the last column is empty, the last row all ones, for the bias."""
    n_empty: int
    """How many samples of the batch the last column stands for."""


class Batches(NamedTuple):
    """Consecutive batches of samples from one source."""

    x: Float[Tensor, "feature_and_one column"]
    """The samples, batch after batch, each ending with an empty one, above a row of ones."""
    starts: list[int]
    """The first column of every batch, and then the number of columns."""
    batch_size: int
    """Samples in every batch, empty ones included."""

    def batch(self, index: int) -> Batch:
        """The batch at `index`."""
        start, end = self.starts[index], self.starts[index + 1]
        return Batch(self.x[:, start:end], self.batch_size - (end - start - 1))


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


@dataclass(frozen=True)
class Uniforms:
    """Uniform numbers from which the samples of every source are made.

    Every batch has one column more than samples: all ones, so that no feature of it is active.
    """

    u: Float[Tensor, "feature_or_set column"]
    """Decides whether a feature or a set is active: where it is below the density."""
    values: Float[Tensor, "feature column"] | None
    """The features' values, where `u` does not give them."""
    batch_size: int
    """Samples in a batch."""

    @cached_property
    def lowest(self) -> Float[Tensor, " column"]:
        """The lowest number of every column, but for the first row's, whose density may differ."""
        return self.u[min(1, len(self.u) - 1) :].amin(0)


def draw_uniforms(
    config: ToyConfig, n_batches: int, *, generator: Generator, dtype: torch.dtype = torch.float32
) -> Uniforms:
    """Uniform numbers for `n_batches` batches of samples of `config`, on the generator's device."""
    options = {"generator": generator, "device": generator.device, "dtype": dtype}
    n_columns = n_batches * (config.batch_size + 1)
    dependent = config.dependence != "independent"
    n_sets = config.n_features // config.set_size if dependent else config.n_features
    u = torch.rand((n_sets, n_columns), **options)
    u[:, config.batch_size :: config.batch_size + 1] = 1
    values = None
    if config.dependence == "correlated":
        values = torch.rand((config.n_features, n_columns), **options)
    return Uniforms(u, values, config.batch_size)


def make_batches(uniforms: Uniforms, config: ToyConfig, source: Source) -> Batches:
    """The samples of one source. Samples without active features are left out and counted.

    Differs from `sample_features`: sources made from the same `uniforms` are coupled, because
    random numbers are the costliest part of small models and the coupling favours none.
    Values come in steps of 2^-24 / p (float32), 6e-5 at p = 0.001.
    """
    u, values, size = uniforms.u, uniforms.values, uniforms.batch_size
    reach = _reach(config, source, u)
    starts = list(range(0, u.shape[1] + 1, size + 1))
    if torch.expm1(torch.log1p(-reach.clamp(max=1 - 1e-6)).sum()) > WORTH_LEAVING_OUT - 1:
        kept = (u[0] < reach[0]) | (uniforms.lowest < reach[-1])
        kept[size :: size + 1] = True
        columns = kept.nonzero().squeeze(1)
        ends = torch.tensor(starts, device=u.device)
        starts = torch.searchsorted(columns, ends).tolist()
        u = u.index_select(1, columns)
        values = values.index_select(1, columns) if values is not None else None
    x = u.new_empty(config.n_features + 1, u.shape[1])
    _fill_(x[:-1], u, values, reach, config)
    x[-1] = 1
    return Batches(x, starts, size)


def _reach(config: ToyConfig, source: Source, like: Tensor) -> Tensor:
    """Below which number a feature, or one of a set, is active: [feature_or_set, 1]."""
    p = source.feature_probability
    reach = like.new_full((like.shape[0], 1), p)
    if config.dependence == "anticorrelated":
        reach *= config.set_size
    reach[0] *= source.relative_density
    return reach


def _fill_(x: Tensor, u: Tensor, values: Tensor | None, reach: Tensor, config: ToyConfig) -> None:
    """Write the features' values into `x`."""
    if values is not None:
        active = (u < reach).repeat_interleave(config.set_size, dim=0)
        torch.mul(values, active, out=x)
    elif config.dependence == "anticorrelated":
        for k in range(config.set_size):  # the k-th feature is active for u in [k p, (k + 1) p)
            share = u * config.set_size / reach - k
            x[k :: config.set_size] = (1 - share) * ((share >= 0) & (share < 1))
    elif config.target == "absolute":
        share = u / reach
        torch.mul(1 - 2 * share, share < 1, out=x)
    else:
        torch.addcmul(u.new_ones(()), u, -1 / reach, out=x)
        x.clamp_(min=0)
