"""The loss sorted by how many features are present: no feature, one, two, and so on.

L = sum_k p^k (1 - p)^(n - k) L_k, where L_k sums the expected loss over all sets of k features.
Source: Toy Models of Superposition, Mathematical Understanding. Differs: the binomial coefficients,
which the paper absorbs in L_k without saying so, are here the number of sets in the sum.
"""

import itertools
import math
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.toy.models import ToyModel
from superposition.toy.monte_carlo import sampled_loss
from superposition.toy.theory import polytopes

N_NODES = 20_000
"""Points of the quadrature over one feature: the midpoint rule is then good to 1e-9."""


class Example(NamedTuple):
    """A model made by hand."""

    W: Float[Tensor, "feature d_hidden"]
    b: Float[Tensor, " feature"]


def examples(*, seed: int) -> dict[str, Example]:
    """Models of five features in two dimensions, by name.

    The norm and the bias of the shifted pentagon are near those of trained ones at p = 0.05.
    """
    pentagon = polytopes()["pentagon"].vertices.float()
    pairs = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1], [0, 0]])
    generator = Generator().manual_seed(seed)
    noise = torch.randn(5, 3, generator=generator)
    return {
        "two pairs, one dropped": Example(pairs, torch.zeros(5)),
        "pentagon": Example(pentagon, torch.zeros(5)),
        "pentagon, shifted": Example(1.13 * pentagon, torch.full((5,), -0.24)),
        "random": Example(noise[:, :2] * 0.7, noise[:, 2] * 0.2),
    }


def weight(active: int, n_features: int, p: float) -> float:
    """p^k (1 - p)^(n - k): how likely one set of `active` features is."""
    return p**active * (1 - p) ** (n_features - active)


def empty_term(b: Float[Tensor, " feature"], importance: Float[Tensor, " feature"]) -> float:
    """L_0 = sum_i I_i ReLU(b_i)^2: what a model answers to nothing."""
    return float((importance * b.relu() ** 2).sum())


def one_sparse_term(
    gram: Float[Tensor, "feature feature"],
    b: Float[Tensor, " feature"],
    importance: Float[Tensor, " feature"],
) -> float:
    """L_1, by quadrature, from the products of directions W_i . W_j.

    sum_i int_0^1 [I_i (x - ReLU(|W_i|^2 x + b_i))^2 + sum_{j != i} I_j ReLU(W_j . W_i x + b_j)^2].
    """
    x = (torch.arange(N_NODES, dtype=torch.float64) + 0.5) / N_NODES
    total = 0.0
    for feature, leaks in enumerate(gram.double()):
        wanted = torch.zeros(len(b), 1, dtype=torch.float64)
        wanted[feature] = 1.0
        answer = (leaks[:, None] * x + b.double()[:, None]).relu()
        total += float(importance.double() @ (wanted * x - answer).square().mean(dim=1))
    return total


def terms(
    model: Example,
    importance: Float[Tensor, " feature"],
    *,
    n_samples: int,
    generator: Generator,
) -> pd.DataFrame:
    """L_0 and L_1 by quadrature, the others on `n_samples` inputs for each set of features.

    Columns: active, term, standard_error.
    """
    n = len(model.b)
    rows = [
        (0, empty_term(model.b, importance), 0.0),
        (1, one_sparse_term(model.W @ model.W.mT, model.b, importance), 0.0),
    ]
    for active in range(2, n + 1):
        sets = itertools.combinations(range(n), active)
        found = [_on_set(model, importance, chosen, n_samples, generator) for chosen in sets]
        means, variances = np.array(found).sum(axis=0)
        rows.append((active, float(means), math.sqrt(variances)))
    return pd.DataFrame(rows, columns=["active", "term", "standard_error"])


def direct(
    model: Example,
    importance: Float[Tensor, " feature"],
    p: float,
    *,
    n_samples: int,
    generator: Generator,
) -> tuple[float, float]:
    """The loss on plain samples at density `p`, and its standard error."""
    toy = ToyModel(model.W[None], model.b[None], output="relu")
    mean, error = sampled_loss(toy, importance, p, n_samples, generator)
    return float(mean), float(error)


def sums(terms: pd.DataFrame, direct: pd.DataFrame) -> pd.DataFrame:
    """The sum of the terms of each model beside its loss on plain samples, at every density.

    Columns: model, feature_probability, loss, difference, standard_error (of the difference).
    """
    rows = []
    for name, p, loss, error in direct.itertuples(index=False):
        of_model = terms.loc[terms["model"] == name]
        active, term, noise = (
            of_model[column].to_numpy(dtype=float)
            for column in ("active", "term", "standard_error")
        )
        weights = np.array([weight(int(k), len(active) - 1, p) for k in active])
        spread = math.sqrt(error**2 + float(((weights * noise) ** 2).sum()))
        rows.append((name, p, loss, float(weights @ term) - loss, spread))
    columns = ["model", "feature_probability", "loss", "difference", "standard_error"]
    return pd.DataFrame(rows, columns=columns)


@torch.no_grad()
def _on_set(
    model: Example,
    importance: Tensor,
    chosen: tuple[int, ...],
    n_samples: int,
    generator: Generator,
) -> tuple[float, float]:
    """The mean loss with exactly the `chosen` features present, and the variance of that mean."""
    x = torch.zeros(n_samples, len(model.b))
    x[:, list(chosen)] = torch.rand(n_samples, len(chosen), generator=generator)
    error = (x - (x @ model.W @ model.W.mT + model.b).relu()) ** 2 @ importance
    variance, mean = torch.var_mean(error.double())
    return float(mean), float(variance) / n_samples
