"""The gated autoencoder: one path decides which latents are active, the other how much."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from superposition.saes import base, kernels
from superposition.saes.base import Loss, SaeConfig, ramp
from superposition.saes.codes import Codes
from superposition.saes.initialisation import mean_square, transposed_


@dataclass(frozen=True, kw_only=True)
class Config(SaeConfig):
    """A row with `arch: gated`."""

    l1_coefficient: float
    """lambda, in units where inputs have mean squared norm 1 and squared errors are sums."""
    penalty_warm_up: float
    """Share of the steps over which lambda rises from 0; 0 in the paper."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        super().__post_init__()
        if self.l1_coefficient < 0:
            raise ValueError(f"l1_coefficient={self.l1_coefficient} is negative")
        if not 0 <= self.penalty_warm_up <= 1:
            raise ValueError(f"penalty_warm_up={self.penalty_warm_up} is not between 0 and 1")


class SAE(base.SAE):
    """The penalty sees the gate alone, so that it does not shrink the activations.

        pi_gate(x) = W_gate (x - b_dec) + b_gate
        f(x)       = 1[pi_gate(x) > 0] ReLU(exp(r_mag) W_gate (x - b_dec) + b_mag)
        x_hat      = W_dec f(x) + b_dec
        L          = 1/|X| sum_x [ |x - x_hat|_2^2 + lambda |ReLU(pi_gate(x))|_1
                                   + |x - x_hat_frozen(ReLU(pi_gate(x)))|_2^2 ]

    x_hat_frozen decodes with a copy of W_dec and b_dec that gets no gradient: it trains the gate,
    which gets none from the first term. W_enc and b_enc are W_gate and b_gate.
    Source: Improving Dictionary Learning with Gated Sparse Autoencoders (Rajamanoharan et al.
    2024), section 3.
    Differs: x has mean squared norm 1, scaled inside (see `unit`), as in the same authors' JumpReLU
    Sparse Autoencoders, so that a lambda means the same for all activations.
    """

    config: Config
    passes = 4
    scale: Float[Tensor, "*instance 1"]
    r_mag: Float[Tensor, "*instance d_sae"]
    b_mag: Float[Tensor, "*instance d_sae"]

    def __init__(self, config: Config, *, d_in: int, n_instances: int | None = None) -> None:
        """An autoencoder of zeros, for inputs of mean squared norm 1."""
        super().__init__(config, d_in=d_in, n_instances=n_instances)
        self.r_mag = nn.Parameter(torch.zeros(self.b_enc.shape))
        self.b_mag = nn.Parameter(torch.zeros(self.b_enc.shape))
        self.register_buffer("scale", torch.ones(*self.b_enc.shape[:-1], 1))

    def unit(self) -> Float[Tensor, "*instance 1"]:
        """u: the root of inputs' mean squared norm, before training."""
        return self.scale

    def codes(self, x: Float[Tensor, "*instance batch d_in"]) -> Codes:
        """f(x)."""
        return self._magnitudes(kernels.above(self.pre_acts(x), passes=self.passes)).positive()

    def loss(
        self,
        x: Float[Tensor, "*instance batch d_in"],
        dead: Bool[Tensor, "*instance d_sae"] | None,
        *,
        progress: float,
    ) -> Loss:
        """L; `dead` changes nothing."""
        gate = kernels.above(self.pre_acts(x), passes=self.passes)
        codes = self._magnitudes(gate)
        x_hat = self.decode_codes(codes)
        frozen = gate.decode(self.W_dec.detach()) + self.decoder_bias().detach().unsqueeze(-2)
        unit = self.unit().squeeze(-1)
        mse, aux = ((each - x).square().mean((-1, -2)) for each in (x_hat, frozen))
        coefficient = self.config.l1_coefficient * ramp(progress, over=self.config.penalty_warm_up)
        in_units = self.d_in / unit.square()
        penalty = coefficient * gate.sums().mean(-1) / unit + in_units * aux
        return Loss(in_units * mse + penalty, mse, penalty, x_hat, codes.positive())

    @torch.no_grad()
    def initialise_(self, sample: Float[Tensor, "*instance batch d_in"]) -> None:
        """As `transposed_`, with the sample's unit and both paths alike."""
        self.scale.copy_(mean_square(sample.to(self.scale.dtype)))
        transposed_(self, sample)
        self.r_mag.zero_()
        self.b_mag.zero_()

    def _magnitudes(self, gate: Codes) -> Codes:
        """f, stored where the gate is: the magnitudes where they, too, are positive.

        With z the gate's pre-activation, W_gate (x - b_dec) is z - b_gate.
        """
        unit = self.unit()
        b_gate, b_mag = (gate.spread(bias * unit) for bias in (self.b_enc, self.b_mag))
        magnitudes = gate.spread(self.r_mag.exp()) * (gate.values - b_gate) + b_mag
        return gate.with_values(magnitudes.where((gate.values > 0) & (magnitudes > 0), 0.0))
