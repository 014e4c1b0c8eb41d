"""What architectures that select the largest activations share: for dead latents, for inference."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from superposition.saes import distributed, kernels
from superposition.saes.base import SAE
from superposition.saes.codes import DenseCodes


def error_of_dead_latents(
    sae: SAE,
    x: Float[Tensor, "*instance batch d_in"],
    x_hat: Float[Tensor, "*instance batch d_in"],
    dead: Bool[Tensor, "*instance d_sae"],
    *,
    k_aux: int,
) -> Float[Tensor, "*instance"]:
    """L_aux = MSE(x - x_hat, e_hat), where e_hat decodes the k_aux largest dead latents.

    The error x - x_hat counts as data. The gradient reaches decoder and encoder of dead latents.
    Source: Scaling and Evaluating Sparse Autoencoders (Gao et al. 2024), appendix A.2.
    Differs: both errors are means over d_in in the same units, as in BatchTopK's published code,
    because dead latents see no other gradient and Adam ignores its scale.
    """
    columns = dead.reshape(-1, dead.shape[-1]).any(0).nonzero().squeeze(1)
    W_enc = sae.W_enc.mT.index_select(-2, columns).mT
    b_enc = sae.b_enc.index_select(-1, columns)
    acts = kernels.linear(x, W_enc, sae.encoder_bias(W_enc, b_enc)).values.relu()
    acts = acts * dead.index_select(-1, columns).unsqueeze(-2)
    if len(columns) > k_aux:
        top = acts.topk(k_aux, dim=-1, sorted=False)
        acts = torch.zeros_like(acts).scatter(-1, top.indices, top.values)
    e_hat = DenseCodes(acts).decode(sae.W_dec.index_select(-2, columns))
    return (e_hat - (x - x_hat).detach()).square().mean((-1, -2))


def check_selection(*, k: int, k_aux: int, d_sae: int) -> None:
    """Refuse counts of latents that no dictionary of `d_sae` latents has."""
    for name, count in {"k": k, "k_aux": k_aux}.items():
        if count < 1:
            raise ValueError(f"{name}={count} is below 1")
    if k > d_sae:
        raise ValueError(f"k={k} exceeds d_sae={d_sae}")


@torch.no_grad()
def move_threshold_(
    threshold: Float[Tensor, "*instance"],
    smallest: Float[Tensor, "*instance"],
    *,
    decay: float,
) -> None:
    """Move an inference threshold towards the smallest activation kept in a training batch.

    The first one replaces a threshold of 0; a batch without activations (infinite) changes nothing.
    Source: BatchTopK Sparse Autoencoders (Bussmann et al. 2024), section 3.
    """
    smallest = distributed.smallest(smallest.to(threshold.dtype))
    moved = torch.where(threshold > 0, decay * threshold + (1 - decay) * smallest, smallest)
    threshold.copy_(torch.where(smallest.isfinite(), moved, threshold))
