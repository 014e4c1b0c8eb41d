"""First weights, and the size of inputs, of more than one architecture."""

import torch
from jaxtyping import Float
from torch import Tensor

from superposition.saes.base import SAE


def geometric_median(
    x: Float[Tensor, "*instance batch d_in"], *, tolerance: float = 1e-7, max_iterations: int = 200
) -> Float[Tensor, "*instance d_in"]:
    """The point with the smallest mean distance to the inputs, by Weiszfeld's iteration.

    Stops when a step is shorter than `tolerance` times the inputs' mean distance.
    Source: Towards Monosemanticity, appendix, Sparse Autoencoder Setup (the decoder's first bias).
    """
    median = x.mean(-2)
    for _ in range(max_iterations):
        distances = (x - median.unsqueeze(-2)).norm(dim=-1)
        scale = distances.mean(-1, keepdim=True)
        weights = 1 / torch.maximum(distances, 1e-6 * scale).clamp(min=1e-30)
        weights = weights / weights.sum(-1, keepdim=True)
        previous, median = median, (weights.unsqueeze(-2) @ x).squeeze(-2)
        if bool(((median - previous).norm(dim=-1, keepdim=True) <= tolerance * scale).all()):
            break
    return median


def mean_square(x: Float[Tensor, "*instance batch d_in"]) -> Float[Tensor, "*instance 1"]:
    """sqrt(mean |x|^2), the unit in which inputs have mean squared norm 1; 1 if x is all zeros.

    Source: JumpReLU Sparse Autoencoders (Rajamanoharan et al. 2024), section 4 and appendix.
    """
    return _positive(x.square().sum(-1).mean(-1, keepdim=True).sqrt())


def mean_norm(x: Float[Tensor, "*instance batch d_in"]) -> Float[Tensor, "*instance 1"]:
    """mean |x| / sqrt(d_in), the unit in which inputs have mean norm sqrt(d_in); 1 if x is zero.

    Source: Update on how we train SAEs (Conerly et al., Circuits Updates, April 2024).
    """
    return _positive(x.norm(dim=-1).mean(-1, keepdim=True) / x.shape[-1] ** 0.5)


@torch.no_grad()
def random_directions_(sae: SAE) -> None:
    """Give every decoder row a random direction and norm 1, by the row's seed."""
    sae.W_dec.copy_(torch.randn(sae.W_dec.shape, generator=sae.generator()))
    sae.normalise_decoder_()


@torch.no_grad()
def transposed_(sae: SAE, sample: Float[Tensor, "*instance batch d_in"]) -> None:
    """Random unit decoder rows, W_enc = W_dec^T, b_enc = 0, b_dec at the geometric median.

    Source: Scaling and Evaluating Sparse Autoencoders (Gao et al. 2024), appendix A.1.
    """
    random_directions_(sae)
    sae.W_enc.copy_(sae.W_dec.mT)
    sae.b_enc.zero_()
    sae.b_dec.copy_(geometric_median(sample.to(sae.b_dec.dtype)) / sae.unit())


def _positive(unit: Tensor) -> Tensor:
    return torch.where(unit > 0, unit, 1.0)
