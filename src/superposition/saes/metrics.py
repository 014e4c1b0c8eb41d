"""What is measured on an autoencoder: every function states its estimator, unit and range."""

from dataclasses import dataclass, field

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

# Batches are summed in float64: over 10^7 inputs float32 loses the small terms.


def l0(acts: Float[Tensor, "*batch d_sae"]) -> Float[Tensor, ""]:
    """Active latents per input: mean over inputs of the count of acts > 0. From 0 to d_sae."""
    return (acts > 0).sum(-1).double().mean()


def mse(x: Float[Tensor, "*batch d_in"], x_hat: Float[Tensor, "*batch d_in"]) -> Float[Tensor, ""]:
    """Squared error, mean over inputs and over d_in. In squared units of x."""
    return (x_hat - x).square().double().mean()


def explained_variance(
    x: Float[Tensor, "*batch d_in"], x_hat: Float[Tensor, "*batch d_in"]
) -> Float[Tensor, ""]:
    """1 - sum |x - x_hat|^2 / sum |x - mean x|^2: a ratio of sums over inputs and d_in. At most 1.

    The mean over the inputs is what 0 would explain; a constant offset of x_hat is not free.
    """
    rows = x.flatten(0, -2).double()
    residual = (rows - x_hat.flatten(0, -2)).square().sum()
    return 1 - residual / (rows - rows.mean(0)).square().sum()


def loss_recovered(clean: float, sae: float, ablated: float) -> float:
    """(ablated - sae) / (ablated - clean), of mean losses in nats per token: a ratio of means.

    1: the reconstruction costs nothing; 0: it is as bad as the ablation, by zeros or by the mean.
    The two ablations differ in their denominators; report both.

    >>> loss_recovered(clean=3.0, sae=3.25, ablated=4.0)
    0.75
    """
    if ablated == clean:
        raise ValueError(f"ablated={ablated} equals clean={clean}: there is nothing to recover")
    return (ablated - sae) / (ablated - clean)


def feature_density(acts: Float[Tensor, "*batch d_sae"]) -> Float[Tensor, " d_sae"]:
    """Share of inputs on which each latent is active (acts > 0, not its mean). From 0 to 1."""
    return (acts > 0).flatten(0, -2).double().mean(0)


def dead_fraction(density: Float[Tensor, " d_sae"]) -> Float[Tensor, ""]:
    """Share of latents never active. On n inputs an upper bound: rarer than 1/n looks dead."""
    return (density == 0).double().mean()


def ultra_low_density(density: Float[Tensor, " d_sae"], *, below: float) -> Float[Tensor, ""]:
    """Share of latents active at times, but on a smaller share of inputs than `below`.

    Source: Towards Monosemanticity, Global Analysis, with below = 1e-6 (292 of 4,096).
    """
    return ((density > 0) & (density < below)).double().mean()


def encoder_decoder_cosine(
    W_enc: Float[Tensor, "d_in d_sae"], W_dec: Float[Tensor, "d_sae d_in"]
) -> Float[Tensor, " d_sae"]:
    """Cosine between each latent's encoder vector and decoder row. 0 where one of them is 0."""
    return torch.cosine_similarity(W_enc.mT, W_dec, dim=-1)


def nearest_decoder_cosine(
    W_dec: Float[Tensor, "d_sae d_in"], *, chunk: int = 1024
) -> Float[Tensor, " d_sae"]:
    """The largest cosine of each decoder row with another one, `chunk` rows at a time."""
    rows = torch.nn.functional.normalize(W_dec, dim=-1)
    nearest = []
    for start in range(0, len(rows), chunk):
        cosines = rows[start : start + chunk] @ rows.mT
        cosines.diagonal(offset=start).fill_(-torch.inf)
        nearest.append(cosines.amax(-1))
    return torch.cat(nearest)


def latent_table(
    latents: "Latents",
    *,
    W_enc: Float[Tensor, "d_in d_sae"],
    b_enc: Float[Tensor, " d_sae"],
    W_dec: Float[Tensor, "d_sae d_in"],
) -> pd.DataFrame:
    """A row for every latent: schema.yaml, evaluation/latents.parquet."""
    columns = {
        "density": latents.density(),
        "mean_activation": latents.mean_activation(),
        "max_activation": latents.max_activation(),
        "encoder_decoder_cosine": encoder_decoder_cosine(W_enc, W_dec),
        "nearest_decoder_cosine": nearest_decoder_cosine(W_dec),
        "encoder_bias": b_enc,
    }
    numbers = {name: values.detach().double().cpu().numpy() for name, values in columns.items()}
    return pd.DataFrame({"latent": range(len(b_enc))} | numbers)


@dataclass
class Reconstruction:
    """L0, squared error and explained variance of a stream, as if it had come in one piece."""

    n: int = 0
    """Inputs so far."""
    active: float = 0.0
    """Active latents so far."""
    residual: float = 0.0
    """Sum of |x - x_hat|^2."""
    squares: float = 0.0
    """Sum of |x|^2."""
    sums: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    """Sum of x, in each dimension."""

    def add_(
        self,
        x: Float[Tensor, "batch d_in"],
        x_hat: Float[Tensor, "batch d_in"],
        acts: Float[Tensor, "batch d_sae"],
    ) -> None:
        """Count one more batch."""
        rows = x.double()
        self.n += len(rows)
        self.active += float((acts > 0).sum())
        self.residual += float((rows - x_hat).square().sum())
        self.squares += float(rows.square().sum())
        self.sums = self.sums.to(rows.device) + rows.sum(0)

    def l0(self) -> float:
        """As `l0`, over all batches."""
        return self.active / self.n

    def mse(self) -> float:
        """As `mse`, over all batches."""
        return self.residual / (self.n * self.sums.numel())

    def explained_variance(self) -> float:
        """As `explained_variance`, about the mean over all batches."""
        return 1 - self.residual / (self.squares - float(self.sums.square().sum()) / self.n)


@dataclass
class Latents:
    """How often and how strongly each latent of a stream is active."""

    n: int = 0
    """Inputs so far."""
    counts: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    """Inputs on which each latent was active."""
    sums: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    """Sum of each latent's activations."""
    largest: Tensor = field(default_factory=lambda: torch.zeros(()))
    """Each latent's largest activation."""

    def add_(self, acts: Float[Tensor, "batch d_sae"]) -> None:
        """Count one more batch."""
        device = acts.device
        self.n += len(acts)
        self.counts = self.counts.to(device) + (acts > 0).sum(0)
        self.sums = self.sums.to(device) + acts.sum(0, dtype=torch.float64)
        self.largest = torch.maximum(self.largest.to(acts), acts.amax(0))

    def density(self) -> Float[Tensor, " d_sae"]:
        """As `feature_density`, over all batches."""
        return self.counts / self.n

    def mean_activation(self) -> Float[Tensor, " d_sae"]:
        """Mean activation over the inputs on which the latent is active; 0 if there is none."""
        return self.sums / self.counts.clamp(min=1)

    def max_activation(self) -> Float[Tensor, " d_sae"]:
        """The largest activation; 0 if the latent is dead."""
        return self.largest
