"""Figures of models that compute absolute values in their hidden layer."""

import altair as alt
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    NEURON,
    groups,
    layered,
    numbers,
    ranked_densities,
    slider,
    sparser_to_the_right,
)
from superposition.charts.stacks import PROBABILITY, counted, matrices, rectangles
from superposition.toy.neurons import POLYSEMANTIC


def both_layers(weights: pd.DataFrame) -> alt.FacetChart:
    """Weights into and out of the neurons that compute absolute values; a slider for density."""
    named = weights.assign(side="weights " + weights["layer"])
    n_neurons, n_features = len(set(weights["neuron"])), len(set(weights["feature"]))
    return matrices(named, "side", width=260, height=150).properties(
        title="The weights of a model that computes absolute values",
        description=f"Heat maps of the weights into and out of {n_neurons} neurons for "
        f"{n_features} features, with the largest weight into each neuron scaled to 1.",
    )


def stacked_absolute(stacks: pd.DataFrame) -> alt.LayerChart:
    """One stack of relative weights for each neuron of the absolute values' model."""
    return rectangles(stacks, "weights relative to the largest, stacked", labelled=0.6).properties(
        title="What the neurons that compute absolute values take in: move the slider",
        description="Stacked bars of absolute weights, one for each neuron, relative to its "
        f"largest. Neurons with one feature: {counted(stacks)}.",
        height=300,
    )


def polysemanticity(table: pd.DataFrame) -> alt.LayerChart:
    """How much of a second feature each neuron takes in, by its main feature; with a slider."""
    ranked = ranked_densities(table.assign(limit=POLYSEMANTIC))
    position = slider(len(set(ranked["position"])), "dense to sparse")
    points = (
        alt.Chart()
        .mark_point(color=NEURON, filled=True, opacity=0.7, size=60)
        .encode(
            x=alt.X("main_feature:Q", title="main feature of the neuron, most important first"),
            y=alt.Y(
                "second:Q",
                title="second weight relative to the largest",
                scale=alt.Scale(domain=[0, 1]),
            ),
            tooltip=[
                "neuron",
                alt.Tooltip("main_feature", title="main feature"),
                alt.Tooltip("second", title="second weight", format=".2f"),
                PROBABILITY,
            ],
        )
    )
    limit = alt.Chart().mark_rule(color=CONTROL, strokeDash=[4, 4]).encode(y="limit:Q")
    mixed = ranked.loc[numbers(ranked, "second") > POLYSEMANTIC]
    found = ", ".join(
        f"{sum(mixed['feature_probability'] == p)} at p = {p:.2g}"
        for p, _ in groups(table, "feature_probability")
    )
    return (
        layered(limit, points, data=ranked)
        .transform_filter("datum.position == position")
        .add_params(position)
        .properties(
            title="Which neurons take in a second feature: move the slider",
            description=f"Neurons above the limit of {POLYSEMANTIC}, polysemantic: {found}.",
            height=280,
        )
    )


def computed(counts: pd.DataFrame) -> alt.Chart:
    """Polysemantic neurons, and features whose absolute value is computed, by density."""
    ends = []
    for what, found in groups(counts, "what"):
        values = numbers(found.sort_values("feature_probability"), "count").astype(int)
        ends.append(f"{what}: {values[-1]} at the densest, {values[0]} at the sparsest")
    return (
        alt.Chart(counts)
        .mark_line(point=True)
        .encode(
            x=sparser_to_the_right(),
            y=alt.Y("count:Q", title="count"),
            color=alt.Color(
                "what:N",
                title=None,
                scale=alt.Scale(
                    domain=["polysemantic neurons", "features computed"], range=[NEURON, FEATURE]
                ),
            ),
            tooltip=["what", "count", PROBABILITY],
        )
        .properties(
            title="Neurons that share features, and features whose absolute value comes out",
            description=f"Counts in the best model, by density. {'; '.join(ends)}.",
            height=260,
        )
    )
