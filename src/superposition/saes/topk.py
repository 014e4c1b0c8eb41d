"""TopK: the k largest activations of every input stay."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from superposition.saes import base, kernels
from superposition.saes.auxiliary import check_selection, error_of_dead_latents
from superposition.saes.base import Loss, SaeConfig
from superposition.saes.codes import Codes
from superposition.saes.initialisation import transposed_


@dataclass(frozen=True, kw_only=True)
class Config(SaeConfig):
    """A row with `arch: topk`."""

    k: int
    """Active latents per input, at most."""
    k_aux: int
    """Dead latents that model an input's error in the auxiliary loss; d_in / 2.
    Source: Scaling and Evaluating Sparse Autoencoders (Gao et al. 2024), appendix A.2."""
    aux_coefficient: float
    """Weight of the auxiliary loss; 1/32. Source: same."""

    def __post_init__(self) -> None:
        """Refuse more active latents than there are."""
        super().__post_init__()
        check_selection(k=self.k, k_aux=self.k_aux, d_sae=self.d_sae)


class SAE(base.SAE):
    """Selection instead of a penalty, input by input, in training and afterwards.

        f(x)  = ReLU(TopK(W_enc (x - b_dec) + b_enc)),   k largest
        x_hat = W_dec f(x) + b_dec
        L     = MSE(x, x_hat) + alpha MSE(x - x_hat, e_hat)

    e_hat decodes the k_aux largest dead latents: see `auxiliary`.
    Source: Scaling and Evaluating Sparse Autoencoders (Gao et al. 2024), section 2.3 and appendix
    A.2; the ReLU is from the published code.
    Differs: the encoder starts as the decoder's transpose, without the published code's search for
    the length that fits a batch best.
    """

    config: Config

    def codes(self, x: Float[Tensor, "*instance batch d_in"]) -> Codes:
        """f(x)."""
        return kernels.top_k(self.pre_acts(x), self.config.k)

    def loss(
        self,
        x: Float[Tensor, "*instance batch d_in"],
        dead: Bool[Tensor, "*instance d_sae"] | None,
        *,
        progress: float,
    ) -> Loss:
        """L, the same at all times."""
        codes = self.codes(x)
        x_hat = self.decode_codes(codes)
        mse = (x_hat - x).square().mean((-1, -2))
        if dead is None or not bool(dead.any()):
            return Loss(mse, mse, torch.zeros_like(mse), x_hat, codes)
        aux = error_of_dead_latents(self, x, x_hat, dead, k_aux=self.config.k_aux)
        penalty = self.config.aux_coefficient * aux
        return Loss(mse + penalty, mse, penalty, x_hat, codes)

    def has_fixed_kernels(self, *, progress: float) -> bool:
        """It is: as many codes in every batch, and no penalty."""
        return True

    def initialise_(self, sample: Float[Tensor, "*instance batch d_in"]) -> None:
        """As `transposed_`."""
        transposed_(self, sample)
