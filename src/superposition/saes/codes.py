"""What an encoder gives: the activations of a batch, densely, or of active latents alone.

Dense codes are plain tensors and plain autograd, for any device and with an instance axis: the
reference. Sparse codes hold active latents only; so do their gradients, which are exact: a latent
that is not active has gradient zero in the dense step too. Both answer the same questions.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from superposition.saes import products
from superposition.saes.places import places
from superposition.saes.products import Bags


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
    def latents_of_inputs(self) -> Bags:
        """Each input's latents, in the order of the pairs."""
        return Bags(self.latents, products.ends(self.inputs, self.n_inputs))

    @cached_property
    def by_latent(self) -> Int[Tensor, " active"]:
        """The order of the pairs by latent, and by input within a latent."""
        return self._sorted[1]

    @cached_property
    def inputs_of_latents(self) -> Bags:
        """Each latent's inputs, in the order `by_latent`."""
        ends = products.ends(self._sorted[0], self.d_sae)
        return Bags(self.inputs[self.by_latent], ends)

    @cached_property
    def _sorted(self) -> tuple[Tensor, Tensor]:
        # A GPU sorts digit by digit, so that half the bits are half the work.
        on_gpu = self.latents.device.type == "cuda"
        return (self.latents.int() if on_gpu else self.latents).sort(stable=True)


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
    """Activations of active latents only, without an instance axis; a stored one may be zero."""

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
        return (self.values.detach() > 0).sum() / self.pattern.n_inputs

    def fired(self) -> Bool[Tensor, " d_sae"]:
        """The latents active on any input of the batch."""
        is_active = (self.values.detach() > 0).to(self.values.dtype)
        return sums_of_latents(self.pattern, is_active) > 0

    def smallest(self) -> Float[Tensor, ""]:
        """The smallest positive activation, infinite where there is none."""
        values = self.values.detach()
        if len(values) == 0:
            return values.new_tensor(torch.inf)
        return values.where(values > 0, torch.inf).amin()

    def _at(self, kept: Bool[Tensor, " active"], first: int, d_sae: int) -> "SparseCodes":
        where = places(kept)
        inputs, latents = self.pattern.inputs[where], self.pattern.latents[where] - first
        pattern = Pattern(inputs, latents, self.pattern.n_inputs, d_sae)
        return SparseCodes(self.values[where], pattern)


Codes = DenseCodes | SparseCodes
"""Activations, however they are stored."""


def transposed_times(
    pattern: Pattern, values: Float[Tensor, " active"], table: Float[Tensor, "batch d_in"]
) -> Float[Tensor, "d_sae d_in"]:
    """A^T table, for the batch x d_sae matrix A with `values` at `pattern`: a row per latent."""
    return products.weighted_sums(table, pattern.inputs_of_latents, values[pattern.by_latent])


def sums_of_latents(pattern: Pattern, values: Float[Tensor, " active"]) -> Float[Tensor, " d_sae"]:
    """The sum of each latent's `values` at `pattern`."""
    if values.device.type == "cpu":
        return values.new_zeros(pattern.d_sae).index_add_(0, pattern.latents, values)
    # On a GPU the other would add up in a different order every time.
    return products.sums(values[pattern.by_latent], pattern.inputs_of_latents)


class _Decode(torch.autograd.Function):
    """Sparse activations times W_dec; gradients of both at active latents only."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, W_dec: Tensor, pattern: Pattern) -> Tensor:
        ctx.save_for_backward(values, W_dec)
        ctx.pattern = pattern
        return products.weighted_sums(W_dec, pattern.latents_of_inputs, values)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        values, W_dec = ctx.saved_tensors
        pattern: Pattern = ctx.pattern
        grad = grad.contiguous()
        grad_values = products.dot_products(grad, W_dec, pattern.latents_of_inputs, pattern.inputs)
        is_frozen = not ctx.needs_input_grad[1]
        grad_W_dec = None if is_frozen else transposed_times(pattern, values, grad)
        return grad_values, grad_W_dec, None
