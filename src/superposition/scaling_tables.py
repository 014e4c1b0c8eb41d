"""Tables for the page on cost and scaling: what a wider dictionary brings, and what all costs."""

import pandas as pd

from superposition.charts.parts import groups, numbers
from superposition.reference import machine
from superposition.reference.beside import SCALES
from superposition.reference.files import Reference
from superposition.results import Results
from superposition.site.stages import read_costs

RECOVERED = "loss recovered"
DENSITY = "median density"
BELONGING = "latents of a context"
COVERED = "contexts covered"
ROWS = {"widths": "BatchTopK, {level:g} active", "widths-l1": "L1, coefficient {level:g}"}
"""The sweeps over widths, and how one of their lines is called."""
COLUMNS = ["autoencoder", "d_sae", "seed", "measure", "value"]


def by_width(r: Results) -> pd.DataFrame:
    """Every measure of every autoencoder of the sweeps over widths; columns as in COLUMNS.

    Autoencoders that diverged, or have no active latent, are left out.
    """
    parts = [of_sweep(r, row) for row in ROWS if row in r.rows("sweep")]
    if "splitting" in r.params.tree:
        parts.append(of_splitting(r))
    parts = [part for part in parts if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def of_measure(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The rows of one measure."""
    return table.loc[table["measure"] == measure].reset_index(drop=True)


def costs(r: Results) -> pd.DataFrame:
    """Wall time of every stage, all its rows together, here and in the reference runs.

    Stages that other machines added to a reference run are a run of their own. Columns: run, stage,
    seconds.
    """
    own = read_costs(r.store)
    parts = []
    if len(own):
        parts.append(own.loc[:, ["stage", "seconds"]].assign(run="here"))
    for scale in SCALES:
        for number, run in enumerate(machine.runs(Reference(scale, r.store.root).facts())):
            rows = [(name.split("@")[0], cost["seconds"]) for name, cost in run["costs"].items()]
            table = pd.DataFrame(rows, columns=["stage", "seconds"])
            name = f"added to {scale}" if number else f"{scale} reference"
            name += f", {number}" * (number > 1)
            parts.append(table.assign(run=name))
    if not parts:
        return pd.DataFrame(columns=["run", "stage", "seconds"])
    rows = [
        (run, stage, float(numbers(found, "seconds").sum()))
        for run, of_run in groups(pd.concat(parts, ignore_index=True), "run")
        for stage, found in groups(of_run, "stage")
    ]
    return pd.DataFrame(rows, columns=["run", "stage", "seconds"])


def of_sweep(r: Results, row: str) -> pd.DataFrame:
    """The loss recovered and the median density of the autoencoders of one sweep over widths."""
    points = r.sweep(row).points
    points = points.loc[points["l0"].notna() & (points["l0"] > 0)]
    named = points.assign(autoencoder=[ROWS[row].format(level=level) for level in points["level"]])
    measures = {RECOVERED: "loss_recovered_zero", DENSITY: "density_50"}
    parts = [_long(named.assign(value=named[column]), name) for name, column in measures.items()]
    return pd.concat(parts, ignore_index=True)


def of_splitting(r: Results) -> pd.DataFrame:
    """How many latents belong to a context, and how many contexts have a latent."""
    latents, contexts = r.splitting.latents, r.splitting.contexts
    level = r.params.value("splitting")["level"]
    shares = {
        BELONGING: latents.assign(value=latents["context"] != ""),
        COVERED: contexts.assign(value=contexts["n_latents"] > 0),
    }
    name = ROWS["widths"].format(level=level)
    rows = [
        (name, d_sae, seed, measure, float(numbers(found, "value").mean()))
        for measure, table in shares.items()
        for d_sae, of_width in groups(table, "d_sae")
        for seed, found in groups(of_width, "seed")
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _long(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    return table.assign(measure=measure).loc[:, COLUMNS].reset_index(drop=True)
