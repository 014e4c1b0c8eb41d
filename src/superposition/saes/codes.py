"""What an encoder gives: the activations of a batch, densely, or of active latents alone.

Dense codes are plain tensors and plain autograd, for any device and with an instance axis: the
reference. Sparse codes hold active latents only; so do their gradients, which are exact: a latent
that is not active has gradient zero in the dense step too. Both answer the same questions.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Pattern:
    """Which latents are active on which inputs, as index pairs ordered by input."""

    inputs: Int[Tensor, " active"]
    """Row of each active latent in the batch."""
    latents: Int[Tensor, " active"]
    """Index of each active latent in the dictionary."""
    n_inputs: int
    """Rows of the batch."""
    d_sae: int
    """Latents in the dictionary."""

    @cached_property
    def input_ends(self) -> Int[Tensor, " batch_and_one"]:
        """Where each input's latents begin, and at last the number of pairs."""
        return _ends(self.inputs, self.n_inputs)

    @cached_property
    def by_latent(self) -> Int[Tensor, " active"]:
        """The order of the pairs by latent, and by input within a latent."""
        return self.latents.argsort(stable=True)

    @cached_property
    def latent_ends(self) -> Int[Tensor, " d_sae_and_one"]:
        """Where each latent's inputs begin in that order, and at last the number of pairs."""
        return _ends(self.latents, self.d_sae)


@dataclass(frozen=True)
class DenseCodes:
    """Activations with every zero stored; gradients by autograd."""

    acts: Float[Tensor, "*instance batch d_sae"]

    @property
    def values(self) -> Float[Tensor, "*instance batch d_sae"]:
        """The stored activations: all of them."""
        return self.acts

    def spread(
        self, each: Float[Tensor, "*instance d_sae"]
    ) -> Float[Tensor, "*instance one d_sae"]:
        """A number per latent, shaped so that it meets the latent's values."""
        return each.unsqueeze(-2)

    def with_values(self, values: Float[Tensor, "*instance batch d_sae"]) -> "DenseCodes":
        """Codes with `values` in place of these."""
        return DenseCodes(values)

    def within(self, start: int, stop: int) -> "DenseCodes":
        """The codes of a dictionary of latents `start` to `stop` alone."""
        return DenseCodes(self.acts[..., start:stop])

    def positive(self) -> "DenseCodes":
        """The same codes: zeros are stored anyway."""
        return self

    def dense(self) -> Float[Tensor, "*instance batch d_sae"]:
        """The activations themselves."""
        return self.acts

    def decode(
        self, W_dec: Float[Tensor, "*instance d_sae d_in"]
    ) -> Float[Tensor, "*instance batch d_in"]:
        """acts W_dec."""
        return (self.acts @ W_dec.to(self.acts.dtype)).to(W_dec.dtype)

    def sums(self) -> Float[Tensor, "*instance batch"]:
        """The sum of activations on each input."""
        return self.acts.sum(-1)

    def l0(self) -> Float[Tensor, "*instance"]:
        """Active latents per input, mean over the batch."""
        return (self.acts.detach() > 0).sum(-1).float().mean(-1)

    def fired(self) -> Bool[Tensor, "*instance d_sae"]:
        """The latents active on any input of the batch."""
        return self.acts.detach().sum(-2) > 0

    def smallest(self) -> Float[Tensor, "*instance"]:
        """The smallest positive activation, infinite where there is none."""
        acts = self.acts.detach()
        return acts.masked_fill(acts <= 0, torch.inf).amin((-1, -2))


@dataclass(frozen=True)
class SparseCodes:
    """Activations of active latents only, on the CPU and without an instance axis."""

    values: Float[Tensor, " active"]
    pattern: Pattern

    def spread(self, each: Float[Tensor, " d_sae"]) -> Float[Tensor, " active"]:
        """A number per latent, at each of the latent's values."""
        return each.index_select(0, self.pattern.latents)

    def with_values(self, values: Float[Tensor, " active"]) -> "SparseCodes":
        """Codes with `values` in place of these, at the same places."""
        return SparseCodes(values, self.pattern)

    def within(self, start: int, stop: int) -> "SparseCodes":
        """The codes of a dictionary of latents `start` to `stop` alone."""
        latents = self.pattern.latents
        return self._at((latents >= start) & (latents < stop), start, stop - start)

    def positive(self) -> "SparseCodes":
        """The codes without stored values of zero or below."""
        return self._at(self.values.detach() > 0, 0, self.pattern.d_sae)

    def dense(self) -> Float[Tensor, "batch d_sae"]:
        """The same activations with every zero stored."""
        acts = self.values.new_zeros(self.pattern.n_inputs, self.pattern.d_sae)
        return acts.index_put((self.pattern.inputs, self.pattern.latents), self.values)

    def decode(self, W_dec: Float[Tensor, "d_sae d_in"]) -> Float[Tensor, "batch d_in"]:
        """acts W_dec."""
        return _Decode.apply(self.values, W_dec, self.pattern)  # type: ignore[no-any-return]

    def sums(self) -> Float[Tensor, " batch"]:
        """The sum of activations on each input."""
        empty = self.values.new_zeros(self.pattern.n_inputs)
        return empty.index_add(0, self.pattern.inputs, self.values)

    def l0(self) -> Float[Tensor, ""]:
        """Active latents per input, mean over the batch."""
        return torch.tensor(len(self.values) / self.pattern.n_inputs)

    def fired(self) -> Bool[Tensor, " d_sae"]:
        """The latents active on any input of the batch."""
        return self.pattern.latent_ends.diff() > 0

    def smallest(self) -> Float[Tensor, ""]:
        """The smallest positive activation, infinite where there is none."""
        values = self.values.detach()
        return values.amin() if len(values) else values.new_tensor(torch.inf)

    def _at(self, kept: Bool[Tensor, " active"], first: int, d_sae: int) -> "SparseCodes":
        where = kept.nonzero().squeeze(1)
        inputs, latents = self.pattern.inputs[where], self.pattern.latents[where] - first
        pattern = Pattern(inputs, latents, self.pattern.n_inputs, d_sae)
        return SparseCodes(self.values[where], pattern)


Codes = DenseCodes | SparseCodes
"""Activations, however they are stored."""


def transposed_times(
    pattern: Pattern, values: Float[Tensor, " active"], table: Float[Tensor, "batch d_in"]
) -> Float[Tensor, "d_sae d_in"]:
    """A^T table, for the batch x d_sae matrix A with `values` at `pattern`: a row per latent."""
    order = pattern.by_latent
    return _weighted_rows(table, pattern.inputs[order], pattern.latent_ends, values[order])


def _ends(sorted_or_not: Tensor, n: int) -> Tensor:
    counts = torch.bincount(sorted_or_not, minlength=n)
    return F.pad(counts.cumsum(0), (1, 0))


def _weighted_rows(table: Tensor, rows: Tensor, ends: Tensor, weights: Tensor) -> Tensor:
    """Sum of `table[rows] * weights` over each stretch between `ends`: a sparse times a dense."""
    return F.embedding_bag(
        rows, table, ends, mode="sum", per_sample_weights=weights, include_last_offset=True
    )


class _Decode(torch.autograd.Function):
    """Sparse activations times W_dec; gradients of both at active latents only."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, W_dec: Tensor, pattern: Pattern) -> Tensor:
        ctx.save_for_backward(values, W_dec)
        ctx.pattern = pattern
        return _weighted_rows(W_dec, pattern.latents, pattern.input_ends, values)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        values, W_dec = ctx.saved_tensors
        pattern: Pattern = ctx.pattern
        # The dot products grad[input] . W_dec[latent], which embedding_bag's own backward takes.
        grad_values = torch.ops.aten._embedding_bag_per_sample_weights_backward(
            grad.contiguous(), W_dec, pattern.latents, pattern.input_ends, pattern.inputs, 0
        )
        is_frozen = not ctx.needs_input_grad[1]
        grad_W_dec = None if is_frozen else transposed_times(pattern, values, grad.contiguous())
        return grad_values, grad_W_dec, None
