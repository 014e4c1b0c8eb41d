"""Linear probes: how well the neurons together, linearly, can tell each concept.

A latent's activity is a threshold on a linear function of the neurons. So the best linear function
for a concept, found with the labels, is a ceiling for what a latent found without them can reach.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_array
from torch import Tensor

from superposition.core.compute import progress
from superposition.features.concept_counts import size
from superposition.features.concept_scores import scores
from superposition.features.concept_text import text_of
from superposition.features.streaming import Windows, sample_windows, window_batches
from superposition.language.concepts.labels import Labels
from superposition.language.tokens import TokenStream
from superposition.language.transformer import OneLayerTransformer

N_THRESHOLDS = 64
"""Thresholds tried for each probe: those at which equal shares of the concept are found."""
CONCEPTS_AT_ONCE = 32
"""Bounds memory: 128 MB of probe outputs for a million tokens."""
RIDGE = 1e-4
"""Added to every variance, relative to the mean one: directions that hardly vary stay harmless."""


@dataclass(frozen=True, kw_only=True)
class ProbesConfig:
    """Linear probes on the neurons of one transformer."""

    activations: str
    """The row of activations whose transformer it is."""
    n_tokens: int
    """Held-out tokens, rounded down to whole windows; all of them if there are fewer."""
    batch_size: int
    """Windows that the transformer reads at a time."""
    n_epochs: int
    """Passes over the first half of the text."""
    rows_at_once: int
    """Tokens in a step."""
    lr: float
    """Adam's, falling linearly to 0; of weights on whitened neurons."""
    seed: int
    """Draws the windows and the order of the tokens."""

    def __post_init__(self) -> None:
        for name in ("n_tokens", "batch_size", "n_epochs", "rows_at_once"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is below 1")
        if self.lr <= 0:
            raise ValueError(f"lr={self.lr} is not above 0")


def probe(
    model: OneLayerTransformer,
    stream: TokenStream,
    labels: Labels,
    catalogue: pd.DataFrame,
    *,
    config: ProbesConfig,
) -> pd.DataFrame:
    """A logistic regression on the neurons for every judged concept.

    Fitted on the first half of the text, its threshold chosen there by Matthews correlation,
    reported on the second. Frame: probes/probes.parquet.
    """
    windows = sample_windows(
        stream, n_ctx=model.config.n_ctx, n_tokens=config.n_tokens, seed=config.seed
    )
    concepts = catalogue.loc[catalogue["judged"]].reset_index(drop=True)
    text = text_of(stream, labels, concepts)
    position = windows.position.flatten().numpy()
    x = neurons(model, windows, batch_size=config.batch_size)
    known, first = text.labels[position], torch.from_numpy(text.first_half[position])
    W, b = fit(x[first], csr_array(known[first.numpy()]), config=config)
    return evaluate(x, W, b, known=known, first=first, concepts=concepts)


@torch.no_grad()
def neurons(
    model: OneLayerTransformer, windows: Windows, *, batch_size: int
) -> Float[Tensor, "token d_in"]:
    """The neurons on all `windows`, in bfloat16 as in the caches: half the memory."""
    parts = [
        model.mlp_acts(batch.tokens[:, :-1].to(model.device)).flatten(0, 1).bfloat16()
        for batch in window_batches(windows, batch_size=batch_size, description="reading neurons")
    ]
    return torch.cat(parts)


def fit(
    x: Float[Tensor, "token d_in"], known: csr_array, *, config: ProbesConfig
) -> tuple[Float[Tensor, "d_in concept"], Float[Tensor, " concept"]]:
    """Weights and biases of one logistic regression per concept, all trained together.

    In the basis in which the neurons are uncorrelated with variance 1, starting from the linear
    discriminant Cov(x, y) / (p (1 - p)) and the log-odds of the base rate p: a few passes of Adam
    do from there. No penalty: there are a thousand tokens to a weight.
    """
    mean, whiten = _whitening(x)
    rate = torch.from_numpy(np.asarray(known.mean(axis=0))).to(mean).clamp(1e-6, 0.5)
    covariance = _covariance(x, known, mean=mean)
    W = (whiten.mT @ covariance / (rate * (1 - rate))).requires_grad_()
    b = (rate / (1 - rate)).log().requires_grad_()
    optimiser = torch.optim.Adam([W, b], lr=config.lr)
    steps = _steps(len(x), config=config)
    for step, rows in enumerate(progress(steps, "fitting probes", total=len(steps))):
        optimiser.param_groups[0]["lr"] = config.lr * (1 - step / len(steps))
        logits = (x[rows].float() - mean) @ (whiten @ W) + b
        target = torch.from_numpy(known[rows.numpy()].toarray()).to(logits)
        optimiser.zero_grad(set_to_none=True)
        F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(
            1
        ).mean().backward()
        optimiser.step()
    weights = (whiten @ W).detach()
    return weights, (b - mean @ weights).detach()


def evaluate(
    x: Float[Tensor, "token d_in"],
    W: Float[Tensor, "d_in concept"],
    b: Float[Tensor, " concept"],
    *,
    known: csr_array,
    first: Bool[Tensor, " token"],
    concepts: pd.DataFrame,
) -> pd.DataFrame:
    """The scores of the probes on the second half, thresholds chosen on the first."""
    rows = []
    for start in range(0, len(b), CONCEPTS_AT_ONCE):
        block = slice(start, start + CONCEPTS_AT_ONCE)
        outputs = torch.cat([part.float() @ W[:, block] + b[block] for part in x.split(65_536)])
        has = torch.from_numpy(known[:, block].toarray() > 0)
        rows += [_judge(outputs[:, i].cpu(), has[:, i], first) for i in range(has.shape[1])]
    return pd.concat([concepts.loc[:, ["concept", "kind"]], pd.DataFrame(rows)], axis=1)


def _judge(
    output: Float[Tensor, " token"], has: Bool[Tensor, " token"], first: Bool[Tensor, " token"]
) -> dict[str, float]:
    shares = torch.linspace(0, 1, N_THRESHOLDS + 1)[:-1]
    found = output[first & has].sort().values
    if not len(found):
        return dict.fromkeys(("chosen", "precision", "recall", "f1", "mcc"), 0.0)
    cuts = found[(shares * len(found)).long()].unique()
    chosen = _at_cuts(output[first], has[first], cuts)
    best = int(chosen.argmax())
    mine = ~first
    above = output[mine] >= cuts[best]
    both, active, positives = ((above & has[mine]).sum(), above.sum(), has[mine].sum())
    report = scores(int(both), int(active), int(positives), int(mine.sum()))
    return {"chosen": float(chosen[best])} | {
        name: float(value) for name, value in report._asdict().items()
    }


def _at_cuts(
    output: Float[Tensor, " token"], has: Bool[Tensor, " token"], cuts: Float[Tensor, " cut"]
) -> Float[np.ndarray, " cut"]:
    """Matthews correlation of `output` at or above each of the ascending cuts."""
    bins = torch.bucketize(output, cuts, right=True)  # how many cuts each output reaches
    both, active = (
        torch.bincount(each, minlength=len(cuts) + 1).flip(0).cumsum(0).flip(0)[1:].numpy()
        for each in (bins[has], bins)
    )
    return scores(both, active, int(has.sum()), len(has)).mcc


def _whitening(
    x: Float[Tensor, "token d_in"],
) -> tuple[Float[Tensor, " d_in"], Float[Tensor, "d_in d_in"]]:
    """The mean, and P with Cov((x - mean) P) = 1."""
    parts = x.split(65_536)
    mean = torch.stack([part.sum(dim=0, dtype=torch.float32) for part in parts]).sum(0) / len(x)
    products = [(part.float() - mean).mT @ (part.float() - mean) for part in parts]
    covariance = torch.stack(products).sum(0) / len(x)
    values, vectors = torch.linalg.eigh(covariance.double())
    scale = (values.clamp_min(0) + RIDGE * values.mean()).rsqrt()
    return mean, (vectors * scale).float()


def _covariance(
    x: Float[Tensor, "token d_in"], known: csr_array, *, mean: Float[Tensor, " d_in"]
) -> Float[Tensor, "d_in concept"]:
    """Covariance of neurons and labels."""
    total = torch.zeros(x.shape[1], size(known)[1])
    for start in range(0, len(x), 65_536):
        part = slice(start, start + 65_536)
        has = torch.from_numpy(known[part].toarray()).to(mean)
        total = total.to(mean) + (x[part].float() - mean).mT @ has
    return total / len(x)


def _steps(n: int, *, config: ProbesConfig) -> list[Int[Tensor, " row"]]:
    """The rows of every step: a new order for each pass."""
    generator = torch.Generator().manual_seed(config.seed)
    orders = [torch.randperm(n, generator=generator) for _ in range(config.n_epochs)]
    return [rows for order in orders for rows in order.split(config.rows_at_once)]
