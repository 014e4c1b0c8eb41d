"""The three products of an autoencoder: densely, or over active latents alone where that pays.

An architecture is written once in these terms: `linear` gives the pre-activations, `above`,
`batch_top_k` or `select` say which latents are active, and the `Codes` that come out decode. Two
implementations stand behind them. Dense codes are plain tensors and plain autograd, for any device
and with an instance axis: the reference. Sparse codes hold active latents only; so do their
gradients, which are exact: a latent that is not active has gradient zero in the dense step too.

The encoder product is made in bfloat16 if the inputs are bfloat16 and the processor has it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from superposition.core.compute import matmul_dtype

SPARSE_BELOW = 0.05
"""Share of active latents below which sparse codes are faster than dense ones (512 to 4,096)."""
STRIDE = 61
"""One in this many values estimates a cut; prime, so that the sample meets every latent."""


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


Codes = DenseCodes | SparseCodes


class PreActs(NamedTuple):
    """Pre-activations, with what their gradient needs."""

    values: Float[Tensor, "*instance batch d_sae"]
    """x W_enc + bias. Its own gradient is the dense one."""
    x: Float[Tensor, "*instance batch d_in"]
    """The inputs. They are data: no gradient reaches them through sparse codes."""
    W_enc: Float[Tensor, "*instance d_in d_sae"]
    bias: Float[Tensor, "*instance d_sae"]

    @property
    def can_be_sparse(self) -> bool:
        """Whether there are sparse codes for these: one instance, on the CPU, inputs as data."""
        is_matrix = self.values.ndim == 2
        return is_matrix and self.values.device.type == "cpu" and not self.x.requires_grad


def linear(
    x: Float[Tensor, "*instance batch d_in"],
    W_enc: Float[Tensor, "*instance d_in d_sae"],
    bias: Float[Tensor, "*instance d_sae"],
) -> PreActs:
    """x W_enc + bias, in bfloat16 if x is and the processor has it, otherwise as W_enc."""
    fast = x.dtype == torch.bfloat16 and matmul_dtype(x.device) == torch.bfloat16
    dtype = torch.bfloat16 if fast else W_enc.dtype
    x_, W_, bias_ = x.to(dtype), W_enc.to(dtype), bias.to(dtype)
    if W_enc.ndim == 2:
        values = F.linear(x_, W_.mT, bias_)
    else:
        values = torch.baddbmm(bias_.unsqueeze(-2), x_, W_)
    return PreActs(values, x, W_enc, bias)


def above(pre_acts: PreActs, threshold: Float[Tensor, "*instance"] | float = 0.0) -> Codes:
    """Codes of the latents above `threshold`: the ReLU where that is 0."""
    values = pre_acts.values
    if isinstance(threshold, Tensor):
        threshold = threshold[..., None, None].to(values.dtype)
    mask = values.detach() > threshold
    if pre_acts.can_be_sparse:
        active = mask.flatten().nonzero().squeeze(1)
        if len(active) < SPARSE_BELOW * values.numel():
            return select(pre_acts, active)
    return DenseCodes(values.masked_fill(~mask, 0.0))


def batch_top_k(pre_acts: PreActs, k: int) -> Codes:
    """Codes of the k x batch largest positive pre-activations of each instance's batch.

    Source: BatchTopK Sparse Autoencoders (Bussmann et al. 2024), section 3.
    """
    values = pre_acts.values.detach()
    n = k * values.shape[-2]
    if values.ndim == 2:
        return select(pre_acts, largest(values, n))
    size = values.shape[-2] * values.shape[-1]
    each = [largest(one, n) + i * size for i, one in enumerate(values)]
    return select(pre_acts, torch.cat(each))


def select(pre_acts: PreActs, active: Int[Tensor, " active"]) -> Codes:
    """Codes of the pre-activations at the ascending flat indices `active`, zero elsewhere."""
    values = pre_acts.values
    if pre_acts.can_be_sparse:
        n_inputs, d_sae = values.shape
        pattern = Pattern(active // d_sae, active % d_sae, n_inputs, d_sae)
        x, W_enc, bias = pre_acts.x, pre_acts.W_enc, pre_acts.bias
        taken = values.detach().flatten()[active].to(W_enc.dtype)
        return SparseCodes(_Encode.apply(W_enc, bias, x, taken, pattern), pattern)
    mask = torch.zeros(values.numel(), dtype=torch.bool, device=values.device)
    mask[active] = True
    return DenseCodes(values.masked_fill(~mask.view(values.shape), 0.0))


def largest(values: Float[Tensor, "batch d_sae"], n: int) -> Int[Tensor, " active"]:
    """Ascending flat indices of the n largest positive values; of equal ones, the first ones.

    Exact, without sorting: a sample of the values gives a cut that leaves few more than n.
    """
    flat = values.flatten()
    candidates = (flat > _low_cut(flat, n)).nonzero().squeeze(1)
    if len(candidates) < n:
        candidates = (flat > 0).nonzero().squeeze(1)
    if len(candidates) <= n:
        return candidates
    kept = flat[candidates]
    cut = kept.kthvalue(len(kept) - n + 1).values
    taken = kept > cut
    ties = (kept == cut).nonzero().squeeze(1)
    taken[ties[: n - int(taken.sum())]] = True
    return candidates[taken]


def _low_cut(flat: Tensor, n: int) -> Tensor | float:
    """A value that, almost surely, more than n and not many more than n values exceed."""
    sample = flat[::STRIDE]
    expected = n / STRIDE
    rank = int(expected + 4 * expected**0.5) + 1
    if rank >= len(sample):
        return 0.0
    return sample.topk(rank).values[-1].clamp(min=0)


def _ends(sorted_or_not: Tensor, n: int) -> Tensor:
    counts = torch.bincount(sorted_or_not, minlength=n)
    return F.pad(counts.cumsum(0), (1, 0))


def _weighted_rows(table: Tensor, rows: Tensor, ends: Tensor, weights: Tensor) -> Tensor:
    """Sum of `table[rows] * weights` over each stretch between `ends`: a sparse times a dense."""
    return F.embedding_bag(
        rows, table, ends, mode="sum", per_sample_weights=weights, include_last_offset=True
    )


def _transposed_times(pattern: Pattern, values: Tensor, table: Tensor) -> Tensor:
    """(batch x d_sae sparse matrix of `values`)^T `table`, a row per latent."""
    order = pattern.by_latent
    return _weighted_rows(table, pattern.inputs[order], pattern.latent_ends, values[order])


class _Encode(torch.autograd.Function):
    """Pre-activations at a pattern; gradients of W_enc and bias from active latents only."""

    @staticmethod
    def forward(
        ctx: Any, W_enc: Tensor, bias: Tensor, x: Tensor, taken: Tensor, pattern: Pattern
    ) -> Tensor:
        ctx.save_for_backward(x)
        ctx.pattern = pattern
        return taken

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        (x,) = ctx.saved_tensors
        pattern: Pattern = ctx.pattern
        grad_W_enc = _transposed_times(pattern, grad, x.to(grad.dtype)).mT
        grad_bias = grad.new_zeros(pattern.d_sae).index_add_(0, pattern.latents, grad)
        return grad_W_enc, grad_bias, None, None, None


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
        return grad_values, _transposed_times(pattern, values, grad.contiguous()), None
