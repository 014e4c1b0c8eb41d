"""Figures of phase changes: what becomes of an extra feature, and how abruptly."""

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
    THEORY,
    groups,
    layered,
    numbers,
    ranked_densities,
    slider,
    sparser_to_the_right,
)
from superposition.charts.phase_frames import EXACT, TRAINED
from superposition.toy.phase_labels import CONFUSED, JOINT, OTHER
from superposition.toy.phases import (
    ANOTHER_DROPPED,
    DEDICATED,
    IGNORED,
    OTHERS_SHARE,
    SHARED,
    TWO_IN_ONE,
)
from superposition.values import fmt

COLOURS = {
    IGNORED: CONTROL,
    SHARED: FEATURE,
    DEDICATED: NEURON,
    ANOTHER_DROPPED: NEURON,
    OTHERS_SHARE: LATENT,
    CONFUSED: PUBLISHED,
    JOINT: PUBLISHED,
    OTHER: THEORY,
}
"""Of each phase, in the order of the legends."""


def two_in_one(cells: pd.DataFrame, lines: pd.DataFrame) -> alt.FacetChart:
    """Phases of two features in one dimension: ideal solutions, exact optimum, trained models."""
    title = "What becomes of an extra feature when two features share one dimension"
    return _maps(cells, lines, width=190).properties(title=title, description=_counted(cells))


def three_in_two(cells: pd.DataFrame, lines: pd.DataFrame) -> alt.FacetChart:
    """Phases of three features in two dimensions: ideal solutions and trained models."""
    title = "What becomes of an extra feature when three features share two dimensions"
    return _maps(cells, lines, width=290).properties(title=title, description=_counted(cells))


def activations(cells: pd.DataFrame) -> alt.FacetChart:
    """Phases of trained models with different activation functions at the output."""
    title = "The same diagram for three activation functions at the output"
    none = pd.DataFrame({"line": [], "feature_probability": [], "relative_importance": []})
    return _maps(cells, none, width=190).properties(title=title, description=_counted(cells))


def branches(curves: pd.DataFrame) -> alt.LayerChart:
    """The losses of the ideal solutions by density, and trained models; a slider sets r."""
    ranked, position, label = _by_importance(curves)
    colour = alt.Color(
        "solution:N",
        title="solution",
        scale=alt.Scale(
            domain=[*TWO_IN_ONE.phases, TRAINED],
            range=[COLOURS[phase] for phase in TWO_IN_ONE.phases] + [PUBLISHED],
        ),
    )
    y = alt.Y("loss:Q", title="loss, relative to storing nothing", scale=alt.Scale(domain=[0, 1.2]))
    base = alt.Chart().encode(x=sparser_to_the_right(), y=y, color=colour)
    lines = base.transform_filter(f"datum.solution != '{TRAINED}'").mark_line(clip=True)
    points = base.transform_filter(f"datum.solution == '{TRAINED}'").mark_point(
        clip=True, filled=True, size=45
    )
    shown = [_PROBABILITY, alt.Tooltip("loss", title="relative loss", format=".3f"), "solution"]
    return (
        layered(lines, points.encode(tooltip=shown), label, data=ranked)
        .transform_filter("datum.position == position")
        .add_params(position)
        .properties(
            height=300,
            title="Where the losses of two solutions cross, the best one changes at an angle",
            description="Loss by density of ignoring the second feature, of storing both in "
            "opposite directions, and of dedicating the dimension to it, at "
            f"{len(set(ranked['position']))} importances, with the best trained models as points.",
        )
    )


def jump(weights: pd.DataFrame) -> alt.LayerChart:
    """Both weights of the best model by density, exact and trained; a slider sets r."""
    ranked, position, label = _by_importance(weights)
    colour = alt.Color(
        "weight:N", title="weight", scale=alt.Scale(domain=["w1", "w2"], range=[CONTROL, FEATURE])
    )
    y = alt.Y("value:Q", title="weight in the best model", scale=alt.Scale(domain=[-1.3, 1.3]))
    base = alt.Chart().encode(x=sparser_to_the_right(), y=y, color=colour)
    lines = base.transform_filter(f"datum.source == '{EXACT}'").mark_line()
    points = base.transform_filter(f"datum.source == '{TRAINED}'").mark_point(filled=True, size=45)
    shown = [_PROBABILITY, "weight", alt.Tooltip("value", format=".2f"), "source"]
    return (
        layered(lines, points.encode(tooltip=shown), label, data=ranked)
        .transform_filter("datum.position == position")
        .add_params(position)
        .properties(
            height=300,
            title="The second feature's weight jumps instead of growing",
            description="Weights w1 and w2 of the model with the lowest loss by density, at "
            f"{len(set(ranked['position']))} importances: lines are the exact optimum, points "
            "trained models.",
        )
    )


def landscape(losses: pd.DataFrame) -> alt.LayerChart:
    """The loss over both weights, without bias and at equal importance; a slider sets p."""
    least = losses.groupby("feature_probability")["loss"].transform("min")
    relative = np.log10(numbers(losses, "loss") / least.to_numpy(dtype=float))
    ranked = ranked_densities(losses.assign(relative=relative)).round(4)
    position = slider(len(set(ranked["position"])), "dense to sparse")
    squares = (
        alt.Chart()
        .mark_rect(stroke=None)
        .encode(
            x=alt.X("w1:O", title="weight w1", axis=_FEW),
            y=alt.Y("w2:O", title="weight w2", sort="descending", axis=_FEW),
            color=alt.Color(
                "relative:Q",
                title="loss / lowest, log10",
                scale=alt.Scale(domain=[0, 0.25, 0.5, 1], range=INTENSITY[::-1], clamp=True),
            ),
            tooltip=[*(alt.Tooltip(name, format=".3g") for name in ("w1", "w2", "loss"))],
        )
    )
    return (
        layered(squares, _label("feature_probability", "density p = "), data=ranked)
        .transform_filter("datum.position == position")
        .add_params(position)
        .properties(
            width=340,
            height=340,
            title="Where the loss is lowest moves to another corner of the plane",
            description="Heat map of the expected loss of two equally important features in one "
            "dimension without bias, over both weights, at "
            f"{len(set(ranked['position']))} densities.",
        )
    )


_PROBABILITY = alt.Tooltip("feature_probability", title="feature probability", format=".2~g")
_LOG_AXIS = alt.Axis(format="~g", grid=False, tickCount=3)
_FEW = alt.Axis(grid=False, labelOverlap=True, labelAngle=0, format=".1f")


def _maps(cells: pd.DataFrame, lines: pd.DataFrame, *, width: int) -> alt.FacetChart:
    """A panel for each `panel` of the cells, with the lines over every one."""
    panels = [str(panel) for panel, _ in groups(cells, "panel")]
    together = pd.concat([_squares(cells), _rules(lines, panels)], ignore_index=True)
    chosen = alt.selection_point(fields=["phase"], bind="legend")
    present = [phase for phase in COLOURS if phase in set(cells["phase"])]
    colour = alt.Color(
        "phase:N",
        title="the extra feature",
        scale=alt.Scale(domain=present, range=[COLOURS[phase] for phase in present]),
    )
    x = alt.X(
        "x:Q",
        title="density p (sparser to the right)",
        scale=_log(cells, "feature_probability", reverse=True),
        axis=_LOG_AXIS,
    )
    y = alt.Y(
        "y:Q",
        title="relative importance r of the extra feature",
        scale=_log(cells, "relative_importance", reverse=False),
        axis=_LOG_AXIS,
    )
    rects = (
        alt.Chart()
        .transform_filter("datum.line == ''")
        .mark_rect(stroke=None)
        .encode(x=x, x2="x2", y=y, y2="y2", color=colour, tooltip=_CELL)
        .encode(opacity=alt.condition(chosen, alt.value(1), alt.value(0.25)))
        .add_params(chosen)
    )
    rules = (
        alt.Chart()
        .transform_filter("datum.line != ''")
        .mark_line(color=THEORY, strokeWidth=1.5, clip=True)
        .encode(x=x, y=y, detail="line:N", order="order:Q")
    )
    layers = layered(rects, rules, data=together).properties(width=width, height=240)
    return layers.facet(alt.Facet("panel:N", title=None, sort=panels), columns=len(panels))


def _squares(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells with their edges; panels may have grids of their own."""
    parts = [
        found.assign(
            **_edges(numbers(found, "feature_probability"), "x"),
            **_edges(numbers(found, "relative_importance"), "y"),
            line="",
        )
        for _, found in groups(cells, "panel")
    ]
    return pd.concat(parts, ignore_index=True)


def _rules(lines: pd.DataFrame, panels: list[str]) -> pd.DataFrame:
    """The lines once for every panel, their points numbered."""
    drawn = lines.rename(columns={"feature_probability": "x", "relative_importance": "y"})
    drawn = drawn.assign(order=range(len(drawn)))
    return pd.concat([drawn.assign(panel=panel) for panel in panels], ignore_index=True)


_CELL = [
    "phase",
    _PROBABILITY,
    alt.Tooltip("relative_importance", title="relative importance", format=".2~g"),
    alt.Tooltip("loss", title="loss of the best", format=".3g"),
    alt.Tooltip("share", title="starts in this phase", format=".0%"),
]


def _log(cells: pd.DataFrame, column: str, *, reverse: bool) -> alt.Scale:
    values = numbers(cells, column)
    ends = [float(values.min()), float(values.max())]
    return alt.Scale(type="log", domain=ends, nice=False, reverse=reverse)


def _edges(values: np.ndarray, axis: str) -> dict[str, np.ndarray]:
    """The borders of the cells around each value, halfway to its neighbours on a log scale.

    Cells overlap by a hair: borders that only touch show as a light grid.
    """
    distinct, cell = np.unique(values, return_inverse=True)
    logs = np.log(distinct)
    halves = (logs[1:] + logs[:-1]) / 2
    borders = np.exp(np.concatenate([logs[:1], halves, logs[-1:]])).round(6)
    ends = np.minimum(borders * 1.005, borders[-1])
    return {axis: borders[cell], f"{axis}2": ends[cell + 1]}


def _by_importance(frame: pd.DataFrame) -> tuple[pd.DataFrame, alt.Parameter, alt.Chart]:
    """`frame` with the position of each importance, a slider over it, and a label for its value."""
    known = sorted(set(frame["relative_importance"]))
    position = {r: index for index, r in enumerate(known)}
    ranked = frame.assign(position=[position[r] for r in frame["relative_importance"]])
    label = _label("relative_importance", "relative importance r = ")
    return ranked, _quarter(len(known)), label


def _label(column: str, words: str) -> alt.Chart:
    """The value of a column that all rows shown have, in the corner of the figure."""
    return (
        alt.Chart()
        .transform_aggregate(shown=f"mean({column})")
        .transform_calculate(text=f"'{words}' + format(datum.shown, '.2~g')")
        .mark_text(align="right", dx=-4, dy=4)
        .encode(x=alt.value("width"), y=alt.value(6), text="text:N")
    )


def _quarter(n: int) -> alt.Parameter:
    """A slider over importances that begins where the extra feature is the less important one."""
    return alt.param(
        name="position",
        bind=alt.binding_range(min=0, max=max(n - 1, 1), step=1, name="importance "),
        value=n // 4,
    )


def _counted(cells: pd.DataFrame) -> str:
    """The share of each phase in every panel, in words."""
    parts = []
    for panel, found in groups(cells, "panel"):
        listed = found["phase"].tolist()
        shares = [
            f"{phase} {fmt(listed.count(phase) / len(listed), '%')}"
            for phase in COLOURS
            if phase in listed
        ]
        parts.append(f"{panel}: {', '.join(shares)}")
    return f"Maps by density and relative importance. {'; '.join(parts)}."
