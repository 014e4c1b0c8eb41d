"""How the directions of latents lie to each other: neighbours, and contexts as clusters."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float

from superposition.saes.base import SAE

CLOSE = 0.5
"""Cosine of decoder rows from which two latents are neighbours."""
N_PERMUTATIONS = 2_000
"""Of a permutation test: its smallest p-value is then 1 / 2,001."""


def neighbours(sae: SAE) -> pd.DataFrame:
    """Pairs of latents whose decoder rows have a cosine above CLOSE, with their encoders' cosine.

    Source: Towards Monosemanticity, appendix, decoder weights not tied: the encoder vectors of
    similar latents are tilted apart. Frame: universality/neighbours.parquet.
    """
    rows = torch.nn.functional.normalize(sae.W_dec.detach().float().cpu(), dim=-1)
    columns = torch.nn.functional.normalize(sae.W_enc.detach().float().cpu().mT, dim=-1)
    cosines = (rows @ rows.mT).triu(diagonal=1)
    latent, other = (cosines > CLOSE).nonzero(as_tuple=True)
    encoder = (columns[latent] * columns[other]).sum(-1)
    found = {"latent": latent, "other": other, "decoder_cosine": cosines[latent, other]}
    found["encoder_cosine"] = encoder
    return pd.DataFrame({name: values.numpy() for name, values in found.items()})


def unit_rows(sae: SAE) -> Float[np.ndarray, "d_sae d_in"]:
    """The decoder's rows, each of length 1."""
    rows = sae.W_dec.detach().float().cpu()
    return torch.nn.functional.normalize(rows, dim=-1).numpy()


def clusters(
    rows: Float[np.ndarray, "d_sae d_in"],
    belongs: np.ndarray,
    names: list[str],
    *,
    seed: int,
) -> pd.DataFrame:
    """Whether the latents of a context point in similar directions: cosines, permutation tests.

    For each context with two latents or more: the mean cosine of its latents' decoder rows with
    each other, the mean of theirs with those of the latents that belong to other contexts only, and
    how often as many latents drawn from all that belong to some context are as close to each other.
    Source: Towards Monosemanticity, Feature Splitting: clusters of dictionary vectors.
    Differs: a test on cosines instead of a look at a UMAP. Frame: splitting/clusters.parquet.
    """
    rng = np.random.default_rng(seed)
    pool = np.flatnonzero(belongs.any(axis=0))
    found = []
    for name, mask in zip(names, belongs, strict=True):
        inside, outside = np.flatnonzero(mask), np.setdiff1d(pool, np.flatnonzero(mask))
        if len(inside) < 2 or not len(outside):
            continue
        within, across = _mean_cosine(rows[inside]), float(np.mean(rows[inside] @ rows[outside].T))
        drawn = [
            _mean_cosine(rows[rng.choice(pool, size=len(inside), replace=False)])
            for _ in range(N_PERMUTATIONS)
        ]
        p_value = (1 + int(np.sum(np.array(drawn) >= within))) / (1 + N_PERMUTATIONS)
        found.append((name, len(inside), within, across, p_value))
    return pd.DataFrame(found, columns=["context", "n_latents", "within", "across", "p_value"])


def _mean_cosine(rows: Float[np.ndarray, "latent d_in"]) -> float:
    """Mean over pairs of different rows of unit length: (|sum|^2 - n) / (n (n - 1))."""
    n, sum_of_rows = len(rows), rows.sum(axis=0, dtype=np.float64)
    return float((sum_of_rows @ sum_of_rows - n) / (n * (n - 1)))
