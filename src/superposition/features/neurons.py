"""A latent's direction in the neuron basis: is it a neuron, a few neurons, or spread over many?"""

from collections.abc import Sequence

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from superposition.saes.kernels import Codes, DenseCodes

LARGE_COEFFICIENT = 0.1
"""Size from which a coefficient of a unit direction counts. Source: Towards Monosemanticity, Arabic
feature, "27 have coefficients with absolute value greater than 0.1"."""


class Neurons:
    """The neurons themselves as a dictionary: the baseline that every autoencoder has to beat."""

    def codes(self, x: Float[Tensor, "batch d_in"]) -> DenseCodes:
        """Every neuron's activation."""
        return DenseCodes(x)

    def decode_codes(self, codes: Codes) -> Float[Tensor, "batch d_in"]:
        """The same activations again."""
        return codes.dense()


def top_neurons(
    W_dec: Float[Tensor, "d_sae d_in"], latents: Sequence[int], *, n: int
) -> pd.DataFrame:
    """The `n` neurons with the largest coefficients of each of the `latents`' directions.

    `weight` is the coefficient w_j of the direction scaled to unit norm, `share` is |w_j| / |w|_1:
    both ignore the length of the decoder row.

    Source: ARENA 1.7, "Feature interpretability", the neurons of feature 7.
    Frame: features/neurons.parquet.
    """
    _check_count(n, d_in=W_dec.shape[1])
    directions = unit_rows(W_dec[list(latents)])
    shares = directions.abs() / directions.abs().sum(dim=1, keepdim=True).clamp_min(_tiny(W_dec))
    top = shares.topk(n, dim=1)
    return pd.DataFrame(
        {
            "latent": torch.as_tensor(list(latents)).repeat_interleave(n).numpy(),
            "rank": torch.arange(n).repeat(len(latents)).numpy(),
            "neuron": top.indices.flatten().cpu().numpy(),
            "weight": directions.gather(1, top.indices).flatten().cpu().numpy(),
            "share": top.values.flatten().cpu().numpy(),
        }
    )


def concentration(W_dec: Float[Tensor, "d_sae d_in"]) -> pd.DataFrame:
    """How concentrated on neurons every latent's direction is; one row per latent.

    With the unit direction w: `n_large` counts |w_j| >= 0.1; `participation` = 1 / sum_j w_j^4, the
    effective number of neurons (1 for a neuron, d_in for equal coefficients); `top_1` and `top_10`
    are the shares of sum_j w_j^2 in the largest one and ten; `kurtosis` is the excess kurtosis of
    the coefficients about their mean (0 for a random direction in many dimensions).

    Source: Nanda, "Open Source Replication of Anthropic's Dictionary Learning Paper", decoder
    sparsity in the neuron basis, and Towards Monosemanticity, the Arabic feature is not a neuron.
    """
    directions = unit_rows(W_dec)
    squares = directions.square()
    ordered = squares.sort(dim=1, descending=True).values
    return pd.DataFrame(
        {
            "latent": range(len(W_dec)),
            "n_large": (directions.abs() >= LARGE_COEFFICIENT).sum(dim=1).cpu().numpy(),
            "participation": (1 / squares.square().sum(dim=1)).cpu().numpy(),
            "top_1": ordered[:, 0].cpu().numpy(),
            "top_10": ordered[:, :10].sum(dim=1).cpu().numpy(),
            "kurtosis": _excess_kurtosis(directions).cpu().numpy(),
        }
    )


def unit_rows(rows: Float[Tensor, "row column"]) -> Float[Tensor, "row column"]:
    """`rows` scaled to unit length, in float32 or better; a row of zeros stays one."""
    rows = rows.detach().to(torch.promote_types(rows.dtype, torch.float32))
    return rows / rows.norm(dim=1, keepdim=True).clamp_min(_tiny(rows))


def _excess_kurtosis(rows: Float[Tensor, "row column"]) -> Float[Tensor, " row"]:
    centred = rows - rows.mean(dim=1, keepdim=True)
    variance = centred.square().mean(dim=1)
    return centred.pow(4).mean(dim=1) / variance.square().clamp_min(_tiny(rows)) - 3


def _tiny(tensor: Tensor) -> float:
    return torch.finfo(tensor.dtype).tiny


def _check_count(n: int, *, d_in: int) -> None:
    if not 1 <= n <= d_in:
        raise ValueError(f"n_neurons={n} is outside 1 to d_in={d_in}")
