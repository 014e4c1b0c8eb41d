"""Everything about toy models that is computed on paper or nearly so, as tables.

Closed forms against samples, the exact optimum of the smallest model, the loss of linear models,
the expansion by features present, the Thomson problem, and nonlinear compression.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Generator

from superposition.toy import compression, expansion, landscape, phases, saxe, thomson
from superposition.toy.phase_labels import labels

CHECKED = ((0.1, 0.5), (0.35, 1.25), (0.5, 2.0), (0.9, 0.8))
"""Density and relative importance where the closed forms are compared with samples."""
WORLDS = {"two-in-one": phases.TWO_IN_ONE, "three-in-two": phases.THREE_IN_TWO}
SPARSEST, LARGEST_IMPORTANCE = 0.01, 10.0
"""Ends of the phase diagram. Source: Toy Models of Superposition, Phase Change: densities from 1 to
0.01, relative importances from 0.1 to 10."""
LINEAR_WORLD = (8, 3)
"""Features and hidden dimensions of the linear models."""


@dataclass(frozen=True, kw_only=True)
class TheoryConfig:
    """How finely and on how many samples the theory is checked."""

    seed: int
    """Of all samples and random starts."""
    n_samples: int
    """Samples for each closed form."""
    n_grid: int
    """Points of the phase diagram of exact optima in each direction; odd, to hold r = 1."""
    n_weights: int
    """Weights from 0 to the largest in the table of exact losses."""
    n_biases: int
    """Biases in the same table; odd, to hold 0."""
    landscape_probabilities: tuple[float, ...]
    """Densities of the landscapes without bias, at equal importance."""
    linear_importance_base: float
    """Importance of feature i of the linear models is this to the power of i; not 1, for then no
    feature is more important than another and any rotation is as good."""
    linear_starts: int
    """Random starts of linear models."""
    linear_steps: int
    """Steps of gradient descent, with learning rate `linear_lr`."""
    linear_lr: float
    """Learning rate of gradient descent."""
    set_samples: int
    """Samples for each set of features in the expansion."""
    direct_samples: int
    """Samples with which the expansion is compared."""
    expansion_probabilities: tuple[float, ...]
    """Densities at which it is."""
    thomson_starts: int
    """Random starts of the Thomson problem, for each number of points."""
    thomson_steps: int
    """Optimiser steps of each."""
    compression_steps: tuple[int, ...]
    """Numbers Z of coarse steps. Source: the same paper, appendix: Z = 3 and more."""
    compression_epsilons: tuple[float, ...]
    """Widths of the steep segments. Source: the same paper, appendix: up to 0.1."""

    def __post_init__(self) -> None:
        if self.n_grid % 2 == 0 or self.n_biases % 2 == 0:
            raise ValueError(
                f"n_grid={self.n_grid}, n_biases={self.n_biases}; allowed: odd numbers (theory)"
            )


def tables(config: TheoryConfig) -> dict[str, pd.DataFrame]:
    """All tables by name; the columns are in schema.yaml."""
    makers: dict[str, Callable[[TheoryConfig], pd.DataFrame]] = {
        "closed_forms": _closed_forms,
        "optima": _optima,
        "landscapes": _landscapes,
        "linear": _linear,
        "terms": _terms,
        "direct": _direct,
        "compression": _compression,
    }
    return {name: make(config) for name, make in makers.items()} | _thomson(config)


def _closed_forms(config: TheoryConfig) -> pd.DataFrame:
    generator = Generator().manual_seed(config.seed)
    parts = []
    for name, world in WORLDS.items():
        for p, r in CHECKED:
            found = phases.monte_carlo(world, p, r, n_samples=config.n_samples, generator=generator)
            keys = {"world": name, "feature_probability": p, "relative_importance": r}
            parts.append(pd.DataFrame(keys, index=found.index).join(found))
    return pd.concat(parts, ignore_index=True)


def _optima(config: TheoryConfig) -> pd.DataFrame:
    ps = np.geomspace(1.0, SPARSEST, config.n_grid)
    rs = np.geomspace(1 / LARGEST_IMPORTANCE, LARGEST_IMPORTANCE, config.n_grid)
    parts = []
    for bias in (False, True):
        table = landscape.tabulate(
            n_weights=config.n_weights, n_biases=config.n_biases if bias else 1
        )
        parts.append(landscape.optima(table, ps, rs).assign(bias=bias))
    found = pd.concat(parts, ignore_index=True)
    W = found[["w1", "w2"]].to_numpy(dtype=float)[:, :, None]
    order = ["bias", *found.columns.drop("bias")]
    return found.loc[:, order].assign(phase=labels(phases.TWO_IN_ONE, W))


def _landscapes(config: TheoryConfig) -> pd.DataFrame:
    parts = landscape.tabulate(n_weights=config.n_weights, n_biases=1)
    stride = max(config.n_weights // 13, 1)
    found = [
        landscape.landscape(parts, p, 1.0, stride=stride).assign(feature_probability=p)
        for p in config.landscape_probabilities
    ]
    return pd.concat(found, ignore_index=True).loc[:, ["feature_probability", "w1", "w2", "loss"]]


def _linear(config: TheoryConfig) -> pd.DataFrame:
    return saxe.descend(
        *LINEAR_WORLD,
        importance_base=config.linear_importance_base,
        n_starts=config.linear_starts,
        n_steps=config.linear_steps,
        lr=config.linear_lr,
        seed=config.seed,
    )


def _terms(config: TheoryConfig) -> pd.DataFrame:
    generator = Generator().manual_seed(config.seed)
    parts = []
    for name, model in expansion.examples(seed=config.seed).items():
        importance = torch.ones(len(model.b))
        found = expansion.terms(
            model, importance, n_samples=config.set_samples, generator=generator
        )
        parts.append(found.assign(model=name))
    return pd.concat(parts, ignore_index=True).loc[:, ["model", "active", "term", "standard_error"]]


def _direct(config: TheoryConfig) -> pd.DataFrame:
    generator = Generator().manual_seed(config.seed + 1)
    rows = []
    for name, model in expansion.examples(seed=config.seed).items():
        importance = torch.ones(len(model.b))
        for p in config.expansion_probabilities:
            found = expansion.direct(
                model, importance, p, n_samples=config.direct_samples, generator=generator
            )
            rows.append((name, p, *found))
    columns = ["model", "feature_probability", "loss", "standard_error"]
    return pd.DataFrame(rows, columns=columns)


def _compression(config: TheoryConfig) -> pd.DataFrame:
    return compression.table(config.compression_steps, config.compression_epsilons)


def _thomson(config: TheoryConfig) -> dict[str, pd.DataFrame]:
    starts, products = [], []
    for shape in thomson.SHAPES:
        found = thomson.minimise(
            shape, n_starts=config.thomson_starts, n_steps=config.thomson_steps, seed=config.seed
        )
        starts.append(thomson.starts_table(shape, found))
        products.append(thomson.products_table(shape, found))
    return {
        "thomson": pd.concat(starts, ignore_index=True),
        "products": pd.concat(products, ignore_index=True),
    }
