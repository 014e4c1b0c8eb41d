"""The products of an encoder: pre-activations, and which of them become activations.

An architecture is written once in these terms: `linear` gives the pre-activations; `above`,
`top_k`, `batch_top_k`, `where` or `select` say which latents are active; and the codes that come
out decode. The codes are sparse where that pays (see `codes`), and dense elsewhere.

The encoder product is made in bfloat16 if the inputs are bfloat16 and the processor has it.
"""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
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
from superposition.saes.products import places

SPARSE_BELOW = {"cpu": 0.05, "cuda": 0.02}
"""Share of active latents below which sparse codes are faster than dense ones, by device."""
DENSE_UP_TO = {"cpu": 0, "cuda": 16_384}
"""d_sae up to which codes chosen by a mask are dense without a look at how many are active: to
look, a processor must wait for the GPU, and so does the next step (see `replayed`)."""
STRIDE = 61
"""One in this many values estimates a cut; prime, so that the sample meets every latent."""


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
        """Whether sparse codes exist for these: one instance, a known device, inputs as data."""
        is_known = self.values.device.type in SPARSE_BELOW
        return is_known and self.values.ndim == 2 and not self.x.requires_grad


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


def above(
    pre_acts: PreActs, threshold: Float[Tensor, "*instance"] | float = 0.0, *, passes: int = 1
) -> Codes:
    """Codes of the latents above `threshold`: the ReLU where that is 0. `passes` as in `where`."""
    values = pre_acts.values.detach()
    if isinstance(threshold, Tensor):
        threshold = threshold[..., None, None].to(values.dtype)
    return where(pre_acts, values > threshold, passes=passes)


def where(
    pre_acts: PreActs, mask: Bool[Tensor, "*instance batch d_sae"], *, passes: int = 1
) -> Codes:
    """Codes of the pre-activations where `mask` is true, zero elsewhere.

    `passes` says how many times more often than a ReLU's the codes will be read and written, which
    makes dense ones dearer.
    """
    device, d_sae = mask.device.type, mask.shape[-1]
    if pre_acts.can_be_sparse and passes * d_sae > DENSE_UP_TO[device]:
        active = places(mask)
        if len(active) < SPARSE_BELOW[device] * mask.numel():
            return select(pre_acts, active)
    return DenseCodes(pre_acts.values.masked_fill(~mask, 0.0))


def top_k(pre_acts: PreActs, k: int) -> Codes:
    """Codes of the k largest positive pre-activations of each input.

    Source: Scaling and Evaluating Sparse Autoencoders (Gao et al. 2024), section 2.3.
    """
    top = pre_acts.values.detach().topk(k, dim=-1, sorted=False)
    d_sae = pre_acts.values.shape[-1]
    first = torch.arange(0, pre_acts.values.numel(), d_sae, device=top.indices.device)
    flat = top.indices.flatten(0, -2) + first.unsqueeze(1)
    if pre_acts.can_be_sparse and flat.device.type == "cuda":
        return _select_positive(pre_acts, flat.flatten())
    positive = top.values.flatten(0, -2) > 0
    return select(pre_acts, flat[positive].sort().values)


def batch_top_k(pre_acts: PreActs, k: int) -> Codes:
    """Codes of the k x batch largest positive pre-activations of each instance's batch.

    The batch is that of all processes together: see `distributed`.
    Source: BatchTopK Sparse Autoencoders (Bussmann et al. 2024), section 3.
    """
    values = pre_acts.values.detach()
    n = k * values.shape[-2]
    if pre_acts.can_be_sparse and values.device.type == "cuda" and distributed.is_alone():
        places = values.flatten().topk(n, sorted=False).indices
        return _select_positive(pre_acts, _ascending(places, values.numel()))
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


def _select_positive(pre_acts: PreActs, active: Tensor) -> Codes:
    """`select` with zeros instead of what is not positive: as many codes whatever the values."""
    codes = select(pre_acts, active)
    return codes.with_values(codes.values.relu())


def _ascending(places: Tensor, size: int) -> Tensor:
    """Indices of `size` values in order; a GPU sorts digit by digit, so 32 bits are half of 64."""
    return (places.int() if size < 2**31 else places).sort().values.long()


def largest(values: Float[Tensor, "batch d_sae"], n: int) -> Int[Tensor, " active"]:
    """Ascending flat indices of the n largest positive values; of equal ones, the first ones.

    With other processes, those of their n and these n together that are here.
    Exact, without sorting: a sample of the values gives a cut that leaves few more than n.
    """
    flat = values.flatten()
    if not distributed.is_alone():
        return distributed.largest(flat, n, _low_cut(flat, n))
    candidates = places(flat > _low_cut(flat, n))
    if len(candidates) < n:
        candidates = places(flat > 0)
    if len(candidates) <= n:
        return candidates
    kept = flat[candidates]
    cut = kept.kthvalue(len(kept) - n + 1).values
    taken = kept > cut
    ties = places(kept == cut)
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
