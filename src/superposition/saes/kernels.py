"""The products of an encoder: pre-activations, and which of them become activations.

An architecture is written once in these terms: `linear` gives the pre-activations; `above`,
`top_k`, `batch_top_k` or `select` say which latents are active; and the codes that come out decode.
The codes are sparse where that pays (see `codes`), and dense elsewhere.

The encoder product is made in bfloat16 if the inputs are bfloat16 and the processor has it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from superposition.core.compute import matmul_dtype
from superposition.saes import distributed
from superposition.saes.codes import (
    Codes,
    DenseCodes,
    Pattern,
    SparseCodes,
    sums_of_latents,
    transposed_times,
)
from superposition.saes.places import places_above
from superposition.saes.scratch import Scratch
from superposition.saes.selection import largest, largest_of_rows, top_of_rows

SPARSE_BELOW = {"cpu": 0.05, "cuda": 0.02}
"""Share of active latents below which sparse codes are faster than dense ones, by device."""
DENSE_UP_TO = {"cpu": 0, "cuda": 16_384}
"""d_sae up to which codes chosen by a mask are dense without a look at how many are active: to
look, a processor must wait for the GPU, and so does the next step (see `replayed`)."""
PROBED = 128
"""Inputs that show whether codes will be dense, before the product with all of them is made."""


@dataclass(frozen=True)
class PreActs:
    """Pre-activations x W_enc + bias, made when they are asked for."""

    x: Float[Tensor, "*instance batch d_in"]
    """The inputs. They are data: no gradient reaches them through sparse codes."""
    W_enc: Float[Tensor, "*instance d_in d_sae"]
    bias: Float[Tensor, "*instance d_sae"]
    scratch: Scratch | None = None
    """Memory for values that nobody keeps."""

    @cached_property
    def values(self) -> Float[Tensor, "*instance batch d_sae"]:
        """All of them, with their own gradient, the dense one."""
        x, W_enc, bias = self._factors
        if W_enc.ndim == 2:
            return F.linear(x, W_enc.mT, bias)
        return torch.baddbmm(bias.unsqueeze(-2), x, W_enc)

    @contextmanager
    def detached(
        self, n_inputs: int | None = None
    ) -> Iterator[Float[Tensor, "*instance batch d_sae"]]:
        """The values, or those of the first inputs, without gradients; gone after the context."""
        if self.scratch is None or not self.can_be_sparse or self.x.device.type != "cpu":
            yield self.values.detach()[..., :n_inputs, :]
            return
        x, W_enc, bias = (each.detach() for each in self._factors)
        x = x[:n_inputs]
        with self.scratch.tensor((len(x), W_enc.shape[1]), x.dtype) as out:
            yield torch.addmm(bias, x, W_enc, out=out)

    @property
    def can_be_sparse(self) -> bool:
        """Whether sparse codes exist for these: one instance, a known device, inputs as data."""
        is_known = self.x.device.type in SPARSE_BELOW
        return is_known and self.x.ndim == 2 and not self.x.requires_grad

    @cached_property
    def _factors(self) -> tuple[Tensor, Tensor, Tensor]:
        """x, W_enc and bias in bfloat16 if x is and the processor has it, otherwise as W_enc."""
        fast = self.x.dtype == torch.bfloat16 and matmul_dtype(self.x.device) == torch.bfloat16
        dtype = torch.bfloat16 if fast else self.W_enc.dtype
        return self.x.to(dtype), self.W_enc.to(dtype), self.bias.to(dtype)


def linear(
    x: Float[Tensor, "*instance batch d_in"],
    W_enc: Float[Tensor, "*instance d_in d_sae"],
    bias: Float[Tensor, "*instance d_sae"],
    scratch: Scratch | None = None,
) -> PreActs:
    """x W_enc + bias; `scratch` is for whoever makes one step after another."""
    return PreActs(x, W_enc, bias, scratch)


def above(
    pre_acts: PreActs,
    threshold: Float[Tensor, "*instance #d_sae"] | float = 0.0,
    *,
    passes: int = 1,
) -> Codes:
    """Codes of the latents above `threshold`, which is not negative: the ReLU where that is 0.

    Thresholds are compared in their own format, whatever the pre-activations'. `passes` says how
    many times more often than a ReLU's the codes will be read and written, which makes dense ones
    dearer.
    """
    if isinstance(threshold, Tensor):
        threshold = threshold.detach()
    if (sparse := _few_above(pre_acts, threshold, passes)) is not None:
        return sparse
    cut = threshold.unsqueeze(-2) if isinstance(threshold, Tensor) else threshold
    return DenseCodes(pre_acts.values.masked_fill(~(pre_acts.values.detach() > cut), 0.0))


def top_k(pre_acts: PreActs, k: int) -> Codes:
    """Codes of the k largest positive pre-activations of each input.

    Source: Scaling and Evaluating Sparse Autoencoders (Gao et al. 2024), section 2.3.
    """
    with pre_acts.detached() as values:
        rows = values.flatten(0, -2)
        if pre_acts.can_be_sparse and rows.device.type == "cuda":
            return _select_positive(pre_acts, values, top_of_rows(rows, k)[0].flatten())
        return select(pre_acts, values, largest_of_rows(rows, k))


def batch_top_k(pre_acts: PreActs, k: int) -> Codes:
    """Codes of the k x batch largest positive pre-activations of each instance's batch.

    The batch is that of all processes together: see `distributed`.
    Source: BatchTopK Sparse Autoencoders (Bussmann et al. 2024), section 3.
    """
    with pre_acts.detached() as values:
        n = k * values.shape[-2]
        if pre_acts.can_be_sparse and values.device.type == "cuda" and distributed.is_alone():
            places = values.flatten().topk(n, sorted=False).indices
            return _select_positive(pre_acts, values, _ascending(places, values.numel()))
        if values.ndim == 2:
            return select(pre_acts, values, largest(values, n))
        size = values.shape[-2] * values.shape[-1]
        each = [largest(one, n) + i * size for i, one in enumerate(values)]
        return select(pre_acts, values, torch.cat(each))


def select(
    pre_acts: PreActs,
    values: Float[Tensor, "*instance batch d_sae"],
    active: Int[Tensor, " active"],
) -> Codes:
    """Codes of the pre-activations at the ascending flat indices `active`, zero elsewhere.

    `values` are the pre-activations without gradients.
    """
    if pre_acts.can_be_sparse:
        n_inputs, d_sae = values.shape
        pattern = Pattern(active // d_sae, active % d_sae, n_inputs, d_sae)
        x, W_enc, bias = pre_acts.x, pre_acts.W_enc, pre_acts.bias
        taken = values.flatten()[active].to(W_enc.dtype)
        return SparseCodes(_Encode.apply(W_enc, bias, x, taken, pattern), pattern)
    mask = torch.zeros(values.numel(), dtype=torch.bool, device=values.device)
    mask[active] = True
    return DenseCodes(pre_acts.values.masked_fill(~mask.view(values.shape), 0.0))


def _few_above(pre_acts: PreActs, threshold: Tensor | float, passes: int) -> Codes | None:
    """Sparse codes of the latents above `threshold`; None where they do not pay."""
    device, d_sae = pre_acts.x.device.type, pre_acts.W_enc.shape[-1]
    if not pre_acts.can_be_sparse or passes * d_sae <= DENSE_UP_TO[device]:
        return None
    limit = SPARSE_BELOW[device]
    if device == "cpu" and len(pre_acts.x) > 8 * PROBED:
        with pre_acts.detached(PROBED) as values:
            if len(places_above(values, threshold)) > 2 * limit * values.numel():
                return None
    with pre_acts.detached() as values:
        active = places_above(values, threshold)
        return select(pre_acts, values, active) if len(active) < limit * values.numel() else None


def _select_positive(pre_acts: PreActs, values: Tensor, active: Tensor) -> Codes:
    """`select` with zeros instead of what is not positive: as many codes whatever the values."""
    codes = select(pre_acts, values, active)
    return codes.with_values(codes.values.relu())


def _ascending(places: Tensor, size: int) -> Tensor:
    """Indices of `size` values in order; a GPU sorts digit by digit, so 32 bits are half of 64."""
    return (places.int() if size < 2**31 else places).sort().values.long()


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
        grad_W_enc = transposed_times(pattern, grad, x).mT
        grad_bias = sums_of_latents(pattern, grad)
        return grad_W_enc, grad_bias, None, None, None
