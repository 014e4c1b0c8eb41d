"""The loss of a linear model as a trade of benefit against interference, and where descent ends.

L = sum_i I_i (1 - |W_i|^2)^2 + sum_{i != j} I_j (W_j . W_i)^2
Source: Toy Models of Superposition, Mathematical Understanding, after Saxe et al. (2013). The first
sum is what is lost of each feature, the second what the features do to each other. It holds for
inputs with covariance 1 and for any loss of this kind up to a factor.
"""

import pandas as pd
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.toy.geometry import interference, n_represented
from superposition.toy.models import xavier_start


def saxe_loss(
    W: Float[Tensor, "instance feature d_hidden"], importance: Float[Tensor, " feature"]
) -> Float[Tensor, " instance"]:
    """The loss of each linear model, benefit and interference together."""
    lost = (1 - W.square().sum(dim=-1)) ** 2 @ importance
    return lost + (interference(W) ** 2 @ importance).sum(dim=-1)


def descend(
    n_features: int,
    d_hidden: int,
    *,
    importance_base: float,
    n_starts: int,
    n_steps: int,
    lr: float,
    seed: int,
) -> pd.DataFrame:
    """Where gradient descent on `saxe_loss` ends from random starts.

    Plain gradient descent: no optimiser that could tell features apart by their axes.
    Columns: start, n_represented, largest_overlap (of two directions), excess (of the loss over
    the best one, that of keeping the most important features).
    """
    generator = Generator().manual_seed(seed)
    W = xavier_start(n_starts, n_features, d_hidden, generator=generator).double()
    importance = importance_base ** torch.arange(n_features, dtype=torch.float64)
    for _ in range(n_steps):
        W = W - lr * gradient(W, importance)
    columns = {
        "start": range(n_starts),
        "n_represented": n_represented(W).numpy(),
        "largest_overlap": interference(W).abs().amax(dim=(1, 2)).numpy(),
        "excess": (saxe_loss(W, importance) - importance[d_hidden:].sum()).numpy(),
    }
    return pd.DataFrame(columns)


def gradient(
    W: Float[Tensor, "instance feature d_hidden"], importance: Float[Tensor, " feature"]
) -> Float[Tensor, "instance feature d_hidden"]:
    """The gradient of `saxe_loss`: -2 (A I + I A) W with A = 1 - W^T W in terms of features."""
    left = torch.eye(W.shape[1], dtype=W.dtype) - W @ W.mT
    weighted = left * importance
    return -2 * (weighted + weighted.mT) @ W
