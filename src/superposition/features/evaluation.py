"""How good an autoencoder is on held-out text, and what each of its latents does there.

Everything streams over windows of held-out tokens, once for any number of autoencoders: what the
transformer does without them is the same for all. What is derived from several sums is a ratio of
sums over all tokens, never a mean of ratios over batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pandas as pd
import torch
from torch import Tensor

from superposition.features.losses import (
    Losses,
    LossMetrics,
    baselines,
    loss_metrics,
    mean_activation,
    replaced_losses,
)
from superposition.features.statistics import DensityMetrics, LatentCounts, density_metrics
from superposition.features.streaming import (
    Dictionary,
    Windows,
    active,
    documents_of,
    sample_windows,
    window_batches,
)
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.base import SAE
from superposition.saes.kernels import DenseCodes
from superposition.saes.metrics import (
    Reconstruction,
    encoder_decoder_cosine,
    nearest_decoder_cosine,
)


@dataclass(frozen=True, kw_only=True)
class EvaluationConfig:
    """On how much held-out text an autoencoder is judged."""

    n_tokens: int
    """Held-out tokens, rounded down to whole windows; all of them if there are fewer."""
    batch_size: int
    """Windows at a time. Only memory depends on it: about 40 kB a token at 4,096 latents."""
    n_bootstrap: int
    """Bootstrap samples for the intervals of the losses recovered."""
    seed: int
    """Draws the windows and the bootstrap samples."""

    def __post_init__(self) -> None:
        for name in ("n_tokens", "batch_size", "n_bootstrap"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")


class FidelityMetrics(NamedTuple):
    """How sparse and how faithful the reconstruction is."""

    n_tokens: int
    """Held-out tokens evaluated."""
    n_documents: int
    """Documents in which their windows start."""
    d_in: int
    """Neurons."""
    d_sae: int
    """Latents."""
    l0: float
    """Active latents per token, mean over tokens."""
    neuron_l0: float
    """Active neurons per token, mean over tokens: what the neurons reach as a dictionary."""
    mse: float
    """Squared error, mean over tokens and neurons."""
    mean_square: float
    """Squared activation, mean over tokens and neurons: the squared error of zeros."""
    explained_variance: float
    """Share of the variance about the mean activation, a ratio of sums. At most 1."""
    median_encoder_decoder_cosine: float | None
    """Over the latents that are not dead; null if all are. From -1 to 1."""


class Evaluation(NamedTuple):
    """What the evaluation of one autoencoder found."""

    fidelity: FidelityMetrics
    """Sparsity and squared error."""
    losses: LossMetrics
    """What it costs the language model."""
    densities: DensityMetrics
    """Dead, rare and dense latents."""
    latents: pd.DataFrame
    """One row per latent. Frame: evaluation/latents.parquet."""

    def metrics(self) -> dict[str, int | float | None]:
        """All metrics by name, for JSON."""
        parts = (self.fidelity, self.losses, self.densities)
        return {name: value for part in parts for name, value in part._asdict().items()}


class Measured(NamedTuple):
    """What one pass over windows adds up to."""

    losses: Losses
    """Of each window, in nats per token."""
    latents: LatentCounts
    """What the dictionary's latents did."""
    neurons: LatentCounts
    """The same of the neurons, as if each were a latent."""
    reconstruction: Reconstruction
    """Squared errors."""


def evaluate(
    model: OneLayerTransformer,
    sae: SAE,
    stream: TokenStream,
    *,
    config: EvaluationConfig,
    dtype: torch.dtype,
) -> Evaluation:
    """The metrics of `sae` on the MLP of `model`, over windows drawn from the held-out stream.

    `dtype` is the format of the encoder's inputs: bfloat16, as in the cache it was trained on, is
    faster where that is native.
    """
    return evaluate_many(model, [sae], stream, config=config, dtype=dtype)[0]


def evaluate_many(
    model: OneLayerTransformer,
    saes: Sequence[SAE],
    stream: TokenStream,
    *,
    config: EvaluationConfig,
    dtype: torch.dtype,
) -> list[Evaluation]:
    """As `evaluate`, of several autoencoders on the same windows in one pass."""
    n_ctx = model.config.n_ctx
    windows = sample_windows(stream, n_ctx=n_ctx, n_tokens=config.n_tokens, seed=config.seed)
    documents = documents_of(stream, windows.position[:, 0])
    sizes = [len(sae.W_dec) for sae in saes]
    measured = measure_many(
        model, saes, windows, d_sae=sizes, batch_size=config.batch_size, dtype=dtype
    )
    pairs = zip(saes, measured, strict=True)
    return [_evaluation(sae, found, documents, config=config) for sae, found in pairs]


def measure(
    model: OneLayerTransformer,
    dictionary: Dictionary,
    windows: Windows,
    *,
    d_sae: int,
    batch_size: int,
    dtype: torch.dtype,
) -> Measured:
    """What `dictionary`, an autoencoder or a control, does in place of the MLP's activations."""
    return measure_many(
        model, [dictionary], windows, d_sae=[d_sae], batch_size=batch_size, dtype=dtype
    )[0]


@torch.no_grad()
def measure_many(
    model: OneLayerTransformer,
    dictionaries: Sequence[Dictionary],
    windows: Windows,
    *,
    d_sae: Sequence[int],
    batch_size: int,
    dtype: torch.dtype,
) -> list[Measured]:
    """As `measure`, of several dictionaries with these many latents, in one pass."""
    mean = mean_activation(model, windows, batch_size=batch_size)
    tallies = [_Tally(LatentCounts.empty(n, device=mean.device)) for n in d_sae]
    neurons = LatentCounts.empty(len(mean), device=mean.device)
    without: list[Losses] = []
    for batch in window_batches(windows, batch_size=batch_size, description="evaluating"):
        acts = model.mlp_acts(batch.tokens[:, :-1].to(model.device))
        neurons.add_(active(DenseCodes(acts.flatten(0, 1))), n=acts.shape[:2].numel())
        without.append(baselines(model, batch, acts, mean=mean))
        for dictionary, tally in zip(dictionaries, tallies, strict=True):
            tally.add_(model, dictionary, batch, acts, dtype=dtype)
    together = Losses(*(torch.cat(parts) for parts in zip(*without, strict=True)))
    return [
        Measured(
            together._replace(sae=torch.cat(tally.losses)),
            tally.latents,
            neurons,
            tally.reconstruction,
        )
        for tally in tallies
    ]


def latent_table(sae: SAE, counts: LatentCounts) -> pd.DataFrame:
    """One row per latent of `sae`: what it did, and how its vectors lie.

    Frame: evaluation/latents.parquet.
    """
    W_enc, W_dec = sae.W_enc.detach(), sae.W_dec.detach()
    columns = {
        "latent": torch.arange(len(W_dec)),
        "density": counts.density(),
        "mean_activation": counts.mean_activation(),
        "max_activation": counts.maximum,
        "encoder_decoder_cosine": encoder_decoder_cosine(W_enc, W_dec),
        "nearest_decoder_cosine": nearest_decoder_cosine(W_dec),
        "encoder_bias": (sae.b_enc * sae.unit()).detach(),
    }
    return pd.DataFrame({name: values.cpu().numpy() for name, values in columns.items()})


@dataclass
class _Tally:
    """What one dictionary has come to so far."""

    latents: LatentCounts
    reconstruction: Reconstruction = field(default_factory=Reconstruction)
    losses: list[Tensor] = field(default_factory=list)

    def add_(
        self,
        model: OneLayerTransformer,
        dictionary: Dictionary,
        windows: Windows,
        acts: Tensor,
        *,
        dtype: torch.dtype,
    ) -> None:
        """Count what the dictionary does on the `acts` of a few windows."""
        x = acts.flatten(0, 1)
        codes = dictionary.codes(x.to(dtype))
        x_hat = dictionary.decode_codes(codes).to(x.dtype)
        self.latents.add_(active(codes), n=len(x))
        # The latents are counted apart, from their nonzero activations: none are counted here.
        self.reconstruction.add_(x, x_hat, x.new_zeros(len(x), 0))
        spliced = x_hat.unflatten(0, acts.shape[:2])
        self.losses.append(replaced_losses(model, windows, spliced))


def _evaluation(
    sae: SAE, measured: Measured, documents: Tensor, *, config: EvaluationConfig
) -> Evaluation:
    latents = latent_table(sae, measured.latents)
    return Evaluation(
        fidelity=_fidelity(measured, latents, n_documents=len(documents.unique())),
        losses=loss_metrics(
            measured.losses, documents, n_bootstrap=config.n_bootstrap, seed=config.seed
        ),
        densities=density_metrics(measured.latents.density(), n_tokens=measured.latents.n),
        latents=latents,
    )


def _fidelity(measured: Measured, latents: pd.DataFrame, *, n_documents: int) -> FidelityMetrics:
    reconstruction, d_in = measured.reconstruction, len(measured.neurons.active)
    cosines = latents.loc[latents["density"] > 0, "encoder_decoder_cosine"]
    return FidelityMetrics(
        n_tokens=measured.latents.n,
        n_documents=n_documents,
        d_in=d_in,
        d_sae=len(latents),
        l0=measured.latents.l0(),
        neuron_l0=measured.neurons.l0(),
        mse=reconstruction.mse(),
        mean_square=reconstruction.squares / (reconstruction.n * d_in),
        explained_variance=reconstruction.explained_variance(),
        median_encoder_decoder_cosine=float(cosines.median()) if len(cosines) else None,
    )
