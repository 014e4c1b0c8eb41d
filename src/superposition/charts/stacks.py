"""Weights of neurons as stacks and as heat maps, with a slider for density."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    INTENSITY,
    NEURON,
    SIGNED,
    THEORY,
    groups,
    layered,
    numbers,
    ranked_densities,
    slider,
)

PROBABILITY = alt.Tooltip("feature_probability", title="feature probability", format=".2~g")


LABEL_HEIGHT = 0.04
"""What a number needs of the height of a drawing."""


def rectangles(stacks: pd.DataFrame, title: str, *, labelled: float) -> alt.LayerChart:
    """Rectangles coloured by the rank of the feature, with a mark above monosemantic neurons.

    Those of a weight above `labelled` have the number of their feature on them, if it has room.
    """
    ranked, n_features = ranked_densities(stacks), int(numbers(stacks, "feature").max())
    ranked = ranked.assign(height=_heights(ranked))
    position = slider(len(set(ranked["position"])), "dense to sparse")
    neuron = alt.X("neuron:O", title="neuron", axis=alt.Axis(labelAngle=0, labelOverlap=True))
    rectangles = (
        alt.Chart()
        .mark_bar(cornerRadiusEnd=0, stroke=SIGNED[2], strokeWidth=0.7)
        .encode(
            x=neuron,
            y=alt.Y("low:Q", title=title),
            y2="high",
            color=alt.Color(
                "feature:Q",
                title="feature, most important first",
                scale=alt.Scale(type="log", domain=[1, n_features], range=INTENSITY[:0:-1]),
                legend=alt.Legend(values=_ranks(n_features)),
            ),
            tooltip=[
                "neuron",
                "feature",
                alt.Tooltip("weight", format=".2f"),
                alt.Tooltip("kind", title="the neuron is"),
                PROBABILITY,
            ],
        )
    )
    marks = (
        alt.Chart()
        .transform_filter("datum.kind == 'monosemantic'")
        .transform_aggregate(low="max(high)", groupby=["neuron", "position"])
        .mark_point(shape="triangle-down", filled=True, color=NEURON, size=45, yOffset=-8)
        .encode(x=neuron, y=alt.Y("low:Q", title=title))
    )
    pale = f"datum.feature > {n_features**0.7:.0f}"
    texts = (
        alt.Chart()
        .transform_filter(f"abs(datum.weight) > {labelled} && datum.height > {LABEL_HEIGHT}")
        .transform_calculate(low="(datum.low + datum.high) / 2")
        .mark_text(fontWeight=600)
        .encode(
            x=neuron,
            y=alt.Y("low:Q", title=title),
            text="feature:Q",
            color=alt.condition(pale, alt.value(THEORY), alt.value(SIGNED[2])),
        )
    )
    return (
        layered(rectangles, marks, texts, data=ranked)
        .transform_filter("datum.position == position")
        .add_params(position)
    )


def _heights(ranked: pd.DataFrame) -> np.ndarray:
    """The height of each rectangle as a share of all that its density's stacks reach over."""
    by = ranked.groupby("position")
    reach = by["high"].transform("max") - by["low"].transform("min")
    return ((ranked["high"] - ranked["low"]).abs() / reach).to_numpy(dtype=float).round(3)


def matrices(weights: pd.DataFrame, panel: str, *, width: int, height: int) -> alt.FacetChart:
    """Heat maps of weights, neurons across and features downwards, with a slider for density."""
    columns = ["feature_probability", panel, "neuron", "feature", "weight"]
    ranked = ranked_densities(weights.loc[:, columns].round({"weight": 3}))
    position = slider(len(set(ranked["position"])), "dense to sparse")
    return (
        alt.Chart(ranked)
        .mark_rect()
        .encode(
            x=alt.X("neuron:O", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("feature:O", title="feature, most important first"),
            color=alt.Color(
                "weight:Q",
                title="weight",
                scale=alt.Scale(
                    domain=[-1, 0, 1], range=[SIGNED[0], SIGNED[2], SIGNED[-1]], clamp=True
                ),
            ),
            tooltip=["neuron", "feature", alt.Tooltip("weight", format=".2f"), PROBABILITY],
        )
        .properties(width=width, height=height)
        .transform_filter("datum.position == position")
        .facet(
            alt.Facet(f"{panel}:N", title=None, sort=list(dict.fromkeys(ranked[panel]))), columns=3
        )
        .add_params(position)
    )


def counted(stacks: pd.DataFrame) -> str:
    """Monosemantic neurons at each density, in words."""
    parts = []
    for p, found in groups(stacks, "feature_probability"):
        kinds = found.drop_duplicates("neuron")["kind"].tolist()
        parts.append(f"{kinds.count('monosemantic')} of {len(kinds)} at p = {p:.2g}")
    return ", ".join(parts)


def _ranks(n_features: int) -> list[int]:
    """Ranks to name in a legend on a logarithmic scale."""
    return [rank for rank in (1, 2, 5, 10, 20, 50, 100) if rank <= n_features]
