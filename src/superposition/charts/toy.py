"""Figures of toy models: where their features lie, and how many they hold."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    INTENSITY,
    SIGNED,
    groups,
    layered,
    numbers,
    plane,
    ranked_densities,
    slider,
    sparser_to_the_right,
)
from superposition.toy.geometry import REPRESENTED

_DENSITY = alt.Header(title=None, labelExpr="'p = ' + format(datum.value, '.2~g')")


def geometry(features: pd.DataFrame) -> alt.FacetChart:
    """Each panel shows the features of one model as arrows in its two hidden dimensions."""
    panels = alt.Facet("feature_probability:O", sort="descending", header=_DENSITY)
    arrows = layered(*_arrows(96), data=_numbered(features)).properties(width=96, height=96)
    return arrows.facet(panels, columns=5).properties(
        title="Where a model puts its features in two dimensions, from dense to sparse inputs",
        description=_describe_geometry(features),
    )


def geometry_slider(features: pd.DataFrame) -> alt.LayerChart:
    """The features of one model as arrows in its two hidden dimensions, by density (a slider)."""
    ranked = ranked_densities(_numbered(features))
    position = slider(len(set(ranked["position"])), "dense to sparse")
    label = (
        alt.Chart()
        .transform_filter("datum.feature == 0")
        .transform_calculate(
            text="'feature probability p = ' + format(datum.feature_probability, '.2~g')"
        )
        .mark_text(align="left", dx=4)
        .encode(x=alt.value(0), y=alt.value(10), text="text:N")
    )
    return (
        layered(*_arrows(320), label, data=ranked)
        .transform_filter("datum.position == position")
        .add_params(position)
        .properties(
            width=320,
            height=320,
            title="The features of the best model at one density: move the slider",
            description=_describe_geometry(features),
        )
    )


def gram(products: pd.DataFrame) -> alt.Chart:
    """A heat map of the products of all pairs of features, W^T W; a slider sets the density."""
    kept = products.loc[:, ["feature_probability", "feature", "other", "product"]].round(4)
    ranked = ranked_densities(kept.assign(feature=kept["feature"] + 1, other=kept["other"] + 1))
    position = slider(len(set(ranked["position"])), "dense to sparse")
    n_features, n_densities = len(set(products["feature"])), len(set(ranked["position"]))
    return (
        alt.Chart(ranked)
        .transform_filter("datum.position == position")
        .add_params(position)
        .mark_rect()
        .encode(
            x=alt.X("other:O", title="feature j", axis=alt.Axis(labelOverlap=True, labelAngle=0)),
            y=alt.Y("feature:O", title="feature i", axis=alt.Axis(labelOverlap=True)),
            color=alt.Color(
                "product:Q",
                title="product",
                scale=alt.Scale(
                    domain=[-1, 0, 1], range=[SIGNED[0], SIGNED[2], SIGNED[-1]], clamp=True
                ),
            ),
            tooltip=["feature", "other", alt.Tooltip("product", format=".2f"), _PROBABILITY],
        )
        .properties(
            width=340,
            height=340,
            title="How strongly each feature answers to every other one: products of directions",
            description=f"Heat map of the products of {n_features} features' directions at "
            f"{n_densities} densities. The diagonal shows which features are "
            "represented; other entries are interference.",
        )
    )


def represented(relu: pd.DataFrame, linear: pd.DataFrame) -> alt.LayerChart:
    """Features represented against density, for models with and without a ReLU at the output.

    Each circle is a random start, the line joins the starts with the lowest loss.
    """
    runs = pd.concat([relu.assign(output="with ReLU"), linear.assign(output="linear")])
    lowest = runs.loc[
        runs.groupby(["output", "feature_probability"])["loss"].transform("min") == runs["loss"]
    ]
    output = alt.Color(
        "output:N",
        title="output",
        scale=alt.Scale(domain=["with ReLU", "linear"], range=[FEATURE, CONTROL]),
    )
    encoding = {
        "x": sparser_to_the_right(),
        "y": alt.Y("n_represented:Q", title="features represented (norm above 0.5)"),
        "color": output,
    }
    points = alt.Chart(runs).mark_point(filled=False, opacity=0.6)
    lines = alt.Chart(lowest).mark_line()
    shown = ["seed", _PROBABILITY, "n_represented", alt.Tooltip("loss", format=".3g")]
    return layered(lines.encode(**encoding), points.encode(**encoding, tooltip=shown)).properties(
        title="How many features a model represents, by density",
        description=_describe_represented(lowest),
        height=280,
    )


def norms(features: pd.DataFrame) -> alt.FacetChart:
    """The length of each feature's direction, coloured by how much it shares with others."""
    bars = (
        alt.Chart(_numbered(features))
        .mark_bar()
        .encode(
            x=alt.X(
                "number:O",
                title="feature, most important first",
                axis=alt.Axis(labelOverlap=True, labelAngle=0),
            ),
            y=alt.Y("norm:Q", title="norm", scale=alt.Scale(domain=[0, 1.3], clamp=True)),
            color=alt.Color(
                "superposition:Q",
                title="superposition score",
                scale=alt.Scale(domain=[0, 0.5, 1], range=INTENSITY[1:], clamp=True),
            ),
            tooltip=_SHOWN,
        )
        .properties(width=300, height=70)
    )
    panels = alt.Facet("feature_probability:O", sort="descending", header=_DENSITY)
    return bars.facet(panels, columns=2).properties(
        title="How long each feature's direction is, and how much of it is shared with others",
        description=_describe_norms(features),
    )


_PROBABILITY = alt.Tooltip("feature_probability", title="feature probability", format=".2~g")
_SHOWN = [
    alt.Tooltip("number", title="feature"),
    alt.Tooltip("importance", format=".2f"),
    alt.Tooltip("norm", format=".2f"),
    alt.Tooltip("bias", format=".2f"),
    alt.Tooltip("dimensionality", format=".2f"),
    alt.Tooltip("superposition", title="superposition score", format=".2f"),
    _PROBABILITY,
]


def _arrows(width: int) -> list[alt.Chart]:
    """The features' directions and the unit circle, in a square plane of this many pixels."""
    limit = 1.4
    x, y = plane(limit)
    circle = (
        alt.Chart()
        .transform_filter("datum.feature == 0")
        .transform_calculate(x="0", y="0")
        .mark_point(
            color=CONTROL, opacity=0.4, size=(width / limit) ** 2, strokeWidth=1, filled=False
        )
    )
    shafts = alt.Chart().mark_rule(color=FEATURE, strokeWidth=2)
    heads = alt.Chart().mark_point(color=FEATURE, opacity=1, filled=True, size=50)
    return [
        circle.encode(x=x, y=y),
        shafts.encode(x=x, y=y, x2=alt.X2Datum(0), y2=alt.Y2Datum(0)),
        heads.encode(x=x, y=y, tooltip=_SHOWN),
    ]


def _numbered(features: pd.DataFrame) -> pd.DataFrame:
    """`features` with the column `number`, from 1 as readers count."""
    return features.assign(number=features["feature"] + 1)


def _describe_geometry(features: pd.DataFrame) -> str:
    found = _counted(features, numbers(features, "norm") > REPRESENTED)
    return f"Features with a long arrow (norm above 0.5), by feature probability p: {found}."


def _counted(features: pd.DataFrame, chosen: np.ndarray) -> str:
    """How many rows are chosen at each density, densest first."""
    densities = numbers(features, "feature_probability")
    counts = {p: int(chosen[densities == p].sum()) for p in sorted(set(densities), reverse=True)}
    return ", ".join(f"{n} at p = {p:.2g}" for p, n in counts.items())


def _describe_represented(lowest: pd.DataFrame) -> str:
    ends = []
    for output, runs in groups(lowest.sort_values("feature_probability"), "output"):
        first, last = runs.iloc[-1], runs.iloc[0]
        ends.append(
            f"{output}: {first['n_represented']} at p = {first['feature_probability']:.2g}, "
            f"{last['n_represented']} at p = {last['feature_probability']:.2g}"
        )
    return f"Features represented by the models with the lowest loss. {'; '.join(ends)}."


def _describe_norms(features: pd.DataFrame) -> str:
    long = numbers(features, "norm") > REPRESENTED
    found = _counted(features, long & (numbers(features, "superposition") > 0.1))
    return f"Represented features that share their direction, by feature probability p: {found}."
