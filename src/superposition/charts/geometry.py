"""Figures of the geometry of equal features: D* and D over density, and models as graphs."""

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
    plane,
    slider,
    sparser_to_the_right,
)
from superposition.toy.clusters import FRACTIONS
from superposition.toy.graphs import ALONE
from superposition.toy.theory import polytopes
from superposition.values import between, fmt

_P = alt.Tooltip("feature_probability", title="feature probability", format=".2~g")
_D = alt.Tooltip("dimensionality", format=".3f")


def d_star(curve: pd.DataFrame) -> alt.LayerChart:
    """Hidden dimensions per learned feature against density, with the published plateaus."""
    shown = curve.assign(start=curve["seed"] + 1)
    y = alt.Y(
        "d_star:Q",
        title="dimensions per feature, D* (log scale)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(values=[1, 0.75, 0.5, 0.25, 0.1, 0.05], format="~g"),
    )
    lines = alt.Chart(shown).mark_line(color=FEATURE, point={"color": FEATURE, "size": 30})
    tooltip = [_P, alt.Tooltip("d_star", title="D*", format=".3f"), "start:O"]
    drawn = lines.encode(x=_density("feature_probability"), y=y, detail="start:N", tooltip=tooltip)
    levels = pd.DataFrame({"d_star": [1.0, 0.5], "label": ["1", "1/2"], "dy": -7})
    return layered(*_guides(levels, "d_star"), drawn).properties(
        height=300,
        title="How many dimensions a feature gets, from dense to sparse inputs",
        description=_describe_d_star(curve),
    )


def dimensionalities(features: pd.DataFrame) -> alt.LayerChart:
    """The dimensionality of every represented feature against density, with guide lines."""
    columns = {"dimensionality": list(FRACTIONS.values()), "label": list(FRACTIONS)}
    guides = pd.DataFrame(columns).assign(dy=[-7, -7, -7, -7, 8])
    shapes = alt.selection_point(fields=["shape"], bind="legend")
    side = np.arange(len(features)) % 9 - 4
    spread = features.assign(place=features["feature_probability"] * np.exp(0.007 * side))
    dots = (
        alt.Chart(spread)
        .mark_point(filled=True, size=28)
        .encode(
            x=_density("place"),
            y=alt.Y(
                "dimensionality:Q",
                title="dimensionality D of a feature",
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=_shape_colour(),
            opacity=alt.condition(shapes, alt.value(0.75), alt.value(0.08)),
            tooltip=[alt.Tooltip("feature:Q"), *_PART, _D, _P],
        )
        .add_params(shapes)
    )
    return layered(*_guides(guides, "dimensionality"), dots).properties(
        height=380,
        title="How much of a dimension each feature has, from dense to sparse inputs",
        description=_describe_dimensionalities(features),
    )


def graph(nodes: pd.DataFrame, edges: pd.DataFrame) -> alt.LayerChart:
    """The best model at one density as a graph of features; a slider sets the density."""
    order = sorted(set(nodes["group"]), reverse=True)
    position = slider(len(order), "dense to sparse")
    rank = {p: index for index, p in enumerate(order)}
    drawn = [
        frame.assign(position=[rank[p] for p in frame["group"]]).drop(columns="group")
        for frame in (nodes, edges)
    ]
    labels = pd.DataFrame({"group": order, "position": range(len(order))})
    text = (
        alt.Chart(labels)
        .transform_calculate(text="'feature probability p = ' + format(datum.group, '.2~g')")
        .mark_text(align="left", dx=4)
        .encode(x=alt.value(0), y=alt.value(-8), text="text:N")
    )
    layers = [*_lines(drawn[1], opacity=0.6), _dots(drawn[0], size=70), text]
    shown = [layer.transform_filter("datum.position == position") for layer in layers]
    return (
        layered(*shown)
        .add_params(position)
        .properties(
            width=440,
            height=440,
            title="Which features interfere with each other in the best model: move the slider",
            description=_describe_graph(nodes),
        )
    )


def shapes(nodes: pd.DataFrame, edges: pd.DataFrame) -> alt.HConcatChart:
    """The ideal shapes as graphs, with the share of a dimension that each feature has."""
    panels = []
    for name, ideal in polytopes().items():
        own = [frame.loc[frame["group"] == name] for frame in (nodes, edges)]
        panel = layered(*_lines(own[1], opacity=1.0), _dots(own[0], size=110))
        lines = [name, f"D = {fmt(ideal.dimensionality)}"]
        title = alt.TitleParams(lines, fontSize=12, anchor="middle")
        panels.append(panel.properties(width=104, height=104, title=title))
    found = ", ".join(f"{name} {fmt(ideal.dimensionality)}" for name, ideal in polytopes().items())
    return alt.hconcat(*panels, spacing=18).properties(
        title="The shapes that equal features are said to form, as graphs",
        description=f"Five graphs of features; dimensionality of each feature: {found}.",
    )


def sizes(measured: pd.DataFrame) -> alt.Chart:
    """Features learned for each dimension by models of different sizes, at a few densities."""
    shown = measured.assign(
        size=[f"{n} in {m}" for n, m in zip(measured.n_features, measured.d_hidden, strict=True)]
    )
    densities = sorted(set(shown["feature_probability"]), reverse=True)
    return (
        alt.Chart(shown)
        .mark_point(filled=True, size=70, opacity=0.8)
        .encode(
            x=alt.X(
                "features_per_dimension:Q",
                title="features learned for each dimension",
                scale=alt.Scale(zero=False),
            ),
            y=alt.Y("size:N", title="features in dimensions", sort=None),
            color=alt.Color(
                "feature_probability:O",
                title="feature probability",
                scale=alt.Scale(domain=densities, range=[CONTROL, NEURON, FEATURE]),
            ),
            tooltip=["size", _P, alt.Tooltip("features_per_dimension", format=".3f")],
        )
        .properties(
            height=240,
            title="What models of different sizes learn for each dimension they have",
            description=_describe_sizes(measured),
        )
    )


def starts(counted: pd.DataFrame) -> alt.FacetChart:
    """The share of random starts that reach the geometry of the best one, by shape of the model."""
    shown = counted.assign(dimensions=counted["d_hidden"].astype(str) + " dimensions")
    bars = (
        alt.Chart(shown)
        .mark_bar()
        .encode(
            x=alt.X("n_features:O", title="features", axis=alt.Axis(labelAngle=0)),
            xOffset="dimensions:N",
            y=alt.Y(
                "share:Q",
                title="random starts as good as the best",
                axis=alt.Axis(format="%"),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color("dimensions:N", title=None, scale=alt.Scale(range=[FEATURE, NEURON])),
            tooltip=["n_features", "d_hidden", _P, "n_best", "n_starts"],
        )
        .properties(width=260, height=200)
    )
    header = alt.Header(title=None, labelExpr="'p = ' + format(datum.value, '.2~g')")
    panels = alt.Facet("feature_probability:O", sort="descending", header=header)
    found = [
        f"{m} dimensions: {rows['n_best'].sum()} of {rows['n_starts'].sum()}"
        for m, rows in groups(shown, "d_hidden")
    ]
    return bars.facet(panels).properties(
        title="How many random starts end with the best geometry, by size of the model",
        description=f"Random starts with the best geometry, {'; '.join(found)}.",
    )


_PART = [
    alt.Tooltip("shape:N", title="part of a"),
    alt.Tooltip("size:Q", title="features in it"),
    alt.Tooltip("dimensions:Q", title="dimensions it fills", format=".2f"),
]


def _shape_colour() -> alt.Color:
    """A colour for each shape; what has no name is grey."""
    names = ["tetrahedron", "triangle", "digon", "pentagon", "square antiprism", "other", ALONE]
    colours = [PUBLISHED, LATENT, FEATURE, NEURON, THEORY, CONTROL, INTENSITY[1]]
    return alt.Color("shape:N", title="part of a", scale=alt.Scale(domain=names, range=colours))


def _guides(levels: pd.DataFrame, column: str) -> list[alt.Chart]:
    """Horizontal lines at the published fractions, with their names."""
    lines = alt.Chart(levels).mark_rule(color=PUBLISHED, strokeDash=[4, 3]).encode(y=f"{column}:Q")
    names = [
        alt.Chart(levels.loc[levels["dy"] == dy])
        .mark_text(color=PUBLISHED, align="right", dx=-4, dy=dy)
        .encode(x=alt.value("width"), y=f"{column}:Q", text="label:N")
        for dy in sorted(set(levels["dy"]))
    ]
    return [lines, *names]


def _density(column: str) -> alt.X:
    """Sparser to the right, from the densest to the sparsest and no further."""
    return sparser_to_the_right(column).scale(alt.Scale(type="log", reverse=True, nice=False))


def _lines(edges: pd.DataFrame, *, opacity: float) -> list[alt.Chart]:
    """The edges of graphs, coloured by the sign of the product."""
    x, y = _square()
    colour = alt.Color(
        "product:Q",
        title="product",
        scale=alt.Scale(domain=[-1, 0, 1], range=[SIGNED[0], SIGNED[2], SIGNED[-1]], clamp=True),
    )
    lines = alt.Chart(edges).mark_rule(strokeWidth=1.4, opacity=opacity)
    tooltip = [alt.Tooltip("product", format=".2f")]
    return [lines.encode(x=x, y=y, x2="x2", y2="y2", color=colour, tooltip=tooltip)]


def _dots(nodes: pd.DataFrame, *, size: int) -> alt.Chart:
    """The nodes of graphs, coloured by dimensionality."""
    x, y = _square()
    fill = alt.Fill(
        "dimensionality:Q",
        title="dimensionality",
        scale=alt.Scale(domain=[0, 0.5, 1], range=INTENSITY[1:]),
    )
    dots = alt.Chart(nodes).mark_point(filled=True, size=size, opacity=1)
    return dots.encode(x=x, y=y, fill=fill, tooltip=[alt.Tooltip("feature:Q"), *_PART, _D])


def _square() -> tuple[alt.X, alt.Y]:
    """Unmarked axes of the square from 0 to 1 with a margin."""
    x, y = plane(1.0)
    scale = alt.Scale(domain=[-0.06, 1.06], nice=False)
    return x.scale(scale), y.scale(scale)


def _describe_d_star(curve: pd.DataFrame) -> str:
    p, d_star = numbers(curve, "feature_probability"), numbers(curve, "d_star")
    densities = sorted(set(p), reverse=True)
    means = [float(d_star[p == one].mean()) for one in densities]
    near = {level: sum(abs(one / level - 1) <= 0.05 for one in means) for level in (1.0, 0.5)}
    return (
        f"D* goes from {fmt(means[0])} at p = {fmt(densities[0], 'given')} to {fmt(means[-1])} at "
        f"p = {fmt(densities[-1], 'given')}. Densities with D* within 5% of 1: {near[1.0]}, of "
        f"1/2: {near[0.5]}, of {len(means)}."
    )


def _describe_dimensionalities(features: pd.DataFrame) -> str:
    D = numbers(features, "dimensionality")
    counts = [
        f"{int((abs(D - level) <= 0.01).sum())} near {fmt(level)} ({name})"
        for name, level in FRACTIONS.items()
    ]
    return f"Of {len(D)} represented features, by dimensionality: {', '.join(counts)}."


def _describe_graph(nodes: pd.DataFrame) -> str:
    """How many shapes of each kind there are over all densities."""
    found = [f"{sum(1 / numbers(own, 'size')):.0f} {name}" for name, own in groups(nodes, "shape")]
    return f"Graphs of features at {len(set(nodes['group']))} densities: {', '.join(found)}."


def _describe_sizes(measured: pd.DataFrame) -> str:
    found = []
    for p, rows in groups(measured, "feature_probability"):
        values = numbers(rows, "features_per_dimension")
        ends = between(float(values.min()), float(values.max()))
        found.append(f"{ends} at p = {fmt(float(p), 'given')}")
    return f"Features learned for each dimension by models of all sizes: {', '.join(found)}."
