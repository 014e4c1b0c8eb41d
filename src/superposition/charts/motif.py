"""Figures of the asymmetric motif, made by hand and found in trained models; of an L1 penalty."""

import altair as alt
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    LATENT,
    NEURON,
    SIGNED,
    THEORY,
    groups,
    layered,
    numbers,
    sparser_to_the_right,
)
from superposition.toy.motif import CIRCUITS
from superposition.values import fmt

_NAMES = [circuit.name for circuit in CIRCUITS]


def responses(table: pd.DataFrame) -> alt.FacetChart:
    """What four circuits give out when one of their two features is active alone."""
    named = table.assign(
        alone=table["active"] + " feature alone",
        output="output for the " + table["output"] + " one",
    )
    x = alt.X("x:Q", title="value of the feature", axis=alt.Axis(values=[-1, 0, 1], format="d"))
    base = alt.Chart()
    colour = alt.Color(
        "output:N",
        title=None,
        scale=alt.Scale(
            domain=["output for the strong one", "output for the weak one"], range=[FEATURE, LATENT]
        ),
    )
    scale = alt.Scale(domain=[0, 4])
    wanted = base.mark_line(strokeDash=[3, 3], strokeWidth=1.5, opacity=0.8)
    given = base.mark_line(strokeWidth=2.5)
    shown = [
        "circuit",
        "alone",
        "output",
        alt.Tooltip("x", title="value", format=".2f"),
        alt.Tooltip("y", title="given out", format=".2f"),
        alt.Tooltip("wanted", format=".2f"),
    ]
    y = {"title": "output", "scale": scale}
    lines = layered(
        given.encode(x=x, y=alt.Y("y:Q", **y), color=colour, tooltip=shown),
        wanted.encode(x=x, y=alt.Y("wanted:Q", **y), color=colour),
        data=named,
    ).properties(width=135, height=125)
    worst = _worst(table)
    return lines.facet(
        column=alt.Column("circuit:N", title=None, sort=_NAMES, header=alt.Header(labelLimit=190)),
        row=alt.Row("alone:N", title=None),
    ).properties(
        title="What circuits made by hand give out if one feature is active alone",
        description="Lines of both outputs, dashed where they should be. Largest error of an "
        f"output: {worst}.",
    )


def losses(table: pd.DataFrame) -> alt.Chart:
    """The expected loss of the four circuits by density."""
    lowest = table.loc[table.groupby("feature_probability")["loss"].idxmin(), "circuit"]
    best = ", ".join(dict.fromkeys(lowest.tolist()))
    return (
        alt.Chart(table)
        .mark_line(point=True)
        .encode(
            x=sparser_to_the_right(),
            y=alt.Y(
                "loss:Q",
                title="expected loss (log scale)",
                scale=alt.Scale(type="log"),
                axis=alt.Axis(format="~e"),
            ),
            color=alt.Color(
                "circuit:N",
                title=None,
                scale=alt.Scale(domain=_NAMES, range=[CONTROL, FEATURE, LATENT, NEURON]),
                legend=alt.Legend(columns=2, labelLimit=260),
            ),
            tooltip=[
                "circuit",
                alt.Tooltip("feature_probability", title="feature probability", format=".2~g"),
                alt.Tooltip("loss", format=".3g"),
            ],
        )
        .properties(
            title="Unequal weights need inhibition, and then they are better than equal ones",
            description=f"Expected loss of four circuits by density; the lowest has: {best}.",
            height=260,
        )
    )


def found(table: pd.DataFrame) -> alt.FacetChart:
    """The weights of the motif in the paper's example and in trained models."""
    x = alt.X(
        "weight_of:N",
        title=None,
        sort=list(dict.fromkeys(table["weight_of"])),
        axis=alt.Axis(labelAngle=0, labelExpr="split(datum.label, ', ')"),
    )
    y = alt.Y("neuron:N", title=None, sort=["shared", "inhibiting"])
    cells = (
        alt.Chart()
        .mark_rect()
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "weight:Q",
                title="weight",
                scale=alt.Scale(
                    domain=[-2, 0, 2], range=[SIGNED[0], SIGNED[2], SIGNED[-1]], clamp=True
                ),
            ),
            tooltip=["circuit", "neuron", "weight_of", alt.Tooltip("weight", format=".2f")],
        )
    )
    texts = (
        alt.Chart()
        .mark_text(fontSize=13, fontWeight=600)
        .encode(
            x=x,
            y=y,
            text=alt.Text("weight:Q", format=".1f"),
            color=alt.condition("abs(datum.weight) > 1.2", alt.value(SIGNED[2]), alt.value(THEORY)),
        )
    )
    names = [str(name) for name, _ in groups(table, "circuit")]
    return (
        layered(cells, texts, data=table)
        .properties(width=230, height=80)
        .facet(alt.Facet("circuit:N", title=None, sort=names), columns=2)
        .properties(
            title="The motif in the paper and in the models trained here",
            description=f"Weights of two neurons for two features. Shown: {', '.join(names)}.",
        )
    )


def penalty(table: pd.DataFrame) -> alt.FacetChart:
    """Features represented, features in superposition and loss, by the weight of an L1 penalty."""
    named = table.assign(density=[f"p = {p:.2g}" for p in table["feature_probability"]])
    encoding = {
        "x": alt.X(
            "l1_coefficient:O",
            title="L1 coefficient",
            axis=alt.Axis(format="~g", labelAngle=0, labelOverlap=True),
        ),
        "color": alt.Color("density:N", title="density", scale=alt.Scale(range=[FEATURE, LATENT])),
    }
    value = alt.Tooltip("value", format=".3~g")
    shown = ["measure", "density", alt.Tooltip("l1_coefficient", format="~g"), "seed", value]
    points = alt.Chart().mark_point(filled=False, opacity=0.5)
    lines = alt.Chart().mark_line()
    panels = layered(
        lines.encode(**encoding, y=alt.Y("mean(value):Q", title=None)),
        points.encode(**encoding, y=alt.Y("value:Q", title=None), tooltip=shown),
        data=named,
    ).properties(width=190, height=190)
    return (
        panels.facet(alt.Facet("measure:N", title=None, sort=None), columns=3)
        .resolve_scale(y="independent")
        .properties(
            title="What an L1 penalty does to the features, to superposition and to the loss",
            description=_describe_penalty(table),
        )
    )


def _worst(table: pd.DataFrame) -> str:
    error = (table["y"] - table["wanted"]).abs()
    found = groups(table.assign(error=error), "circuit")
    return ", ".join(
        f"{fmt(float(numbers(rows, 'error').max()))} with {name}" for name, rows in found
    )


def _describe_penalty(table: pd.DataFrame) -> str:
    parts = []
    for measure, rows in groups(table, "measure"):
        ends = [
            numbers(rows.loc[rows["l1_coefficient"] == end], "value").mean()
            for end in (rows["l1_coefficient"].min(), rows["l1_coefficient"].max())
        ]
        parts.append(f"{measure}: {fmt(float(ends[0]))} without, {fmt(float(ends[1]))} at the end")
    return f"Means over random starts and densities. {'; '.join(parts)}."
