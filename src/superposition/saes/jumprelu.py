"""The JumpReLU autoencoder: every latent learns the threshold below which it is silent."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from superposition.saes import base, distributed, kernels
from superposition.saes.base import Loss, SaeConfig, ramp
from superposition.saes.codes import Codes
from superposition.saes.initialisation import mean_square, transposed_


@dataclass(frozen=True, kw_only=True)
class Config(SaeConfig):
    """A row with `arch: jumprelu`. Thresholds are in units where inputs' mean squared norm is 1."""

    target_l0: float
    """Active latents per input, mean over the batch, that the penalty aims at."""
    l0_coefficient: float
    """lambda; 1 in the dictionary_learning library."""
    penalty_warm_up: float
    """Share of the steps over which lambda rises from 0."""
    bandwidth: float
    """epsilon, the width of the kernel that estimates the thresholds' gradients; 0.001.
    Source: JumpReLU Sparse Autoencoders (Rajamanoharan et al. 2024), section 4."""
    initial_threshold: float
    """theta before training; 0.001. Source: same."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        super().__post_init__()
        for name in ("target_l0", "bandwidth"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)} is not positive")
        if self.target_l0 > self.d_sae:
            raise ValueError(f"target_l0={self.target_l0} exceeds d_sae={self.d_sae}")
        if self.l0_coefficient < 0:
            raise ValueError(f"l0_coefficient={self.l0_coefficient} is negative")
        if not 0 <= self.penalty_warm_up <= 1:
            raise ValueError(f"penalty_warm_up={self.penalty_warm_up} is not between 0 and 1")
        if self.initial_threshold < self.bandwidth / 2:
            raise ValueError(
                f"initial_threshold={self.initial_threshold} is below half of "
                f"bandwidth={self.bandwidth}"
            )


class SAE(base.SAE):
    """Pre-activations pass unchanged above a threshold; how many do is penalised.

        z(x)  = W_enc (x - b_dec) + b_enc
        f(x)  = z(x) H(z(x) - theta)
        x_hat = W_dec f(x) + b_dec
        L     = 1/|X| sum_x |x - x_hat|_2^2 + lambda ( L0 / L0_target - 1 )^2
        L0    = 1/|X| sum_x sum_i H(z_i(x) - theta_i)

    H is the step from 0 to 1. As its slope is 0, theta's gradient is estimated with the rectangle
    K of width 1:   df/dtheta = -theta/epsilon K((z - theta)/epsilon),
                    dH/dtheta = -1/epsilon K((z - theta)/epsilon).

    Source: JumpReLU Sparse Autoencoders (Rajamanoharan et al. 2024), sections 3 and 4; the penalty
    with a target is its alternative to lambda L0. It is chosen because a row then says which L0 it
    wants, as those of TopK and BatchTopK do, and needs no search for lambda.
    Differs: the target is met by the batch, not by each input, as in dictionary_learning; theta
    itself is the parameter, not log theta, whose steps under Adam are proportional to theta, so
    that small thresholds hardly move; and theta stays above epsilon/2, so that the kernel sees
    positive pre-activations only.
    """

    config: Config
    passes = 4
    scale: Float[Tensor, "*instance 1"]
    threshold: Float[Tensor, "*instance d_sae"]

    def __init__(self, config: Config, *, d_in: int, n_instances: int | None = None) -> None:
        """An autoencoder of zeros, for inputs of mean squared norm 1."""
        super().__init__(config, d_in=d_in, n_instances=n_instances)
        self.threshold = nn.Parameter(torch.full(self.b_enc.shape, config.initial_threshold))
        self.register_buffer("scale", torch.ones(*self.b_enc.shape[:-1], 1))

    def unit(self) -> Float[Tensor, "*instance 1"]:
        """u: the root of inputs' mean squared norm, before training."""
        return self.scale

    def codes(self, x: Float[Tensor, "*instance batch d_in"]) -> Codes:
        """f(x)."""
        return kernels.above(self.pre_acts(x), self.threshold * self.unit(), passes=self.passes)

    def loss(
        self,
        x: Float[Tensor, "*instance batch d_in"],
        dead: Bool[Tensor, "*instance d_sae"] | None,
        *,
        progress: float,
    ) -> Loss:
        """L; `dead` changes nothing."""
        codes, active = self._with_estimated_gradients(x)
        x_hat = self.decode_codes(codes)
        mse = (x_hat - x).square().mean((-1, -2))
        l0 = distributed.mean(active.sums().mean(-1), x.shape[-2])
        coefficient = self.config.l0_coefficient * ramp(progress, over=self.config.penalty_warm_up)
        penalty = coefficient * (l0 / self.config.target_l0 - 1).square()
        total = self.d_in * mse / self.unit().squeeze(-1).square() + penalty
        return Loss(total, mse, penalty, x_hat, codes.positive())

    @torch.no_grad()
    def after_step_(self, codes: Codes) -> None:
        """Normalise the decoder, and keep the thresholds above half of the bandwidth."""
        super().after_step_(codes)
        self.threshold.clamp_(min=self.config.bandwidth / 2)

    @torch.no_grad()
    def initialise_(self, sample: Float[Tensor, "*instance batch d_in"]) -> None:
        """As `transposed_`, with the sample's unit and the row's threshold."""
        self.scale.copy_(mean_square(sample.to(self.scale.dtype)))
        transposed_(self, sample)
        self.threshold.fill_(self.config.initial_threshold)

    def _with_estimated_gradients(self, x: Tensor) -> tuple[Codes, Codes]:
        """f and H(z - theta), stored where z exceeds theta - epsilon/2: elsewhere all is 0."""
        threshold = self.threshold * self.unit()
        half = (self.config.bandwidth / 2) * self.unit().expand_as(threshold)
        z = kernels.above(self.pre_acts(x), (threshold - half).clamp(min=0), passes=self.passes)
        at, half_at = z.spread(threshold), z.spread(half)
        return (
            z.with_values(_Jump.apply(z.values, at, half_at)),
            z.with_values(_Step.apply(z.values, at, half_at)),
        )


class _Jump(torch.autograd.Function):
    """z H(z - theta), with the estimated gradient of theta."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, threshold: Tensor, half: Tensor) -> Tensor:
        ctx.save_for_backward(z, threshold, half)
        return z.where(z > threshold, 0.0)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        z, threshold, half = ctx.saved_tensors
        slope = -threshold / (2 * half) * ((z - threshold).abs() < half)
        return grad.where(z > threshold, 0.0), (slope * grad).sum_to_size(threshold.shape), None


class _Step(torch.autograd.Function):
    """H(z - theta), with the estimated gradient of theta and none of z."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, threshold: Tensor, half: Tensor) -> Tensor:
        ctx.save_for_backward(z, threshold, half)
        return (z > threshold).to(threshold.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        z, threshold, half = ctx.saved_tensors
        slope = -1 / (2 * half) * ((z - threshold).abs() < half)
        return None, (slope * grad).sum_to_size(threshold.shape), None
