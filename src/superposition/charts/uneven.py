"""Figures of unequal and dependent features: what bends, what snaps, what collapses."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    LATENT,
    NEURON,
    PUBLISHED,
    THEORY,
    groups,
    layered,
    numbers,
    plane,
    ranked_densities,
    slider,
    sparser_to_the_right,
)
from superposition.toy.norm_rules import PRINTED, RULES
from superposition.values import fmt

PUBLISHED_RATIO = 2.5
"""Where the snap is in the paper. Source: its section Perturbing a Single Feature."""
_WIDTH = 560
_LIMIT = 1.4
_PROBABILITY = alt.Tooltip("feature_probability", title="feature probability", format=".2~g")


def pentagon(features: pd.DataFrame) -> alt.LayerChart:
    """The features of the best model in the plane; a slider sets the density of the first one."""
    relative = sorted(set(features["relative_density"]), reverse=True)
    place = {one: index for index, one in enumerate(relative)}
    ranked = features.assign(
        number=features["feature"] + 1,
        position=[place[one] for one in features["relative_density"]],
        which=np.where(features["feature"] == 0, "the changed feature", "the other four"),
    )
    colour = alt.Color(
        "which:N",
        title=None,
        scale=alt.Scale(domain=["the changed feature", "the other four"], range=[LATENT, FEATURE]),
    )
    text = "'its density is ' + format(datum.relative_density, '.2~g') + ' of the others’'"
    return (
        _arrows(ranked, colour, text, [alt.Tooltip("relative_density", format=".2~g")], 320)
        .properties(
            title="What becomes of the pentagon when one feature is denser or sparser",
            description=_describe_pentagon(features),
        )
        .add_params(slider(len(relative), "denser to sparser"))
    )


def sets(features: pd.DataFrame) -> alt.LayerChart:
    """The features of the best model in the plane, coloured by set; a slider sets the density."""
    ranked = ranked_densities(features.assign(number=features["feature"] + 1))
    n_sets = len(set(features["set"]))
    colour = alt.Color(
        "set:O",
        title="set",
        scale=alt.Scale(
            domain=[*range(1, n_sets + 1)], range=[FEATURE, LATENT, NEURON, PUBLISHED][:n_sets]
        ),
    )
    text = "'feature probability p = ' + format(datum.feature_probability, '.2~g')"
    return (
        _arrows(ranked, colour, text, ["set", _PROBABILITY], 280)
        .properties(
            title="Where the best model puts features that come in sets: move the slider",
            description=_describe_sets(features),
        )
        .add_params(slider(len(set(ranked["position"])), "dense to sparse"))
    )


def branches(losses: pd.DataFrame, crossing: pd.DataFrame) -> alt.VConcatChart:
    """The losses of pentagon and digons by the ratio of densities, and by how much they differ."""
    long = losses.melt(["ratio", "advantage"], ["pentagon", "digons"], "arrangement", "loss")
    colour = alt.Color(
        "arrangement:N",
        title=None,
        scale=alt.Scale(domain=["pentagon", "digons"], range=[FEATURE, NEURON]),
    )
    ratio = alt.X(
        "ratio:Q",
        title="how many times sparser than the others the feature is (log scale)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format="~g"),
    )
    shown = ["arrangement", alt.Tooltip("ratio", format=".3g"), alt.Tooltip("loss", format=".4g")]
    curves = (
        alt.Chart(long)
        .mark_line(point=True)
        .encode(
            x=ratio,
            y=alt.Y(
                "loss:Q", title="expected loss (log scale)", scale=alt.Scale(type="log", nice=False)
            ),
            color=colour,
            tooltip=shown,
        )
    )
    close = losses.loc[losses["advantage"].abs() <= 0.5]
    gap = (
        alt.Chart(close if len(close) else losses)
        .mark_line(color=FEATURE, point=alt.OverlayMarkDef(color=FEATURE))
        .encode(
            x=ratio,
            y=alt.Y(
                "advantage:Q", title="loss of digons over pentagon", axis=alt.Axis(format="+%")
            ),
            tooltip=[alt.Tooltip("ratio", format=".3g"), alt.Tooltip("advantage", format="+.2%")],
        )
    )
    zero = alt.Chart(pd.DataFrame({"advantage": [0.0]})).mark_rule(color=CONTROL)
    upper = layered(*_marked(crossing), curves).properties(width=_WIDTH, height=190)
    lower = layered(*_marked(crossing), zero.encode(y="advantage:Q"), gap)
    return alt.vconcat(upper, lower.properties(width=_WIDTH, height=190)).properties(
        title="The losses of the pentagon and of two digons, as one feature gets sparser",
        description=_describe_branches(losses, crossing),
    )


def norm_rule(solutions: pd.DataFrame, rules: pd.DataFrame) -> alt.LayerChart:
    """Norm against bias of the features of pentagons, with the printed rule and others."""
    others = [name for name in RULES if name != PRINTED]
    colour = alt.Color(
        "rule:N",
        title="norm =",
        scale=alt.Scale(domain=[PRINTED, *others], range=[PUBLISHED, CONTROL, NEURON, THEORY]),
    )
    x = alt.X("bias:Q", title="bias b", scale=alt.Scale(zero=False))
    y = alt.Y("norm:Q", title="norm of the feature’s direction", scale=alt.Scale(zero=False))
    shown = [
        alt.Tooltip("number", title="feature"),
        alt.Tooltip("bias", format=".3f"),
        alt.Tooltip("norm", format=".3f"),
        _PROBABILITY,
    ]
    lines = alt.Chart(rules).mark_line().encode(x=x, y=y, color=colour)
    points = (
        alt.Chart(solutions.assign(number=solutions["feature"] + 1))
        .mark_point(filled=True, size=50, color=FEATURE, opacity=0.8)
        .encode(x=x, y=y, tooltip=shown)
    )
    return layered(lines, points).properties(
        height=300,
        title="How long a feature’s direction is, by its bias, in pentagons and by rules",
        description=_describe_rule(solutions),
    )


def collapse(counts: pd.DataFrame, published: pd.DataFrame) -> alt.LayerChart:
    """How many of three pairs have become one direction, by density, beside the published ranges.

    The line joins the best random starts; the area of a circle is the share of starts.
    """
    y = alt.Y(
        "collapsed:Q",
        title="collapsed pairs, of three",
        scale=alt.Scale(domain=[-0.3, 3.3]),
        axis=alt.Axis(values=[0, 1, 2, 3], format="d"),
    )
    x = sparser_to_the_right()
    ranges = (
        alt.Chart(published)
        .mark_rule(color=PUBLISHED, strokeWidth=16, opacity=0.35)
        .encode(x=sparser_to_the_right("sparsest"), x2="densest", y=y)
    )
    circles = (
        alt.Chart(counts)
        .mark_point(filled=True, color=FEATURE, opacity=0.55)
        .encode(
            x=x,
            y=y,
            size=alt.Size("share:Q", title="share of starts", scale=alt.Scale(range=[8, 420])),
            tooltip=[
                _PROBABILITY,
                "collapsed",
                alt.Tooltip("n", title="random starts"),
                alt.Tooltip("n_starts", title="of"),
            ],
        )
    )
    best = alt.Chart(counts.loc[counts["best"]]).mark_line(color=FEATURE, interpolate="linear")
    return layered(ranges, best.encode(x=x, y=y), circles).properties(
        height=260,
        title="How many of three correlated pairs become one direction, by density",
        description=_describe_collapse(counts),
    )


def shares(found: pd.DataFrame) -> alt.LayerChart:
    """How many random starts end in the expected arrangement, with 95% intervals."""
    names = [name for name, _ in groups(found, "arrangement")]
    colour = alt.Color(
        "arrangement:N",
        title=None,
        legend=alt.Legend(orient="top", labelLimit=320),
        scale=alt.Scale(domain=names, range=[FEATURE, LATENT, NEURON][: len(names)]),
    )
    x = sparser_to_the_right()
    y = alt.Y(
        "share:Q",
        title="share of random starts",
        scale=alt.Scale(domain=[0, 1]),
        axis=alt.Axis(format="%"),
    )
    base = alt.Chart(found)
    low = alt.Y("low:Q", title="share of random starts", axis=alt.Axis(format="%"))
    bars = base.mark_rule(opacity=0.5).encode(x=x, y=low, y2="high", color=colour)
    shown = [
        "arrangement",
        _PROBABILITY,
        alt.Tooltip("n_fit", title="random starts"),
        alt.Tooltip("n_starts", title="of"),
    ]
    lines = base.mark_line(point=True).encode(x=x, y=y, color=colour, tooltip=shown)
    return layered(bars, lines).properties(
        height=280,
        title="How often training finds the expected arrangement, by density",
        description=_describe_shares(found),
    )


def _arrows(
    frame: pd.DataFrame, colour: alt.Color, text: str, shown: list, width: int
) -> alt.LayerChart:
    """The arrows of one position of a slider, on the unit circle, with a line of text above."""
    x, y = plane(_LIMIT)
    base = alt.Chart()
    circle = (
        base.transform_filter("datum.feature == 0")
        .transform_calculate(x="0", y="0")
        .mark_point(
            color=CONTROL, opacity=0.4, size=(width / _LIMIT) ** 2, strokeWidth=1, filled=False
        )
        .encode(x=x, y=y)
    )
    shafts = base.mark_rule(strokeWidth=2).encode(
        x=x, y=y, x2=alt.X2Datum(0), y2=alt.Y2Datum(0), color=colour
    )
    tooltip = [
        alt.Tooltip("number", title="feature"),
        alt.Tooltip("norm", format=".2f"),
        alt.Tooltip("bias", format=".2f"),
        *shown,
    ]
    heads = base.mark_point(filled=True, opacity=1, size=60).encode(
        x=x, y=y, color=colour, tooltip=tooltip
    )
    label = (
        base.transform_filter("datum.feature == 0")
        .transform_calculate(text=text)
        .mark_text(align="left", dx=4)
        .encode(x=alt.value(0), y=alt.value(10), text="text:N")
    )
    chart = layered(circle, shafts, heads, label, data=frame)
    return chart.transform_filter("datum.position == position").properties(
        width=width, height=width
    )


def _marked(crossing: pd.DataFrame) -> list[alt.Chart]:
    """The published ratio as a line, and the interval of the measured one as a band."""
    line = (
        alt.Chart(pd.DataFrame({"ratio": [PUBLISHED_RATIO], "label": ["published"]}))
        .mark_rule(color=PUBLISHED, strokeDash=[5, 4], strokeWidth=2)
        .encode(x="ratio:Q", tooltip=["label", "ratio"])
    )
    band = (
        alt.Chart(crossing)
        .mark_rect(color=THEORY, opacity=0.35, stroke=THEORY, strokeWidth=1)
        .encode(x="low:Q", x2="high", tooltip=[_three("low"), _three("ratio"), _three("high")])
    )
    return [line, band] if len(crossing) else [line]


def _three(name: str) -> alt.Tooltip:
    return alt.Tooltip(name, format=".3f")


def _describe_pentagon(features: pd.DataFrame) -> str:
    first = features.loc[features["feature"] == 0].sort_values("relative_density", ascending=False)
    pairs = zip(numbers(first, "relative_density"), numbers(first, "norm"), strict=True)
    found = ", ".join(f"{fmt(float(norm))} at {fmt(float(one), 'given')}" for one, norm in pairs)
    return f"Norm of the changed feature, by its density relative to the others: {found}."


def _describe_sets(features: pd.DataFrame) -> str:
    n, n_sets = len(set(features["feature"])), len(set(features["set"]))
    densities = sorted(set(numbers(features, "feature_probability")))
    return (
        f"Directions of {n} features in {n_sets} sets, at {len(densities)} feature probabilities "
        f"from {fmt(float(densities[-1]), 'given')} to {fmt(float(densities[0]), 'given')}."
    )


def _describe_branches(losses: pd.DataFrame, crossing: pd.DataFrame) -> str:
    ends = losses.sort_values("ratio")["advantage"].to_numpy()
    where = (
        f"They cross at the ratio {fmt(float(numbers(crossing, 'ratio')[0]))}"
        if len(crossing)
        else "They do not cross"
    )
    return (
        f"Relative to the pentagon, the loss of the digons goes from {fmt(float(ends[0]), '%')} to "
        f"{fmt(float(ends[-1]), '%')}. {where}; the paper says about {PUBLISHED_RATIO}."
    )


def _describe_rule(solutions: pd.DataFrame) -> str:
    if solutions.empty:
        return "No trained pentagon to show, only the rules."
    norm, bias = numbers(solutions, "norm"), numbers(solutions, "bias")
    return (
        f"{len(norm)} features with biases from {fmt(float(bias.min()))} to "
        f"{fmt(float(bias.max()))} and norms from {fmt(float(norm.min()))} to "
        f"{fmt(float(norm.max()))}, and lines of {len(RULES)} rules."
    )


def _describe_collapse(counts: pd.DataFrame) -> str:
    best = counts.loc[counts["best"]].sort_values("feature_probability", ascending=False)
    pairs = zip(best["collapsed"], numbers(best, "feature_probability"), strict=True)
    found = ", ".join(f"{count} at p = {fmt(float(p), 'given')}" for count, p in pairs)
    return f"Collapsed pairs in the best random start: {found}."


def _describe_shares(found: pd.DataFrame) -> str:
    parts = []
    for name, rows in groups(found, "arrangement"):
        share = numbers(rows, "share")
        parts.append(f"{name}: {fmt(float(share.min()), '%')} to {fmt(float(share.max()), '%')}")
    return f"Share of random starts over densities, {'; '.join(parts)}."
