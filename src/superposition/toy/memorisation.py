"""Models trained on finite data sets: what they memorise, and when they begin to generalise.

x_hat = ReLU(W^T W x + b) on T fixed points of length 1, every step on all of them.
Source: Superposition, Memorization, and Double Descent, Problem Setup.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor, nn

from superposition.core import compute
from superposition.toy import memorisation_tables as tables
from superposition.toy import parallel
from superposition.toy.memorisation_config import CONDITION, MemorisationConfig, Model
from superposition.toy.point_gradient import PointGradient, squared_errors
from superposition.toy.point_sets import PointSet, draw_points, random_stream

Progress = Callable[[Iterable[range], str], Iterator[range]]
"""A wrapper around the blocks of steps of a run that shows how far it is."""
HISTORY_ROWS = 50
"""How often the training loss of each model is recorded, evenly over the run."""
TOGETHER = 2**18
"""Outputs of models that are trained together: small models are slow one by one."""


Team = list[Model]
"""Models of one shape and length of training, that are trained together."""


class Trained(NamedTuple):
    """The trained models of a team, on the CPU."""

    weights: Float[Tensor, "model row feature"]
    """W and below it b."""
    history: Float[Tensor, "recorded model"]
    """Training losses at the recorded steps."""


@dataclass(frozen=True, kw_only=True)
class FittedMemorisation:
    """Trained models and what they look like; columns as in schema.yaml."""

    models: pd.DataFrame
    """One row a model: its condition, its losses, its norms."""
    features: pd.DataFrame
    """One row a feature of a model; empty unless vectors are kept."""
    points: pd.DataFrame
    """One row a training point of a model; empty unless vectors are kept."""
    history: pd.DataFrame
    """Training loss: model, step, loss."""


class World:
    """The data sets of an experiment and its test points, each drawn once, on `device`."""

    def __init__(self, config: MemorisationConfig, device: torch.device) -> None:
        self._sets = {
            (p, index): _draw(config, max(config.n_points), p, "data", index).to(device)
            for p in config.feature_probabilities
            for index in range(config.n_data_sets)
        }
        self._tests = {
            p: _draw(config, config.n_test, p, "test", 0).to(device)
            for p in config.feature_probabilities
        }

    def data_set(self, model: Model) -> PointSet:
        """The data set of one model."""
        return self._sets[model.feature_probability, model.data_set].part(0, model.n_points)

    def test(self, model: Model) -> PointSet:
        """The test points of one model."""
        return self._tests[model.feature_probability]


def fit(
    config: MemorisationConfig, *, device: torch.device, progress: Progress = compute.progress
) -> FittedMemorisation:
    """The models of `config`, trained on `device`.

    A model whose loss becomes infinite is marked as diverged and its losses are NaN; if all models
    of a condition diverge, that is an error. What is computed does not depend on how many cores
    there are.
    """
    world = World(config, device)
    teams = _teams(config)
    n_cores = torch.get_num_threads() if device.type == "cpu" else 1
    costs = [len(team) * team[0].n_steps * (team[0].n_points + 50.0) for team in teams]
    groups = parallel.balanced_groups(costs, n_cores)

    def work(group: list[int], stop: parallel.Stop) -> list[tables.Tables]:
        shown = progress if group is groups[0] else _silent
        steps = [(index, block) for index in group for block in _blocks(teams[index][0].n_steps)]
        ticks = shown((block for _, block in steps), "memorisation")
        return [_one_team(config, world, teams[index], ticks, stop) for index in group]

    parts = [part for group in parallel.side_by_side(work, groups) for part in group]
    together = tables.joined(parts)
    _check_convergence(together.models, config)
    return FittedMemorisation(**together._asdict())


def train(
    config: MemorisationConfig,
    team: Team,
    sets: Sequence[PointSet],
    *,
    device: torch.device,
    ticks: Iterator[range],
    stop: parallel.Stop | None = None,
) -> Trained:
    """Train a team of models, each on its own data set, and record their training losses."""
    weights = nn.Parameter(initial_weights(config, team).to(device))
    n_steps = team[0].n_steps
    batches = _batches(config, weights, sets)
    order = random_stream(config.seed, "order of batches")
    decay = torch.tensor([[[model.weight_decay]] for model in team], device=device)
    optimizer = torch.optim.AdamW([weights], lr=config.lr, weight_decay=0.0, fused=True)
    recorded, history, queue = set(recorded_steps(n_steps)), [], []
    for block in itertools.islice(ticks, len(_blocks(n_steps))):
        if stop is not None and stop.is_set():
            break
        for step in block:
            if step in recorded:
                history.append(losses(weights, sets))
            queue = queue or torch.randperm(len(batches), generator=order).tolist()
            batches[queue.pop()].backward_()
            lr = config.lr * rate(config, step, n_steps)
            optimizer.param_groups[0]["lr"] = lr
            with torch.no_grad():
                weights.mul_(1 - lr * decay)
            optimizer.step()
    return Trained(weights.detach().cpu(), torch.stack(history).cpu())


def initial_weights(config: MemorisationConfig, team: Team) -> Float[Tensor, "model row feature"]:
    """W with standard deviation sqrt(2 / (n + m)), and biases of 0 below it.

    Source: Problem Setup, Xavier. Start k is the same for every data set, size and weight decay.
    """
    weights = []
    for model in team:
        generator = random_stream(config.seed, "start", model.start, model.d_hidden)
        W = torch.randn(model.d_hidden, config.n_features, generator=generator)
        W *= math.sqrt(2 / (config.n_features + model.d_hidden))
        weights.append(torch.cat([W, torch.zeros(1, config.n_features)]))
    return torch.stack(weights)


def losses(
    weights: Float[Tensor, "model row feature"], sets: Sequence[PointSet]
) -> Float[Tensor, " model"]:
    """The loss of each model on its points."""
    pairs = zip(weights.detach(), sets, strict=True)
    return torch.stack([squared_errors(one, points).mean() for one, points in pairs])


def rate(config: MemorisationConfig, step: int, n_steps: int) -> float:
    """The learning rate before update `step`, as a share of the highest one."""
    rising = config.warm_up * n_steps
    if step < rising:
        return (step + 1) / (rising + 1)
    if config.lr_schedule == "constant":
        return 1.0
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / (n_steps - rising)))


def recorded_steps(n_steps: int) -> list[int]:
    """The steps before which the training loss is recorded, the last one among them."""
    every = max(1, n_steps // HISTORY_ROWS)
    return sorted({*range(0, n_steps, every), n_steps - 1})


def _one_team(
    config: MemorisationConfig,
    world: World,
    team: Team,
    ticks: Iterator[range],
    stop: parallel.Stop,
) -> tables.Tables:
    sets = [world.data_set(model) for model in team]
    device = sets[0].value.device
    trained = train(config, team, sets, device=device, ticks=ticks, stop=stop)
    test = losses(trained.weights.to(device), [world.test(model) for model in team]).cpu()
    vectors = (team, trained.weights, sets) if config.keep_vectors else ([], trained.weights, [])
    return tables.Tables(
        tables.model_table(team, trained.weights, sets, test_loss=test),
        tables.feature_table(*vectors),
        tables.point_table(*vectors),
        tables.history_table(team, trained.history, recorded_steps(team[0].n_steps)),
    )


def _draw(config: MemorisationConfig, n: int, p: float, purpose: str, index: int) -> PointSet:
    generator = random_stream(config.seed, purpose, index)
    return draw_points(n, n_features=config.n_features, feature_probability=p, generator=generator)


def _teams(config: MemorisationConfig) -> list[Team]:
    """The models by shape and length of training, in parts of about `TOGETHER` outputs."""
    alike: dict[tuple[int, int, int], Team] = {}
    for model in config.models():
        alike.setdefault((model.n_points, model.d_hidden, model.n_steps), []).append(model)
    teams = []
    for (n_points, _, _), models in alike.items():
        size = max(1, TOGETHER // (n_points * config.n_features))
        teams += [models[i : i + size] for i in range(0, len(models), size)]
    return teams


def _batches(
    config: MemorisationConfig, weights: Tensor, sets: Sequence[PointSet]
) -> list[PointGradient]:
    """The data sets in batches. Differs: they stay the same, in a new order every time."""
    n_points = sets[0].n_points
    size = config.batch_size or n_points
    parts = [(first, first + size) for first in range(0, n_points, size)]
    return [PointGradient(weights, [each.part(*part) for each in sets]) for part in parts]


def _blocks(n_steps: int) -> list[range]:
    """The steps of a run in parts, between which its progress is shown."""
    size = max(1, n_steps // HISTORY_ROWS)
    return [range(first, min(first + size, n_steps)) for first in range(0, n_steps, size)]


def _silent(blocks: Iterable[range], _: str) -> Iterator[range]:
    return iter(blocks)


def _check_convergence(models: pd.DataFrame, config: MemorisationConfig) -> None:
    for _, alike in models.groupby([*CONDITION], sort=False):
        if alike.diverged.all():
            named = ", ".join(f"{name}={alike[name].iloc[0]:g}" for name in CONDITION)
            raise ValueError(f"all {len(alike)} models diverged at {named} (lr={config.lr:g})")
