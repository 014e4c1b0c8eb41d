"""Which values an architecture selects: the largest of each input, or of a batch.

As ascending flat indices. Nothing is sorted: a cut leaves few more values than are wanted.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from superposition.saes import distributed
from superposition.saes.places import places, places_above, places_from

STRIDE = 251
"""One in this many values estimates a cut; prime, so that the sample meets every latent."""
GROUPS = 4
"""Groups of a row for every value that is selected from it: the cut they give leaves about 15% more
values than are wanted."""
GROUP_SIZE = 8
"""Values in a group, at least: with fewer, looking at their maxima saves nothing."""


def largest_of_rows(values: Float[Tensor, "batch d_sae"], k: int) -> Int[Tensor, " active"]:
    """Ascending flat indices of the k largest positive values of each row; of equal ones, any.

    On a processor the k-th largest of the maxima of groups is a cut that k values reach for sure.
    """
    n_groups = GROUPS * k
    if values.device.type != "cpu" or values.shape[1] < GROUP_SIZE * n_groups:
        flat, top = top_of_rows(values, k)
        return flat[top > 0].sort().values
    size = values.shape[1] // n_groups
    maxima = values[:, : size * n_groups].unflatten(1, (size, n_groups)).amax(1)
    cut = maxima.topk(k, sorted=False).values.amin(1, keepdim=True)
    smallest = torch.zeros_like(cut).nextafter(torch.ones_like(cut))
    candidates = places_from(values, cut.maximum(smallest))
    return _largest_of_few(values, candidates, k)


def top_of_rows(
    values: Float[Tensor, "batch d_sae"], k: int
) -> tuple[Int[Tensor, "batch k"], Float[Tensor, "batch k"]]:
    """Flat indices of the k largest values of each row, and the values, by torch's own search."""
    n_rows, width = values.shape
    top = values.topk(k, dim=-1, sorted=False)
    first = torch.arange(0, n_rows * width, width, device=values.device)
    return top.indices + first.unsqueeze(1), top.values


def largest(values: Float[Tensor, "batch d_sae"], n: int) -> Int[Tensor, " active"]:
    """Ascending flat indices of the n largest positive values; of equal ones, the first ones.

    With other processes, those of their n and these n together that are here.
    Exact, without sorting: a sample of the values gives a cut that leaves few more than n.
    """
    flat = values.flatten()
    cut = _low_cut(flat, n)
    if not distributed.is_alone():
        return distributed.largest(values, n, cut)
    candidates = places_above(values, cut)
    if len(candidates) < n:
        candidates = places_above(values, 0.0)
    if len(candidates) <= n:
        return candidates
    kept = flat[candidates]
    cut = kept.kthvalue(len(kept) - n + 1).values
    taken = kept > cut
    ties = places(kept == cut)
    taken[ties[: n - int(taken.sum())]] = True
    return candidates[taken]


def _largest_of_few(values: Tensor, candidates: Tensor, k: int) -> Tensor:
    """Those `candidates` that are among the k largest positive ones of their row."""
    n_rows, width = values.shape
    rows = torch.arange(n_rows + 1)
    ends = torch.searchsorted(candidates, rows * width)
    counts = ends.diff()
    most = int(counts.max()) if n_rows else 0
    if most <= k:
        return candidates
    # A table with as many columns as a row has candidates at most, and zeros where it has fewer.
    shift = (rows * most - ends)[:-1].repeat_interleave(counts)
    slots = torch.arange(len(candidates)) + shift
    table = values.new_zeros(n_rows * most).scatter_(0, slots, values.flatten()[candidates])
    top = table.view(n_rows, most).topk(k, sorted=False)
    taken = torch.zeros(n_rows, most, dtype=torch.bool)
    taken.scatter_(1, top.indices, top.values > 0)
    return candidates[taken.flatten()[slots]]


def _low_cut(flat: Tensor, n: int) -> Tensor | float:
    """A value that, almost surely, more than n and not many more than n values exceed."""
    sample = flat[::STRIDE]
    expected = n / STRIDE
    rank = int(expected + 4 * expected**0.5) + 1
    if rank >= len(sample):
        return 0.0
    return sample.topk(rank).values[-1].clamp(min=0)
