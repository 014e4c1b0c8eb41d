"""Figures of cost and scaling: measures over the width of a dictionary, and time by stage."""

import altair as alt
import pandas as pd

from superposition.charts.parts import groups, layered, numbers
from superposition.values import fmt

_WIDTH = "latents in the dictionary (log scale)"


def recovered(rows: pd.DataFrame) -> alt.LayerChart:
    """Loss recovered over the width, a line for each kind of autoencoder; circles are seeds."""
    title = "What a wider dictionary recovers of the loss"
    return _curve(rows, "share of the loss recovered", title)


def density(rows: pd.DataFrame) -> alt.LayerChart:
    """The median density of latents over the width."""
    y = "median share of tokens on which a latent is active (log scale)"
    return _curve(rows, y, "How rarely a latent of a wider dictionary is active", log=True)


def belonging(rows: pd.DataFrame) -> alt.LayerChart:
    """The share of latents that belong to a context, over the width."""
    y = "share of latents that belong to a context"
    return _curve(rows, y, "How many latents can be named, by the width of the dictionary")


def covered(rows: pd.DataFrame) -> alt.LayerChart:
    """The share of contexts that have a latent, over the width."""
    y = "share of contexts with a latent"
    return _curve(rows, y, "How many contexts have a latent, by the width of the dictionary")


def costs(table: pd.DataFrame) -> alt.Chart:
    """Wall time of every stage, a bar for each run."""
    minutes = table.assign(minutes=numbers(table, "seconds") / 60)
    runs = [str(run) for run, _ in groups(minutes, "run")]
    totals = [
        f"{run} {fmt(float(numbers(rows, 'minutes').sum()), 'minutes')}"
        for run, rows in groups(minutes, "run")
    ]
    return (
        alt.Chart(minutes)
        .mark_bar()
        .encode(
            x=alt.X("minutes:Q", title="wall time of all rows, minutes"),
            y=alt.Y("stage:N", title=None, sort="-x"),
            yOffset=alt.YOffset("run:N", sort=runs),
            color=alt.Color("run:N", title=None, sort=runs),
            tooltip=["run:N", "stage:N", alt.Tooltip("minutes:Q", format=".2f")],
        )
        .properties(
            title="What every stage costs in time",
            description=f"Bars of wall time by stage. In all: {', '.join(totals) or 'nothing'}.",
            height=alt.Step(9),
        )
    )


def _curve(rows: pd.DataFrame, y: str, title: str, *, log: bool = False) -> alt.LayerChart:
    base = alt.Chart(rows)
    widths = sorted(set(rows["d_sae"]))
    axis = alt.Axis(values=widths, format=",d")
    x = alt.X("d_sae:Q", title=_WIDTH, scale=alt.Scale(type="log", nice=False), axis=axis)
    kind = "log" if log else "linear"
    scale = alt.Scale(type=kind, zero=False) if log else alt.Scale(zero=False)
    shown = alt.Axis(format="~g" if log else "%")
    colour = alt.Color("autoencoder:N", title=None, sort=None)
    tooltip = ["autoencoder:N", "d_sae:Q", "seed:O", alt.Tooltip("value:Q", format=".3~g")]
    means = alt.Y("mean(value):Q", title=y, scale=scale, axis=shown)
    return layered(
        base.mark_line(strokeWidth=2).encode(x=x, y=means, color=colour),
        base.mark_point(size=50).encode(
            x=x, y=alt.Y("value:Q", title=y, scale=scale, axis=shown), color=colour, tooltip=tooltip
        ),
    ).properties(title=title, description=f"{title}. {_describe(rows)}.", height=300)


def _describe(rows: pd.DataFrame) -> str:
    """From the narrowest to the widest of every line, as means over seeds."""
    parts = []
    for name, found in groups(rows, "autoencoder"):
        widths = groups(found.sort_values("d_sae"), "d_sae")
        means = [f"{fmt(int(w))} {fmt(float(numbers(one, 'value').mean()))}" for w, one in widths]
        parts.append(f"{name}: {', '.join(means)}")
    return "; ".join(parts) or "Nothing was measured"
