"""Figures of feature splitting across widths, and of latents as the states of automata."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    HALO,
    LATENT,
    NEURON,
    THEORY,
    choice,
    groups,
    layered,
    numbers,
)
from superposition.features.membership import PLANTED
from superposition.values import fmt

_CHOSEN = "datum.context == chosen_context"
_PLANTED = alt.Scale(domain=list(PLANTED), range=[FEATURE, LATENT, NEURON])


def counts(contexts: pd.DataFrame) -> alt.LayerChart:
    """How many latents belong to each planted context, by width; circles are seeds."""
    planted = contexts.loc[contexts["context"].isin(PLANTED)]
    table = planted.assign(width=[str(width) for width in planted["d_sae"]])
    colour = alt.Color("context:N", title=None, scale=_PLANTED)
    title = "latents with a precision above one half"
    y = alt.Y("n_latents:Q", title=title)
    base = alt.Chart(table)
    width = _by_width(table)
    return layered(
        base.mark_line(strokeWidth=2).encode(
            x=width, y=alt.Y("mean(n_latents):Q", title=title), color=colour
        ),
        base.mark_point(size=50).encode(
            x=width, y=y, color=colour, tooltip=["context:N", "d_sae:O", "seed:O", "n_latents:Q"]
        ),
    ).properties(
        height=280,
        title="How many latents a context gets as the dictionary grows",
        description=f"Lines over widths. {_describe_counts(table)}.",
    )


def lineage(nodes: pd.DataFrame, links: pd.DataFrame) -> alt.LayerChart:
    """Latents of one context at every width, joined to similar ones at the next; hover for each."""
    named = nodes.assign(number=nodes["latent"], width=[f"{w:,}" for w in nodes["d_sae"]])
    scale = alt.Scale(domain=[-0.3, max(_largest(nodes, "x"), 1) + 0.3], nice=False)
    bare = alt.Axis(labels=False, ticks=False, grid=False)
    x = alt.X("x:Q", title="narrower to wider dictionaries", axis=bare, scale=scale)
    vertical = alt.Scale(domain=[0, 1], nice=False)
    y = alt.Y("y:Q", title=None, axis=None, scale=vertical)
    heads = named.drop_duplicates(["context", "width"]).assign(y=1.0)
    shown = ["context:N", "width:N", "latent:N", alt.Tooltip("shown:N", title="top token")]
    shown += [alt.Tooltip("precision:Q", format=".2f"), alt.Tooltip("density:Q", format=".2~g")]
    lines = alt.Chart(links).transform_filter(_CHOSEN).mark_rule(color=CONTROL)
    dots = alt.Chart(named).transform_filter(_CHOSEN)
    return (
        layered(
            lines.encode(
                x=x,
                y=y,
                x2="x2:Q",
                y2="y2:Q",
                strokeWidth=alt.StrokeWidth(
                    "similarity:Q",
                    title="similarity",
                    scale=alt.Scale(domain=[0.4, 1], range=[0.6, 4]),
                    legend=alt.Legend(offset=30),  # above the widths
                ),
                tooltip=[alt.Tooltip("similarity:Q", format=".2f")],
            ),
            dots.mark_point(color=LATENT, filled=True, opacity=1, size=110).encode(
                x=x, y=y, tooltip=shown
            ),
            *(
                dots.mark_text(dx=10, align="left", **below).encode(x=x, y=y, text="shown:N")
                for below in (HALO, {})
            ),
            alt.Chart(heads)
            .transform_filter(_CHOSEN)
            .mark_text(dy=-10, fontWeight="bold")
            .encode(x=x, y=y, text="width:N"),
        )
        .add_params(_menu(nodes))
        .properties(
            height=420,
            title="Which latents of wider dictionaries descend from which of narrower ones",
            description=f"A layered graph of {fmt(len(nodes))} latents of "
            f"{fmt(len(set(nodes['context'])))} contexts with {fmt(len(links))} edges; "
            "a menu chooses the context.",
        )
    )


def clusters(found: pd.DataFrame) -> alt.LayerChart:
    """Mean cosine of a context's decoder rows with each other against that with others."""
    table = found.assign(clear=np.where(found["p_value"] < 0.05, "p < 0.05", "not clear"))
    x = alt.X("across:Q", title="mean cosine with latents of other contexts")
    y = alt.Y("within:Q", title="mean cosine with each other")
    across = numbers(found, "across")
    ends = [float(across.min()), float(across.max())] if len(across) else [0.0, 1.0]
    line = pd.DataFrame({"across": ends, "within": ends})
    scale = alt.Scale(domain=["p < 0.05", "not clear"], range=[LATENT, CONTROL])
    closer = int(np.count_nonzero(numbers(found, "within") > numbers(found, "across")))
    shown = [
        "context:N",
        "n_latents:Q",
        *(alt.Tooltip(f"{n}:Q", format=".3f") for n in ("within", "across")),
    ]
    return layered(
        alt.Chart(line).mark_line(color=THEORY, strokeDash=[5, 4]).encode(x=x, y=y),
        alt.Chart(table)
        .mark_point(filled=True, opacity=0.8, size=60)
        .encode(
            x=x,
            y=y,
            color=alt.Color("clear:N", title="permutation test", scale=scale),
            tooltip=[*shown, alt.Tooltip("p_value:Q", title="p", format=".2~g")],
        ),
    ).properties(
        height=300,
        title="Do latents of one context point in similar directions? Above the line they do",
        description=f"Scatter plot of {fmt(len(found))} contexts, {fmt(closer)} of them above the "
        "diagonal.",
    )


def widths(found: pd.DataFrame) -> alt.HConcatChart:
    """Single-token latents, and latents of the commonest word, by width; circles are seeds."""
    table = found.assign(width=[str(width) for width in found["d_sae"]])
    panels = [_panel(rows, str(measure)) for measure, rows in groups(table, "measure")]
    together = alt.hconcat(*panels)
    assert isinstance(together, alt.HConcatChart)
    return together.properties(
        title="Single tokens and the commonest word, as the dictionary grows",
        description="; ".join(
            f"{measure}: {_describe_means(rows)}" for measure, rows in groups(table, "measure")
        )
        + ".",
    )


def digits(latents: pd.DataFrame) -> alt.LayerChart:
    """How much more a latent raises digits than other tokens, by its own share of digits."""
    coded = latents.loc[latents["context"].isin(PLANTED[:2])]
    table = coded.assign(gap=coded["digit_effect"] - coded["other_effect"])
    columns = ["d_sae", "seed", "latent", "context", "digit_share", "gap"]
    rule = alt.Chart(pd.DataFrame({"gap": [0.0]})).mark_rule(color=THEORY, strokeDash=[5, 4])
    y = alt.Y("gap:Q", title="digits over other tokens (standard deviations)")
    return layered(
        rule.encode(y=y),
        alt.Chart(table.loc[:, columns].round(4))
        .mark_point(filled=True, opacity=0.7, size=50)
        .encode(
            x=alt.X(
                "digit_share:Q",
                title="share of its activation on digits",
                axis=alt.Axis(format="%"),
            ),
            y=y,
            color=alt.Color("context:N", title=None, scale=_PLANTED),
            tooltip=[
                "d_sae:O",
                "seed:O",
                "latent:N",
                "context:N",
                alt.Tooltip("gap:Q", format=".2f"),
            ],
        ),
    ).properties(
        height=280,
        title="Do latents of digits predict digits, where digits can follow digits?",
        description=f"Scatter plot of {fmt(len(table))} latents of base64 and hexadecimal, of all "
        "widths and seeds.",
    )


def automaton(nodes: pd.DataFrame, links: pd.DataFrame) -> alt.LayerChart:
    """Latents as states on a circle with their strongest transitions; a menu for the context."""
    scale = alt.Scale(domain=[-1.25, 1.25], nice=False)
    x, y = (
        alt.X("x:Q", title=None, axis=None, scale=scale),
        alt.Y("y:Q", title=None, axis=None, scale=scale),
    )
    weight = alt.Scale(domain=[0, 1], range=[0.3, 5])
    turn = alt.Scale(domain=[0, 360], range=[0, 360])
    arrows = alt.Chart(links).transform_filter(_CHOSEN)
    dots = alt.Chart(nodes).transform_filter(_CHOSEN)
    drawn = ["source:N", "target:N", alt.Tooltip("weight:Q", format=".0%")]
    return (
        layered(
            arrows.mark_rule(color=CONTROL).encode(
                x=x,
                y=y,
                x2="x2:Q",
                y2="y2:Q",
                strokeWidth=alt.StrokeWidth("weight:Q", scale=weight, legend=None),
                tooltip=drawn,
            ),
            arrows.mark_point(shape="triangle", filled=True, color=CONTROL, size=60).encode(
                x=alt.X("tip_x:Q", title=None, axis=None, scale=scale),
                y=alt.Y("tip_y:Q", title=None, axis=None, scale=scale),
                angle=alt.Angle("angle:Q", scale=turn, legend=None),
                tooltip=drawn,
            ),
            dots.mark_point(color=LATENT, filled=True, opacity=1).encode(
                x=x,
                y=y,
                size=alt.Size(
                    "self_weight:Q",
                    title="transition to itself",
                    scale=alt.Scale(domain=[0, 1], range=[60, 900]),
                ),
                tooltip=[
                    "latent:N",
                    alt.Tooltip("of:N", title="context"),
                    alt.Tooltip("self_weight:Q", title="to itself", format=".0%"),
                ],
            ),
            dots.mark_text(fontSize=11).encode(
                x=alt.X("label_x:Q", title=None, axis=None, scale=scale),
                y=alt.Y("label_y:Q", title=None, axis=None, scale=scale),
                text="latent:N",
            ),
        )
        .add_params(_menu(nodes))
        .properties(
            width=430,
            height=430,
            title="Which latents are active after which, on tokens that the first predicted",
            description=f"Graphs of {fmt(len(nodes))} states and {fmt(len(links))} transitions of "
            f"{fmt(len(set(nodes['context'])))} planted contexts; a menu chooses the context.",
        )
    )


def loops(shares: pd.DataFrame) -> alt.FacetChart:
    """Share of released tokens on which a latent is active, after pinning and without."""
    beside = alt.Header(labelAngle=0, labelAlign="left")
    arms = alt.Scale(domain=["pinned", "free"], range=[LATENT, CONTROL])
    base = alt.Chart()
    y = alt.Y("arm:N", title=None, sort=["pinned", "free"])
    colour = alt.Color("arm:N", title=None, scale=arms)
    title = "share of released tokens on which the latent is active"
    layers = layered(
        base.mark_point(opacity=0.5, size=40).encode(
            x=alt.X("share:Q", title=title, axis=alt.Axis(format="%")),
            y=y,
            color=colour,
            tooltip=["context:N", "arm:N", "prompt:N", alt.Tooltip("share:Q", format=".0%")],
        ),
        base.mark_tick(thickness=4, size=26).encode(
            x=alt.X("mean(share):Q", title=title), y=y, color=colour
        ),
        data=shares,
    ).properties(width=430, height=70)
    means = "; ".join(
        f"{context}, {arm} {fmt(float(numbers(rows, 'share').mean()), '%')}"
        for context, inside in groups(shares, "context")
        for arm, rows in groups(inside, "arm")
    )
    return layers.facet(row=alt.Row("context:N", title=None, header=beside)).properties(
        title="A latent that was pinned and let go: does it stay active?",
        description=f"Dots are prompts, thick ticks their means: {means or 'no samples'}.",
    )


def _menu(nodes: pd.DataFrame) -> alt.Parameter:
    """The menu of contexts; of one that has nothing to show where there is none."""
    offered = nodes if len(nodes) else pd.DataFrame({"context": ["none"]})
    return choice(offered, "context", "Context")


def _panel(rows: pd.DataFrame, measure: str) -> alt.LayerChart:
    base, width = alt.Chart(rows), _by_width(rows)
    y = alt.Y("value:Q", title=measure)
    shown = ["d_sae:O", "seed:O", alt.Tooltip("value:Q", format=".3~g")]
    return layered(
        base.mark_line(color=LATENT).encode(x=width, y=alt.Y("mean(value):Q", title=measure)),
        base.mark_point(color=LATENT, size=50).encode(x=width, y=y, tooltip=shown),
    ).properties(width=280, height=240)


def _by_width(table: pd.DataFrame) -> alt.X:
    """Widths in order, as names."""
    order = [str(width) for width in sorted(set(table["d_sae"]))]
    upright = alt.Axis(labelAngle=0)
    return alt.X("width:O", title="latents in the dictionary", axis=upright, sort=order)


def _describe_counts(table: pd.DataFrame) -> str:
    found = (
        f"{context}: {_means(rows, 'n_latents')}" for context, rows in groups(table, "context")
    )
    return "; ".join(found) or "No planted context"


def _describe_means(rows: pd.DataFrame) -> str:
    return ", ".join(
        f"{fmt(int(width))} {_means(each, 'value')}" for width, each in groups(rows, "d_sae")
    )


def _means(rows: pd.DataFrame, name: str) -> str:
    """The mean of a column at each width."""
    return ", ".join(fmt(float(numbers(each, name).mean())) for _, each in groups(rows, "d_sae"))


def _largest(table: pd.DataFrame, name: str) -> float:
    return float(numbers(table, name).max()) if len(table) else 0.0
