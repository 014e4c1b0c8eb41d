"""Adversarial training: toy models that are attacked at every step, and learn to bear it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from superposition.core import compute
from superposition.toy import attacks, geometry, parallel
from superposition.toy.models import ToyModel, xavier_start

DRAWN_AT_ONCE = 50
"""Batches drawn together; also how often progress is shown."""
KEYS = ("feature_probability", "attack_norm", "seed")
"""What tells instances apart, the slowest to change first."""


@dataclass(frozen=True, kw_only=True)
class AdversarialConfig:
    """Tied ReLU models of one shape, all features equally important, trained under attack.

    Instances are all combinations of feature_probabilities, attack_norms and random starts.
    """

    n_features: int
    """Features of the world, n."""
    d_hidden: int
    """Hidden dimensions, m."""
    feature_probabilities: tuple[float, ...]
    """Densities p = 1 - S, each above 0 and at most 1."""
    attack_norms: tuple[float, ...]
    """Norms of the attacks in training, relative to the average norm of an input. Source: Toy
    Models of Superposition, Superposition and Adversarial Robustness, about 0.8."""
    test_norm: float
    """Norm of the attack after training, the same for all. Source: the same section, 0.1."""
    n_seeds: int
    """Random starts for each density and norm."""
    seed: int
    """Of the random starts and of the samples."""
    n_steps: int
    """Optimiser steps."""
    batch_size: int
    """Samples in a step."""
    lr: float
    """Learning rate at the start; it falls to 0 in a straight line."""
    weight_decay: float
    """Of AdamW."""
    n_held_out: int
    """Samples on which all models of a density are compared."""

    def __post_init__(self) -> None:
        for name in ("d_hidden", "n_seeds", "n_steps", "batch_size", "n_held_out"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}; allowed: 1 and more")
        if self.d_hidden > self.n_features:
            raise ValueError(
                f"d_hidden={self.d_hidden} exceeds n_features={self.n_features}; the model is tied"
            )
        for name in ("lr", "test_norm"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)}; allowed: above 0")
        for name, allowed, outside in (
            ("feature_probabilities", "above 0, at most 1", lambda p: not 0 < p <= 1),
            ("attack_norms", "0 and more", lambda norm: not norm >= 0),
        ):
            values = getattr(self, name)
            if not values or any(map(outside, values)) or len(set(values)) < len(values):
                raise ValueError(f"{name}={values}; allowed: {allowed}, none twice")

    def keys(self) -> pd.DataFrame:
        """The instances in order: instance and `KEYS`."""
        axes = (self.feature_probabilities, self.attack_norms, range(self.n_seeds))
        index = pd.MultiIndex.from_product(axes, names=[*KEYS])
        return index.to_frame(index=False).rename_axis("instance").reset_index()


class Trained(NamedTuple):
    """Models of one share after training, on the CPU."""

    W: Float[Tensor, "instance feature d_hidden"]
    b: Float[Tensor, "instance feature"]
    loss: Float[Tensor, " instance"]
    """On held-out samples, a mean over features."""
    attacked_loss: Float[Tensor, " instance"]
    """The same under attacks of `test_norm`."""


class Fitted(NamedTuple):
    """All models of an experiment."""

    weights: dict[str, Tensor]
    """W [instance feature d_hidden] and b [instance feature]."""
    instances: pd.DataFrame
    """The table adversarial/instances."""


def fit(config: AdversarialConfig, *, device: torch.device) -> Fitted:
    """The models of `config`, each trained under attacks of its own norm.

    A model whose loss becomes infinite is marked as diverged and its losses are NaN; if all models
    diverge, that is an error. Each random start is trained by itself, so that the bits do not
    depend on the number of cores.
    """
    everything = torch.arange(len(config.keys()))
    shares = [everything[start :: config.n_seeds] for start in range(config.n_seeds)]

    def train_share(share: Tensor, stop: parallel.Stop) -> Trained:
        shown = compute.progress if share is shares[0] else _silent
        return train(config, share, device=device, progress=shown, stop=stop)

    parts = parallel.side_by_side(train_share, shares)
    order = torch.cat(shares).argsort()
    W, b, loss, attacked = (torch.cat(each)[order] for each in zip(*parts, strict=True))
    instances = instance_table(config, W, loss, attacked)
    if all(instances["diverged"].tolist()):
        raise ValueError(f"all {len(instances)} models diverged (lr={config.lr:g})")
    return Fitted({"W": W, "b": b}, instances)


def train(
    config: AdversarialConfig,
    share: Int[Tensor, " instance"],
    *,
    device: torch.device,
    progress: Callable[[Iterable[int], str], Iterator[int]] = compute.progress,
    stop: parallel.Stop | None = None,
) -> Trained:
    """Train the instances of `share`; those of one density see the same samples."""
    model = initial_model(config, share, device=device)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
    )
    keys = config.keys().loc[share.tolist()]
    p = torch.tensor(keys["feature_probability"].tolist(), device=device)
    held_out = _samples(_uniforms(config, "held out", device, config.n_held_out), p)
    unit = held_out.norm(dim=2).mean(1)
    norm = unit * torch.tensor(keys["attack_norm"].tolist(), device=device)
    generator = _stream(config, "training", device)
    for first in progress(range(0, config.n_steps, DRAWN_AT_ONCE), "adversarial training"):
        if stop is not None and stop.is_set():
            break
        for step in range(first, min(first + DRAWN_AT_ONCE, config.n_steps)):
            shape = (config.batch_size, config.n_features)
            x = _samples(torch.rand(shape, generator=generator, device=device), p)
            set_gradient_(model, x, x + attack(model, x, norm))
            optimizer.param_groups[0]["lr"] = config.lr * (1 - step / config.n_steps)
            optimizer.step()
    attacked = held_out + attack(model, held_out, config.test_norm * unit)
    W, b = (parameter.detach().cpu() for parameter in (model.W, model.b))
    return Trained(W, b, *(loss(model, held_out, y).cpu() for y in (held_out, attacked)))


@torch.no_grad()
def attack(
    model: ToyModel,
    x: Float[Tensor, "instance batch feature"],
    norm: Float[Tensor, " instance"],
) -> Float[Tensor, "instance batch feature"]:
    """The worst attack on a feature for each sample, of each instance's own norm."""
    found = [
        attacks.worst_feature_attack(W, b, each, norm=size) if size else torch.zeros_like(each)
        for W, b, each, size in zip(model.W, model.b, x, norm.tolist(), strict=True)
    ]
    return torch.stack(found)


@torch.no_grad()
def loss(
    model: ToyModel,
    wanted: Float[Tensor, "instance batch feature"],
    given: Float[Tensor, "instance batch feature"],
) -> Float[Tensor, " instance"]:
    """Mean squared error of what the models make of `given`, where they should say `wanted`."""
    pre_acts = torch.baddbmm(model.b[:, None], given @ model.W, model.W.mT)
    return (pre_acts.relu() - wanted).square().mean((1, 2))


@torch.no_grad()
def set_gradient_(
    model: ToyModel,
    wanted: Float[Tensor, "instance batch feature"],
    given: Float[Tensor, "instance batch feature"],
) -> None:
    """Set the gradient of the sum over instances of `loss`; the attack in `given` is a constant."""
    h = given @ model.W
    pre_acts = torch.baddbmm(model.b[:, None], h, model.W.mT)
    error = (pre_acts.relu() - wanted) * (pre_acts > 0)
    scale = 2 / (wanted.shape[1] * wanted.shape[2])
    model.W.grad = scale * (error.mT @ h + given.mT @ (error @ model.W))
    model.b.grad = scale * error.sum(1)


def initial_model(
    config: AdversarialConfig, share: Int[Tensor, " instance"], *, device: torch.device
) -> ToyModel:
    """The models before training: random start k is the same at every density and norm."""
    generator = _stream(config, "start", torch.device("cpu"))
    starts = xavier_start(config.n_seeds, config.n_features, config.d_hidden, generator=generator)
    W = starts[config.keys()["seed"].to_numpy()[share.numpy()]].to(device)
    return ToyModel(W, W.new_zeros(W.shape[:2]), output="relu")


def instance_table(
    config: AdversarialConfig,
    W: Float[Tensor, "instance feature d_hidden"],
    loss: Float[Tensor, " instance"],
    attacked_loss: Float[Tensor, " instance"],
) -> pd.DataFrame:
    """The table adversarial/instances: what became of every model."""
    lost = ~loss.isfinite()
    return config.keys().assign(
        loss=torch.where(lost, torch.nan, loss).numpy(),
        attacked_loss=torch.where(lost, torch.nan, attacked_loss).numpy(),
        diverged=lost.numpy(),
        features_per_dimension=(1 / geometry.dimensions_per_feature(W)).numpy(),
        n_represented=geometry.n_represented(W).numpy(),
    )


def summary(instances: pd.DataFrame) -> dict[str, int | float]:
    """The numbers of adversarial/metrics.json."""
    return {
        "n_instances": len(instances),
        "n_diverged": sum(instances["diverged"].tolist()),
        "mean_loss": float(np.nanmean(instances["loss"].to_numpy())),
        "mean_attacked_loss": float(np.nanmean(instances["attacked_loss"].to_numpy())),
    }


def _uniforms(config: AdversarialConfig, purpose: str, device: torch.device, n: int) -> Tensor:
    generator = _stream(config, purpose, device)
    return torch.rand((n, config.n_features), generator=generator, device=device)


def _samples(u: Tensor, p: Tensor) -> Tensor:
    """Samples made from the same uniform numbers for every density: active where u is below p."""
    return (1 - u / p[:, None, None]).clamp(min=0)


def _stream(config: AdversarialConfig, purpose: str, device: torch.device) -> Generator:
    """A stream of random numbers of its own for every seed and purpose."""
    entropy = np.random.SeedSequence([config.seed, *purpose.encode()])
    return Generator(device).manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))


def _silent(steps: Iterable[int], _: str) -> Iterator[int]:
    return iter(steps)
