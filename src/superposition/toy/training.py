"""Training toy models: conditions times seeds as instances of one model, in one loop."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from superposition.core import compute
from superposition.toy import data, parallel, tables
from superposition.toy.config import Source, ToyConfig
from superposition.toy.gradients import Gradient
from superposition.toy.models import ToyModel, xavier_start

Progress = Callable[[Iterable[range], str], Iterator[range]]
"""A wrapper around the blocks of steps of a run that shows how far it is."""

DRAWN_AT_ONCE = 2**18
"""Random numbers drawn at once: enough to make many small steps cheap, few enough for the cache."""

HISTORY_ROWS = 100
"""How often the training loss of each instance is recorded, evenly over the run."""


class Share(NamedTuple):
    """The part of an experiment that one core trains: some random starts of some sources."""

    sources: list[Source]
    seeds: range


@dataclass(frozen=True, kw_only=True)
class FittedToy:
    """Trained toy models and what they look like."""

    weights: dict[str, Tensor]
    """W [instance feature d_hidden] and b [instance feature]; W_out and b_hidden if there are."""
    snapshots: dict[str, Tensor]
    """steps [snapshot], and W and b of all instances at these steps."""
    instances: pd.DataFrame
    """One row an instance: its condition, loss, whether it diverged, and what it represents."""
    features: pd.DataFrame
    """One row a feature of an instance: its importance, direction, norm, bias and geometry."""
    history: pd.DataFrame
    """Training loss: instance, step, loss."""


class Trained(NamedTuple):
    """Trained models of one share, on the CPU."""

    weights: dict[str, Tensor]
    held_out: Float[Tensor, " instance"]
    history: Float[Tensor, "recorded instance"]
    W_then: Float[Tensor, "snapshot instance feature d_hidden"]
    b_then: Float[Tensor, "snapshot instance feature"]


def fit(
    config: ToyConfig, *, device: torch.device, progress: Progress = compute.progress
) -> FittedToy:
    """The models of `config`, trained on `device`.

    Models of one source see the same samples; seed k has the same start in every condition. A model
    whose loss becomes infinite is marked as diverged and its loss is NaN; if all random starts of
    a condition diverge, that is an error.
    """
    shares = _shares(config, device)

    def train_share(share: Share, stop: parallel.Stop) -> Trained:
        shown = progress if share is shares[0] else _silent
        return train(config, share, device=device, progress=shown, stop=stop)

    parts = parallel.side_by_side(train_share, shares)
    order = torch.cat([_indices(config, share) for share in shares]).argsort()
    weights = {k: torch.cat([part.weights[k] for part in parts])[order] for k in parts[0].weights}
    held_out = torch.cat([part.held_out for part in parts])[order]
    loss = torch.where(held_out.isfinite(), held_out, torch.nan)
    keys, (W, b) = config.instances(), (weights["W"], weights["b"])
    instances = tables.instance_table(keys, W, loss)
    _check_convergence(instances, config)
    history = torch.cat([part.history for part in parts], 1)[:, order].T
    snapshots = {
        "steps": torch.tensor(snapshot_steps(config), dtype=torch.int64),
        "W": torch.cat([part.W_then for part in parts], 1)[:, order],
        "b": torch.cat([part.b_then for part in parts], 1)[:, order],
    }
    return FittedToy(
        weights=weights,
        snapshots=snapshots,
        instances=instances,
        features=tables.feature_table(keys, W, b, importance=config.importance()),
        history=tables.history_table(history, steps=recorded_steps(config)),
    )


def train(
    config: ToyConfig,
    share: Share,
    *,
    device: torch.device,
    progress: Progress,
    stop: parallel.Stop | None = None,
) -> Trained:
    """Train a share of the models of `config`, and evaluate them on held-out samples."""
    model = initial_model(config, share, device=device)
    gradient = gradient_of(config, share, model)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
    )
    generator = random_stream(config, "training", device)
    recorded, snapshots = set(recorded_steps(config)), set(snapshot_steps(config))
    losses, kept = [], []
    for steps in progress(_blocks(config.n_steps, config), "toy models"):
        if stop is not None and stop.is_set():
            break
        drawn = draw_batches(config, share, len(steps), generator)
        for index, step in enumerate(steps):
            batches = [source.batch(index) for source in drawn]
            if step in recorded:
                losses.append(gradient.loss(batches))
            if step in snapshots:
                kept.append(_copy(model))
            gradient.backward_(batches)
            optimizer.param_groups[0]["lr"] = config.lr * _rate(config, step)
            optimizer.step()
    if config.n_steps in snapshots:
        kept.append(_copy(model))
    then = {
        name: torch.stack([each[name] for each in kept] or [torch.empty(0)]) for name in ("W", "b")
    }
    empty = model.W.detach().cpu().new_empty
    return Trained(
        weights={name: tensor.detach().cpu() for name, tensor in model.named_parameters()},
        held_out=held_out_loss(config, share, gradient).cpu(),
        history=torch.stack(losses).cpu(),
        W_then=then["W"] if kept else empty(0, *model.W.shape),
        b_then=then["b"] if kept else empty(0, *model.b.shape),
    )


def recorded_steps(config: ToyConfig) -> list[int]:
    """The steps before which the training loss is recorded, the last one among them."""
    every = max(1, config.n_steps // HISTORY_ROWS)
    return sorted({*range(0, config.n_steps, every), config.n_steps - 1})


def snapshot_steps(config: ToyConfig) -> list[int]:
    """After how many steps weights are kept, from 0 to all of them."""
    return sorted(
        {*np.linspace(0, config.n_steps, config.n_snapshots).round().astype(int).tolist()}
    )


def everything(config: ToyConfig) -> Share:
    """All models of the experiment as one share."""
    return Share(config.sources(), range(config.n_seeds))


def initial_model(config: ToyConfig, share: Share, *, device: torch.device) -> ToyModel:
    """The models before training; the random starts do not depend on `device`."""
    generator = random_stream(config, "start", torch.device("cpu"))
    shape = (config.n_seeds, config.n_features, config.d_hidden)
    starts = [xavier_start(*shape, generator=generator) for _ in range(1 if config.tied else 2)]
    n_conditions = len(share.sources) * _n_variants(config)
    seeds = slice(share.seeds.start, share.seeds.stop)
    W, *W_out = (start[seeds].repeat(n_conditions, 1, 1).to(device) for start in starts)
    return ToyModel(
        W,
        W.new_zeros(W.shape[:2]),
        output=config.output,
        hidden=config.hidden,
        target=config.target,
        W_out=W_out[0] if W_out else None,
        b_hidden=W.new_zeros(len(W), config.d_hidden) if config.hidden_bias else None,
    )


def gradient_of(config: ToyConfig, share: Share, model: ToyModel) -> Gradient:
    """The loss and gradient of `model`."""
    indices = _indices(config, share)
    l1 = torch.tensor(config.instances()["l1_coefficient"].tolist())[indices]
    return Gradient(
        model,
        config.importance()[indices].to(model.W.device),
        n_sources=len(share.sources),
        batch_size=config.batch_size,
        l1_coefficient=l1.to(model.W.device),
    )


def held_out_loss(
    config: ToyConfig, share: Share, gradient: Gradient
) -> Float[Tensor, " instance"]:
    """Each instance's mean loss on `n_held_out` samples that all models of its source share."""
    device = gradient.model.W.device
    generator = random_stream(config, "held out", device)
    n_batches = math.ceil(config.n_held_out / config.batch_size)
    total = torch.zeros(gradient.model.n_instances, dtype=torch.float64, device=device)
    for block in _blocks(n_batches, config):
        drawn = draw_batches(config, share, len(block), generator)
        for index in range(len(block)):
            total += gradient.loss([source.batch(index) for source in drawn])
    return (total / n_batches).float()


def draw_batches(
    config: ToyConfig, share: Share, n_batches: int, generator: Generator
) -> list[data.Batches]:
    """The next batches of every source, from the same random numbers."""
    uniforms = data.draw_uniforms(config, n_batches, generator=generator)
    return [data.make_batches(uniforms, config, source) for source in share.sources]


def random_stream(config: ToyConfig, purpose: str, device: torch.device) -> Generator:
    """A stream of random numbers of its own for every seed and purpose."""
    entropy = np.random.SeedSequence([config.seed, *purpose.encode()])
    return Generator(device).manual_seed(int(entropy.generate_state(1, np.uint64)[0] >> 1))


def _copy(model: ToyModel) -> dict[str, Tensor]:
    return {"W": model.W.detach().cpu().clone(), "b": model.b.detach().cpu().clone()}


def _shares(config: ToyConfig, device: torch.device) -> list[Share]:
    """What each core trains: some sources, or some seeds if there are too few sources; on a GPU
    all at once."""
    n_cores = torch.get_num_threads() if device.type == "cpu" else 1
    sources = config.sources()
    if len(sources) < n_cores:
        size = math.ceil(config.n_seeds / n_cores)
        firsts = range(0, config.n_seeds, size)
        return [Share(sources, range(i, min(i + size, config.n_seeds))) for i in firsts]
    n_sets = config.n_features
    if config.dependence != "independent":
        n_sets //= config.set_size
    costs = [1 - (1 - source.feature_probability) ** n_sets for source in sources]
    groups = parallel.balanced_groups(costs, n_cores)
    return [Share([sources[i] for i in group], range(config.n_seeds)) for group in groups]


def _indices(config: ToyConfig, share: Share) -> Int[Tensor, " instance"]:
    """Where the models of a share are among the instances of the experiment."""
    grid = torch.arange(len(config.instances()))
    grid = grid.view(len(config.sources()), _n_variants(config), config.n_seeds)
    chosen = torch.tensor([config.sources().index(source) for source in share.sources])
    return grid[chosen][..., share.seeds.start : share.seeds.stop].flatten()


def _n_variants(config: ToyConfig) -> int:
    """Conditions that share a source of samples."""
    return len(config.relative_importances) * len(config.l1_coefficients)


def _silent(blocks: Iterable[range], _: str) -> Iterator[range]:
    return iter(blocks)


def _blocks(n_batches: int, config: ToyConfig) -> list[range]:
    """Consecutive batches to draw together."""
    size = max(1, DRAWN_AT_ONCE // (config.n_features * config.batch_size))
    return [range(i, min(i + size, n_batches)) for i in range(0, n_batches, size)]


def _rate(config: ToyConfig, step: int) -> float:
    done = step / config.n_steps
    falling = {
        "constant": 1.0,
        "linear": 1 - done,
        "cosine": 0.5 * (1 + math.cos(math.pi * done)),
    }
    n_warmup = math.ceil(config.lr_warmup * config.n_steps)
    return falling[config.lr_schedule] * min(1.0, (step + 1) / max(n_warmup, 1))


def _check_convergence(instances: pd.DataFrame, config: ToyConfig) -> None:
    lost = instances.groupby([*tables.CONDITION], sort=False)["diverged"].all()
    if lost.any():
        condition = dict(zip(tables.CONDITION, lost.index[lost.argmax()], strict=True))
        named = ", ".join(f"{name}={value:g}" for name, value in condition.items())
        raise ValueError(
            f"all {config.n_seeds} random starts diverged at {named} (lr={config.lr:g})"
        )
