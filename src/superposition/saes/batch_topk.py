"""BatchTopK: the k x batch largest activations of a batch stay, so inputs differ in how many."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from superposition.saes import base, kernels
from superposition.saes.auxiliary import check_selection, error_of_dead_latents, move_threshold_
from superposition.saes.base import Loss, SaeConfig
from superposition.saes.codes import Codes
from superposition.saes.initialisation import transposed_


@dataclass(frozen=True, kw_only=True)
class Config(SaeConfig):
    """A row with `arch: batch_topk`."""

    k: int
    """Active latents per input, mean over the batch."""
    k_aux: int
    """Dead latents that model an input's error in the auxiliary loss; d_in / 2.
    Source: Scaling and Evaluating Sparse Autoencoders (Gao et al. 2024), appendix A.2."""
    aux_coefficient: float
    """Weight of the auxiliary loss; 1/32. Source: same."""
    threshold_decay: float
    """Of the mean smallest kept activation, per step, which becomes the inference threshold."""

    def __post_init__(self) -> None:
        """Refuse more active latents than there are."""
        super().__post_init__()
        check_selection(k=self.k, k_aux=self.k_aux, d_sae=self.d_sae)
        if not 0 <= self.threshold_decay < 1:
            raise ValueError(f"threshold_decay={self.threshold_decay} is not in [0, 1)")


class SAE(base.SAE):
    """The largest activations of a whole batch stay; the others are set to zero.

        f     = BatchTopK(ReLU(W_enc (x - b_dec) + b_enc))      in training
        f_i   = ReLU(...)_i if it exceeds theta, else 0          afterwards
        x_hat = W_dec f + b_dec
        L     = MSE(x, x_hat) + alpha MSE(x - x_hat, e_hat)

    theta is the mean smallest activation kept. e_hat decodes the k_aux largest dead latents; the
    error x - x_hat counts as data there, and the gradient reaches the encoder.
    Source: BatchTopK Sparse Autoencoders (Bussmann et al. 2024), section 3; auxiliary loss: Scaling
    and Evaluating Sparse Autoencoders (Gao et al. 2024), appendix A.2.
    Differs: both errors are means over d_in in the same units, as in BatchTopK's published code,
    because dead latents see no other gradient and Adam ignores its scale.
    """

    config: Config
    threshold: Float[Tensor, "*instance"]

    def __init__(self, config: Config, *, d_in: int, n_instances: int | None = None) -> None:
        """An autoencoder of zeros, with the threshold of a ReLU."""
        super().__init__(config, d_in=d_in, n_instances=n_instances)
        self.register_buffer("threshold", torch.zeros(self.b_enc.shape[:-1]))

    def codes(self, x: Float[Tensor, "*instance batch d_in"]) -> Codes:
        """f(x) by the threshold: an input's code does not depend on its batch."""
        return kernels.above(self.pre_acts(x), self.threshold.unsqueeze(-1))

    def loss(
        self,
        x: Float[Tensor, "*instance batch d_in"],
        dead: Bool[Tensor, "*instance d_sae"] | None,
        *,
        progress: float,
    ) -> Loss:
        """L on a training batch, the same at all times."""
        codes = kernels.batch_top_k(self.pre_acts(x), self.config.k)
        x_hat = self.decode_codes(codes)
        mse = (x_hat - x).square().mean((-1, -2))
        if dead is None or not bool(dead.any()):
            return Loss(mse, mse, torch.zeros_like(mse), x_hat, codes)
        aux = error_of_dead_latents(self, x, x_hat, dead, k_aux=self.config.k_aux)
        penalty = self.config.aux_coefficient * aux
        return Loss(mse + penalty, mse, penalty, x_hat, codes)

    @torch.no_grad()
    def after_step_(self, codes: Codes) -> None:
        """Normalise the decoder, and move the threshold towards the smallest activation kept."""
        super().after_step_(codes)
        move_threshold_(self.threshold, codes.smallest(), decay=self.config.threshold_decay)

    def has_fixed_kernels(self, *, progress: float) -> bool:
        """It is: as many codes in every batch, and no penalty."""
        return True

    @torch.no_grad()
    def initialise_(self, sample: Float[Tensor, "*instance batch d_in"]) -> None:
        """As `transposed_`, with the threshold of a ReLU."""
        transposed_(self, sample)
        self.threshold.zero_()
