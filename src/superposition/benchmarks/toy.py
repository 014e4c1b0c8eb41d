"""Toy models trained by the plain loop of the notebooks' kind and by ours, to the same loss."""

import math
import time
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from superposition.toy import training
from superposition.toy.config import ToyConfig
from superposition.toy.data import sample_features
from superposition.toy.models import ToyModel

AGREEMENT = 0.03
"""Share by which our loss may exceed the plain loop's, geometric mean over all models.

Not model by model: they end in different arrangements, and single losses scatter by a sixth.
"""

N_SEEDS = 2
"""Random starts at every density: the plain loop takes minutes for each."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The same models, trained twice."""

    plain_seconds: float
    """Of the plain loop."""
    seconds: float
    """Of ours."""
    losses: pd.DataFrame
    """feature_probability, plain, ours: held-out loss of every model on the same samples."""

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.plain_seconds / self.seconds

    @property
    def excess(self) -> tuple[float, float]:
        """Logarithm of our loss over the plain loop's: mean over models and its standard error."""
        logs = np.log(self.losses["ours"] / self.losses["plain"])
        return float(logs.mean()), float(logs.sem()) if len(logs) > 1 else 0.0

    @property
    def same_loss(self) -> bool:
        """Whether ours reaches the plain loop's loss."""
        return self.excess[0] <= math.log1p(AGREEMENT)


def compare(
    config: ToyConfig, *, device: torch.device, progress: training.Progress, n_steps: int = 10_000
) -> Comparison:
    """Train the models of `config` plainly, with the notebook's schedule, and by `training.train`.

    Source: official notebook: autograd, dense batches of 1,024, 10,000 steps of AdamW at 1e-3.
    Both start from the same weights; evaluation is timed for neither.
    """
    config = replace(config, n_seeds=min(config.n_seeds, N_SEEDS))
    notebook = replace(
        config,
        n_steps=n_steps,
        batch_size=1024,
        lr=1e-3,
        lr_schedule="constant",
        lr_warmup=0.0,
        weight_decay=0.01,
    )
    started = time.perf_counter()
    plain = train_plainly(notebook, device=device, progress=progress)
    plain_seconds = time.perf_counter() - started
    evaluated_at_once = replace(config, n_held_out=config.batch_size)
    started = time.perf_counter()
    ours = training.fit(evaluated_at_once, device=device, progress=progress)
    seconds = time.perf_counter() - started
    trained = ToyModel(
        ours.weights["W"].to(device), ours.weights["b"].to(device), output=config.output
    )
    losses = config.instances().assign(
        plain=_held_out(config, plain).tolist(), ours=_held_out(config, trained).tolist()
    )
    return Comparison(
        plain_seconds=plain_seconds,
        seconds=seconds,
        losses=losses[["feature_probability", "plain", "ours"]],
    )


def train_plainly(
    config: ToyConfig, *, device: torch.device, progress: training.Progress
) -> ToyModel:
    """The models of `config`, independent features only, trained as the notebooks do."""
    model = training.initial_model(config, training.everything(config), device=device)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.lr, weight_decay=config.weight_decay
    )
    generator = training.random_stream(config, "plain", device)
    density = torch.tensor(config.instances()["feature_probability"].tolist(), device=device)
    importance = config.importance().to(device)
    block = math.ceil(config.n_steps / 100)
    blocks = [range(i, min(i + block, config.n_steps)) for i in range(0, config.n_steps, block)]
    for steps in progress(blocks, "the plain loop"):
        for _ in steps:
            x = sample_features(
                config.batch_size, density, n_features=config.n_features, generator=generator
            )
            optimizer.zero_grad()
            model.loss(x, importance).sum().backward()
            optimizer.step()
    return model


def numbers(comparison: Comparison) -> dict[str, float | bool]:
    """What came out, for the record."""
    mean, error = comparison.excess
    return {
        "plain_seconds": comparison.plain_seconds,
        "seconds": comparison.seconds,
        "ratio": comparison.ratio,
        "log_excess": mean,
        "log_excess_error": error,
        "same_loss": comparison.same_loss,
    }


def report(comparison: Comparison) -> str:
    """What came out, in words and a table of means over seeds."""
    verdict = "the same loss" if comparison.same_loss else "NOT the same loss"
    mean, error = comparison.excess
    table = (
        comparison.losses.groupby("feature_probability", sort=False)
        .mean()
        .to_string(float_format=lambda x: f"{x:.3g}")
    )
    return (
        f"plain loop {comparison.plain_seconds:.1f} s, ours {comparison.seconds:.1f} s: "
        f"{comparison.ratio:.1f} times faster, to {verdict} "
        f"({math.expm1(mean):+.1%} ± {error:.1%} over all models)\n{table}"
    )


def _held_out(config: ToyConfig, model: ToyModel) -> Float[Tensor, " instance"]:
    share = training.everything(config)
    return training.held_out_loss(config, share, training.gradient_of(config, share, model))
