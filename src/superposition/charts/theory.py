"""Figures of the loss on paper: its terms, points on a sphere, and a nonlinear code."""

import altair as alt
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    LATENT,
    THEORY,
    groups,
    layered,
    numbers,
    sparser_to_the_right,
)
from superposition.values import fmt


def second_feature(curves: pd.DataFrame) -> alt.LayerChart:
    """The loss as a second feature is stored opposite to the first, linear and with a ReLU."""
    models = [str(model) for model, _ in groups(curves, "model")]
    lines = alt.Chart(curves).encode(
        x=alt.X(
            "weight:Q",
            title="weight w2 of the second feature; w1 = 1",
            scale=alt.Scale(domain=[-1.6, 0], nice=False),
        ),
        y=alt.Y(
            "loss:Q",
            title="loss, relative to w2 = 0 (log scale)",
            scale=alt.Scale(type="log", domain=[0.08, 5], nice=False),
        ),
        detail="model:N",
        color=alt.condition("datum.model == 'linear'", alt.value(LATENT), alt.value(FEATURE)),
        tooltip=["model", alt.Tooltip("weight", format=".1f"), alt.Tooltip("loss", format=".3f")],
    )
    ends = (
        alt.Chart(curves).transform_filter("datum.weight < -1.29").mark_text(align="right", dx=-4)
    )
    text = ends.encode(x="weight:Q", y="loss:Q", text="model:N")
    return layered(lines.mark_line(clip=True), text).properties(
        height=300,
        title="Storing a second feature pays off with a ReLU and sparse inputs, never without",
        description="Loss as the second of two equal features is stored opposite to the first, "
        f"relative to ignoring it, for: {', '.join(models)}.",
    )


def expansion(shares: pd.DataFrame) -> alt.FacetChart:
    """The share of the loss that comes from inputs with k features, by density."""
    areas = (
        alt.Chart(shares)
        .mark_area()
        .encode(
            x=sparser_to_the_right(),
            y=alt.Y("share:Q", title="share of the loss", axis=alt.Axis(format="%"), stack="zero"),
            color=alt.Color("active:O", title="features present"),
            order="active:O",
            tooltip=["active", _PROBABILITY, alt.Tooltip("share", format=".1%")],
        )
        .properties(width=290, height=160)
    )
    sparse = shares.loc[shares["feature_probability"] < 0.03]
    top = sparse.groupby("active")["share"].mean().idxmax() if len(sparse) else "no"
    return areas.facet(alt.Facet("model:N", title=None), columns=2).properties(
        title="The sparser the inputs, the more of the loss is due to few features at a time",
        description=f"Share of the loss by number of features present, for "
        f"{len(set(shares['model']))} models of five features in two dimensions; among sparse "
        f"inputs, those with {top} features present have most of it on average.",
    )


def thomson(products: pd.DataFrame) -> alt.FacetChart:
    """Products of all pairs of directions, sorted: the polytope and the best random starts."""
    ideal = "datum.start < 0"
    base = alt.Chart().encode(
        x=alt.X("rank:O", title="pairs, in order", axis=alt.Axis(labels=False, ticks=False)),
        y=alt.Y("product:Q", title="product", scale=alt.Scale(domain=[-1.05, 1.05])),
    )
    drawn = base.transform_filter(ideal).mark_line(
        color=THEORY, point={"color": THEORY, "filled": True}
    )
    found = base.transform_filter(f"!({ideal})").mark_point(
        color=FEATURE, filled=False, opacity=0.7
    )
    shown = ["polytope", "start", alt.Tooltip("product", format=".3f")]
    shapes = [str(shape) for shape, _ in groups(products, "polytope")]
    panels = alt.Facet("polytope:N", title=None, sort=shapes)
    charts = layered(drawn, found.encode(tooltip=shown), data=products)
    return (
        charts.properties(width=180, height=140)
        .facet(panels, columns=3)
        .resolve_scale(x="independent")
        .properties(
            title="Some polytopes are the only solution, others one of many",
            description="Sorted products of directions: lines for "
            f"{', '.join(shapes)}, circles for the random starts with the lowest energy.",
        )
    )


def compression(codes: pd.DataFrame) -> alt.FacetChart:
    """The error of a nonlinear code for two numbers in one, by how steep its segments are."""
    shown = ["decoder", "n_steps", "epsilon", alt.Tooltip("error", format=".4f")]
    curves = (
        alt.Chart()
        .mark_line(point=True)
        .encode(
            x=alt.X("epsilon:Q", title="width ε of the steep segments, share of a step"),
            y=alt.Y("error:Q", title="mean squared error per number"),
            color=alt.Color("n_steps:O", title="coarse steps Z"),
            tooltip=shown,
        )
    )
    rule = alt.Chart().mark_rule(color=CONTROL, strokeDash=[5, 4]).encode(y="mean(linear):Q")
    order = [str(decoder) for decoder, _ in groups(codes, "decoder")]
    panels = alt.Facet("decoder:N", title="x decoded", sort=order)
    below = int((numbers(codes, "error") < numbers(codes, "linear")).sum())
    return (
        layered(curves, rule, data=codes)
        .properties(width=290, height=220)
        .facet(panels, columns=2)
        .properties(
            title="Two numbers in one: a nonlinear code against the best linear one (dashed)",
            description=f"Error by steepness for {len(set(codes['n_steps']))} numbers of steps; "
            f"{fmt(below)} of {fmt(len(codes))} points lie below the linear code.",
        )
    )


_PROBABILITY = alt.Tooltip("feature_probability", title="feature probability", format=".2~g")
