"""What the model predicts without each unit: an exact ablation on a sample of its active tokens."""

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from scipy import sparse
from torch import Tensor

from superposition.atlas.examples import column
from superposition.core.compute import progress
from superposition.features.residuals import changes
from superposition.language.transformer import OneLayerTransformer

BLOCK = 64
"""Units taken away at a time, each from its own tokens."""


@torch.no_grad()
def effects(
    model: OneLayerTransformer,
    acts: sparse.csc_matrix,
    residual: Float[Tensor, "token d_model"],
    next_token: Int[Tensor, " token"],
    *,
    directions: Float[Tensor, "unit d_mlp"],
    n_cases: int,
    seed: int,
) -> pd.DataFrame:
    """The change of the log-probability of the token that follows, in nats, without each unit.

    On `n_cases` of its active tokens, drawn at random, exactly: f d W_out is taken from the
    residual stream and the final LayerNorm is computed anew. Below 0 if the unit helps.
    Columns: n_cases, effect (mean; missing without cases), effect_error (its standard error;
    missing below two).
    """
    written = directions @ model.W_out.detach().to(directions)
    rows = [_drawn(acts, unit, n_cases, seed) for unit in range(acts.shape[1])]
    means = []
    for start in progress(range(0, len(rows), BLOCK), "ablations"):
        block = rows[start : start + BLOCK]
        unit = np.repeat(np.arange(start, start + len(block)), [len(r) for r, _ in block])
        at = torch.from_numpy(np.concatenate([r for r, _ in block]))
        strength = torch.from_numpy(np.concatenate([v for _, v in block])).to(residual)
        removed = strength[:, None] * written[torch.from_numpy(unit)].to(residual)
        effect, _ = changes(model, residual[at], removed, next_token[at].to(residual.device))
        means.append(_means(effect.cpu().double().numpy(), unit - start, n=len(block)))
    return pd.concat(means, ignore_index=True)


def _drawn(
    acts: sparse.csc_matrix, unit: int, n: int, seed: int
) -> tuple[Int[np.ndarray, " case"], Float[np.ndarray, " case"]]:
    active = column(acts, unit)
    rng = np.random.default_rng([seed, unit, 1])
    size = min(n, len(active.rows))
    chosen = np.sort(rng.choice(len(active.rows), size=size, replace=False))
    return active.rows[chosen].astype(np.int64), active.values[chosen]


def _means(
    effect: Float[np.ndarray, " case"], unit: Int[np.ndarray, " case"], *, n: int
) -> pd.DataFrame:
    count = np.bincount(unit, minlength=n)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(unit, weights=effect, minlength=n) / count
        squares = np.bincount(unit, weights=(effect - mean[unit]) ** 2, minlength=n)
        error = np.where(count > 1, np.sqrt(squares / (count - 1) / count), np.nan)
    return pd.DataFrame({"n_cases": count, "effect": mean, "effect_error": error})
