"""The figure of a toy model's training: the loss curve, and the arrows at each of its moments."""

import altair as alt
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    groups,
    layered,
    numbers,
    plane,
    ranked_densities,
    slider,
)

WIDTH = 300
"""Of the loss curve, in pixels."""
SIDE = 260
"""Of the square plane, in pixels."""
LIMIT = 1.4
"""How far the plane reaches from the origin."""
DENSITY = alt.Tooltip("feature_probability", title="feature probability", format=".2~g")


def learning(curve: pd.DataFrame, arrows: pd.DataFrame) -> alt.HConcatChart:
    """The loss of the best model during training, and its features' directions at one moment.

    One slider sets the density and one the moment; pointing at the curve sets the moment too.
    """
    n_densities, n_moments = (len(set(curve[name])) for name in ("feature_probability", "moment"))
    position = slider(n_densities, "dense to sparse")
    moment = alt.selection_point(
        name="when",
        fields=["moment"],
        bind=alt.binding_range(min=0, max=n_moments - 1, step=1, name="start to end of training "),
        on="pointerover",
        nearest=True,
        clear=False,
        value=n_moments - 1,
    )
    losses = _loss_curve(ranked_densities(curve), moment)
    placed = ranked_densities(arrows).drop(columns="feature_probability")
    named = _moment_in_words(ranked_densities(curve), moment)
    directions = layered(*_moving_arrows(placed, moment), named).properties(width=SIDE, height=SIDE)
    return (
        alt.hconcat(losses, directions)
        .add_params(position)
        .properties(
            title="How the best model learns: move the sliders, or point at the curve",
            description=_describe_learning(curve),
        )
    )


def _loss_curve(curve: pd.DataFrame, moment: alt.Parameter) -> alt.LayerChart:
    base = alt.Chart(curve).transform_filter("datum.position == position")
    x = alt.X("step:Q", title="training step", axis=alt.Axis(tickCount=4))
    y = alt.Y(
        "loss:Q",
        title="training loss (log scale)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format="~g", tickCount=3, grid=False),
    )
    shown = [
        alt.Tooltip("step", format=","),
        alt.Tooltip("loss", format=".3g"),
        DENSITY,
    ]
    line = base.mark_line(color=CONTROL).encode(x=x, y=y)
    targets = base.mark_point(opacity=0, size=120).encode(x=x, y=y, tooltip=shown)
    now = base.transform_filter(moment).mark_point(color=FEATURE, filled=True, size=110, opacity=1)
    layers = layered(line, targets.add_params(moment), now.encode(x=x, y=y))
    return layers.properties(width=WIDTH, height=SIDE)


def _moment_in_words(curve: pd.DataFrame, moment: alt.Parameter) -> alt.Chart:
    return (
        alt.Chart(curve)
        .transform_filter("datum.position == position")
        .transform_filter(moment)
        .transform_calculate(
            text="'p = ' + format(datum.feature_probability, '.2~g') + ', step ' "
            "+ format(datum.step, ',')"
        )
        .mark_text(align="left")
        .encode(x=alt.value(4), y=alt.value(8), text="text:N")
    )


def _moving_arrows(arrows: pd.DataFrame, moment: alt.Parameter) -> list[alt.Chart]:
    base = alt.Chart(arrows).transform_filter("datum.position == position").transform_filter(moment)
    x, y = plane(LIMIT)
    circle = (
        base.transform_filter("datum.number == 1")
        .transform_calculate(x="0", y="0")
        .mark_point(
            color=CONTROL, opacity=0.4, size=(SIDE / LIMIT) ** 2, strokeWidth=1, filled=False
        )
    )
    shafts = base.mark_rule(color=FEATURE, strokeWidth=2)
    heads = base.mark_point(color=FEATURE, opacity=1, filled=True, size=60)
    names = base.mark_text(
        dx=alt.expr("datum.x < 0 ? -10 : 10"), dy=alt.expr("datum.y < 0 ? 10 : -10")
    )
    return [
        circle.encode(x=x, y=y),
        shafts.encode(x=x, y=y, x2=alt.X2Datum(0), y2=alt.Y2Datum(0)),
        heads.encode(x=x, y=y, tooltip=[alt.Tooltip("number", title="feature")]),
        names.encode(x=x, y=y, text="number:N"),
    ]


def _describe_learning(curve: pd.DataFrame) -> str:
    found = []
    for p, part in groups(curve, "feature_probability"):
        ordered = part.sort_values("moment")
        first, last = numbers(ordered, "loss")[[0, -1]]
        found.append(f"from {first:.2g} to {last:.2g} at p = {p:.2g}")
    return f"Loss curve beside arrows in the plane. The loss falls {', '.join(found)}."
