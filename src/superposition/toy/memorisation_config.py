"""What an experiment on memorisation is: a world, sizes of data sets, shapes, and a schedule."""

import itertools
from dataclasses import dataclass
from typing import Literal, NamedTuple

CONDITION = ("n_points", "d_hidden", "feature_probability", "weight_decay", "n_steps")
"""The columns that tell conditions of one experiment apart."""


class Model(NamedTuple):
    """Which one of the models of an experiment: its condition, its data set, its random start."""

    model: int
    n_points: int
    d_hidden: int
    feature_probability: float
    weight_decay: float
    n_steps: int
    data_set: int
    start: int


@dataclass(frozen=True, kw_only=True)
class MemorisationConfig:
    """One experiment: a model for every combination of the axes, each from several random starts.

    The axes are n_points, d_hidden, feature_probabilities, weight_decays and n_steps.
    """

    n_features: int
    """Features of the world, n. Source: Problem Setup, 10,000; a comment there, 1,000."""
    feature_probabilities: tuple[float, ...]
    """Densities p = 1 - S. Source: Problem Setup, S = 0.999; so that n p = 10."""
    n_points: tuple[int, ...]
    """Sizes T of the data sets. The data sets of one number are the beginnings of one list."""
    d_hidden: tuple[int, ...]
    """Hidden dimensions, m. Source: Problem Setup, 2; Effect of Model Size, up to 10."""
    n_data_sets: int
    """Data sets of every size. Source: Double Descent, 4."""
    n_starts: int
    """Random starts on every data set; the paper reports the one with the lowest training loss."""
    n_steps: tuple[int, ...]
    """Updates. Source: Problem Setup, 50,000."""
    lr: float
    """Highest learning rate. Source: Problem Setup, 1e-3."""
    seed: int
    """Of the data sets and the random starts."""
    weight_decays: tuple[float, ...] = (0.01,)
    """Of AdamW. Source: Problem Setup, 1e-2."""
    warm_up: float = 0.05
    """Share of the updates in which the rate rises. Source: Problem Setup, 2,500 of 50,000."""
    lr_schedule: Literal["cosine", "constant"] = "cosine"
    """What the rate does after that. Source: Problem Setup, cosine to 0."""
    batch_size: int = 0
    """Points in an update; 0 is all of them. Source: Problem Setup, full batch."""
    n_test: int = 5_000
    """Fresh points on which all models of a density are tested."""
    keep_vectors: bool = False
    """Whether tables of features and of points are kept, for models in the plane."""

    def __post_init__(self) -> None:
        for name in ("n_features", "n_data_sets", "n_starts", "n_test"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}; allowed: 1 and more")
        for name in ("n_points", "d_hidden", "n_steps"):
            self._check_axis(name, "1 and more", [not x >= 1 for x in getattr(self, name)])
        self._check_axis("weight_decays", "0 and more", [not x >= 0 for x in self.weight_decays])
        outside = [not 0 < p <= 1 for p in self.feature_probabilities]
        self._check_axis("feature_probabilities", "above 0, at most 1", outside)
        if not self.lr > 0:
            raise ValueError(f"lr={self.lr}; allowed: above 0")
        if not 0 <= self.warm_up < 1:
            raise ValueError(f"warm_up={self.warm_up}; allowed: 0 to below 1")
        uneven = [T for T in self.n_points if self.batch_size and T % self.batch_size]
        if self.batch_size < 0 or uneven:
            raise ValueError(
                f"batch_size={self.batch_size}; allowed: 0, or a divisor of all n_points "
                f"{self.n_points}"
            )
        if self.keep_vectors and self.d_hidden != (2,):
            raise ValueError(f"keep_vectors with d_hidden={self.d_hidden}; allowed: d_hidden: [2]")

    def models(self) -> list[Model]:
        """All models, in order."""
        axes = (self.n_points, self.d_hidden, self.feature_probabilities, self.weight_decays)
        seeds = (range(self.n_data_sets), range(self.n_starts))
        products = itertools.product(*axes, self.n_steps, *seeds)
        return [Model(index, *product) for index, product in enumerate(products)]

    def _check_axis(self, name: str, allowed: str, outside: list[bool]) -> None:
        values: tuple[float, ...] = getattr(self, name)
        wrong = [value for value, out in zip(values, outside, strict=True) if out]
        if wrong or not values:
            raise ValueError(f"{name} holds {wrong or '()'}; allowed: {allowed}")
        if len(set(values)) < len(values):
            raise ValueError(f"{name}={values} repeats a value")
