"""Figures of a hidden layer with a ReLU: which features each neuron holds."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    LATENT,
    NEURON,
    PUBLISHED,
    groups,
    layered,
    numbers,
    sparser_to_the_right,
)
from superposition.charts.stacks import PROBABILITY, counted, matrices, rectangles
from superposition.toy.neurons import REGIMES


def hidden_weights(weights: pd.DataFrame) -> alt.FacetChart:
    """Weights from features to neurons, one panel a kind of hidden layer; a slider for density."""
    means = [_strongest(found) for _, found in groups(weights, "model")]
    names = [str(name) for name, _ in groups(weights, "model")]
    shares = ", ".join(f"{name}: {mean:.2f}" for name, mean in zip(names, means, strict=True))
    return matrices(weights, "model", width=170, height=250).properties(
        title="Weights from features to neurons, without and with a ReLU in the hidden layer",
        description="Heat maps of weights, one column a neuron. Largest weight of a neuron "
        f"relative to the length of all its weights, mean at the highest density: {shares}.",
    )


def stacked(stacks: pd.DataFrame) -> alt.LayerChart:
    """One stack of weights for each neuron, a rectangle for each feature; a slider for density."""
    return rectangles(stacks, "weights, stacked", labelled=0.15).properties(
        title="What each neuron holds, in the best model at one density: move the slider",
        description="Stacked bars, one for each neuron and a rectangle for each feature. "
        f"Neurons with one feature: {counted(stacks)}.",
        height=300,
    )


def monosemantic(counts: pd.DataFrame) -> alt.LayerChart:
    """How many neurons have a feature of their own, by density, beside the paper's ranges."""
    published = pd.DataFrame(REGIMES).rename(columns={"low": "feature_probability"})
    own = counts.assign(source=_ALL)
    best = own.loc[own["best"]].assign(source=_BEST)
    y = alt.Y("n_monosemantic:Q", title="neurons with one feature", axis=_WHOLE)
    base = {"x": sparser_to_the_right(), "y": y, "color": _SOURCE}
    shown = [
        PROBABILITY,
        alt.Tooltip("n_monosemantic", title="monosemantic neurons"),
        alt.Tooltip("starts", title="random starts with so many"),
    ]
    there = [
        alt.Tooltip("arrangement", title="in the paper"),
        alt.Tooltip("densities"),
        alt.Tooltip("n_monosemantic", title="monosemantic neurons"),
    ]
    ranges = alt.Chart(published.assign(source=_PAPER)).mark_rule(strokeWidth=6, opacity=0.5)
    points = alt.Chart(own).mark_point(filled=False)
    sizes = alt.Size("starts:Q", legend=None, scale=alt.Scale(range=[15, 400]))
    line = alt.Chart(best).mark_line(point=True)
    found = ", ".join(
        f"{n:.0f} at p = {p:.2g}"
        for p, n in best[["feature_probability", "n_monosemantic"]].to_numpy().tolist()
    )
    return layered(
        ranges.encode(**base, x2="high", tooltip=there),
        points.encode(**base, size=sizes, tooltip=shown),
        line.encode(**base, tooltip=shown),
    ).properties(
        title="How many neurons have a feature of their own, by density",
        description=f"Monosemantic neurons of the best start: {found}.",
        height=280,
    )


def escape(losses: pd.DataFrame) -> alt.LayerChart:
    """Loss with a ReLU in the hidden layer, relative to a linear one, with and without bias."""
    x = sparser_to_the_right()
    y = alt.Y(
        "relative_loss:Q",
        title="loss relative to a linear hidden layer (log scale)",
        scale=alt.Scale(type="log"),
        axis=alt.Axis(format="~g"),
    )
    colour = alt.Color(
        "hidden:N",
        title="hidden layer",
        scale=alt.Scale(domain=["ReLU", "ReLU and bias"], range=[NEURON, LATENT]),
    )
    shown = [
        "hidden",
        PROBABILITY,
        alt.Tooltip("relative_loss", title="relative loss", format=".3f"),
        alt.Tooltip("above_zero", title="share of cases above zero", format=".1%"),
    ]
    one = alt.Chart(pd.DataFrame({"relative_loss": [1.0]}))
    rule = one.mark_rule(color=CONTROL, strokeDash=[4, 4]).encode(y=y)
    lines = alt.Chart(losses).mark_line(point=True).encode(x=x, y=y, color=colour, tooltip=shown)
    largest = ", ".join(
        f"{name}: {numbers(found, 'relative_loss').max():.2f}"
        for name, found in groups(losses, "hidden")
    )
    return layered(rule, lines).properties(
        title="How far a hidden layer with a ReLU is from a linear one, with and without bias",
        description=f"Loss relative to a linear hidden layer, largest value. {largest}.",
        height=260,
    )


_ALL, _BEST, _PAPER = "here, all starts", "here, best start", "the paper's best of 1,000"
_WHOLE = alt.Axis(values=list(range(6)), format="d")
_SOURCE = alt.Color(
    "source:N",
    title=None,
    scale=alt.Scale(
        domain=[_BEST, _ALL, _PAPER],
        range=[NEURON, CONTROL, PUBLISHED],
    ),
)


def _strongest(weights: pd.DataFrame) -> float:
    """Mean over neurons of the largest weight relative to the length, at the highest density."""
    dense = weights.loc[weights["feature_probability"] == weights["feature_probability"].max()]
    columns = [numbers(found, "weight") for _, found in groups(dense, "neuron")]
    shares = [np.abs(each).max() / max(np.linalg.norm(each), 1e-12) for each in columns]
    return float(np.mean(shares))
