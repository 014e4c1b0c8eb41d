"""Tables of autoencoders on known features, for the figures: differences, curves, directions."""

import math

import numpy as np
import pandas as pd

from superposition.claims.toy_saes import Gain, between_variants, deaths, gain
from superposition.results import Results

BASE = "as-published"
"""The variant that the recipe's others differ from in one thing."""
COLUMNS = ["change", "measure", "mean", "low", "high"]
FEATURES, LOSS = "features recovered", "loss, share of the published recipe's"


def ablations(r: Results) -> pd.DataFrame:
    """What each change of the recipe costs: the columns of charts.toy_saes.differences."""
    found = r.toy_comparison("recipe")
    recovered, loss = found.paired("recovered"), found.paired("loss")
    base = loss[BASE]
    changes = ("gradients-not-projected", "tied", "rate-higher", "rate-lower")
    rows = []
    for name in changes:
        rows.append(_row(name, FEATURES, gain(recovered[name], recovered[BASE])))
        rows.append(_row(name, LOSS, gain(loss[name] / base, np.ones(len(base)))))
    offset = r.toy_comparison("offset")
    pair = ("without", "with-pre-encoder-bias")
    name = "no pre-encoder bias (inputs off the origin)"
    rows.append(_row(name, FEATURES, between_variants(offset, "recovered", *pair)))
    own = offset.paired("loss")
    ratio = own[pair[0]] / own[pair[1]]
    rows.append(_row(name, LOSS, gain(ratio, np.ones(len(ratio)))))
    return pd.DataFrame(rows, columns=COLUMNS)


def dead(r: Results) -> pd.DataFrame:
    """How many more latents die with each change: columns as in `ablations`."""
    rows = [_row(name, "dead latents, of fifty", each) for name, each in deaths(r).items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def sweeps(r: Results) -> pd.DataFrame:
    """Instances of all sweeps over L0 at this scale, with the column `data`."""
    what = {
        "wrong-l0": "BatchTopK, independent features",
        "wrong-l0-correlated": "BatchTopK, correlated features",
        "wrong-lambda": "L1, independent features",
    }
    known = [row for row in what if row in r.rows("toy_comparison")]
    parts = [r.toy_comparison(row).instances.assign(data=what[row]) for row in known]
    return pd.concat(parts, ignore_index=True)


def variants(table: pd.DataFrame, *names: str) -> pd.DataFrame:
    """The rows of these variants."""
    return table.loc[table["variant"].isin(names)]


def planes(r: Results, row: str = "uneven-angles") -> pd.DataFrame:
    """Features, decoder rows and encoder vectors in the plane: instance, kind, x, y."""
    latents = r.toy_comparison(row).latents
    alive = latents.loc[latents["kind"] != "dead"]
    decoder = alive[["instance", "x", "y"]].assign(kind="decoder")
    encoder = alive[["instance", "encoder_x", "encoder_y"]].assign(kind="encoder")
    encoder.columns = ["instance", "x", "y", "kind"]
    angles = [math.tau * turn for turn in r.params.value("toy_comparison", row)["data"]["turns"]]
    instances = sorted(set(latents["instance"]))
    rows = [(i, math.cos(each), math.sin(each)) for i in instances for each in angles]
    features = pd.DataFrame(rows, columns=["instance", "x", "y"]).assign(kind="feature")
    return pd.concat([features, decoder, encoder], ignore_index=True)


def _row(name: str, measure: str, found: Gain) -> tuple[str, str, float, float, float]:
    return (name.replace("-", " "), measure, found.mean, *found.interval)
