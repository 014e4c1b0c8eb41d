"""Units with similar directions: in the same dictionary, among the neurons, at other widths."""

from collections.abc import Mapping

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from superposition.features.neurons import unit_rows

BLOCK = 1024
"""Units compared with all others at a time."""


def relatives(
    directions: Float[Tensor, "unit d_mlp"],
    W_out: Float[Tensor, "d_mlp d_model"],
    wider: Mapping[int, Float[Tensor, "_ d_mlp"]],
    *,
    are_neurons: bool,
    n: int,
) -> pd.DataFrame:
    """The `n` nearest units of the same dictionary, neurons, and latents at each width.

    `cosine` is that of the directions. A direction's cosine with a neuron is its coefficient.
    Neurons are at right angles to each other, so theirs is the cosine of what they write to the
    residual stream. `wider` maps a width to the decoder of that width.
    Frame: atlas/relatives.parquet.
    """
    own = directions @ W_out.to(directions) if are_neurons else directions
    tables = [_nearest(own, own, relation="nearest", d_sae=len(own), n=n, itself=False)]
    if not are_neurons:
        axes = torch.eye(directions.shape[1], device=directions.device)
        tables.append(_nearest(directions, axes, relation="neuron", d_sae=0, n=n, size=True))
    for d_sae, W_dec in sorted(wider.items()):
        tables.append(_nearest(directions, W_dec, relation="width", d_sae=d_sae, n=n))
    return pd.concat(tables, ignore_index=True)


def _nearest(
    rows: Tensor,
    others: Tensor,
    *,
    relation: str,
    d_sae: int,
    n: int,
    itself: bool = True,
    size: bool = False,
) -> pd.DataFrame:
    """The `n` of the `others` with the largest cosines with each row, or the largest in size."""
    unit, against = unit_rows(rows), unit_rows(others).mT
    n = min(n, against.shape[1] - (not itself))
    parts = []
    for start in range(0, len(unit), BLOCK):
        cosines = unit[start : start + BLOCK] @ against
        if not itself:
            cosines.diagonal(start).fill_(-2.0)
        which = (cosines.abs() if size else cosines).topk(n, dim=1).indices
        parts.append((which, cosines.gather(1, which)))
    which, cosine = (torch.cat(part) for part in zip(*parts, strict=True))
    return pd.DataFrame(
        {
            "unit": torch.arange(len(unit)).repeat_interleave(n).numpy(),
            "relation": relation,
            "d_sae": d_sae,
            "rank": torch.arange(n).repeat(len(unit)).numpy(),
            "other": which.flatten().cpu().numpy(),
            "cosine": cosine.flatten().float().cpu().numpy(),
        }
    )
