"""Figures of single latents under test: concepts passed, interventions, scores without concepts."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    LATENT,
    LINE_LEGEND,
    NEURON,
    PUBLISHED,
    dashed,
    groups,
    layered,
    numbers,
    some,
    words,
)
from superposition.intervals import wilson
from superposition.values import fmt, of

TESTS = {
    "specific": "specific",
    "sensitive": "sensitive",
    "effective": "raises its tokens",
    "no_neuron": "no neuron",
    "universal": "universal",
    "all": "all five",
}
"""The columns of outcomes, in the order of the paper, and `all` of them."""
ORIGINS = ("planted", "natural")
"""What kinds of concepts there are; planted ones were put into the text."""
PUBLISHED_ACCURACY = {"latents of the paper": 0.74, "neurons of the paper": 0.58}
"""Mean accuracy of a language model with explanations. Source: Towards Monosemanticity, automated
interpretability of logit weights."""
WHO = ("latents", "neurons", "latents, shuffled weights")
"""Whose scores are compared."""
_ORIGIN = alt.Scale(domain=ORIGINS, range=[FEATURE, LATENT])
_WHO = alt.Scale(domain=WHO, range=[LATENT, NEURON, CONTROL])
_FLAT = alt.Axis(labelAngle=0)


def tests_passed(concepts: pd.DataFrame) -> alt.LayerChart:
    """Share of concepts whose best latent passes each of the five tests, and all of them."""
    table = _passed(some(concepts, "concept with enough text"))
    every = alt.Axis(labelOverlap=False)
    y = alt.Y("test:N", title=None, sort=list(TESTS.values()), axis=every)
    offset = alt.YOffset("who:N", sort=None)
    axis = alt.Axis(format="%")
    x = alt.X("share:Q", title="share of concepts", axis=axis, scale=alt.Scale(domain=[0, 1]))
    colour = alt.Color("origin:N", title="concepts", scale=_ORIGIN)
    tooltip = ["row", "origin", "test", "passed", "of", alt.Tooltip("share", format=".1%")]
    base = alt.Chart(table).encode(y=y, yOffset=offset, color=colour)
    return layered(
        base.mark_rule().encode(x=alt.X("low:Q", title="share of concepts"), x2="high:Q"),
        base.mark_point(filled=True, opacity=1, size=80).encode(
            x=x, shape=alt.Shape("row:N", title="autoencoder", sort=None), tooltip=tooltip
        ),
    ).properties(
        title="For how many concepts the best latent passes each of the paper's tests",
        description=_describe_passed(table),
        height=alt.Step(11),
    )


def specificity(grouped: pd.DataFrame) -> alt.LayerChart:
    """Precision by tenths of the activation: planted contexts, and the middle of all others.

    `grouped` is contexts/groups.parquet with the column `planted` of each concept.
    """
    tenths = grouped.loc[(grouped["grouping"] == "tenth") & (grouped["active"] > 0)]
    tenths = some(tenths, "concept whose latent is active")
    tenths = tenths.assign(precision=tenths["inside"] / tenths["active"], tenth=tenths["group"] + 1)
    named = tenths.loc[tenths["planted"] != ""]
    others = tenths.loc[tenths["planted"] == ""]
    rows = [
        (tenth, *np.quantile(numbers(found, "precision"), [0.25, 0.5, 0.75]))
        for tenth, found in groups(others.sort_values("tenth"), "tenth")
    ]
    planted = list(dict.fromkeys(named["planted"]))
    quartiles = pd.DataFrame(rows, columns=["tenth", "low", "middle", "high"])
    x = alt.X("tenth:O", title="tenth of the active tokens, strongest last", axis=_FLAT)
    percent = alt.Axis(format="%")
    y = alt.Y("precision:Q", title="share of tokens inside the concept", axis=percent)
    band = alt.Chart(quartiles).encode(x=x)
    lines = alt.Chart(named).mark_line(color=FEATURE, point={"color": FEATURE, "opacity": 1})
    return layered(
        band.mark_bar(color=CONTROL, opacity=0.4, cornerRadiusEnd=0, width=16).encode(
            y=alt.Y("low:Q", title="share of tokens inside the concept", axis=percent), y2="high:Q"
        ),
        band.mark_tick(color=LATENT, width=16, thickness=3).encode(y="middle:Q"),
        lines.encode(
            x=x,
            y=y,
            strokeDash=dashed("planted", planted, title="planted context"),
            tooltip=["planted", "tenth", alt.Tooltip("precision", format=".1%"), "active"],
        ),
    ).properties(
        title="How pure the best latents are, from their weakest to their strongest activations",
        description=_describe_specificity(named),
        height=280,
        width=420,
    )


def correlations(concepts: pd.DataFrame) -> alt.LayerChart:
    """For every concept, the correlation of the best latent against that of the best neuron."""
    table = some(concepts, "concept with enough text")
    table = table.assign(origin=np.where(table["planted"] != "", *ORIGINS))
    ends = [min(0.0, float(numbers(table, "neuron_correlation").min())), 1.0]
    diagonal = pd.DataFrame({"neuron_correlation": ends, "correlation": ends})
    x = alt.X("neuron_correlation:Q", title="correlation of the best neuron with the concept")
    y = alt.Y("correlation:Q", title="correlation of the best latent with the concept")
    points = alt.Chart(table).mark_point(filled=True, opacity=0.75, size=60)
    line = alt.Chart(diagonal).mark_line(color=CONTROL, strokeDash=[4, 4])
    return layered(
        line.encode(x=x, y=y),
        points.encode(
            x=x,
            y=y,
            color=alt.Color("origin:N", title="concept", scale=_ORIGIN),
            tooltip=[
                "name",
                "group",
                "latent",
                alt.Tooltip("correlation", title="latent's", format=".2f"),
                "neuron",
                alt.Tooltip("neuron_correlation", title="neuron's", format=".2f"),
                alt.Tooltip("share", title="share of the text", format=".2%"),
                "passed",
            ],
        ),
    ).properties(
        title="Latents and neurons as detectors of concepts, each concept a point",
        description=_describe_correlations(table),
        height=340,
        width=340,
    )


def ablation(curves: pd.DataFrame) -> alt.FacetChart:
    """What taking a planted context's latent away does, by its activation.

    `curves` is causal/curves.parquet with the column `planted` of each concept.
    """
    table = some(curves.loc[curves["planted"] != ""], "latent of a context")
    x = alt.X("activation:Q", title="activation of the latent")
    y = alt.Y("effect:Q", title="change of log-probability (nats)")
    base = alt.Chart()
    layers = layered(
        base.mark_rule(color=CONTROL, strokeDash=[4, 4]).encode(y=alt.datum(0)),
        base.mark_rule(color=LATENT).encode(
            x=x, y=alt.Y("low:Q", title="change of log-probability (nats)"), y2="high:Q"
        ),
        base.mark_point(color=LATENT, filled=True, opacity=1, size=60).encode(
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("activation", format=".2f"),
                alt.Tooltip("effect", format=".3f"),
                "n",
            ],
        ),
        data=table,
    ).properties(width=210, height=200)
    return (
        layers.facet(alt.Facet("planted:N", title=None), columns=3)
        .resolve_scale(x="independent", y="independent")
        .properties(
            title="What is lost when the latent of a context is taken away",
            description=_describe_ablation(table),
        )
    )


def pinning(held: pd.DataFrame) -> alt.LayerChart:
    """How often the model writes in a concept, with its latent held and as it is."""
    table = some(held.loc[held["n"] > 0], "latent of a concept").assign(
        origin=lambda found: np.where(found["planted"] != "", *ORIGINS),
        with_pin=lambda found: found["pinned"] / found["n"],
        without=lambda found: found["free"] / found["n"],
    )
    axis, scale = alt.Axis(format="%"), alt.Scale(domain=[0, 1])
    x = alt.X("without:Q", title="continuations in the concept, as it is", axis=axis, scale=scale)
    y = alt.Y("with_pin:Q", title="with the latent held", axis=axis, scale=scale)
    line = alt.Chart(pd.DataFrame({"without": [0.0, 1.0], "with_pin": [0.0, 1.0]}))
    points = alt.Chart(table).mark_point(filled=True, opacity=0.75, size=60)
    return layered(
        line.mark_line(color=CONTROL, strokeDash=[4, 4]).encode(x=x, y=y),
        points.encode(
            x=x,
            y=y,
            color=alt.Color("origin:N", title="concept", scale=_ORIGIN),
            tooltip=["name", "latent", "pinned", "free", "n", alt.Tooltip("p_value", format=".1e")],
        ),
    ).properties(
        title="What the model writes while a latent is held at its largest activation",
        description=_describe_pinning(table),
        height=320,
        width=320,
    )


def predictability(units: pd.DataFrame) -> alt.LayerChart:
    """How well each unit is predicted from the last three tokens: the share of units up to each.

    `units` is consistency/units.parquet with the column `who`: latents, neurons, controls.
    """
    return _cumulative(
        units,
        "predictability",
        axis="rank correlation of activation and guess",
        title="How well the last three tokens predict what a unit does",
        marks={},
    )


def logit_tests(units: pd.DataFrame) -> alt.LayerChart:
    """How well what follows a unit tells its top logit tokens: the share of units up to each."""
    return _cumulative(
        units,
        "logit_accuracy",
        axis="share of tokens put on the right side",
        title="How well the tokens that follow a unit tell which logits it raises",
        marks={"chance": 0.5} | PUBLISHED_ACCURACY,
    )


def intervals(shares: pd.DataFrame) -> alt.Chart:
    """Of random latents, the mean share of each interval in tokens, activation and effect."""
    names = {"count": "active tokens", "mass": "activation", "effect": "effect on the prediction"}
    rows = [
        (names[what], interval + 1, float(numbers(found, what).mean()))
        for interval, found in groups(some(shares, "latent").sort_values("interval"), "interval")
        for what in names
    ]
    long = pd.DataFrame(rows, columns=["what", "interval", "share"])
    colours = alt.Scale(domain=list(names.values()), range=[CONTROL, LATENT, FEATURE])
    upper = {
        what: float(numbers(found.loc[found["interval"] > 5], "share").sum())
        for what, found in groups(long, "what")
    }
    found = ", ".join(f"{fmt(share, '%')} of {what}" for what, share in upper.items())
    return (
        alt.Chart(long)
        .mark_line(point={"opacity": 1})
        .encode(
            x=alt.X("interval:O", title="interval of the activation, strongest last", axis=_FLAT),
            y=alt.Y("share:Q", title="mean share over latents", axis=alt.Axis(format="%")),
            color=alt.Color("what:N", title="share of", scale=colours, legend=LINE_LEGEND),
            strokeDash=dashed("what", list(names.values()), title="share of"),
            tooltip=["what", "interval", alt.Tooltip("share", format=".1%")],
        )
        .properties(
            title="Weak and strong activations: how many, and what they do",
            description=f"Of {fmt(len(set(shares['latent'])))} latents, above half of the largest "
            f"activation: {found}.",
            height=260,
        )
    )


def _cumulative(
    units: pd.DataFrame, column: str, *, axis: str, title: str, marks: dict[str, float]
) -> alt.LayerChart:
    scored = units.dropna(subset=[column])
    ranks = scored.groupby("who")[column].rank(method="max", pct=True)
    table = pd.DataFrame({"who": scored["who"], "score": scored[column], "share": ranks})
    x = alt.X("score:Q", title=axis, scale=alt.Scale(zero=False))
    lines = alt.Chart(table.sort_values(["who", "score"])).mark_line(interpolate="step-after")
    layers = [
        lines.encode(
            x=x,
            y=alt.Y("share:Q", title="share of units up to here", axis=alt.Axis(format="%")),
            color=alt.Color("who:N", title=None, scale=_WHO, legend=LINE_LEGEND),
            strokeDash=dashed("who", WHO),
        )
    ]
    if marks:
        at = pd.DataFrame({"score": list(marks.values()), "text": list(marks)})
        lines_at = alt.Chart(at).encode(x=x)
        layers.append(lines_at.mark_rule(color=PUBLISHED, strokeDash=[4, 4]))
        layers.append(
            lines_at.mark_text(color=PUBLISHED, align="left", angle=270, dy=-6).encode(
                y=alt.value(250), text="text"
            )
        )
    medians = ", ".join(
        f"{who} {fmt(float(np.median(numbers(found, 'score'))))}"
        for who, found in groups(table, "who")
    )
    return layered(*layers).properties(
        title=title, description=f"Medians: {medians or 'no unit was scored'}.", height=260
    )


def _passed(concepts: pd.DataFrame) -> pd.DataFrame:
    table = concepts.assign(
        all=concepts["passed"] == len(TESTS) - 1,
        origin=np.where(concepts["planted"] != "", *ORIGINS),
    )
    rows = []
    pairs = [
        (row, origin, found)
        for row, of_row in groups(table, "row")
        for origin, found in groups(of_row, "origin")
    ]
    for row, origin, found in pairs:
        for test, name in TESTS.items():
            n, passed = len(found), int(numbers(found, test).sum())
            who = (words(str(row)), origin, f"{words(str(row))}, {origin}")
            rows.append((*who, name, passed, n, passed / n, *wilson(passed, n)))
    names = ["row", "origin", "who", "test", "passed", "of", "share", "low", "high"]
    return pd.DataFrame(rows, columns=names)


def _describe_passed(table: pd.DataFrame) -> str:
    parts = []
    for who, found in groups(table, "who"):
        each = zip(found["test"], found["passed"], found["of"], strict=True)
        parts.append(f"{who}: {', '.join(f'{test} {of(part, n)}' for test, part, n in each)}")
    return f"Concepts passed: {'; '.join(parts)}."


def _describe_specificity(named: pd.DataFrame) -> str:
    parts = []
    for kind, found in groups(named, "planted"):
        ends = found.sort_values("tenth")["precision"]
        parts.append(f"{kind} {fmt(float(ends.iloc[0]), '%')} to {fmt(float(ends.iloc[-1]), '%')}")
    return f"Precision of the weakest and of the strongest tenth: {', '.join(parts) or 'none'}."


def _describe_correlations(table: pd.DataFrame) -> str:
    above = int((numbers(table, "correlation") > numbers(table, "neuron_correlation")).sum())
    return (
        f"For {of(above, len(table))} concepts the best latent correlates better than the best "
        f"neuron; median correlations {fmt(float(np.median(numbers(table, 'correlation'))))} and "
        f"{fmt(float(np.median(numbers(table, 'neuron_correlation'))))}."
    )


def _describe_ablation(table: pd.DataFrame) -> str:
    parts = [
        f"{kind} {fmt(float(found['effect'].iloc[0]))} to {fmt(float(found['effect'].iloc[-1]))}"
        for kind, found in groups(table.sort_values(["planted", "group"]), "planted")
    ]
    return f"Change in nats, weakest to strongest tenth: {', '.join(parts) or 'none'}."


def _describe_pinning(table: pd.DataFrame) -> str:
    more = int((numbers(table, "pinned") > numbers(table, "free")).sum())
    parts = [
        f"{kind} {of(int(numbers(found, 'pinned').sum()), int(numbers(found, 'n').sum()))} against "
        f"{fmt(int(numbers(found, 'free').sum()))}"
        for kind, found in groups(table.loc[table["planted"] != ""], "planted")
    ]
    return (
        f"Holding the latent gives more continuations in the concept for "
        f"{of(more, len(table))} concepts; {', '.join(parts) or 'no planted context'}."
    )
