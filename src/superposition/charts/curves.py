"""What figures of a quantity against the number of data points share: axes, circles, lines."""

from collections.abc import Sequence

import altair as alt
import pandas as pd

from superposition.charts.parts import CONTROL, FEATURE, LATENT, NEURON, groups, numbers

POINTS = alt.X(
    "n_points:Q",
    title="data points T (log scale)",
    scale=alt.Scale(type="log", nice=False, padding=8),
    axis=alt.Axis(format="~s", labelOverlap=True, tickCount=6),
)
SERIES = (FEATURE, LATENT, NEURON)
"""Colours of up to three series."""


def lines(
    long: pd.DataFrame, *, by: str, y: alt.Y, x: alt.X = POINTS, colours: Sequence[str] = SERIES
) -> list[alt.Chart]:
    """Circles for data sets and lines for their means, a colour for each value of `by`."""
    order = [value for value, _ in groups(long, by)]
    colour = alt.Color(f"{by}:N", title=by, scale=alt.Scale(domain=order, range=[*colours]))
    field = str(x.shorthand).removesuffix(":Q")
    mean = means(long, [by, field], "value")
    circles = alt.Chart(long).mark_point(filled=False, opacity=0.5, size=24)
    shown = [by, field, "data_set", alt.Tooltip("value", format=".3g")]
    return [
        alt.Chart(mean).mark_line().encode(x=x, y=y, color=colour),
        circles.encode(x=x, y=y, color=colour, tooltip=shown),
    ]


def loss(title: str, *, lowest: float | None = None) -> alt.Y:
    """A logarithmic axis; losses below `lowest` are drawn at its end."""
    scale = alt.Scale(type="log", nice=False, padding=8)
    if lowest is not None:
        scale = alt.Scale(type="log", nice=False, domainMin=lowest, clamp=True)
    return alt.Y("value:Q", title=f"{title}, log scale", scale=scale)


def one(y: alt.Y) -> alt.Chart:
    """A dashed line at the loss of always answering 0."""
    one = alt.Chart(pd.DataFrame({"value": [1.0]}))
    return one.mark_rule(color=CONTROL, strokeDash=[4, 3]).encode(y=y)


def means(frame: pd.DataFrame, by: list[str], column: str) -> pd.DataFrame:
    """The mean of a column for every combination of the values of `by`."""
    return frame.groupby(by, as_index=False, sort=False).agg({column: "mean"})


def describe(long: pd.DataFrame, by: str, what: str) -> str:
    """The highest mean of every series and where it is."""
    parts = []
    for name, rows in groups(long, by):
        mean = means(rows, ["n_points"], "value")
        top = int(numbers(mean, "value").argmax())
        size = int(numbers(mean, "n_points")[top])
        parts.append(f"{name}: {what} up to {numbers(mean, 'value')[top]:.3g}, at T = {size}")
    return f"By the number of data points. {'; '.join(parts)}."
