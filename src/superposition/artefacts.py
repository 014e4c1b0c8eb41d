"""The artefacts of one stage and row, loaded when first asked for.

Columns and their meaning: schema.yaml. `results.py` hands these out by experiment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float, Int, Shaped

from superposition.core.store import Store, schema

SAME_DENSITY = 0.1
"""Two densities are one experiment if they differ by less than this share (S = 0.81 for 0.8)."""


class NotTrained(ValueError):
    """Something was asked of an experiment that its parameters leave out."""


@dataclass(frozen=True)
class Named:
    """Things by attribute, such as `metrics.l0`; a misspelt name is told which exist."""

    kind: str
    """What the things are, for the error message: "metric", "value"."""
    things: Mapping[str, Any]
    """The things by name."""
    origin: str = ""
    """Where they come from, for the error message."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self.things:
            where = f" in {self.origin}" if self.origin else ""
            raise AttributeError(f"no {self.kind} {name!r}{where}; have: {', '.join(self.things)}")
        return self.things[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.things)

    def __dir__(self) -> list[str]:
        return [*self.things]


@dataclass(frozen=True)
class Artefacts:
    """What one stage left behind for one row."""

    store: Store
    stage: str
    row: str

    def table(self, name: str) -> pd.DataFrame:
        """The table `name`, in the format that schema.yaml says."""
        tables = (Path(table) for table in schema() if table.startswith(f"{self.stage}/"))
        file = next(table.name for table in tables if table.stem == name)
        return self.store.load_table(self.stage, *self._folder, file)

    def tensors(self, name: str) -> dict[str, np.ndarray]:
        """The arrays in `<name>.safetensors`."""
        tensors = self.store.load_tensors(self.stage, *self._folder, f"{name}.safetensors")
        return {key: tensor.float().numpy() for key, tensor in tensors.items()}

    @cached_property
    def metrics(self) -> Named:
        """The numbers in metrics.json."""
        path = (*self._folder, "metrics.json")
        values = self.store.load_json(self.stage, *path)
        return Named("metric", values, origin="/".join((self.stage, *path)))

    @property
    def _folder(self) -> tuple[str, ...]:
        return (self.row,) if self.row else ()


@dataclass(frozen=True)
class Runs:
    """The toy models of one density, one per random start, the lowest held-out loss first."""

    feature_probability: float
    """Density p = 1 - S."""
    seed: Shaped[np.ndarray, " seed"]
    """Which random start each model had: the same ones at every density."""
    instance: Shaped[np.ndarray, " seed"]
    """Index of each model along the instance axis."""
    loss: Float[np.ndarray, " seed"]
    """On a held-out sample that all models share."""
    importance: Float[np.ndarray, " feature"]
    """I_i."""
    W: Float[np.ndarray, "seed feature d_hidden"]
    """W[s, i] is the direction of feature i."""
    b: Float[np.ndarray, "seed feature"]
    """Output bias."""
    norm: Float[np.ndarray, "seed feature"]
    """Length of W_i."""
    dimensionality: Float[np.ndarray, "seed feature"]
    """D_i, between 0 and 1."""
    superposition: Float[np.ndarray, "seed feature"]
    """sum over j of (W_i/|W_i| . W_j)^2."""

    def by_seed(self) -> "Runs":
        """The same models in the order of their random starts."""
        order = self.seed.argsort()
        shared = ("feature_probability", "importance")
        kept = {name: value for name, value in vars(self).items() if name in shared}
        return Runs(**kept, **{k: v[order] for k, v in vars(self).items() if k not in shared})


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
        """W (instance, feature, d_hidden) and b (instance, feature)."""
        return self.tensors("weights")

    @cached_property
    def n_seeds(self) -> int:
        """Random starts at every density."""
        return len(set(self.instances["seed"]))

    @cached_property
    def densities(self) -> list[float]:
        """The feature probabilities that were trained, densest first."""
        return sorted(self.instances["feature_probability"].unique().tolist(), reverse=True)

    def has(self, feature_probability: float) -> bool:
        """Whether models were trained at this density."""
        return abs(self._nearest(feature_probability) / feature_probability - 1) < SAME_DENSITY

    def at(self, feature_probability: float) -> Runs:
        """The models trained at this density."""
        nearest = self._nearest(feature_probability)
        if not self.has(feature_probability):
            have = ", ".join(f"{p:.3g}" for p in self.densities)
            wanted = f"no feature probability near {feature_probability:g}"
            raise NotTrained(f"{wanted} in the row toy.{self.row}; have: {have}")
        chosen = self.instances.loc[self.instances["feature_probability"] == nearest]
        chosen = chosen.sort_values(by="loss", kind="stable")
        order = chosen["instance"].to_numpy()
        wide = self.features.pivot(index="instance", columns="feature").loc[order]
        return Runs(
            feature_probability=nearest,
            seed=chosen["seed"].to_numpy(),
            instance=order,
            loss=chosen["loss"].to_numpy(),
            importance=wide["importance"].to_numpy()[0],
            W=self.weights["W"][order],
            b=self.weights["b"][order],
            norm=wide["norm"].to_numpy(),
            dimensionality=wide["dimensionality"].to_numpy(),
            superposition=wide["superposition"].to_numpy(),
        )

    @cached_property
    def best(self) -> pd.DataFrame:
        """`instances`, only the one with the lowest loss at each density."""
        lowest = self.instances.groupby("feature_probability")["loss"].idxmin()
        return self.instances.loc[lowest].sort_values("feature_probability", ascending=False)

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

    def _nearest(self, feature_probability: float) -> float:
        return min(self.densities, key=lambda p: abs(p - feature_probability))


class ToySae(Artefacts):
    """Autoencoders on the hidden states of toy models: `toy_sae/<row>`."""

    @cached_property
    def history(self) -> pd.DataFrame:
        """Training curves per instance."""
        return self.table("history")

    @cached_property
    def recovery(self) -> pd.DataFrame:
        """One row per instance and toy feature: the latent that matches it best."""
        return self.table("recovery")

    @cached_property
    def weights(self) -> dict[str, np.ndarray]:
        """W_enc, W_dec, b_enc, b_dec with a leading instance axis."""
        return self.tensors("weights")

    @cached_property
    def recovered(self) -> Int[np.ndarray, " instance"]:
        """Features recovered by each instance."""
        wide = self.recovery.pivot(index="instance", columns="feature", values="recovered")
        return wide.to_numpy(dtype=np.int64).sum(axis=1)


class Transformer(Artefacts):
    """A language model: `transformer/<row>`."""

    @cached_property
    def history(self) -> pd.DataFrame:
        """The training curve."""
        return self.table("history")


class Sae(Artefacts):
    """An autoencoder on MLP activations: `sae/<row>`."""

    @cached_property
    def history(self) -> pd.DataFrame:
        """The training curve."""
        return self.table("history")


class Evaluation(Artefacts):
    """How good an autoencoder is on held-out text: `evaluation/<row>`."""

    @cached_property
    def latents(self) -> pd.DataFrame:
        """One row per latent: density, largest activation, cosines."""
        return self.table("latents")


class Features(Artefacts):
    """What the latents of an autoencoder mean: `features/<row>`."""

    @cached_property
    def examples(self) -> pd.DataFrame:
        """Contexts over the whole range of activations."""
        return self.table("examples")

    @cached_property
    def logits(self) -> pd.DataFrame:
        """The tokens each latent makes more and less likely."""
        return self.table("logits")

    @cached_property
    def neurons(self) -> pd.DataFrame:
        """The neurons with the largest coefficients."""
        return self.table("neurons")

    @cached_property
    def latents(self) -> pd.DataFrame:
        """The latents chosen, and what they prefer."""
        return self.table("latents")


class Text(Artefacts):
    """The corpus: `text`."""

    @cached_property
    def manifest(self) -> pd.DataFrame:
        """Where the text came from, package by package."""
        return self.table("manifest")
