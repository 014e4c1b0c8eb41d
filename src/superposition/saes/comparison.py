"""Variants of an autoencoder on the same toy world: the same inputs, the same random starts."""

import copy
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from superposition.core.compute import progress
from superposition.core.params import build
from superposition.saes import training
from superposition.saes.base import SAE, SaeConfig, architecture
from superposition.saes.matching import Judgement, judge
from superposition.saes.recovery import RECOVERED
from superposition.saes.toy_world import DataConfig, Sample, ToyWorld, world
from superposition.toy.parallel import Stop, balanced_groups, side_by_side

N_TRACED = 4_096
"""Of the inputs that judge, how many follow the loss during training."""

Values = dict[str, Any]
"""A part of a row of params.yaml."""


@dataclass(frozen=True, kw_only=True)
class ComparisonConfig:
    """A row of toy_comparison: toy models, how their features occur, and autoencoders for them."""

    models: str
    """The row of `toy` whose models are taken apart."""
    data: DataConfig
    """How their features occur."""
    trace_every: int
    """Steps between two rows of the trace."""
    shared: Values
    """What all variants have in common, as in a row of toy_sae."""
    variants: dict[str, Values]
    """What each has of its own, by name."""

    def __post_init__(self) -> None:
        """Refuse a row without variants, and any variant that is no sound autoencoder."""
        if not self.variants:
            raise ValueError("variants is empty; a comparison needs at least one")
        if self.trace_every < 1:
            raise ValueError(f"trace_every={self.trace_every} is below 1")
        self.autoencoders()

    def autoencoders(self) -> dict[str, SaeConfig]:
        """The configuration of each variant, complete."""
        rows = {
            name: merged({"activations": self.models} | self.shared, own)
            for name, own in self.variants.items()
        }
        for name, row in rows.items():
            if "arch" not in row:
                raise ValueError(f"variant {name} has no arch, and neither has shared")
        return {
            name: build(architecture(row["arch"]).Config, row, key=name, origin="variants")
            for name, row in rows.items()
        }


class Compared(NamedTuple):
    """The tables of a row, each with the column `variant` first: schema.yaml, toy_comparison/."""

    instances: pd.DataFrame
    """One row per variant and instance."""
    features: pd.DataFrame
    """One row per variant, instance and represented feature."""
    latents: pd.DataFrame
    """One row per variant, instance and latent."""
    trace: pd.DataFrame
    """One row per variant, instance and traced step."""


def compare(
    config: ComparisonConfig,
    W: Float[Tensor, "model feature d_hidden"],
    probability: float,
    *,
    device: torch.device,
) -> Compared:
    """Every variant trained on the models `W`, which were trained at density `probability`.

    Instance i of every variant sees the same inputs and, where the weights have the same shapes,
    begins at the same weights: differences between variants are paired.
    """
    made = world(W.to(device), probability, config.data)
    configs = config.autoencoders()
    names, costs = [*configs], [float(each.training.n_steps) for each in configs.values()]
    n_groups = torch.get_num_threads() if device.type == "cpu" else 1
    groups = [[names[i] for i in group] for group in balanced_groups(costs, n_groups)]

    def of_group(group: list[str], stop: Stop) -> dict[str, list[pd.DataFrame]]:
        return {name: _tables(configs[name], made, config, name, stop) for name in group}

    found = {name: each for part in side_by_side(of_group, groups) for name, each in part.items()}
    tables = zip(*(found[name] for name in names), strict=True)
    return Compared(*(pd.concat(each, ignore_index=True) for each in tables))


def merged(base: Values, own: Values) -> Values:
    """`base` with what `own` has instead, mapping by mapping.

    >>> merged({"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"y": 5}})
    {'a': {'x': 1, 'y': 5}, 'b': 3}
    """
    found = copy.deepcopy(base)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = merged(found[key], value) if both else value
    return found


def summary(instances: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The numbers of toy_comparison/metrics.json: of each variant, means over instances."""
    shown = ["l0", "true_l0", "recovered", "matched_cosine", "precision", "recall"]
    names = dict.fromkeys(instances["variant"].tolist())
    of = {name: instances.loc[instances["variant"] == name] for name in names}
    return {
        name: {column: float(one[column].to_numpy(dtype=float).mean()) for column in shown}
        for name, one in of.items()
    }


def _tables(
    config: SaeConfig,
    made: ToyWorld,
    row: ComparisonConfig,
    name: str,
    stop: Stop,
) -> list[pd.DataFrame]:
    """One variant trained, traced and judged: the tables in the order of `Compared`."""
    sample = made.judged()
    source = made.source(config.training.batch_size)
    start = torch.cat(list(islice(source(0), training.INITIAL_BATCHES)), dim=-2).cpu()
    run = training.start(config, start, made.W.device)
    first = Sample(sample.x[:, :N_TRACED], sample.h[:, :N_TRACED])
    traced = _traced_steps(config, row.trace_every)
    trace = [_trace(run.sae, made, first, 0)]
    steps = islice(source(0), config.training.n_steps)
    for x in progress(steps, name, total=config.training.n_steps):
        training.advance_(run, x, source)
        if run.step in traced:
            trace.append(_trace(run.sae, made, first, run.step))
        if run.stopped:
            raise ValueError(f"variant {name}: {run.stopped}")
        if stop.is_set():
            break
    found: Judgement = judge(run.sae, made, sample)
    tables = [found.instances, found.features, found.latents, pd.concat(trace)]
    for table in tables:
        table.insert(0, "variant", name)
    return tables


def _traced_steps(config: SaeConfig, every: int) -> set[int]:
    """The steps after which the trace has a row: regularly, around each resampling, at the end."""
    n_steps = config.training.n_steps
    around = {at + each for at in training.resampling_steps(config) for each in (-1, 0)}
    return around | set(range(every, n_steps, every)) | {n_steps}


@torch.no_grad()
def _trace(sae: SAE, made: ToyWorld, sample: Sample, step: int) -> pd.DataFrame:
    """Loss, L0 and features found of every instance after a step."""
    codes = sae.codes(sample.h)
    directions = torch.nn.functional.normalize(made.W, dim=-1)
    rows = torch.nn.functional.normalize(sae.W_dec, dim=-1)
    cosines = (directions @ rows.mT).masked_fill(~codes.fired().unsqueeze(-2), -1.0)
    found = (cosines.amax(-1) > RECOVERED) & made.represented
    columns = {
        "instance": torch.arange(len(made.W)),
        "step": torch.full((len(made.W),), step),
        "loss": sae.input_losses(sample.h).double().mean(-1),
        "l0": codes.l0().double(),
        "alive": codes.fired().sum(-1),
        "recovered": found.sum(-1),
    }
    return pd.DataFrame({name: column.cpu().numpy() for name, column in columns.items()})
