"""The autoencoder of Towards Monosemanticity (October 2023): ReLU, and a penalty on its sum."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from superposition.saes import base, kernels
from superposition.saes.base import Loss, SaeConfig
from superposition.saes.codes import Codes
from superposition.saes.initialisation import geometric_median
from superposition.saes.kernels import PreActs


@dataclass(frozen=True, kw_only=True)
class Config(SaeConfig):
    """A row with `arch: l1`."""

    l1_coefficient: float
    """lambda, in units where the squared error is a mean over d_in and |f| a sum over latents;
    0.004 for A/5. Source: Towards Monosemanticity, appendix, Sparse Autoencoder Setup."""
    tied: bool = False
    """Whether W_enc is always W_dec^T. Source: same, Decoder weights are not tied."""
    pre_encoder_bias: bool = True
    """Whether the encoder sees x - b_dec rather than x. Source: same, Pre-encoder bias."""
    project_gradients: bool = True
    """Whether the decoder's gradient loses what only changes norms. Source: same, setup."""

    def __post_init__(self) -> None:
        """Refuse a negative coefficient."""
        super().__post_init__()
        if self.l1_coefficient < 0:
            raise ValueError(f"l1_coefficient={self.l1_coefficient} is negative")


class SAE(base.SAE):
    """Activations are rectified; their sum is penalised.

        f(x)  = ReLU(W_enc (x - b_dec) + b_enc)
        x_hat = W_dec f(x) + b_dec
        L     = 1/|X| sum_x [ 1/d_in |x - x_hat|_2^2 + lambda |f(x)|_1 ]

    Source: Towards Monosemanticity, Sparse Autoencoders; appendix, Sparse Autoencoder Setup.
    """

    config: Config

    def codes(self, x: Float[Tensor, "*instance batch d_in"]) -> Codes:
        """f(x)."""
        return kernels.above(self.pre_acts(x))

    def loss(
        self,
        x: Float[Tensor, "*instance batch d_in"],
        dead: Bool[Tensor, "*instance d_sae"] | None,
        *,
        progress: float,
    ) -> Loss:
        """L, the same at all times; `dead` changes nothing: dead latents are resampled."""
        codes = self.codes(x)
        x_hat = self.decode_codes(codes)
        mse = (x_hat - x).square().mean((-1, -2))
        penalty = self.config.l1_coefficient * codes.sums().mean(-1)
        return Loss(mse + penalty, mse, penalty, x_hat, codes)

    def input_losses(
        self, x: Float[Tensor, "*instance batch d_in"]
    ) -> Float[Tensor, "*instance batch"]:
        """The bracket of L for each input."""
        codes = self.codes(x)
        mse = (self.decode_codes(codes) - x).square().mean(-1)
        return mse + self.config.l1_coefficient * codes.sums()

    def pre_acts(self, x: Float[Tensor, "*instance batch d_in"]) -> PreActs:
        """W_enc (x - b_dec) + b_enc, with the row's encoder and with or without b_dec."""
        W_enc = self.W_dec.mT if self.config.tied else self.W_enc
        return kernels.linear(x, W_enc, self.encoder_bias(W_enc, self.b_enc), self.scratch)

    def encoder_bias(
        self, W_enc: Float[Tensor, "*instance d_in some"], b_enc: Float[Tensor, "*instance some"]
    ) -> Float[Tensor, "*instance some"]:
        """b_enc - W_enc b_dec, or b_enc alone in a row without the pre-encoder bias."""
        return super().encoder_bias(W_enc, b_enc) if self.config.pre_encoder_bias else b_enc

    def after_step_(self, codes: Codes) -> None:
        """Normalise the decoder, and keep a tied encoder equal to it."""
        super().after_step_(codes)
        self._tie_()

    def project_gradients_(self) -> None:
        """Take the gradient along the decoder's rows away, unless the row leaves it in."""
        if self.config.project_gradients:
            super().project_gradients_()

    @torch.no_grad()
    def initialise_(self, sample: Float[Tensor, "*instance batch d_in"]) -> None:
        """Kaiming uniform weights, unit decoder rows, b_enc = 0, b_dec at the geometric median."""
        generator = self.generator()
        for encoder, decoder in zip(*self._by_instance(), strict=True):
            nn.init.kaiming_uniform_(encoder.mT, generator=generator)
            nn.init.kaiming_uniform_(decoder.mT, generator=generator)
        self.normalise_decoder_()
        self.b_enc.zero_()
        self.b_dec.copy_(geometric_median(sample.to(self.b_dec.dtype)))
        self._tie_()

    @torch.no_grad()
    def _tie_(self) -> None:
        if self.config.tied:
            self.W_enc.copy_(self.W_dec.mT)

    def _by_instance(self) -> tuple[list[Tensor], list[Tensor]]:
        alone = self.n_instances is None
        weights = [weight.data for weight in (self.W_enc, self.W_dec)]
        encoders, decoders = ([each] if alone else list(each) for each in weights)
        return encoders, decoders
