"""The products of `saes.products`: each row of a table is read once, each result written once.

A program of the GPU adds up a bag, a few of its rows at a time, in a fixed order: the same inputs
give the same bits. What the rows hold is read from the cache of the GPU, so its rate is the limit:
2 d_in bytes per active latent in bfloat16, twice that in float32.
"""

# Triton's own language is not typed, and its arguments are pointers, not tensors.
# pyright: basic
import torch
import triton  # pyright: ignore[reportMissingImports]
import triton.language as tl  # pyright: ignore[reportMissingImports]
from torch import Tensor

from superposition.gpu.launch import kernel

AT_ONCE = 8
"""Rows whose values are on their way to a program at a time."""
WIDEST = 512
"""Columns that a program adds up, at most."""
ROWS, COLUMNS = 16, 128
"""Rows and columns that a program of dot products holds at a time."""


def weighted_sums(table: Tensor, rows: Tensor, ends: Tensor, weights: Tensor) -> Tensor:
    """See `saes.products.weighted_sums`."""
    n_bags, d = len(ends) - 1, table.shape[1]
    table = table.contiguous()
    out = torch.empty(n_bags, d, dtype=weights.dtype, device=table.device)
    if n_bags:
        columns = min(WIDEST, triton.next_power_of_2(d))
        grid = (n_bags, triton.cdiv(d, columns))
        _weighted_sums[grid](
            table, rows, ends, weights, out, d, AT_ONCE=AT_ONCE, COLUMNS=columns, SUM=_sum(weights)
        )
    return out


def dot_products(each: Tensor, table: Tensor, rows: Tensor, ends: Tensor) -> Tensor:
    """See `saes.products.dot_products`."""
    n_bags, d = each.shape
    each, table = each.contiguous(), table.contiguous()
    out = torch.empty(len(rows), dtype=each.dtype, device=each.device)
    if n_bags:
        _dot_products[(n_bags,)](
            each, table, rows, ends, out, d, ROWS=ROWS, COLUMNS=COLUMNS, SUM=_sum(each)
        )
    return out


def sums(values: Tensor, ends: Tensor) -> Tensor:
    """See `saes.products.sums`."""
    n_bags = len(ends) - 1
    out = torch.empty(n_bags, dtype=values.dtype, device=values.device)
    if n_bags:
        _sums[(n_bags,)](values.contiguous(), ends, out, COLUMNS=COLUMNS, SUM=_sum(values))
    return out


def _sum(values: Tensor) -> tl.dtype:
    """The format in which sums are kept."""
    return tl.float64 if values.dtype == torch.float64 else tl.float32


@kernel
def _weighted_sums(
    table,
    rows,
    ends,
    weights,
    out,
    d,
    AT_ONCE: tl.constexpr,
    COLUMNS: tl.constexpr,
    SUM: tl.constexpr,
):
    bag = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    in_table = column < d
    stop = tl.load(ends + bag + 1)
    total = tl.zeros((COLUMNS,), SUM)
    for first in range(tl.load(ends + bag), stop, AT_ONCE):
        for i in tl.static_range(AT_ONCE):
            inside = first + i < stop
            row = tl.load(rows + first + i, mask=inside, other=0).to(tl.int64)
            weight = tl.load(weights + first + i, mask=inside, other=0.0).to(SUM)
            values = tl.load(table + row * d + column, mask=in_table & inside, other=0.0)
            total += weight * values.to(SUM)
    tl.store(out + bag * d + column, total, mask=in_table)


@kernel
def _dot_products(
    each, table, rows, ends, out, d, ROWS: tl.constexpr, COLUMNS: tl.constexpr, SUM: tl.constexpr
):
    bag = tl.program_id(0).to(tl.int64)
    stop = tl.load(ends + bag + 1)
    for first in range(tl.load(ends + bag), stop, ROWS):
        at = first + tl.arange(0, ROWS)
        row = tl.load(rows + at, mask=at < stop, other=0).to(tl.int64)
        total = tl.zeros((ROWS,), SUM)
        for left in range(0, d, COLUMNS):
            column = left + tl.arange(0, COLUMNS)
            in_table = column < d
            own = tl.load(each + bag * d + column, mask=in_table, other=0.0).to(SUM)
            place = table + row[:, None] * d + column[None, :]
            values = tl.load(place, mask=(at < stop)[:, None] & in_table[None, :], other=0.0)
            total += tl.sum(own[None, :] * values.to(SUM), 1)
        tl.store(out + at, total, mask=at < stop)


@kernel
def _sums(values, ends, out, COLUMNS: tl.constexpr, SUM: tl.constexpr):
    bag = tl.program_id(0).to(tl.int64)
    stop = tl.load(ends + bag + 1)
    total = tl.zeros((COLUMNS,), SUM)
    for first in range(tl.load(ends + bag), stop, COLUMNS):
        at = first + tl.arange(0, COLUMNS)
        total += tl.load(values + at, mask=at < stop, other=0.0).to(SUM)
    tl.store(out + bag, tl.sum(total, 0))
