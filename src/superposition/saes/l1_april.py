"""The autoencoder of Anthropic's April 2024 update: decoder norms are free, and penalised too."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from superposition.saes import base, kernels
from superposition.saes.base import Loss, SaeConfig, ramp
from superposition.saes.codes import Codes
from superposition.saes.initialisation import mean_norm, random_directions_


@dataclass(frozen=True, kw_only=True)
class Config(SaeConfig):
    """A row with `arch: l1_april`.

    The update has a learning rate of 5e-5, a decay over the last 20% of 200,000 steps, gradients
    clipped to norm 1 and no resampling: fields of the row's training.
    """

    l1_coefficient: float
    """lambda, in units where inputs have mean norm sqrt(d_in) and squared errors are sums; 5.
    Source: Update on how we train SAEs (Conerly et al., Circuits Updates, April 2024)."""
    penalty_warm_up: float
    """Share of the steps over which lambda rises from 0; 0.05. Source: same."""
    initial_norm: float
    """Of every decoder row; 0.1. Source: same."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        super().__post_init__()
        if self.l1_coefficient < 0:
            raise ValueError(f"l1_coefficient={self.l1_coefficient} is negative")
        if not 0 <= self.penalty_warm_up <= 1:
            raise ValueError(f"penalty_warm_up={self.penalty_warm_up} is not between 0 and 1")
        if self.initial_norm <= 0:
            raise ValueError(f"initial_norm={self.initial_norm} is not positive")


class SAE(base.SAE):
    """Activations are rectified; each is penalised by the length of what it adds to x_hat.

        f(x)  = ReLU(W_enc x + b_enc)
        x_hat = W_dec f(x) + b_dec
        L     = 1/|X| sum_x [ |x - x_hat|_2^2 + lambda sum_i f_i(x) |W_dec,i|_2 ]

    x here has mean norm sqrt(d_in). W_dec,i is row i of W_dec; its norm is free, since doubling it
    and halving f_i changes no term. lambda rises from 0 at the start of training.
    Source: Update on how we train SAEs (Conerly et al., Circuits Updates, April 2024).
    Differs: inputs are scaled inside (see `unit`), so that f and x_hat are in units of x.
    """

    config: Config
    passes = 2
    scale: Float[Tensor, "*instance 1"]

    def __init__(self, config: Config, *, d_in: int, n_instances: int | None = None) -> None:
        """An autoencoder of zeros, for inputs of mean norm sqrt(d_in)."""
        super().__init__(config, d_in=d_in, n_instances=n_instances)
        self.register_buffer("scale", torch.ones(*self.b_enc.shape[:-1], 1))

    def unit(self) -> Float[Tensor, "*instance 1"]:
        """u: the mean norm of inputs over sqrt(d_in), before training."""
        return self.scale

    def encoder_bias(
        self, W_enc: Float[Tensor, "*instance d_in some"], b_enc: Float[Tensor, "*instance some"]
    ) -> Float[Tensor, "*instance some"]:
        """b_enc u: the encoder sees x, not x - b_dec."""
        return b_enc * self.unit()

    def codes(self, x: Float[Tensor, "*instance batch d_in"]) -> Codes:
        """f(x)."""
        return kernels.above(self.pre_acts(x), passes=self.passes)

    def loss(
        self,
        x: Float[Tensor, "*instance batch d_in"],
        dead: Bool[Tensor, "*instance d_sae"] | None,
        *,
        progress: float,
    ) -> Loss:
        """L; `dead` changes nothing, because the recipe does nothing about dead latents."""
        codes, unit = self.codes(x), self.unit().squeeze(-1)
        x_hat = self.decode_codes(codes)
        mse = (x_hat - x).square().mean((-1, -2))
        lengths = codes.with_values(codes.values * codes.spread(self.W_dec.norm(dim=-1)))
        coefficient = self.config.l1_coefficient * ramp(progress, over=self.config.penalty_warm_up)
        penalty = coefficient * lengths.sums().mean(-1) / unit
        return Loss(self.d_in * mse / unit.square() + penalty, mse, penalty, x_hat, codes)

    def after_step_(self, codes: Codes) -> None:
        """Leave the decoder's norms as they are."""

    def project_gradients_(self) -> None:
        """Leave the gradient as it is: it may change the decoder's norms."""

    @torch.no_grad()
    def initialise_(self, sample: Float[Tensor, "*instance batch d_in"]) -> None:
        """Random decoder rows of the row's norm, W_enc = W_dec^T, biases 0, the sample's unit."""
        self.scale.copy_(mean_norm(sample.to(self.scale.dtype)))
        random_directions_(self)
        self.W_dec.mul_(self.config.initial_norm)
        self.W_enc.copy_(self.W_dec.mT)
        self.b_enc.zero_()
        self.b_dec.zero_()
