"""What the models trained on finite data sets leave behind."""

from functools import cached_property

import pandas as pd

from superposition.artefacts.core import Artefacts
from superposition.toy.memorisation_config import CONDITION

SHOWN_VECTORS = 120
"""Hidden vectors, and features, of a model that a figure shows."""


class Memorisation(Artefacts):
    """Models trained on finite data sets: `memorisation/<row>`."""

    @cached_property
    def models(self) -> pd.DataFrame:
        """One row per model, diverged ones too."""
        return self.table("models")

    @cached_property
    def features(self) -> pd.DataFrame:
        """One row per model and feature, for rows with `keep_vectors`."""
        return self.table("features")

    @cached_property
    def points(self) -> pd.DataFrame:
        """One row per model and training point, for rows with `keep_vectors`."""
        return self.table("points")

    @cached_property
    def history(self) -> pd.DataFrame:
        """Training losses."""
        return self.table("history")

    @cached_property
    def kept(self) -> pd.DataFrame:
        """`models` without those that diverged."""
        return self.models.loc[~self.models["diverged"]]

    @cached_property
    def best_starts(self) -> pd.DataFrame:
        """The models with the lowest training loss on their data set, in each condition."""
        keys = [*CONDITION, "data_set"]
        return self.kept.loc[self.kept.groupby(keys)["train_loss"].idxmin()]

    @cached_property
    def best(self) -> pd.DataFrame:
        """The model with the lowest training loss in each condition, over all data sets."""
        lowest = self.kept.groupby([*CONDITION])["train_loss"].idxmin()
        return self.kept.loc[lowest]

    @cached_property
    def vectors(self) -> pd.DataFrame:
        """Hidden vectors of the points, and directions of the longest features, of `best`.

        Columns: n_points, kind, index, x, y (relative to the longest one of its kind), norm,
        dimensionality; at most `SHOWN_VECTORS` of each kind.
        """
        parts = []
        for model, n_points in zip(self.best["model"], self.best["n_points"], strict=True):
            for kind, index, table in (
                ("data points", "point", self.points),
                ("features", "feature", self.features),
            ):
                mine = table.loc[table["model"] == model].rename(columns={index: "index"})
                if kind == "features":
                    mine = mine.sort_values(by="norm", ascending=False)
                longest = mine["norm"].max() or 1.0
                columns = ["index", "x", "y", "norm", "dimensionality"]
                shown = mine.loc[:, columns].head(SHOWN_VECTORS)
                shown = shown.assign(x=shown["x"] / longest, y=shown["y"] / longest)
                parts.append(shown.assign(n_points=n_points, kind=kind))
        return pd.concat(parts, ignore_index=True)
