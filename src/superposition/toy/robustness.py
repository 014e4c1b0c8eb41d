"""How vulnerable trained toy models are to attacks, compared with models without superposition.

A model without superposition keeps m features, each in a dimension of its own, and guesses the mean
of the others. An attack of norm e moves the output of a kept feature by e and nothing else, so that
it harms the model by e^2 exactly. Vulnerability is the harm to a model in these units.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from superposition.toy import attacks, geometry, parallel
from superposition.toy.data import sample_features

ATTACKS = ("feature", "gradient", "random")
"""The worst attack on a single feature, gradient ascent, and a random direction."""

N_SHOWN = 30
"""Changes of an attack that a profile keeps."""


@dataclass(frozen=True, kw_only=True)
class RobustnessConfig:
    """Attacks on the toy models of one row."""

    models: str
    """Row of the section toy: tied models with a ReLU, all features equally important."""
    attack_norm: float
    """Norm of the attacks, relative to the average norm of an input. Source: Toy Models of
    Superposition, Superposition and Adversarial Robustness, 0.1."""
    n_samples: int
    """Inputs that are attacked, the same ones for all models of a density."""
    seed: int
    """Of the inputs and of the random directions."""

    def __post_init__(self) -> None:
        if not self.attack_norm > 0:
            raise ValueError(f"attack_norm={self.attack_norm}; allowed: above 0")
        if self.n_samples < 2:
            raise ValueError(f"n_samples={self.n_samples}; allowed: 2 and more, for an error")


class Models(NamedTuple):
    """The trained models that are attacked."""

    W: Float[Tensor, "instance feature d_hidden"]
    b: Float[Tensor, "instance feature"]
    instances: pd.DataFrame
    """The table toy/instances."""


def without_superposition(
    n_features: int, d_hidden: int, *, probability: float
) -> tuple[Float[Tensor, "feature d_hidden"], Float[Tensor, " feature"]]:
    """W and b of the model that keeps the first m features and guesses the mean of the others."""
    kept = torch.arange(n_features) < d_hidden
    return torch.eye(n_features, d_hidden), torch.where(kept, 0.0, probability / 2)


def attack_all(config: RobustnessConfig, models: Models, *, device: torch.device) -> pd.DataFrame:
    """The table robustness/attacks: every kind of attack on every model that did not diverge."""

    def attack(p: float, rows: pd.DataFrame) -> pd.DataFrame:
        return attack_density(config, models, p, rows, device=device)

    return over_densities(models.instances, attack, device=device)


def over_densities(
    instances: pd.DataFrame,
    measure: Callable[[float, pd.DataFrame], pd.DataFrame],
    *,
    device: torch.device,
) -> pd.DataFrame:
    """`measure(p, rows)` of every density and its models that did not diverge, one core each."""
    sound = instances.loc[~instances["diverged"]]
    densities = sorted(set(sound["feature_probability"].tolist()), reverse=True)
    n_cores = torch.get_num_threads() if device.type == "cpu" else 1

    def measure_group(group: list[float], stop: parallel.Stop) -> list[pd.DataFrame]:
        chosen = [p for p in group if not stop.is_set()]
        return [measure(p, sound.loc[sound["feature_probability"] == p]) for p in chosen]

    groups = [densities[core::n_cores] for core in range(min(n_cores, len(densities)))]
    parts = [part for group in parallel.side_by_side(measure_group, groups) for part in group]
    table = pd.concat(parts, ignore_index=True)
    return table.sort_values(by="instance", kind="stable", ignore_index=True)


def attack_density(
    config: RobustnessConfig,
    models: Models,
    probability: float,
    rows: pd.DataFrame,
    *,
    device: torch.device,
) -> pd.DataFrame:
    """The attacks on the models of one density, which share the inputs."""
    generator = Generator(device).manual_seed(config.seed)
    x = sample_features(
        config.n_samples,
        torch.tensor([probability], device=device),
        n_features=models.W.shape[1],
        generator=generator,
    )[:, 0]
    norm = config.attack_norm * float(x.norm(dim=1).mean())
    parts = []
    for instance in rows["instance"].tolist():
        W, b = models.W[instance].to(device), models.b[instance].to(device)
        found = _attack(W, b, x, norm=norm, generator=generator)
        parts.append(found.assign(instance=instance))
    keys = rows.loc[:, ["instance", "seed", "feature_probability"]]
    return keys.merge(pd.concat(parts, ignore_index=True), on="instance")


def profiles(W: dict[float, Float[np.ndarray, "feature d_hidden"]]) -> pd.DataFrame:
    """The attack on the longest feature of a model for each density, its largest changes first.

    Columns: feature_probability, rank, change.
    """
    parts = []
    for p, directions in W.items():
        weights = torch.from_numpy(directions)
        attack = attacks.feature_attacks(weights)[geometry.norms(weights).argmax()]
        change = attack[attack.abs().argsort(descending=True)[:N_SHOWN]].numpy()
        columns = {"feature_probability": p, "rank": range(len(change)), "change": change}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def summary(table: pd.DataFrame) -> dict[str, int | float]:
    """The numbers of robustness/metrics.json."""
    on_features = table.loc[table["attack"] == "feature"]
    return {
        "n_instances": len(on_features),
        "max_vulnerability": max(on_features["vulnerability"].tolist()),
        "max_features_per_dimension": max(table["features_per_dimension"].tolist()),
        "max_silent_share": max(table["silent_share"].tolist()),
    }


def _attack(W: Tensor, b: Tensor, x: Tensor, *, norm: float, generator: Generator) -> pd.DataFrame:
    """What each kind of attack does to one model."""
    tried: dict[str, Callable[[], Tensor]] = {
        "feature": lambda: attacks.worst_feature_attack(W, b, x, norm=norm),
        "gradient": lambda: attacks.gradient_attack(W, b, x, norm=norm),
        "random": lambda: attacks.random_attack(x, norm=norm, generator=generator),
    }
    pre_acts = (x @ W) @ W.mT + b
    loss = float((pre_acts.relu() - x).square().mean())
    gradient = attacks.input_gradient(W, b, x, torch.zeros_like(x))
    shared = {
        "loss": loss,
        "features_per_dimension": float(1 / geometry.dimensions_per_feature(W)),
        "silent_share": float((pre_acts <= 0).float().mean()),
        "no_gradient_share": float((gradient == 0).all(1).float().mean()),
    }
    measured = []
    for kind in ATTACKS:
        harm = attacks.harm(W, b, x, tried[kind]()).double().cpu().numpy()
        scaled = harm / norm**2
        measured.append(
            {
                "attack": kind,
                "norm": norm,
                "attacked_loss": loss + float(harm.mean()) / x.shape[1],
                "vulnerability": float(scaled.mean()),
                "standard_error": float(scaled.std(ddof=1) / np.sqrt(len(scaled))),
                "harmed_share": float((harm > 0).mean()),
                **shared,
            }
        )
    return pd.DataFrame(measured)
