"""How often and how strongly each latent is active, counted from its nonzero activations alone."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from superposition.features.streaming import Active
from superposition.intervals import wilson
from superposition.saes import metrics

ULTRA_LOW_DENSITY = 1e-6
"""Density below which a latent is set apart. Source: Towards Monosemanticity, Global Analysis."""
MIN_FIRINGS = 10
"""Firings that tell a density from a chance find. Differs: the paper's 10^8 tokens show densities
of 10^-6; on fewer than 10^7 the threshold becomes MIN_FIRINGS / n."""
DENSE = 0.01
"""Density that only few latents should exceed. Source: Towards Monosemanticity, appendix,
hyperparameter selection."""


@dataclass
class LatentCounts:
    """As saes.metrics.Latents, batch by batch, at a cost that grows with L0 and not with d_sae."""

    n: int
    """Tokens so far."""
    active: Int[Tensor, " d_sae"]
    """Tokens on which each latent was active."""
    total: Float[Tensor, " d_sae"]
    """Sum of each latent's activations."""
    maximum: Float[Tensor, " d_sae"]
    """Each latent's largest activation."""

    @classmethod
    def empty(cls, d_sae: int, *, device: torch.device) -> "LatentCounts":
        """Counts before the first batch."""
        return cls(
            n=0,
            active=torch.zeros(d_sae, dtype=torch.int64, device=device),
            total=torch.zeros(d_sae, dtype=torch.float64, device=device),
            maximum=torch.zeros(d_sae, device=device),
        )

    def add_(self, found: Active, *, n: int) -> None:
        """Count the nonzero activations `found` on `n` more tokens."""
        d_sae, values = len(self.active), found.values
        self.n += n
        self.active += torch.bincount(found.latents, minlength=d_sae)
        self.total += torch.bincount(found.latents, weights=values.double(), minlength=d_sae)
        self.maximum.scatter_reduce_(0, found.latents, values.to(self.maximum.dtype), "amax")

    def l0(self) -> float:
        """Active latents per token: mean over tokens. From 0 to d_sae."""
        return self.active.sum().item() / self.n

    def density(self) -> Float[Tensor, " d_sae"]:
        """Share of tokens on which each latent is active. From 0 to 1."""
        return self.active.double() / self.n

    def mean_activation(self) -> Float[Tensor, " d_sae"]:
        """Mean activation over the tokens on which the latent is active; 0 if there is none."""
        return self.total / self.active.clamp(min=1)


class DensityMetrics(NamedTuple):
    """How many latents are dead, rare or dense. Intervals are Wilson's, of 95%, over latents."""

    dead: int
    """Latents never active on these tokens."""
    dead_fraction: float
    """Their share of the latents. An upper bound: a rarer latent than 1 / n_tokens looks dead."""
    dead_fraction_low: float
    """Lower end of its interval."""
    dead_fraction_high: float
    """Upper end."""
    ultra_low_density: int
    """Latents active at times, but on a smaller share of the tokens than the threshold."""
    ultra_low_density_fraction: float
    """Their share of the latents."""
    ultra_low_density_fraction_low: float
    """Lower end of its interval."""
    ultra_low_density_fraction_high: float
    """Upper end."""
    ultra_low_density_threshold: float
    """Density: 1e-6, or 10 / n_tokens where fewer than 10^7 tokens cannot show that."""
    over_one_percent: int
    """Latents active on more than 1% of the tokens."""
    density_05: float | None
    """5% quantile of the densities of the latents that are not dead; null if all are."""
    density_50: float | None
    """Their median."""
    density_95: float | None
    """Their 95% quantile."""


def density_metrics(density: Float[Tensor, " d_sae"], *, n_tokens: int) -> DensityMetrics:
    """What the latents' densities on `n_tokens` tokens amount to."""
    threshold = max(ULTRA_LOW_DENSITY, MIN_FIRINGS / n_tokens)
    dead = metrics.dead_fraction(density).item()
    ultra_low = metrics.ultra_low_density(density, below=threshold).item()
    n_dead, n_ultra_low = (round(share * len(density)) for share in (dead, ultra_low))
    dead_low, dead_high = wilson(n_dead, len(density))
    ultra_low_low, ultra_low_high = wilson(n_ultra_low, len(density))
    return DensityMetrics(
        dead=n_dead,
        dead_fraction=dead,
        dead_fraction_low=dead_low,
        dead_fraction_high=dead_high,
        ultra_low_density=n_ultra_low,
        ultra_low_density_fraction=ultra_low,
        ultra_low_density_fraction_low=ultra_low_low,
        ultra_low_density_fraction_high=ultra_low_high,
        ultra_low_density_threshold=threshold,
        over_one_percent=int((density > DENSE).sum()),
        density_05=_quantile(density, 0.05),
        density_50=_quantile(density, 0.5),
        density_95=_quantile(density, 0.95),
    )


def _quantile(density: Tensor, share: float) -> float | None:
    live = density[density > 0]
    return live.quantile(share).item() if len(live) else None
