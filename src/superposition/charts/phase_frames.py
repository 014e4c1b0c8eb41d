"""What the figures of phases show, picked from results: one frame for each figure."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from superposition.claims.measures_phases import AXES, nearest, phase_map, signed_extra
from superposition.results import Results
from superposition.toy import compression, expansion, phases
from superposition.toy.phases import TWO_IN_ONE, World
from superposition.toy.theory import polytopes

IDEAL, EXACT, TRAINED = "theory: ideal solutions", "theory: best of all models", "trained models"
"""Panels of the phase diagrams."""
ACTIVATIONS = {"phase-two-in-one": "ReLU", "phase-gelu": "GELU", "phase-linear": "none (linear)"}
"""Activation at the output of each row."""
SHOWN = (1.0, 0.5, 0.1)
"""Densities at which a second feature is stored bit by bit."""
N_CURVE = 60
"""Points of a theoretical curve."""


class Diagram(NamedTuple):
    """Panels with cells, and lines over all of them."""

    cells: pd.DataFrame
    """panel, feature_probability, relative_importance, phase, loss, share."""
    lines: pd.DataFrame
    """line, feature_probability, relative_importance; empty without borders."""


def diagram(r: Results, row: str, world: World) -> Diagram:
    """Theory and trained models on the cells of a row, with the borders of theory."""
    trained = phase_map(r.toy(row), world).cells
    theory = trained.assign(phase=trained["theory"], loss=trained["theory_loss"], share=np.nan)
    panels = [theory.assign(panel=IDEAL), trained.assign(panel=TRAINED)]
    if world is TWO_IN_ONE:
        panels.insert(1, _exact(r, trained).assign(panel=EXACT))
    ends, densities = (trained[name].to_numpy(dtype=float) for name in AXES[::-1])
    rs = np.geomspace(ends.min(), ends.max(), N_CURVE)
    sparsest = float(densities.min())
    lines = phases.border_lines(world, rs, sparsest=sparsest, bias=True)
    return Diagram(_cells(pd.concat(panels, ignore_index=True)), lines)


def activations(r: Results) -> Diagram:
    """The trained diagram of each activation function that this scale has."""
    rows = [row for row in ACTIVATIONS if row in r.rows("toy")]
    panels = [
        phase_map(r.toy(row), TWO_IN_ONE).cells.assign(panel=ACTIVATIONS[row]) for row in rows
    ]
    return Diagram(_cells(pd.concat(panels, ignore_index=True)), pd.DataFrame())


def branches(r: Results) -> pd.DataFrame:
    """The loss of each ideal solution and of the best trained model, by density.

    Columns: relative_importance, feature_probability, solution, loss (relative to that of guessing
    the mean of both features).
    """
    trained = phase_map(r.toy("phase-two-in-one"), TWO_IN_ONE).cells
    densities = trained["feature_probability"]
    ps = np.geomspace(densities.min(), densities.max(), N_CURVE)
    parts = [trained.loc[:, [*AXES, "loss"]].assign(solution=TRAINED)]
    for each in sorted(set(trained["relative_importance"])):
        losses = phases.losses(TWO_IN_ONE, ps, each, bias=True)
        parts += [
            pd.DataFrame(dict(zip([*AXES, "loss"], (ps, each, loss), strict=True))).assign(
                solution=phase
            )
            for phase, loss in zip(TWO_IN_ONE.phases, losses, strict=True)
        ]
    found = pd.concat(parts, ignore_index=True)
    p = found["feature_probability"]
    nothing = (1 + found["relative_importance"]) * (p / 3 - p**2 / 4)
    return found.assign(loss=found["loss"] / nothing)


def weights(r: Results) -> pd.DataFrame:
    """Both weights of the best model, trained and exact, by density and importance.

    Columns: relative_importance, feature_probability, source, weight (w1 or w2), value.
    """
    found = phase_map(r.toy("phase-two-in-one"), TWO_IN_ONE)
    best = found.W[np.arange(len(found.W)), found.loss.argmin(axis=1)]
    trained = found.cells.loc[:, AXES].assign(
        w1=np.abs(best[:, 0, 0]), w2=signed_extra(best), source=TRAINED
    )
    exact = r.theory.table("optima").query("bias")
    rows = exact.iloc[sorted(set(nearest(exact, trained)))]
    lines = exact.loc[exact["relative_importance"].isin(rows["relative_importance"])]
    near = lines["relative_importance"].to_numpy(dtype=float)
    known = np.unique(trained["relative_importance"].to_numpy(dtype=float))
    snapped = known[np.abs(np.log(near[:, None] / known)).argmin(axis=1)]
    theory = lines.assign(relative_importance=snapped, source=EXACT)
    columns = [*AXES, "source", "w1", "w2"]
    together = pd.concat([trained[columns], theory[columns]], ignore_index=True)
    return together.melt(
        id_vars=[*AXES, "source"], value_vars=["w1", "w2"], var_name="weight", value_name="value"
    )


def second_feature(r: Results) -> pd.DataFrame:
    """The loss by the second feature's weight, the first being 1, relative to ignoring it.

    Columns: model, weight, loss; a linear model by Saxe's formula, with a ReLU at each density.
    """
    table = r.theory.table("landscapes")
    shown = [min(set(table["feature_probability"]), key=lambda p: abs(p - each)) for each in SHOWN]
    line = table.loc[np.isclose(table["w1"], 1.0) & (table["w2"] < 1e-9)]
    line = line.loc[line["feature_probability"].isin(shown)]
    parts = []
    for p, found in line.groupby("feature_probability", sort=False):
        ignored = found.loc[np.isclose(found["w2"], 0.0), "loss"].iloc[0]
        curve = {
            "model": f"ReLU, p = {p:g}",
            "weight": found["w2"],
            "loss": found["loss"] / ignored,
        }
        parts.append(pd.DataFrame(curve))
    w2 = parts[0]["weight"].to_numpy(dtype=float)
    linear = (1 - w2**2) ** 2 + 2 * w2**2
    parts.insert(0, pd.DataFrame({"model": "linear", "weight": w2, "loss": linear}))
    return pd.concat(parts, ignore_index=True)


def expansion_shares(r: Results) -> pd.DataFrame:
    """The share of the loss that inputs with k features have: model, feature_probability, active,
    share."""
    terms = r.theory.table("terms")
    parts = []
    for p in np.geomspace(0.01, 1, N_CURVE):
        n = terms.groupby("model")["active"].transform("max")
        likely = [
            expansion.weight(int(k), int(size), float(p))
            for k, size in zip(terms["active"], n, strict=True)
        ]
        parts.append(terms.assign(feature_probability=p, part=terms["term"] * likely))
    found = pd.concat(parts, ignore_index=True)
    whole = found.groupby(["model", "feature_probability"])["part"].transform("sum")
    columns = ["model", "feature_probability", "active", "share"]
    return found.assign(share=found["part"] / whole).loc[:, columns]


def codes(r: Results) -> pd.DataFrame:
    """The errors of nonlinear codes, with that of the best linear one as `linear`."""
    return r.theory.table("compression").assign(linear=compression.LINEAR)


def polytope_table() -> pd.DataFrame:
    """The ideal arrangements: features, dimensions, share of a dimension."""
    rows = [
        (name, len(each.vertices), each.vertices.shape[1], each.dimensionality)
        for name, each in polytopes().items()
    ]
    columns = ["arrangement", "features n", "dimensions m", "share D of each feature"]
    return pd.DataFrame(rows, columns=columns)


def _exact(r: Results, cells: pd.DataFrame) -> pd.DataFrame:
    exact = r.theory.table("optima").query("bias")
    found = exact.iloc[nearest(exact, cells)]
    return cells.loc[:, AXES].assign(
        phase=found["phase"].to_numpy(), loss=found["loss"].to_numpy(), share=np.nan
    )


def _cells(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.loc[:, ["panel", *AXES, "phase", "loss", "share"]]
