"""Figures of how features find their geometry during training, each with its loss."""

import altair as alt
import pandas as pd

from superposition.charts.parts import CONTROL, FEATURE, LATENT, NEURON, PUBLISHED, layered, numbers
from superposition.values import fmt

_WIDTH, _HALF = 560, 330
_STEP = alt.Tooltip("step:Q", title="step", format=",")


def levels(features: pd.DataFrame, model: pd.DataFrame) -> alt.VConcatChart:
    """Dimensionalities of one model's features over the training, above its loss.

    Pointing at a step marks it in both.
    """
    features, model = (frame.loc[frame["step"] > 0] for frame in (features, model))
    pointed = alt.selection_point(
        name="pointed", fields=["step"], nearest=True, on="pointerover", empty=False
    )
    steps = [float(numbers(model, "step")[index]) for index in (0, -1)]
    lines = (
        alt.Chart(features)
        .mark_line(color=FEATURE, strokeWidth=1, opacity=0.6)
        .encode(
            x=_log_steps(steps, title=None),
            y=alt.Y("dimensionality:Q", title="dimensionality D of each feature"),
            detail="feature:N",
        )
    )
    loss = alt.Chart(model).mark_line(color=LATENT)
    y = alt.Y("loss:Q", title="loss", scale=alt.Scale(zero=False))
    jumps = (
        alt.Chart(model)
        .transform_filter("datum.jumps > 0")
        .mark_tick(color=PUBLISHED, thickness=2, size=12)
        .encode(
            x=_log_steps(steps),
            y=alt.value(126),
            tooltip=[_STEP, alt.Tooltip("jumps", title="features that jump")],
        )
    )
    half = alt.Chart(pd.DataFrame({"dimensionality": [0.5]})).mark_rule(
        color=CONTROL, strokeDash=[4, 3]
    )
    upper = layered(half.encode(y="dimensionality:Q"), lines, _mark(model, pointed, steps))
    lower = layered(
        loss.encode(x=_log_steps(steps), y=y), jumps, _mark(model, pointed, steps, listen=True)
    )
    return alt.vconcat(
        upper.properties(width=_WIDTH, height=260), lower.properties(width=_WIDTH, height=130)
    ).properties(
        title="How the dimensionality of each feature changes in training, above the loss",
        description=_describe_levels(features, model),
    )


def stages(features: pd.DataFrame, model: pd.DataFrame) -> alt.HConcatChart:
    """Six features in three dimensions seen from one side, at the step that a slider sets.

    Beside it, the cosines of features within and between the sets over all steps, and the loss.
    """
    steps = sorted(set(features["step"]))
    shown = [
        frame.assign(position=frame["step"].rank(method="dense") - 1) for frame in (features, model)
    ]
    position = alt.param(
        name="position",
        bind=alt.binding_range(min=0, max=max(len(steps) - 1, 1), step=1, name="start to end "),
        value=len(steps) - 1,
    )
    above = _projection(shown[0].assign(number=shown[0]["feature"] + 1))
    now = (
        alt.Chart(shown[1])
        .transform_filter("datum.position == position")
        .mark_rule(color=CONTROL)
        .encode(x="step:Q", tooltip=[_STEP, alt.Tooltip("loss", format=".3g")])
    )
    cosines = layered(_cosines(shown[1]), now).properties(width=_HALF, height=170)
    x = alt.X("step:Q", title="training step", axis=alt.Axis(format="~s"))
    scale = alt.Scale(type="log", nice=False)
    y = alt.Y("loss:Q", title="loss (log scale)", scale=scale, axis=alt.Axis(tickCount=3))
    loss = layered(alt.Chart(shown[1]).mark_line(color=LATENT).encode(x=x, y=y), now)
    courses = alt.vconcat(cosines, loss.properties(width=_HALF, height=90))
    return (
        alt.hconcat(above, courses.resolve_scale(color="independent"))
        .add_params(position)
        .resolve_scale(color="independent")
        .properties(
            title="Two sets of features on their way through the training: move the slider",
            description=_describe_stages(model),
        )
    )


def _projection(features: pd.DataFrame) -> alt.LayerChart:
    """The features as arrows in the plane of projection, coloured by their set."""
    scale = alt.Scale(domain=[-1.25, 1.25], nice=False)
    x, y = (
        alt.X("x:Q", title=None, axis=None, scale=scale),
        alt.Y("y:Q", title=None, axis=None, scale=scale),
    )
    colour = alt.Color("set:N", title="set", scale=alt.Scale(range=[FEATURE, NEURON]))
    current = alt.Chart(features).transform_filter("datum.position == position")
    arrows = current.mark_rule(strokeWidth=2).encode(
        x=x, y=y, x2=alt.X2Datum(0), y2=alt.Y2Datum(0), color=colour
    )
    tooltip = [alt.Tooltip("number:Q", title="feature"), alt.Tooltip("set:N"), _STEP]
    heads = current.mark_point(filled=True, size=70, opacity=1)
    labels = current.mark_text(dx=9, dy=-9).encode(x=x, y=y, text="number:Q", color=colour)
    drawn = heads.encode(x=x, y=y, color=colour, tooltip=tooltip)
    return layered(arrows, drawn, labels).properties(width=260, height=260)


def _cosines(model: pd.DataFrame) -> alt.Chart:
    """Mean cosines within and between sets, and the worst pair of partners."""
    names = {
        "within": "within a set, mean",
        "between": "between sets, mean",
        "partner": "with the partner, worst",
    }
    columns = model.loc[:, ["step", *names]].rename(columns=names).round(4)
    long = columns.melt("step", var_name="cosine of features", value_name="cosine")
    colour = alt.Color(
        "cosine of features:N",
        legend=alt.Legend(columns=2),
        scale=alt.Scale(domain=list(names.values()), range=[FEATURE, LATENT, NEURON]),
    )
    tooltip = [_STEP, "cosine of features:N", alt.Tooltip("cosine", format=".2f")]
    y = alt.Y("cosine:Q", title="cosine", scale=alt.Scale(domain=[-1, 1]))
    x = alt.X("step:Q", title=None, axis=alt.Axis(format="~s"))
    return alt.Chart(long).mark_line().encode(x=x, y=y, color=colour, tooltip=tooltip)


def _log_steps(steps: list[float], *, title: str | None = "training step (log scale)") -> alt.X:
    scale = alt.Scale(type="log", domain=steps, nice=False)
    return alt.X("step:Q", title=title, scale=scale, axis=alt.Axis(format="~s", grid=False))


def _mark(
    model: pd.DataFrame, pointed: alt.Parameter, steps: list[float], *, listen: bool = False
) -> alt.Chart:
    """A line at the step pointed at; one panel of the figure listens to the pointer for both."""
    x = _log_steps(steps, title=None)
    line = (
        alt.Chart(model)
        .mark_rule(color=CONTROL)
        .encode(
            x=x,
            opacity=alt.condition(pointed, alt.value(0.9), alt.value(0)),
            tooltip=[_STEP, alt.Tooltip("loss", format=".3g"), "jumps"],
        )
    )
    return line.add_params(pointed) if listen else line


def _describe_levels(features: pd.DataFrame, model: pd.DataFrame) -> str:
    steps, D, loss = numbers(features, "step"), numbers(features, "dimensionality"), _losses(model)
    last = D[steps == steps.max()]
    return (
        f"{len(last)} features, of which {int((abs(last - 0.5) <= 0.02).sum())} end at a "
        f"dimensionality of 1/2 and {int((last <= 0.02).sum())} at 0; windows of the training "
        f"with jumps: {int((numbers(model, 'jumps') > 0).sum())}. {loss}"
    )


def _describe_stages(model: pd.DataFrame) -> str:
    step, within = numbers(model, "step"), numbers(model, "within")
    between, partner = numbers(model, "between"), numbers(model, "partner")
    return (
        f"Mean cosine within a set rises to {fmt(float(within.max()))} at step "
        f"{fmt(int(step[within.argmax()]))} and ends at {fmt(float(within[-1]))}; between sets it "
        f"ends at {fmt(float(between[-1]))}, and the worst pair of partners at "
        f"{fmt(float(partner[-1]))}. {_losses(model)}"
    )


def _losses(model: pd.DataFrame) -> str:
    loss = numbers(model, "loss")
    return f"The loss goes from {fmt(float(loss[0]))} to {fmt(float(loss[-1]))}."
