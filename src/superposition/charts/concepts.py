"""Figures of units and concepts: what latents, neurons and controls can tell."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    LATENT,
    NEURON,
    THEORY,
    choice,
    dashed,
    groups,
    layered,
    numbers,
    some,
)
from superposition.values import fmt

COLOURS = {
    "latents (BatchTopK)": LATENT,
    "latents (October 2023)": LATENT,
    "latents, second model": LATENT,
    "neurons": NEURON,
    "linear probe": THEORY,
}
"""Colours by meaning; everything else is a control."""
LEVELS = {0.3: "0.3", 0.5: "0.5", 0.7: "0.7"}
WHAT = {
    ("units", "any"): "units explained by any concept",
    ("units", "context"): "units explained by a context concept",
    ("units", "token"): "units explained by a token concept",
    ("concepts", "context"): "context concepts covered",
    ("concepts", "token"): "token concepts covered",
    ("concepts, equal units", "context"): "context concepts covered by 512 units",
    ("concepts, equal units", "token"): "token concepts covered by 512 units",
}
"""Titles of panels, by what is counted and which concepts count."""
MAIN_LEVEL = 0.5

_SYMBOLS = alt.Legend()
_LINES = alt.Legend(symbolType="stroke", symbolSize=700, columns=1)
"""Below one another: side by side, five names are too wide for a page, and three for a phone."""


def explained(shares: pd.DataFrame) -> alt.FacetChart:
    """Shares of units explained at three levels, by dictionary, with 95% intervals."""
    panels = [("units", "any"), ("units", "context")]
    return _shares(
        shares,
        panels,
        title="How many units can tell a concept, by how well they must",
        columns=2,
    )


def shuffled(shares: pd.DataFrame) -> alt.FacetChart:
    """The same shares with and without a trained transformer: context and token concepts apart."""
    panels = [(of, among) for of in ("units", "concepts") for among in ("context", "token")]
    return _shares(
        shares,
        panels,
        title="What a transformer with shuffled weights has, too, and what it has not",
        columns=2,
    )


def distribution(reached: pd.DataFrame) -> alt.Chart:
    """Share of units that reach each score with their best concept, by dictionary."""
    order = list(dict.fromkeys(reached["dictionary"]))
    lines = (
        alt.Chart(reached)
        .mark_line()
        .encode(
            x=alt.X("mcc:Q", title="Matthews correlation with the best concept"),
            y=alt.Y("share:Q", title="share of units at least as good", axis=alt.Axis(format="%")),
            color=_colour(order, legend=_LINES),
            strokeDash=dashed("dictionary", order, legend=_LINES),
            tooltip=["dictionary", _score("mcc"), alt.Tooltip("share", format=".1%")],
        )
    )
    at = reached.loc[np.isclose(numbers(reached, "mcc"), MAIN_LEVEL)]
    found = ", ".join(
        f"{name} {fmt(float(share), '%')}"
        for name, share in zip(at["dictionary"], at["share"], strict=True)
    )
    return lines.properties(
        title="How well units tell the concept that they tell best",
        description=f"Share of units whose Matthews correlation is at least {MAIN_LEVEL}: {found}.",
        height=300,
    )


def coverage(long: pd.DataFrame) -> alt.LayerChart:
    """The best unit of each dictionary for each concept of a group; the menu chooses the group."""
    group = choice(long, "group", "group of concepts")
    order = list(dict.fromkeys(long["who"]))
    base = alt.Chart().transform_filter(f"datum.group == {group.name}")
    x = alt.X("mcc:Q", title="Matthews correlation of the best unit", scale=alt.Scale(domainMax=1))
    y = alt.Y("name:N", title=None, sort=None, axis=alt.Axis(labelLimit=220))
    points = base.mark_point(filled=True, opacity=1, size=70).encode(
        x=x,
        y=y,
        color=_colour(order, name="who"),
        shape=alt.Shape("who:N", title=None, scale=alt.Scale(domain=order)),
        tooltip=["name", "rule", "kind", "who", _score("mcc"), _rate()],
    )
    span = base.mark_rule(color=CONTROL, opacity=0.5).encode(
        x=alt.X("min(mcc):Q", title="Matthews correlation of the best unit"),
        x2="max(mcc):Q",
        y=y,
    )
    found = [
        f"{name} {fmt(float((numbers(mine, 'mcc') >= MAIN_LEVEL).mean()), '%')}"
        for name, mine in groups(long, "who")
    ]
    return (
        layered(span, points, data=long)
        .add_params(group)
        .properties(
            title="Which concepts are told by some unit, and how well",
            description=f"One line a concept, of {fmt(len(set(long['concept'])))} in "
            f"{fmt(len(set(long['group'])))} groups. Share with a Matthews correlation of at least "
            f"{MAIN_LEVEL}: {', '.join(found)}.",
            height=alt.Step(18),
        )
    )


def f1_bound(best: pd.DataFrame) -> alt.FacetChart:
    """The best F1 of single units against what a unit that is always on would have."""
    rates = numbers(some(best, "unit that tells a concept"), "base_rate")
    grid = np.geomspace(max(rates.min(), 1e-4), 1, 60)
    names = list(dict.fromkeys(best["dictionary"]))
    bound = pd.DataFrame({"base_rate": grid, "f1": 2 * grid / (1 + grid), "kind": "always on"})
    lines = pd.concat([bound.assign(dictionary=name) for name in names], ignore_index=True)
    data = pd.concat([best.assign(kind="unit"), lines], ignore_index=True)
    x = alt.X(
        "base_rate:Q",
        title="base rate of its concept (log scale)",
        scale=alt.Scale(type="log"),
        axis=alt.Axis(format="~g"),
    )
    y = alt.Y("f1:Q", title="best F1")
    base = alt.Chart()
    points = base.transform_filter("datum.kind == 'unit'").mark_point(size=22, opacity=0.55)
    line = base.transform_filter("datum.kind == 'always on'").mark_line(color=THEORY)
    layers = layered(
        points.encode(
            x=x,
            y=y,
            color=_colour(names, legend=None),
            tooltip=["unit", "name", _score("f1"), _score("mcc"), _rate()],
        ),
        line.encode(x=x, y=y),
        data=data,
    ).properties(width=290, height=230)
    parts = [
        f"{name}: {fmt(float((numbers(mine, 'f1') >= 0.3).mean()), '%')} with an F1 of 0.3 or "
        f"more, {fmt(float((numbers(mine, 'mcc') >= 0.3).mean()), '%')} with such a correlation"
        for name, mine in groups(best, "dictionary")
    ]
    return layers.facet(alt.Facet("dictionary:N", title=None, sort=names), columns=2).properties(
        title="An F1 that needs no knowledge: units along the line could as well be always on",
        description=f"Units with the concept that suits them best by F1. {'; '.join(parts)}.",
    )


def deciles(precision: pd.DataFrame) -> alt.FacetChart:
    """How specific each concept's best unit is, from its weakest to its strongest activations."""
    names = list(dict.fromkeys(precision["dictionary"]))
    x = alt.X("decile:O", title="decile of activation (10: strongest)", axis=alt.Axis(labelAngle=0))
    y = alt.Y("precision:Q", title="share of tokens with the concept", axis=alt.Axis(format="%"))
    mean_y = alt.Y("mean(precision):Q", title="share of tokens with the concept")
    base = alt.Chart()
    each = base.mark_line(opacity=0.15, strokeWidth=1).encode(
        x=x,
        y=y,
        detail="name:N",
        color=_colour(names, legend=None),
        tooltip=["name", "decile", alt.Tooltip("precision", format=".1%"), "n_active"],
    )
    mean = base.mark_line(point=True, strokeWidth=3, color=THEORY).encode(x=x, y=mean_y)
    layers = layered(each, mean, data=precision).properties(width=290, height=230)
    parts = []
    for name, mine in groups(precision, "dictionary"):
        means = [numbers(part, "precision").mean() for _, part in groups(mine, "decile")]
        parts.append(f"{name}: {fmt(float(means[0]), '%')} to {fmt(float(means[-1]), '%')}")
    return layers.facet(alt.Facet("dictionary:N", title=None, sort=names), columns=2).properties(
        title="How specific units are, from their weakest to their strongest activations",
        description="One thin line for each context concept, the thick one their mean. Mean "
        f"precision from the weakest to the strongest decile: {'; '.join(parts)}.",
    )


def ceiling(points: pd.DataFrame) -> alt.LayerChart:
    """The best latent of each concept against a linear probe fitted to it; hover for the name."""
    diagonal = pd.DataFrame({"probe": [0.0, 1.0], "latent": [0.0, 1.0]})
    x = alt.X("probe:Q", title="Matthews correlation of the linear probe")
    y = alt.Y("latent:Q", title="Matthews correlation of the best latent")
    kinds = alt.Shape("kind:N", title="concept", scale=alt.Scale(domain=["context", "token"]))
    dots = (
        alt.Chart(points)
        .mark_point(color=LATENT, filled=True, opacity=0.8, size=60)
        .encode(
            x=x,
            y=y,
            shape=kinds,
            tooltip=["name", "group", "kind", _score("probe"), _score("latent"), _rate()],
        )
    )
    line = alt.Chart(diagonal).mark_line(color=THEORY, strokeDash=[4, 4]).encode(x=x, y=y)
    probe, latent = numbers(points, "probe"), numbers(points, "latent")
    return layered(line, dots).properties(
        title="What a latent finds without labels, against what could be found with them",
        description=f"{fmt(len(points))} concepts. Median correlation "
        f"{fmt(float(np.median(probe)))} of the probe and {fmt(float(np.median(latent)))} of the "
        "best latent. On the dashed line both are equal.",
        height=380,
    )


def _shares(
    shares: pd.DataFrame, panels: list[tuple[str, str]], *, title: str, columns: int
) -> alt.FacetChart:
    """Points with intervals, a line a dictionary, a panel for each of `panels`."""
    keys = list(zip(shares["of"], shares["among"], strict=True))
    shown = shares.assign(
        what=[WHAT.get(key, "") for key in keys],
        at=[LEVELS.get(float(level), str(level)) for level in shares["level"]],
    )
    shown = shown.loc[[key in panels for key in keys]]
    order = list(dict.fromkeys(shown["dictionary"]))
    y = alt.Y("dictionary:N", title=None, sort=order, axis=alt.Axis(labelLimit=180))
    offset = alt.YOffset("at:N")
    axis = alt.Axis(format="%", tickCount=5)
    base = alt.Chart()
    x = alt.X("share:Q", title="share", axis=axis)
    span = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title="share", axis=axis),
        x2="high:Q",
        y=y,
        yOffset=offset,
        color=_colour(order, legend=None),
    )
    dots = base.mark_point(filled=True, opacity=1, size=60).encode(
        x=x,
        y=y,
        yOffset=offset,
        color=_colour(order, legend=None),
        shape=alt.Shape("at:N", title="correlation at least"),
        tooltip=["dictionary", "what", "at", _percent("share"), _percent("low"), _percent("high")],
    )
    layers = layered(span, dots, data=shown).properties(width=250, height=alt.Step(14))
    titles = [WHAT[panel] for panel in panels]
    return layers.facet(alt.Facet("what:N", title=None, sort=titles), columns=columns).properties(
        title=title, description=_describe(shown, titles)
    )


def _describe(shown: pd.DataFrame, titles: list[str]) -> str:
    main = shown.loc[np.isclose(numbers(shown, "level"), MAIN_LEVEL)]
    parts = []
    for title in titles:
        mine = main.loc[main["what"] == title]
        found = zip(mine["dictionary"], mine["share"], strict=True)
        parts.append(
            f"{title}: " + ", ".join(f"{name} {fmt(float(share), '%')}" for name, share in found)
        )
    return f"With a Matthews correlation of at least {MAIN_LEVEL}, {'; '.join(parts)}."


def _colour(
    names: list[str], *, name: str = "dictionary", legend: alt.Legend | None = _SYMBOLS
) -> alt.Color:
    scale = alt.Scale(domain=names, range=[COLOURS.get(each, CONTROL) for each in names])
    return alt.Color(f"{name}:N", title=None, scale=scale, legend=legend)


def _score(name: str) -> alt.Tooltip:
    return alt.Tooltip(name, format=".3f")


def _percent(name: str) -> alt.Tooltip:
    return alt.Tooltip(name, format=".1%")


def _rate() -> alt.Tooltip:
    return alt.Tooltip("base_rate", title="base rate", format=".2~g")
