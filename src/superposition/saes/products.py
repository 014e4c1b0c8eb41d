"""Sparse codes: sums of weighted rows of a table, and single dot products.

On a processor they are torch's `embedding_bag`; on a GPU those of `superposition.gpu`, or torch's
again where Triton is not installed. Both give the same sums in another order.
"""

from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


class Bags(NamedTuple):
    """Rows of a table, bag after bag: an input's latents, or a latent's inputs."""

    rows: Int[Tensor, " active"]
    """Indices into the table."""
    ends: Int[Tensor, " bags_and_one"]
    """Where each bag begins, and at last the number of rows."""


def weighted_sums(
    table: Float[Tensor, "row d"], bags: Bags, weights: Float[Tensor, " active"]
) -> Float[Tensor, "bag d"]:
    """For each bag the sum of its rows, each times its weight, in the format of `weights`."""
    if _on_gpu(table):
        from superposition.gpu import products as on_gpu

        return on_gpu.weighted_sums(table, bags.rows, bags.ends, weights)
    return F.embedding_bag(
        bags.rows,
        table.to(weights.dtype),
        bags.ends,
        mode="sum",
        per_sample_weights=weights,
        include_last_offset=True,
    )


def dot_products(
    each: Float[Tensor, "bag d"],
    table: Float[Tensor, "row d"],
    bags: Bags,
    owners: Int[Tensor, " active"],
) -> Float[Tensor, " active"]:
    """The dot product of each row in a bag with the bag's own vector; `owners` says whose it is."""
    if _on_gpu(table):
        from superposition.gpu import products as on_gpu

        return on_gpu.dot_products(each, table, bags.rows, bags.ends)
    # What embedding_bag's own backward takes: the gradient of the weights.
    return torch.ops.aten._embedding_bag_per_sample_weights_backward(
        each, table, bags.rows, bags.ends, owners, 0
    )


def sums(values: Float[Tensor, " active"], bags: Bags) -> Float[Tensor, " bag"]:
    """For each bag the sum of its values, which lie in the bags' order."""
    if _on_gpu(values):
        from superposition.gpu import products as on_gpu

        return on_gpu.sums(values, bags.ends)
    return torch.segment_reduce(values, "sum", offsets=bags.ends, initial=0, unsafe=True)


def ends(ascending: Int[Tensor, " active"], n: int) -> Int[Tensor, " {n}+1"]:
    """Where each of the numbers 0 to n - 1 begins among `ascending` ones, and at last their end."""
    numbers = torch.arange(n + 1, dtype=ascending.dtype, device=ascending.device)
    return torch.searchsorted(ascending, numbers)


def _on_gpu(values: Tensor) -> bool:
    return values.device.type == "cuda" and _has_triton()


@cache
def _has_triton() -> bool:
    return find_spec("triton") is not None
