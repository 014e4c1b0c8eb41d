"""Figures of universality: how alike the units of two dictionaries are."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    LATENT,
    NEURON,
    THEORY,
    groups,
    layered,
    numbers,
    words,
)
from superposition.features.membership import PLANTED
from superposition.values import fmt

KINDS = ["latent", "neuron", "latent, tokens shuffled", "neuron, tokens shuffled"]
_COLOURS = alt.Scale(domain=KINDS, range=[LATENT, NEURON, CONTROL, THEORY])
_CORRELATION = alt.Scale(domain=[-0.25, 1])
_DASHES = alt.Scale(domain=KINDS, range=[[1, 0], [1, 0], [6, 3], [2, 2]])


def universality(correlations: pd.DataFrame) -> alt.Chart:
    """How units correlate with their best matches: the share of each kind above a correlation."""
    grid = np.linspace(0, 1, 101)
    curves = [
        pd.DataFrame({"kind": kind, "at": grid, "share": _share_above(rows, grid)})
        for kind, rows in groups(correlations, "kind")
    ]
    medians = {
        kind: fmt(float(np.median(numbers(rows, "correlation"))))
        for kind, rows in groups(correlations, "kind")
    }
    return (
        alt.Chart(pd.concat(curves, ignore_index=True))
        .mark_line()
        .encode(
            x=alt.X("at:Q", title="correlation of activations with the match"),
            y=alt.Y(
                "share:Q", title="share of units with at least that", axis=alt.Axis(format="%")
            ),
            color=alt.Color("kind:N", title=None, scale=_COLOURS),
            strokeDash=alt.StrokeDash("kind:N", title=None, scale=_DASHES),
            tooltip=[
                "kind:N",
                alt.Tooltip("at:Q", title="correlation", format=".2f"),
                _percent("share"),
            ],
        )
        .properties(
            height=300,
            title="How well units of one transformer are matched by those of another",
            description="Curves that fall from one to zero. Medians: "
            f"{'; '.join(f'{kind} {median}' for kind, median in medians.items())}.",
        )
    )


def pairs(quartiles: pd.DataFrame) -> alt.LayerChart:
    """Median correlation and quartiles for each pair of dictionaries, beside shuffled tokens."""
    table = quartiles.assign(row=[words(row) for row in quartiles["row"]])
    base = alt.Chart(table)
    y = alt.Y("row:N", title=None, sort=None)
    offset = alt.YOffset("kind:N", sort=KINDS)
    colour = alt.Color("kind:N", title=None, scale=_COLOURS)
    x = alt.X("median:Q", title="correlation with the match: median and quartiles")
    shown = ["row:N", "kind:N", "n:Q", *(_two(name) for name in ("low", "median", "high"))]
    found = "; ".join(
        f"{each['row']}, {each['kind']}: {fmt(each['median'])}" for each in table.to_dict("records")
    )
    return layered(
        base.mark_rule(strokeWidth=2).encode(
            x=alt.X("low:Q", title="correlation with the match: median and quartiles"),
            x2="high:Q",
            y=y,
            yOffset=offset,
            color=colour,
        ),
        base.mark_point(filled=True, opacity=1, size=70).encode(
            x=x, y=y, yOffset=offset, color=colour, tooltip=shown
        ),
    ).properties(
        height=alt.Step(14),
        title="What matches: another transformer, another start, another recipe, shuffled weights",
        description=f"Dots with bars from the lower to the upper quartile. Medians: {found}.",
    )


def logits(units: pd.DataFrame) -> alt.HConcatChart:
    """Agreement in logit weights, and in attributions, against agreement in activations."""
    panels = {
        "logit_correlation": "correlation of logit weights",
        "attribution_correlation": "correlation of attributions",
    }
    chosen = ["unit", "match", "shown", "density", "correlation", *panels]
    table = units.loc[:, chosen].round(4)
    drawn = [_scatter(table, column, title) for column, title in panels.items()]
    medians = ", ".join(
        f"{title} {fmt(float(np.median(numbers(table, column))))}"
        for column, title in {"correlation": "correlation of activations", **panels}.items()
    )
    together = alt.hconcat(*drawn)
    assert isinstance(together, alt.HConcatChart)
    return together.properties(
        title="Do latents that are active together say the same about the next token?",
        description=f"Two scatter plots of {fmt(len(table))} latents. Medians: {medians}.",
    )


def contexts(found: pd.DataFrame) -> alt.LayerChart:
    """For every context, how well its best latent detects it, and how well that latent's match."""
    table = found.assign(
        kind=np.where(found["context"].isin(PLANTED), "planted", "of the text"),
    )
    scale = alt.Scale(domain=["planted", "of the text"], range=[FEATURE, LATENT])
    x = alt.X("f1:Q", title="F1 of the best latent as a detector of the context")
    y = alt.Y("match_f1:Q", title="F1 of its match in the other transformer")
    line = alt.Chart(pd.DataFrame({"f1": [0.0, 1.0], "match_f1": [0.0, 1.0]}))
    shown = ["context:N", "latent:N", "match:N", *(_two(name) for name in ("f1", "match_f1"))]
    shown += [_two("correlation"), _two("logit_correlation")]
    planted = "; ".join(
        f"{row.context} {fmt(row.f1)} and {fmt(row.match_f1)}"
        for row in table.loc[table["kind"] == "planted"].itertuples()
    )
    return layered(
        line.mark_line(color=THEORY, strokeDash=[5, 4]).encode(x=x, y=y),
        alt.Chart(table)
        .mark_point(filled=True, opacity=0.75, size=60)
        .encode(
            x=x,
            y=y,
            color=alt.Color("kind:N", title="context", scale=scale),
            tooltip=shown,
        ),
    ).properties(
        height=320,
        title="Does the match of a context's best latent detect the same context?",
        description=f"Scatter plot of {fmt(len(table))} contexts about a diagonal; F1 of latent "
        f"and match: {planted or 'no planted context'}.",
    )


def neighbours(pairs: pd.DataFrame) -> alt.LayerChart:
    """Cosine of encoder vectors against cosine of decoder rows, for pairs of close latents."""
    x = alt.X("decoder_cosine:Q", title="cosine of decoder rows", scale=alt.Scale(domain=[0.5, 1]))
    y = alt.Y("encoder_cosine:Q", title="cosine of encoder vectors")
    line = pd.DataFrame({"decoder_cosine": [0.5, 1.0], "encoder_cosine": [0.5, 1.0]})
    apart = int(
        np.count_nonzero(numbers(pairs, "encoder_cosine") < numbers(pairs, "decoder_cosine"))
    )
    return layered(
        alt.Chart(line).mark_line(color=THEORY, strokeDash=[5, 4]).encode(x=x, y=y),
        alt.Chart(pairs.round(4))
        .mark_point(color=LATENT, filled=True, opacity=0.35, size=25)
        .encode(
            x=x,
            y=y,
            tooltip=["latent:N", "other:N", _two("decoder_cosine"), _two("encoder_cosine")],
        ),
    ).properties(
        height=300,
        title="Where decoder rows are close, how close are the encoder vectors?",
        description=f"Scatter plot of {fmt(len(pairs))} pairs of latents; {fmt(apart)} lie below "
        "the diagonal, with encoder vectors further apart than decoder rows.",
    )


def _scatter(table: pd.DataFrame, column: str, title: str) -> alt.Chart:
    shown = ["unit:N", "match:N", alt.Tooltip("shown:N", title="top token"), _two("correlation")]
    return (
        alt.Chart(table)
        .mark_point(color=LATENT, filled=True, opacity=0.3, size=18)
        .encode(
            x=alt.X("correlation:Q", title="correlation of activations", scale=_CORRELATION),
            y=alt.Y(f"{column}:Q", title=title, scale=alt.Scale(domain=[-0.5, 1], clamp=True)),
            tooltip=[*shown, _two(column), alt.Tooltip("density:Q", format=".2~g")],
        )
        .properties(width=290, height=280)
    )


def _share_above(rows: pd.DataFrame, grid: np.ndarray) -> np.ndarray:
    values = np.sort(numbers(rows, "correlation"))
    return 1 - np.searchsorted(values, grid, side="left") / max(len(values), 1)


def _two(name: str) -> alt.Tooltip:
    return alt.Tooltip(f"{name}:Q", title=name.replace("_", " "), format=".2f")


def _percent(name: str) -> alt.Tooltip:
    return alt.Tooltip(f"{name}:Q", format=".0%")
