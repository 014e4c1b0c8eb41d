"""Directions that nobody learned, as dictionaries: principal components and random ones.

Each direction d through the mean activation gives two units, relu(+(x - mean) . d) and
relu(-(x - mean) . d), so that its two ends can mean different things, as a latent's cannot.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from superposition.features.streaming import Windows, window_batches
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.kernels import Codes, DenseCodes


class Directions:
    """Unit vectors through a mean, two units each: all positive ends, then all negative ones."""

    def __init__(
        self, mean: Float[Tensor, " d_in"], directions: Float[Tensor, "direction d_in"]
    ) -> None:
        """`directions` have unit length."""
        self.mean, self.directions = mean, directions

    def codes(self, x: Float[Tensor, "batch d_in"]) -> DenseCodes:
        """How far each activation lies along each direction, and against it."""
        along = (x.to(self.mean.dtype) - self.mean) @ self.directions.mT
        return DenseCodes(torch.cat([along, -along], dim=1).relu())

    def decode_codes(self, codes: Codes) -> Float[Tensor, "batch d_in"]:
        """The mean and the steps along the directions: exact if they are an orthonormal basis."""
        positive, negative = codes.dense().chunk(2, dim=1)
        return self.mean + (positive - negative) @ self.directions


def principal_directions(
    mean: Float[Tensor, " d_in"], covariance: Float[Tensor, "d_in d_in"], *, n: int
) -> Directions:
    """The `n` directions of largest variance, largest first; the first large coefficient of each
    is positive, so that nothing depends on the solver's choice of sign."""
    _check(n, d_in=len(mean))
    vectors = torch.linalg.eigh(covariance.double()).eigenvectors.mT.flip(0)[:n]
    largest = vectors.abs().argmax(dim=1, keepdim=True)
    return Directions(mean, (vectors * vectors.gather(1, largest).sign()).to(mean.dtype))


def random_directions(mean: Float[Tensor, " d_in"], *, n: int, seed: int) -> Directions:
    """`n` directions drawn uniformly from the sphere."""
    if n < 1:
        raise ValueError(f"n={n} directions: at least 1 is needed")
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(n, len(mean), generator=generator).to(mean)
    return Directions(mean, drawn / drawn.norm(dim=1, keepdim=True))


@torch.no_grad()
def mean_and_covariance(
    model: OneLayerTransformer, windows: Windows, *, batch_size: int
) -> tuple[Float[Tensor, " d_in"], Float[Tensor, "d_in d_in"]]:
    """Of the MLP's activations on `windows`: sums over all tokens, divided by their number."""
    n, total, products = 0, torch.zeros(()), torch.zeros(())
    for batch in window_batches(windows, batch_size=batch_size, description="covariance"):
        x = model.mlp_acts(batch.tokens[:, :-1].to(model.device)).flatten(0, 1)
        n += len(x)
        total = total.to(model.device) + x.double().sum(dim=0)
        products = products.to(model.device) + (x.mT @ x).double()
    mean = total / n
    return mean.float(), (products / n - torch.outer(mean, mean)).float()


def _check(n: int, *, d_in: int) -> None:
    if not 1 <= n <= d_in:
        raise ValueError(f"n={n} directions are not between 1 and d_in={d_in}")
