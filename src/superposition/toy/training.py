"""Training toy models: densities times seeds as instances of one model, in one loop."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.core import compute
from superposition.toy import data, parallel, tables
from superposition.toy.gradients import FusedLoss
from superposition.toy.models import Output, ToyModel, repeat_seeds, xavier_start

Progress = Callable[[Iterable[range], str], Iterator[range]]
"""A wrapper around the blocks of steps of a run that shows how far it is."""

DRAWN_AT_ONCE = 2**18
"""Random numbers drawn at once: enough to make many small steps cheap, few enough for the cache."""

HISTORY_ROWS = 100
"""How often the training loss of each instance is recorded, evenly over the run."""


@dataclass(frozen=True, kw_only=True)
class ToyConfig:
    """One toy experiment: models of one shape at several densities, from several random starts."""

    n_features: int
    """Features of the world, n. Source: the figure replicated."""
    d_hidden: int
    """Hidden dimensions, m. Source: the figure replicated."""
    output: Output
    """`relu` or `linear`. Source: Toy Models of Superposition, Experiment Setup."""
    importance_base: float
    """Importance of feature i is importance_base**i. Source: the figure replicated."""
    feature_probabilities: tuple[float, ...]
    """Densities p = 1 - S, each above 0 and at most 1. Source: the figure replicated."""
    n_seeds: int
    """Random starts at every density."""
    seed: int
    """Of the random starts and of the samples."""
    n_steps: int
    """Optimiser steps. Source: official notebook, 10,000."""
    batch_size: int = 1024
    """Samples in a step. Source: official notebook."""
    lr: float = 1e-3
    """Learning rate. Source: official notebook."""
    lr_schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the rate goes to 0, if at all. Source: official notebook, constant."""
    weight_decay: float = 0.01
    """Of AdamW; 0 is Adam. Source: official notebook, by the default of its optimiser."""
    n_held_out: int = 1_048_576
    """Samples on which all seeds of a density are compared, rounded up to whole batches."""

    def __post_init__(self) -> None:
        for name in ("n_features", "d_hidden", "n_seeds", "n_steps", "batch_size", "n_held_out"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}; allowed: 1 and more")
        if self.d_hidden > self.n_features:
            raise ValueError(f"d_hidden={self.d_hidden} exceeds n_features={self.n_features}")
        outside = [p for p in self.feature_probabilities if not 0 < p <= 1]
        if outside or not self.feature_probabilities:
            given = outside or "()"
            raise ValueError(f"feature_probabilities holds {given}; allowed: above 0, at most 1")
        if len(set(self.feature_probabilities)) < len(self.feature_probabilities):
            raise ValueError(
                f"feature_probabilities={self.feature_probabilities} repeats a density"
            )
        for name in ("importance_base", "lr"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)}; allowed: above 0")
        if not self.weight_decay >= 0:
            raise ValueError(f"weight_decay={self.weight_decay}; allowed: 0 and more")

    def importance(self) -> Float[Tensor, " feature"]:
        """I_i = importance_base**i for i from 0."""
        return self.importance_base ** torch.arange(self.n_features)

    def only(self, densities: Sequence[int]) -> "ToyConfig":
        """The same experiment at some of its densities, given by their index."""
        return replace(
            self, feature_probabilities=tuple(self.feature_probabilities[i] for i in densities)
        )

    def instances(self) -> pd.DataFrame:
        """The instances in order: instance, seed, feature_probability."""
        seeds = range(self.n_seeds)
        rows = [(seed, p) for p in self.feature_probabilities for seed in seeds]
        frame = pd.DataFrame(rows, columns=["seed", "feature_probability"])
        return frame.rename_axis("instance").reset_index()


@dataclass(frozen=True, kw_only=True)
class FittedToy:
    """Trained toy models and what they look like."""

    W: Float[Tensor, "instance feature d_hidden"]
    """Weights; row i is the direction of feature i."""
    b: Float[Tensor, "instance feature"]
    """Biases of the output."""
    instances: pd.DataFrame
    """One row an instance: instance, seed, feature_probability, loss, n_represented, geometry."""
    features: pd.DataFrame
    """One row a feature of an instance: its importance, direction, norm, bias and geometry."""
    history: pd.DataFrame
    """Training loss: instance, step, loss."""


def fit(
    config: ToyConfig, *, device: torch.device, progress: Progress = compute.progress
) -> FittedToy:
    """The models of `config`, trained on `device`.

    Seeds of one density see the same samples and differ in their random start; seed k has the same
    start at every density.
    """
    groups = _groups(config, device)

    def train_group(group: list[int], stop: Event) -> _Trained:
        shown = progress if group is groups[0] else _silent
        return _train(config.only(group), device=device, progress=shown, stop=stop)

    parts = parallel.in_threads(train_group, groups)
    order = [
        p * config.n_seeds + s for group in groups for p in group for s in range(config.n_seeds)
    ]
    W, b, held_out, history = (
        torch.cat(tensors)[torch.tensor(order).argsort()] for tensors in zip(*parts, strict=True)
    )
    keys = config.instances()
    return FittedToy(
        W=W,
        b=b,
        instances=tables.instance_table(keys, W, held_out),
        features=tables.feature_table(keys, W, b, importance=config.importance()),
        history=tables.history_table(history, steps=recorded_steps(config)),
    )


def train_(
    model: ToyModel, config: ToyConfig, *, progress: Progress, stop: Event
) -> Float[Tensor, "instance recorded"]:
    """Train `model` in place, on its device. Returns the training losses at `recorded_steps`."""
    fused = _fused(config, model)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
    )
    generator = random_stream(config, "training", model.W.device)
    recorded, losses = set(recorded_steps(config)), []
    for steps in progress(_blocks(config.n_steps, config), "toy models"):
        if stop.is_set():
            break
        batches = draw_batches(config, len(steps), generator)
        n_empty = data.count_empty(batches).to(model.W.device)
        for index, step in enumerate(steps):
            current = [density.batch(index) for density in batches]
            if step in recorded:
                losses.append(_finite(fused.loss(current, n_empty[index]), step, config))
            fused.backward_(current, n_empty[index])
            optimizer.param_groups[0]["lr"] = config.lr * _rate(config, step)
            optimizer.step()
    return torch.stack(losses, dim=1)


def recorded_steps(config: ToyConfig) -> list[int]:
    """The steps before which the training loss is recorded, the last one among them."""
    every = max(1, config.n_steps // HISTORY_ROWS)
    return sorted({*range(0, config.n_steps, every), config.n_steps - 1})


def initial_model(config: ToyConfig, *, device: torch.device) -> ToyModel:
    """The models of `config` before training; the random starts do not depend on `device`."""
    generator = random_stream(config, "start", torch.device("cpu"))
    shape = (config.n_seeds, config.n_features, config.d_hidden)
    start = xavier_start(*shape, generator=generator)
    W = repeat_seeds(start, len(config.feature_probabilities)).to(device)
    return ToyModel(W, W.new_zeros(W.shape[:2]), output=config.output)


def held_out_loss(config: ToyConfig, model: ToyModel) -> Float[Tensor, " instance"]:
    """Each instance's mean loss on `n_held_out` samples that all seeds of its density share."""
    fused = _fused(config, model)
    generator = random_stream(config, "held out", model.W.device)
    n_batches = math.ceil(config.n_held_out / config.batch_size)
    total = model.W.new_zeros(model.n_instances)
    for block in _blocks(n_batches, config):
        batches = draw_batches(config, len(block), generator)
        for index, n_empty in enumerate(data.count_empty(batches).to(total.device)):
            total += fused.loss([density.batch(index) for density in batches], n_empty)
    return total / n_batches


def draw_batches(config: ToyConfig, n_batches: int, generator: Generator) -> list[data.Batches]:
    """The next batches of every density, from the same random numbers."""
    n_samples = n_batches * config.batch_size
    uniforms = data.draw_uniforms(n_samples, config.n_features, generator=generator)
    return [
        data.independent_batches(uniforms, p, batch_size=config.batch_size)
        for p in config.feature_probabilities
    ]


def random_stream(config: ToyConfig, purpose: str, device: torch.device) -> Generator:
    """A stream of random numbers of its own for every seed and purpose."""
    entropy = np.random.SeedSequence([config.seed, *purpose.encode()])
    return Generator(device).manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))


class _Trained(NamedTuple):
    """Trained models, on the CPU."""

    W: Tensor
    b: Tensor
    held_out: Tensor
    history: Tensor


def _train(config: ToyConfig, *, device: torch.device, progress: Progress, stop: Event) -> _Trained:
    model = initial_model(config, device=device)
    history = train_(model, config, progress=progress, stop=stop)
    held_out = _finite(held_out_loss(config, model), config.n_steps, config)
    return _Trained(model.W.detach().cpu(), model.b.detach().cpu(), held_out.cpu(), history.cpu())


def _groups(config: ToyConfig, device: torch.device) -> list[list[int]]:
    """Densities to train together, as indices: one group for each core, all on a GPU."""
    costs = [1 - (1 - p) ** config.n_features for p in config.feature_probabilities]
    n_groups = torch.get_num_threads() if device.type == "cpu" else 1
    return parallel.balanced_groups(costs, n_groups)


def _silent(blocks: Iterable[range], _: str) -> Iterator[range]:
    return iter(blocks)


def _fused(config: ToyConfig, model: ToyModel) -> FusedLoss:
    return FusedLoss(
        model,
        config.importance().to(model.W.device),
        n_densities=len(config.feature_probabilities),
        batch_size=config.batch_size,
    )


def _blocks(n_batches: int, config: ToyConfig) -> list[range]:
    """Consecutive batches to draw together."""
    size = max(1, DRAWN_AT_ONCE // (config.n_features * config.batch_size))
    return [range(i, min(i + size, n_batches)) for i in range(0, n_batches, size)]


def _rate(config: ToyConfig, step: int) -> float:
    done = step / config.n_steps
    match config.lr_schedule:
        case "constant":
            return 1.0
        case "linear":
            return 1 - done
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * done))


def _finite(loss: Tensor, step: int, config: ToyConfig) -> Tensor:
    if not bool(loss.isfinite().all()):
        instance = config.instances().iloc[int((~loss.isfinite()).nonzero()[0])]
        raise ValueError(
            f"step {step}: the loss of the instance with feature_probability="
            f"{instance.feature_probability:g} and seed={instance.seed:.0f} is not finite "
            f"(lr={config.lr:g})"
        )
    return loss
