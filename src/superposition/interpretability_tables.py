"""Frames on units and concepts for the page: of several dictionaries, with the concepts' names."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from superposition.results import Results

DICTIONARIES = {
    "batch-topk": "latents (BatchTopK)",
    "l1": "latents (October 2023)",
    "neurons": "neurons",
    "pca": "principal components",
    "random": "random directions",
    "batch-topk-second-model": "latents, second model",
    "batch-topk-shuffled": "latents, shuffled weights",
    "neurons-shuffled": "neurons, shuffled weights",
}
"""Rows of the section and what readers call them, in the order of figures."""
MAIN = ("batch-topk", "l1", "neurons", "pca", "random")
"""The dictionaries of the main transformer."""
SHUFFLED = (
    "batch-topk",
    "batch-topk-second-model",
    "batch-topk-shuffled",
    "neurons",
    "neurons-shuffled",
)
"""Those that show what training the transformer brings."""
N_SHOWN = 1_000
"""Units of a dictionary that a figure of single units shows."""


def known(r: Results, rows: Sequence[str]) -> list[str]:
    """Those of the `rows` that this scale has."""
    return [row for row in rows if row in r.rows("interpretability")]


def shares(r: Results, rows: Sequence[str]) -> pd.DataFrame:
    """The shares of several dictionaries by Matthews correlation; first column `dictionary`."""
    tables = [_named(r.interpretability(row).shares, row) for row in known(r, rows)]
    together = pd.concat(tables, ignore_index=True)
    return together.loc[together["chosen_by"] == "mcc"].reset_index(drop=True)


def distribution(r: Results, *, among: str = "any") -> pd.DataFrame:
    """For each dictionary and score: the share of judged units that reach it.

    Columns: dictionary, mcc, share.
    """
    grid = np.linspace(0, 1, 101)
    tables = []
    for row in known(r, MAIN):
        best = r.interpretability(row).best(among)["mcc"].to_numpy()
        reached = (best[:, None] >= grid).mean(axis=0) if len(best) else np.zeros(len(grid))
        tables.append(_named(pd.DataFrame({"mcc": grid, "share": reached}), row))
    return pd.concat(tables, ignore_index=True)


def coverage(r: Results) -> pd.DataFrame:
    """Matthews correlation of the best unit for each concept, and of the probe.

    Columns: concept, name, group, rule, kind, base_rate, who, mcc. Groups in the catalogue's order.
    """
    rows = known(r, ("batch-topk", "neurons", "random"))
    tables = [
        r.interpretability(row).coverage().reset_index().assign(who=DICTIONARIES[row])
        for row in rows
    ]
    if "main" in r.rows("probes"):
        probe = r.probes("main").probes
        rates = tables[0].set_index("concept")["base_rate"].reindex(probe["concept"])
        tables.append(probe.assign(who=PROBE, base_rate=rates.to_numpy()))
    columns = ["concept", "kind", "base_rate", "who", "mcc"]
    long = pd.concat([table.loc[:, columns] for table in tables], ignore_index=True)
    names = r.concepts.catalogue.loc[:, ["concept", "name", "group", "rule"]]
    return names.merge(long, on="concept", how="inner")


PROBE = "linear probe"


def ceiling(r: Results) -> pd.DataFrame:
    """Best latent against probe: one row per concept.

    Columns: concept, name, group, kind, base_rate, latent, probe.
    """
    long = coverage(r)
    keys = ["concept", "name", "group", "kind"]
    best = long.loc[long["who"] == DICTIONARIES["batch-topk"], [*keys, "base_rate", "mcc"]]
    probe = long.loc[long["who"] == PROBE, ["concept", "mcc"]].rename(columns={"mcc": "probe"})
    return best.rename(columns={"mcc": "latent"}).merge(probe, on="concept", how="inner")


def by_f1(r: Results) -> pd.DataFrame:
    """The best F1 of neurons and of as many latents as a figure can show.

    Columns: dictionary, unit, name (of the concept), base_rate, f1, mcc.
    """
    tables = []
    for row in known(r, ("neurons", "batch-topk")):
        best = r.interpretability(row).best("any", chosen_by="f1")
        best = best.loc[best["concept"] >= 0]
        step = max(1, -(-len(best) // N_SHOWN))
        tables.append(_named(best.iloc[::step], row))
    together = pd.concat(tables, ignore_index=True)
    names = r.concepts.catalogue.set_index("concept")["name"]
    together = together.assign(name=names.reindex(together["concept"]).to_numpy())
    return together.loc[:, ["dictionary", "unit", "name", "base_rate", "f1", "mcc"]]


def deciles(r: Results) -> pd.DataFrame:
    """Precision of each context concept's best unit by decile of its activation.

    Columns: dictionary, concept, name, decile, n_active, precision.
    """
    tables = []
    for row in known(r, ("batch-topk", "neurons")):
        found = r.interpretability(row)
        contexts = found.coverage("context").index
        tables.append(
            _named(found.deciles.loc[found.deciles["concept"].isin(contexts.tolist())], row)
        )
    together = pd.concat(tables, ignore_index=True)
    names = r.concepts.catalogue.set_index("concept")["name"]
    columns = ["dictionary", "concept", "name", "decile", "n_active", "precision"]
    return together.assign(name=names.reindex(together["concept"]).to_numpy()).loc[:, columns]


def _named(table: pd.DataFrame, row: str) -> pd.DataFrame:
    columns = ["dictionary", *table.columns]
    return table.assign(dictionary=DICTIONARIES[row]).loc[:, columns]
