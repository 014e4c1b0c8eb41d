"""What a toy experiment is: a world of features, a shape of models, conditions, and a schedule."""

import itertools
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import pandas as pd
import torch
from jaxtyping import Float
from torch import Tensor

from superposition.toy.models import Hidden, Output, Target
from superposition.toy.tables import CONDITION

Dependence = Literal["independent", "correlated", "anticorrelated"]
"""How the features of one set occur: each by itself, all together, or at most one at a time."""


class Source(NamedTuple):
    """Where samples come from: all models of one source see the same ones."""

    feature_probability: float
    """Density p = 1 - S."""
    relative_density: float
    """Density of the first feature relative to p."""


@dataclass(frozen=True, kw_only=True)
class ToyConfig:
    """One toy experiment: models of one shape, in several conditions, from several random starts.

    The conditions are all combinations of feature_probabilities, relative_densities,
    relative_importances and l1_coefficients.
    """

    n_features: int
    """Features of the world, n. Source: the figure replicated."""
    d_hidden: int
    """Hidden dimensions, m. Source: the figure replicated."""
    output: Output
    """`relu`, `linear` or `gelu`. Source: Toy Models of Superposition, Experiment Setup."""
    importance_base: float
    """Importance of feature i is importance_base**i. Source: the figure replicated."""
    feature_probabilities: tuple[float, ...]
    """Densities p = 1 - S, each above 0 and at most 1. Source: the figure replicated."""
    n_seeds: int
    """Random starts in every condition."""
    seed: int
    """Of the random starts and of the samples."""
    n_steps: int
    """Optimiser steps. Source: official notebook, 10,000."""
    relative_importances: tuple[float, ...] = (1.0,)
    """Of the last feature. Source: Toy Models of Superposition, Phase Change."""
    relative_densities: tuple[float, ...] = (1.0,)
    """Of the first feature. Source: the same paper, Perturbing a Single Feature."""
    l1_coefficients: tuple[float, ...] = (0.0,)
    """Weights of the L1 norm of the hidden layer. Source: the same paper, Approach 1."""
    dependence: Dependence = "independent"
    """How the features of a set occur. Source: the same paper, Correlated Features."""
    set_size: int = 1
    """Features in a set: the first ones are the first set, and so on."""
    hidden: Hidden = "linear"
    """`linear`, or `relu` for a privileged basis. Source: the same paper, Privileged Basis."""
    hidden_bias: bool = False
    """Whether the hidden layer has a bias. Source: the same paper, Limitations."""
    tied: bool = True
    """Whether the weights out of the hidden layer are those into it. Source: the same paper."""
    target: Target = "identity"
    """`identity`, or `absolute` values. Source: the same paper, Computation in Superposition."""
    batch_size: int = 1024
    """Samples in a step. Source: official notebook."""
    lr: float = 1e-3
    """Learning rate. Source: official notebook."""
    lr_schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How the rate goes to 0, if at all. Source: official notebook, constant."""
    lr_warmup: float = 0.0
    """Share of the steps in which the rate rises to `lr`; sparse models collapse at high rates
    without it. Source: official notebook, none."""
    weight_decay: float = 0.01
    """Of AdamW; 0 is Adam. Source: official notebook, by the default of its optimiser."""
    n_held_out: int = 1_048_576
    """Samples on which all models of a source are compared, rounded up to whole batches."""
    n_snapshots: int = 0
    """How often the weights are kept during training, evenly from the start to the end."""

    def __post_init__(self) -> None:
        for name in ("n_features", "d_hidden", "n_seeds", "n_steps", "batch_size", "n_held_out"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}; allowed: 1 and more")
        for name in ("importance_base", "lr"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}={getattr(self, name)}; allowed: above 0")
        for name in ("weight_decay", "n_snapshots"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}={getattr(self, name)}; allowed: 0 and more")
        if not 0 <= self.lr_warmup <= 1:
            raise ValueError(f"lr_warmup={self.lr_warmup}; allowed: 0 to 1")
        for name in ("relative_importances", "relative_densities"):
            self._check_axis(name, "above 0", [not x > 0 for x in getattr(self, name)])
        self._check_axis(
            "l1_coefficients", "0 and more", [not x >= 0 for x in self.l1_coefficients]
        )
        outside = [not 0 < p <= 1 for p in self.feature_probabilities]
        self._check_axis("feature_probabilities", "above 0, at most 1", outside)
        self._check_shape()
        self._check_world()

    def importance(self) -> Float[Tensor, "instance feature"]:
        """I_i = importance_base**i for i from 0, the last one times the relative importance."""
        base = self.importance_base ** torch.arange(self.n_features)
        importance = base.repeat(len(self.instances()), 1)
        relative = self.instances()["relative_importance"].to_numpy(copy=True)
        importance[:, -1] *= torch.from_numpy(relative).to(importance)
        return importance

    def sources(self) -> list[Source]:
        """The sources of samples, in the order of the instances."""
        pairs = itertools.product(self.feature_probabilities, self.relative_densities)
        return [Source(*pair) for pair in pairs]

    def only(self, source: Source) -> "ToyConfig":
        """The same experiment with the models of one source only."""
        return replace(
            self,
            feature_probabilities=(source.feature_probability,),
            relative_densities=(source.relative_density,),
        )

    def instances(self) -> pd.DataFrame:
        """The instances in order: instance, seed, and the columns of their condition."""
        axes = (self.sources(), self.relative_importances, self.l1_coefficients)
        rows = [
            (seed, p, importance, density, l1)
            for (p, density), importance, l1, seed in itertools.product(*axes, range(self.n_seeds))
        ]
        frame = pd.DataFrame(rows, columns=["seed", *CONDITION])
        return frame.rename_axis("instance").reset_index()

    def _check_axis(self, name: str, allowed: str, outside: list[bool]) -> None:
        values: tuple[float, ...] = getattr(self, name)
        wrong = [value for value, out in zip(values, outside, strict=True) if out]
        if wrong or not values:
            raise ValueError(f"{name} holds {wrong or '()'}; allowed: {allowed}")
        if len(set(values)) < len(values):
            raise ValueError(f"{name}={values} repeats a value")

    def _check_shape(self) -> None:
        if self.tied and self.d_hidden > self.n_features:
            raise ValueError(
                f"d_hidden={self.d_hidden} exceeds n_features={self.n_features}; allowed with "
                "tied: false"
            )
        if self.target == "absolute" and self.tied:
            raise ValueError("target=absolute with tied=true; allowed: tied: false")

    def _check_world(self) -> None:
        if not 1 <= self.set_size <= self.n_features or self.n_features % self.set_size:
            raise ValueError(
                f"set_size={self.set_size} does not divide n_features={self.n_features} into sets"
            )
        dependent = self.dependence != "independent"
        if dependent and (self.relative_densities != (1.0,) or self.target == "absolute"):
            raise ValueError(
                f"dependence={self.dependence}; allowed with relative_densities: [1.0] and "
                "target: identity"
            )
        highest = max(self.feature_probabilities)
        if self.dependence == "anticorrelated" and highest * self.set_size > 1:
            raise ValueError(
                f"feature_probabilities holds {highest:g}; allowed for anticorrelated sets of "
                f"{self.set_size}: at most {1 / self.set_size:g}, as only one is active at a time"
            )
        if highest * max(self.relative_densities) > 1:
            raise ValueError(
                f"relative_densities holds {max(self.relative_densities):g}; allowed at density "
                f"{highest:g}: at most {1 / highest:g}"
            )
