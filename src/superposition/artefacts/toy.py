"""What the stages of toy models leave behind."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped

from superposition.artefacts.core import Artefacts, NotTrained
from superposition.toy.tables import CONDITION

SAME = 0.1
"""Two densities are one experiment if they differ by less than this share (S = 0.81 for 0.8)."""


@dataclass(frozen=True)
class Runs:
    """The toy models of one condition, one per random start, the lowest held-out loss first."""

    feature_probability: float
    """Density p = 1 - S."""
    n_diverged: int
    """Random starts that are left out because their loss became infinite."""
    importance: Float[np.ndarray, " feature"]
    """I_i."""
    seed: Shaped[np.ndarray, " seed"]
    """Which random start each model had: the same ones in every condition."""
    instance: Shaped[np.ndarray, " seed"]
    """Index of each model along the instance axis."""
    loss: Float[np.ndarray, " seed"]
    """On a held-out sample that all models share."""
    W: Float[np.ndarray, "seed feature d_hidden"]
    """W[s, i] is the direction of feature i."""
    W_out: Float[np.ndarray, "seed feature d_hidden"]
    """Weights out of the hidden layer; the same as W unless the model is untied."""
    b: Float[np.ndarray, "seed feature"]
    """Output bias."""
    b_hidden: Float[np.ndarray, "seed d_hidden"]
    """Bias of the hidden layer; zeros if it has none."""
    norm: Float[np.ndarray, "seed feature"]
    """Length of W_i."""
    dimensionality: Float[np.ndarray, "seed feature"]
    """D_i, between 0 and 1."""
    superposition: Float[np.ndarray, "seed feature"]
    """sum over j of (W_i/|W_i| . W_j)^2."""

    def by_seed(self) -> "Runs":
        """The same models in the order of their random starts."""
        order = self.seed.argsort()
        shared = ("feature_probability", "n_diverged", "importance")
        by_model = {name: value[order] for name, value in vars(self).items() if name not in shared}
        return replace(self, **by_model)


@dataclass(frozen=True)
class Snapshots:
    """Weights of toy models while they learned."""

    steps: Int[np.ndarray, " snapshot"]
    """Optimiser steps taken, from 0 to all of them."""
    W: Float[np.ndarray, "snapshot instance feature d_hidden"]
    """Directions of the features."""
    b: Float[np.ndarray, "snapshot instance feature"]
    """Output biases."""


class Toy(Artefacts):
    """Toy models: `toy/<row>`."""

    @cached_property
    def features(self) -> pd.DataFrame:
        """One row per instance and feature."""
        return self.table("features")

    @cached_property
    def instances(self) -> pd.DataFrame:
        """One row per instance."""
        return self.table("instances")

    @cached_property
    def history(self) -> pd.DataFrame:
        """Training losses."""
        return self.table("history")

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """W (instance, feature, d_hidden) and b (instance, feature); W_out and b_hidden if any."""
        return self.tensors("weights")

    @cached_property
    def snapshots(self) -> Snapshots:
        """Weights during training, for rows with `n_snapshots` above 0."""
        kept = self.tensors("snapshots")
        if not kept["steps"].size:
            raise NotTrained(f"toy.{self.row} keeps no snapshots: its n_snapshots is 0")
        return Snapshots(kept["steps"].astype(int), kept["W"], kept["b"])

    @cached_property
    def n_seeds(self) -> int:
        """Random starts in every condition."""
        return len(set(self.instances["seed"]))

    @cached_property
    def densities(self) -> list[float]:
        """The feature probabilities that were trained, densest first."""
        return sorted(self.instances["feature_probability"].unique().tolist(), reverse=True)

    @cached_property
    def conditions(self) -> pd.DataFrame:
        """The distinct conditions, in the order of the instances: columns `CONDITION`."""
        return self.instances.loc[:, [*CONDITION]].drop_duplicates(ignore_index=True)

    def has(self, feature_probability: float) -> bool:
        """Whether models were trained at this density."""
        nearest = self._nearest("feature_probability", feature_probability)
        return abs(nearest / feature_probability - 1) < SAME

    def at(
        self,
        feature_probability: float,
        *,
        relative_importance: float = 1.0,
        relative_density: float = 1.0,
        l1_coefficient: float = 0.0,
    ) -> Runs:
        """The models trained in this condition, without those that diverged."""
        asked = (feature_probability, relative_importance, relative_density, l1_coefficient)
        condition = [self._same(name, value) for name, value in zip(CONDITION, asked, strict=True)]
        everything = self._by_condition[tuple(condition)]
        chosen = everything.loc[~everything["diverged"]].sort_values(by="loss", kind="stable")
        order = chosen["instance"].to_numpy()
        W, b = self.weights["W"], self.weights["b"]
        return Runs(
            feature_probability=condition[0],
            n_diverged=len(everything) - len(chosen),
            importance=self._by_instance["importance"][order[0]],
            seed=chosen["seed"].to_numpy(),
            instance=order,
            loss=chosen["loss"].to_numpy(),
            W=W[order],
            W_out=self.weights.get("W_out", W)[order],
            b=b[order],
            b_hidden=self.weights.get("b_hidden", np.zeros_like(W[:, 0]))[order],
            norm=self._by_instance["norm"][order],
            dimensionality=self._by_instance["dimensionality"][order],
            superposition=self._by_instance["superposition"][order],
        )

    @cached_property
    def best(self) -> pd.DataFrame:
        """`instances`, only the one with the lowest loss in each condition, densest first."""
        lowest = self.instances.groupby([*CONDITION])["loss"].idxmin()
        ascending = [False, True, True, True]
        return self.instances.loc[lowest].sort_values([*CONDITION], ascending=ascending)

    @cached_property
    def best_features(self) -> pd.DataFrame:
        """`features`, only of the instances in `best`."""
        return self.features.loc[self.features["instance"].isin(self.best["instance"])]

    @cached_property
    def gram(self) -> pd.DataFrame:
        """W^T W of the best instances: feature_probability, feature, other, product, bias."""
        return pd.concat([self._gram(p) for p in self.densities], ignore_index=True)

    def _gram(self, feature_probability: float) -> pd.DataFrame:
        best = self.at(feature_probability)
        products = best.W[0] @ best.W[0].T
        feature, other = np.indices(products.shape)
        columns = {
            "feature_probability": feature_probability,
            "feature": feature.ravel(),
            "other": other.ravel(),
            "product": products.ravel(),
            "bias": best.b[0][feature.ravel()],
        }
        return pd.DataFrame(columns)

    @cached_property
    def _by_condition(self) -> dict[tuple[float, ...], pd.DataFrame]:
        return {
            tuple(map(float, condition)): rows
            for condition, rows in self.instances.groupby([*CONDITION], sort=False)
        }

    @cached_property
    def _by_instance(self) -> dict[str, np.ndarray]:
        """Measures of features, [instance, feature]; the table is in this order."""
        measures = ("importance", "norm", "dimensionality", "superposition")
        n = len(self.instances)
        return {name: self.features[name].to_numpy().reshape(n, -1) for name in measures}

    def _same(self, name: str, value: float) -> float:
        """The value of a condition's column that is the one asked for."""
        nearest = self._nearest(name, value)
        if abs(nearest - value) > SAME * abs(value):
            have = ", ".join(f"{each:.3g}" for each in self.instances[name].unique())
            wanted = f"no {name.replace('_', ' ')} near {value:g}"
            raise NotTrained(f"{wanted} in the row toy.{self.row}; have: {have}")
        return nearest

    def _nearest(self, name: str, value: float) -> float:
        have: list[float] = self.instances[name].unique().tolist()
        return min(have, key=lambda each: abs(each - value))


class Robustness(Artefacts):
    """Attacks on toy models: `robustness/<row>`."""

    @cached_property
    def attacks(self) -> pd.DataFrame:
        """One row per instance and kind of attack."""
        return self.table("attacks")


class SparseRecovery(Artefacts):
    """Matching pursuit on the hidden layers of toy models: `sparse_recovery/<row>`."""

    @cached_property
    def instances(self) -> pd.DataFrame:
        """One row per instance."""
        return self.table("instances")


class Adversarial(Artefacts):
    """Toy models trained under attack: `adversarial/<row>`."""

    @cached_property
    def instances(self) -> pd.DataFrame:
        """One row per instance."""
        return self.table("instances")

    @cached_property
    def curves(self) -> pd.DataFrame:
        """`instances` with `limit`, the attack norm that costs as much as m features bring.

        Keeping m features of density p saves about m p / 3; an attack of norm r |x| costs
        r^2 n p / 3 even without superposition. They are equal at r = sqrt(m / n).
        """
        n_features, d_hidden = self.weights["W"].shape[1:]
        return self.instances.assign(limit=np.sqrt(d_hidden / n_features))

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """W (instance, feature, d_hidden) and b (instance, feature)."""
        return self.tensors("weights")


class Perturbation(Artefacts):
    """Two arrangements followed while one feature becomes sparser: `perturbation`."""

    @cached_property
    def branches(self) -> pd.DataFrame:
        """One row per arrangement, relative density and start."""
        return self.table("branches")
