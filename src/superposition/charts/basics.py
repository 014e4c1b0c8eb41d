"""Figures of the first toy models: which arrangements they reach, what they hold, what it costs."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    INTENSITY,
    LATENT,
    NEURON,
    PUBLISHED,
    SIGNED,
    THEORY,
    groups,
    layered,
    numbers,
    ranked_densities,
    slider,
    sparser_to_the_right,
)
from superposition.site.figures import INK, PAPER
from superposition.toy.geometry import ARRANGEMENTS, OTHER, REPRESENTED

COLOURS = dict(
    zip(
        [*ARRANGEMENTS, OTHER],
        [CONTROL, PUBLISHED, NEURON, LATENT, FEATURE, INTENSITY[1]],
        strict=True,
    )
)
"""One colour for each arrangement."""
DENSITY = alt.Tooltip("feature_probability", title="feature probability", format=".2~g")


def arrangements(instances: pd.DataFrame) -> alt.LayerChart:
    """The share of random starts that end in each arrangement, by density.

    A dot above each bar has the colour of the start with the lowest loss.
    """
    counts = _shares(instances)
    lowest = instances.groupby("feature_probability")["loss"].idxmin()
    best = instances.loc[lowest, ["feature_probability", "geometry"]].assign(height=1.06)
    colour = alt.Color(
        "geometry:N",
        title="arrangement",
        scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())),
    )
    x = alt.X(
        "feature_probability:O",
        sort="descending",
        title="feature probability p (sparser to the right)",
        axis=alt.Axis(format=".2~g", labelAngle=0),
    )
    order = alt.Order("rank:Q")
    shown = [DENSITY, "geometry", "starts", alt.Tooltip("share", format=".0%")]
    bars = (
        alt.Chart(counts)
        .mark_bar(cornerRadiusEnd=0)
        .encode(
            x=x,
            y=alt.Y(
                "share:Q",
                title="share of random starts",
                axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1]),
                scale=alt.Scale(domain=[0, 1.1]),
            ),
            color=colour,
            order=order,
            tooltip=shown,
        )
    )
    dots = (
        alt.Chart(best)
        .mark_point(size=70, filled=True, opacity=1)
        .encode(x=x, y="height:Q", color=colour, tooltip=[DENSITY, "geometry"])
    )
    return layered(bars, dots).properties(
        title="Which arrangement random starts end in, from dense to sparse features",
        description=_describe_arrangements(counts, best),
        height=280,
    )


def products(gram: pd.DataFrame) -> alt.HConcatChart:
    """The products of all pairs of directions as numbers, beside the biases; a slider for p."""
    kept = gram.loc[:, ["feature_probability", "feature", "other", "product", "bias"]].round(3)
    ranked = ranked_densities(kept.assign(feature=kept["feature"] + 1, other=kept["other"] + 1))
    position = slider(len(set(ranked["position"])), "dense to sparse")
    base = alt.Chart(ranked).transform_filter("datum.position == position")
    matrix = _numbered_cells(
        base,
        x=alt.X("other:O", title="feature j", axis=alt.Axis(labelAngle=0)),
        value="product",
        tooltip=["feature", "other", alt.Tooltip("product", format=".2f"), DENSITY],
    )
    biases = _numbered_cells(
        base.transform_filter("datum.other == 1"),
        x=alt.X("other:O", title="bias", axis=alt.Axis(labels=False)),
        value="bias",
        tooltip=["feature", alt.Tooltip("bias", format=".2f"), DENSITY],
    )
    n = len(set(ranked["feature"]))
    together = alt.hconcat(
        matrix.properties(width=52 * n, height=40 * n),
        biases.properties(width=60, height=40 * n),
    )
    return together.add_params(position).properties(
        title="What a model multiplies its features with, and the bias it adds",
        description=_describe_products(gram),
    )


def biases(features: pd.DataFrame) -> alt.LayerChart:
    """Biases against density, of features that are represented and of others."""
    kept = features.loc[:, ["feature_probability", "feature", "norm", "bias"]].round(4)
    found = kept.assign(
        number=kept["feature"] + 1,
        kind=np.where(numbers(kept, "norm") > REPRESENTED, "represented", "not represented"),
    )
    densities = np.geomspace(found["feature_probability"].min(), 1, 40)
    means = pd.DataFrame({"feature_probability": densities, "bias": densities / 2})
    x, y = sparser_to_the_right(), alt.Y("bias:Q", title="bias b of the output")
    points = (
        alt.Chart(found)
        .mark_point(filled=False, opacity=0.8)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "kind:N",
                title="feature",
                scale=alt.Scale(
                    domain=["represented", "not represented"], range=[FEATURE, CONTROL]
                ),
            ),
            tooltip=["number", "kind", alt.Tooltip("bias", format=".3f"), DENSITY],
        )
    )
    line = alt.Chart(means).mark_line(color=THEORY, strokeDash=[4, 3], strokeWidth=1.5)
    return layered(line.encode(x=x, y=y), points).properties(
        title="Which biases the model learns for features that it keeps, and for others",
        description=f"Biases against density, with the mean of a feature, p/2, as a dashed line. "
        f"{_describe_biases(found)}.",
        height=280,
    )


def _numbered_cells(
    base: alt.Chart, *, x: alt.X, value: str, tooltip: list[alt.Tooltip | str]
) -> alt.LayerChart:
    """A heat map with a number in every cell, one row for each feature."""
    y = alt.Y("feature:O", title="feature i")
    colour = alt.Color(
        f"{value}:Q",
        title="product or bias",
        scale=alt.Scale(domain=[-1, -0.5, 0, 0.5, 1], range=SIGNED, clamp=True),
    )
    cells = base.mark_rect().encode(x=x, y=y, color=colour, tooltip=tooltip)
    strong = alt.condition(
        f"abs(datum.{value}) > 0.6", alt.value(PAPER.light), alt.value(INK.light)
    )
    text = base.mark_text().encode(
        x=x, y=y, text=alt.Text(f"{value}:Q", format=".2f"), color=strong
    )
    return layered(cells, text)


def _shares(instances: pd.DataFrame) -> pd.DataFrame:
    """How many random starts ended in each arrangement: feature_probability, geometry, rank, …."""
    kept = instances.loc[:, ["feature_probability", "geometry"]].assign(starts=1)
    counts = kept.groupby(["feature_probability", "geometry"], as_index=False).sum()
    total = counts.groupby("feature_probability")["starts"].transform("sum")
    rank = [[*COLOURS].index(name) for name in counts["geometry"]]
    return counts.assign(share=counts["starts"] / total, rank=rank)


def _describe_arrangements(counts: pd.DataFrame, best: pd.DataFrame) -> str:
    ranked = counts.sort_values(["feature_probability", "starts"], ascending=False)
    usual = ranked.drop_duplicates("feature_probability")
    lowest = best.set_index("feature_probability")["geometry"]
    found = (
        f"p = {p:.2g}: {name} ({share:.0%}), best: {lowest[p]}"
        for p, name, share in zip(
            usual["feature_probability"], usual["geometry"], usual["share"], strict=True
        )
    )
    return f"Stacked bars. The most frequent arrangement at each density: {'; '.join(found)}."


def _describe_products(gram: pd.DataFrame) -> str:
    ends = []
    for p in (gram["feature_probability"].max(), gram["feature_probability"].min()):
        part = gram.loc[gram["feature_probability"] == p]
        apart = part.loc[part["feature"] != part["other"], "product"]
        largest = f"{apart.max():.2f}" if len(apart) else "none"
        ends.append(
            f"at p = {p:.2g} the largest product of two features is {largest} and the biases lie "
            f"between {part['bias'].min():.2f} and {part['bias'].max():.2f}"
        )
    return f"Table of numbers with colours: {'; '.join(ends)}."


def _describe_biases(found: pd.DataFrame) -> str:
    ordered = found.sort_values("feature_probability", ascending=False)
    texts = [
        f"{kind} at p = {p:.2g}: {round(numbers(part, 'bias').mean(), 2) + 0.0:.2f}"
        for p, rows in groups(ordered, "feature_probability")
        for kind, part in groups(rows, "kind")
    ]
    return f"Mean bias by density: {', '.join(texts)}"
