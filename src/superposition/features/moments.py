"""Sums over tokens from which correlations follow, of sparse and of dense activations alike.

A latent is active on few tokens, so a matrix of tokens by latents has about L0 entries a row, and
the product of two of them costs tokens x L0 x L0, however many latents there are.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

ROWS = 65_536
"""Tokens of a sparse product at a time: its result, nearly dense, then costs little beside it."""

Matrix: TypeAlias = sparse.csr_matrix | np.ndarray
"""Tokens by units: sparse for latents, dense for neurons."""


@dataclass
class CrossMoments:
    """Sums from which the correlation of every unit of X with every unit of Y follows."""

    n: int
    """Tokens so far."""
    sums: tuple[Float[np.ndarray, " d_x"], Float[np.ndarray, " d_y"]]
    """Of the activations of X's and of Y's units."""
    squares: tuple[Float[np.ndarray, " d_x"], Float[np.ndarray, " d_y"]]
    """Of their squares."""
    products: Float[np.ndarray, "d_x d_y"]
    """Of the products of one of X's and one of Y's."""

    @classmethod
    def empty(cls, d_x: int, d_y: int) -> "CrossMoments":
        """Sums before the first token."""
        vectors = [(np.zeros(d_x), np.zeros(d_y)) for _ in range(2)]
        return cls(0, vectors[0], vectors[1], np.zeros((d_x, d_y)))

    @classmethod
    def of(cls, x: Matrix, y: Matrix) -> "CrossMoments":
        """The sums over all rows of two matrices of tokens by units."""
        moments = cls.empty(x.shape[1], y.shape[1])
        for start in range(0, x.shape[0], ROWS):
            moments.add_(x[start : start + ROWS], y[start : start + ROWS])
        return moments

    def add_(self, x: Matrix, y: Matrix) -> None:
        """Add some tokens: rows of X and of Y."""
        self.n += x.shape[0]
        for i, each in enumerate((x, y)):
            self.sums[i][:] += total(each)
            self.squares[i][:] += total(each, power=2)
        self.products += product(x, y)

    def plus(self, other: "CrossMoments") -> "CrossMoments":
        """The sums over the tokens of both."""
        return CrossMoments(
            self.n + other.n,
            (self.sums[0] + other.sums[0], self.sums[1] + other.sums[1]),
            (self.squares[0] + other.squares[0], self.squares[1] + other.squares[1]),
            self.products + other.products,
        )

    def correlation(self) -> Float[np.ndarray, "d_x d_y"]:
        """Pearson's correlation over all tokens, active or not; 0 where a unit never varies."""
        found = self.products / self.n
        means = [each / self.n for each in self.sums]
        found -= np.outer(*means)
        for axis, (squares, mean) in enumerate(zip(self.squares, means, strict=True)):
            variance = np.maximum(squares / self.n - mean**2, 0)
            scale = np.divide(1, np.sqrt(variance), out=np.zeros_like(variance), where=variance > 0)
            found *= scale[:, None] if axis == 0 else scale[None]
        return found


def paired_correlation(x: sparse.csr_matrix, y: sparse.csr_matrix) -> Float[np.ndarray, " pair"]:
    """Pearson's correlation of column i of `x` with column i of `y`; 0 where one never varies."""
    n = x.shape[0]
    covariance = total(x.multiply(y).tocsr()) / n - total(x) * total(y) / n**2
    variances = [total(each, power=2) / n - (total(each) / n) ** 2 for each in (x, y)]
    scale = np.sqrt(np.maximum(variances[0], 0) * np.maximum(variances[1], 0))
    return np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0)


def product(x: Matrix, y: Matrix) -> Float[np.ndarray, "d_x d_y"]:
    """X^T Y, as a dense matrix of double precision."""
    if sparse.issparse(x) or sparse.issparse(y):
        return np.asarray((sparse.csr_matrix(x.T) @ y).todense(), dtype=np.float64)
    return np.asarray(x.T @ y, dtype=np.float64)


def total(x: Matrix, *, power: int = 1) -> Float[np.ndarray, " unit"]:
    """The sum over tokens of every unit's activation to a `power`."""
    if not isinstance(x, np.ndarray):
        weights = x.data.astype(np.float64) ** power
        return np.bincount(x.indices, weights=weights, minlength=x.shape[1])
    return (x.astype(np.float64) ** power).sum(axis=0)


def firings(x: Matrix) -> Int[np.ndarray, " unit"]:
    """On how many tokens each unit is active."""
    if isinstance(x, np.ndarray):
        return (x > 0).sum(axis=0)
    return np.bincount(x.indices, minlength=x.shape[1])


def ones(x: sparse.csr_matrix) -> sparse.csr_matrix:
    """Where `x` is active: its pattern with every activation 1."""
    return sparse.csr_matrix((np.ones_like(x.data), x.indices, x.indptr), shape=x.shape)


def f1_scores(
    acts: sparse.csr_matrix, labels: sparse.csr_matrix
) -> Float[np.ndarray, "context unit"]:
    """F1 of every unit's being active as a detector of every context; 0 where neither occurs."""
    inside = product(labels, ones(acts))
    both = firings(labels)[:, None] + firings(acts)[None]
    return np.divide(2 * inside, both, out=np.zeros_like(inside), where=both > 0)


def precisions(
    acts: sparse.csr_matrix, labels: sparse.csr_matrix
) -> Float[np.ndarray, "context unit"]:
    """The share of every unit's active tokens that lie in every context; 0 if it has none."""
    inside, active = (
        product(labels, ones(acts)),
        np.broadcast_to(firings(acts), (labels.shape[1], acts.shape[1])),
    )
    return np.divide(inside, active, out=np.zeros_like(inside), where=active > 0)
