"""What it costs the language model to read a reconstruction in place of the MLP's activations."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from superposition.features.streaming import Windows, window_batches
from superposition.language.transformer import OneLayerTransformer
from superposition.saes.metrics import loss_recovered

CONFIDENCE = 0.95
"""Of the intervals."""


class Losses(NamedTuple):
    """Losses in nats per token; for each window, or one number each."""

    clean: Float[Tensor, "*window"]
    """Of the transformer as it is."""
    sae: Float[Tensor, "*window"]
    """With the MLP's activations replaced by their reconstruction."""
    zero: Float[Tensor, "*window"]
    """With zeros in their place."""
    mean: Float[Tensor, "*window"]
    """With their mean over tokens in their place."""


class LossMetrics(NamedTuple):
    """Losses are means over tokens, in nats per token. Intervals are of 95%."""

    loss_clean: float
    """Of the transformer as it is."""
    loss_sae: float
    """With the MLP's activations replaced by their reconstruction."""
    loss_zero_ablation: float
    """With the MLP's activations replaced by zeros."""
    loss_mean_ablation: float
    """With the MLP's activations replaced by their mean over the same held-out tokens."""
    increase_zero_ablation: float
    """loss_zero_ablation - loss_clean: what loss_recovered_zero is a share of."""
    increase_mean_ablation: float
    """loss_mean_ablation - loss_clean: what loss_recovered_mean is a share of."""
    loss_recovered_zero: float
    """(loss_zero_ablation - loss_sae) / increase_zero_ablation. At most about 1."""
    loss_recovered_zero_low: float
    """Lower end of its interval, by the bootstrap over documents."""
    loss_recovered_zero_high: float
    """Upper end."""
    loss_recovered_mean: float
    """(loss_mean_ablation - loss_sae) / increase_mean_ablation. At most about 1."""
    loss_recovered_mean_low: float
    """Lower end of its interval, by the bootstrap over documents."""
    loss_recovered_mean_high: float
    """Upper end."""


@torch.no_grad()
def mean_activation(
    model: OneLayerTransformer, windows: Windows, *, batch_size: int
) -> Float[Tensor, " d_mlp"]:
    """The mean of the MLP's activations over all tokens of the windows."""
    total, n = torch.zeros((), dtype=torch.float64, device=model.device), 0
    for batch in window_batches(windows, batch_size=batch_size, description="mean activation"):
        acts = model.mlp_acts(batch.tokens[:, :-1].to(model.device)).flatten(0, 1)
        total, n = total + acts.sum(dim=0, dtype=torch.float64), n + len(acts)
    return (total / n).float()


@torch.no_grad()
def baselines(
    model: OneLayerTransformer,
    windows: Windows,
    acts: Float[Tensor, "window seq d_mlp"],
    *,
    mean: Float[Tensor, " d_mlp"],
) -> Losses:
    """The mean loss of each window as it is, with zeros and with the mean; none of a dictionary.

    `acts` are the activations, `mean` their mean over all tokens.
    """
    return Losses(
        clean=replaced_losses(model, windows, acts),
        sae=acts.new_zeros(0),
        zero=replaced_losses(model, windows, torch.zeros_like(acts)),
        mean=replaced_losses(model, windows, mean.expand_as(acts)),
    )


@torch.no_grad()
def replaced_losses(
    model: OneLayerTransformer, windows: Windows, acts: Float[Tensor, "window seq d_mlp"]
) -> Float[Tensor, " window"]:
    """The mean loss of each window with `acts` in the place of the MLP's activations."""
    return model.losses(windows.tokens.to(model.device), lambda _: acts).double().mean(dim=1)


def loss_metrics(
    losses: Losses, groups: Int[Tensor, " window"], *, n_bootstrap: int, seed: int
) -> LossMetrics:
    """Mean losses over equally long windows, and the shares of them that are recovered.

    Estimator: ratio of means over all tokens. Ablated: the MLP's activations after the ReLU, of
    every token, by zeros or by their mean.
    Interval: percentile bootstrap. `groups`, the documents that windows start in, are drawn again
    with replacement, because windows of one document are alike.

    Source: Towards Monosemanticity, how much of the model does our interpretation explain?
    Differs: mean ablation and the intervals are added; zeros are far from any activation.
    """
    means = Losses(*(values.double().mean() for values in losses))
    drawn = _bootstrap(losses, groups, n=n_bootstrap, seed=seed)
    clean, sae, zero, mean = (value.item() for value in means)
    zero_low, zero_high = _interval(drawn.clean, drawn.sae, drawn.zero)
    mean_low, mean_high = _interval(drawn.clean, drawn.sae, drawn.mean)
    return LossMetrics(
        loss_clean=clean,
        loss_sae=sae,
        loss_zero_ablation=zero,
        loss_mean_ablation=mean,
        increase_zero_ablation=zero - clean,
        increase_mean_ablation=mean - clean,
        loss_recovered_zero=loss_recovered(clean=clean, sae=sae, ablated=zero),
        loss_recovered_zero_low=zero_low,
        loss_recovered_zero_high=zero_high,
        loss_recovered_mean=loss_recovered(clean=clean, sae=sae, ablated=mean),
        loss_recovered_mean_low=mean_low,
        loss_recovered_mean_high=mean_high,
    )


def _bootstrap(losses: Losses, groups: Tensor, *, n: int, seed: int) -> Losses:
    """Mean losses of `n` samples of as many groups as there are, drawn with replacement."""
    _, index = groups.unique(return_inverse=True)
    n_groups = int(index.max()) + 1
    rng = np.random.default_rng(seed)
    times = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=n)
    weights = torch.from_numpy(times).double()[:, index]
    weights /= weights.sum(dim=1, keepdim=True)
    return Losses(*(weights @ values.double().cpu() for values in losses))


def _interval(clean: Tensor, sae: Tensor, ablated: Tensor) -> tuple[float, float]:
    samples = torch.stack([clean, sae, ablated], dim=1).tolist()
    shares = [loss_recovered(clean=c, sae=s, ablated=a) for c, s, a in samples]
    low, high = np.quantile(shares, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
