"""What the units of dictionaries mean, measured against known concepts."""

from functools import cached_property

import pandas as pd

from superposition.artefacts.core import Artefacts


class Interpretability(Artefacts):
    """A dictionary's units and the concepts: `interpretability/<row>`."""

    @cached_property
    def units(self) -> pd.DataFrame:
        """One row per unit: how often it is active, how much of it is a single token."""
        return self.table("units")

    @cached_property
    def matches(self) -> pd.DataFrame:
        """Each unit's best concept, by criterion and kind of concept."""
        return self.table("matches")

    @cached_property
    def concepts(self) -> pd.DataFrame:
        """Each concept's best unit, by criterion."""
        return self.table("concepts")

    @cached_property
    def deciles(self) -> pd.DataFrame:
        """How specific each concept's best unit is, by decile of its activation."""
        return self.table("deciles")

    @cached_property
    def shares(self) -> pd.DataFrame:
        """Shares of units explained and of concepts covered, with intervals."""
        return self.table("shares")

    @cached_property
    def judged(self) -> pd.DataFrame:
        """`matches` of the units that are active often enough, with what each does."""
        units = self.units.loc[self.units["judged"]]
        return self.matches.merge(units, on="unit", validate="many_to_one")

    def best(self, among: str, *, chosen_by: str = "mcc") -> pd.DataFrame:
        """`judged`, of one kind of concept and one criterion: one row per unit."""
        mine = (self.judged["among"] == among) & (self.judged["chosen_by"] == chosen_by)
        return self.judged.loc[mine].reset_index(drop=True)

    def coverage(self, kind: str = "any", *, chosen_by: str = "mcc") -> pd.DataFrame:
        """`concepts`, of one kind and one criterion: one row per concept, indexed by it."""
        mine = self.concepts["chosen_by"] == chosen_by
        if kind != "any":
            mine &= self.concepts["kind"] == kind
        return self.concepts.loc[mine].set_index("concept")


class Probes(Artefacts):
    """Linear probes on the neurons: `probes/<row>`."""

    @cached_property
    def probes(self) -> pd.DataFrame:
        """One row per concept."""
        return self.table("probes")
