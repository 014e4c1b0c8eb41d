"""Where values are, as ascending flat indices: where a mask is true, or a cut is exceeded.

On a processor numpy looks, several times as fast as torch where little is found.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

BLOCK = 2**20
"""Values that one thread compares at once: the answer stays in the processor's cache."""

Array = np.ndarray[Any, np.dtype[Any]]
_Compare = Callable[[Array, Array], Array]


def places(mask: Bool[Tensor, "*size"]) -> Int[Tensor, " true"]:
    """Where `mask` is true."""
    if mask.device.type == "cpu":
        return torch.from_numpy(np.flatnonzero(mask.numpy()))
    return mask.flatten().nonzero().squeeze(1)


def places_above(
    values: Float[Tensor, "row column"], cut: Float[Tensor, "*#column"] | float
) -> Int[Tensor, " above"]:
    """Where `values` exceed `cut`, for all or for each column; it is not negative."""
    cut = torch.as_tensor(cut, device=values.device)
    if values.device.type != "cpu":
        return places(values > cut)
    return _places(np.greater, values, _rounded_down(cut, values.dtype))


def places_from(
    values: Float[Tensor, "row column"], cut: Float[Tensor, "row 1"]
) -> Int[Tensor, " reached"]:
    """Where `values` are at least `cut`, which is not negative and in the format of `values`."""
    if values.device.type != "cpu":
        return places(values >= cut)
    return _places(np.greater_equal, values, cut)


def _places(compare: _Compare, values: Tensor, cut: Tensor) -> Tensor:
    """Where `compare` holds, found by all of torch's threads."""
    n_rows, width = values.shape
    step = max(1, BLOCK // max(1, width))
    look = partial(_in_block, compare, _comparable(values), _comparable(cut), step)
    firsts = range(0, n_rows, step)
    n_threads = min(torch.get_num_threads(), len(firsts))
    if n_threads <= 1:
        found = [look(first) for first in firsts]
    else:
        with ThreadPoolExecutor(n_threads) as pool:
            found = list(pool.map(look, firsts))
    return torch.from_numpy(np.concatenate([np.empty(0, np.int64), *found]))


def _in_block(compare: _Compare, values: Array, cut: Array, step: int, first: int) -> Array:
    """What `_places` finds in `step` rows from the `first` on."""
    rows = slice(first, first + step)
    own_cut = cut[rows] if cut.ndim == values.ndim and len(cut) > 1 else cut
    return np.flatnonzero(compare(values[rows], own_cut)) + first * values.shape[1]


def _comparable(values: Tensor) -> Array:
    """`values` for numpy, which has no bfloat16: the integers with the same bits.

    Those that are not negative are ordered as their integers are; the others' are negative.
    """
    values = values.detach()
    return (values.view(torch.int16) if values.dtype == torch.bfloat16 else values).numpy()


def _rounded_down(cut: Tensor, dtype: torch.dtype) -> Tensor:
    """The largest number of `dtype` that is not above `cut`: the same values exceed both."""
    cut = cut.detach()
    if dtype != torch.bfloat16:
        return cut.to(dtype)
    # bfloat16 is the upper half of float32's bits.
    return (cut.float().view(torch.int32) >> 16).to(torch.int16).view(dtype)
