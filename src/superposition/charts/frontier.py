"""Figures of the chapter on architectures: frontiers, widths, densities, dead latents."""

from collections.abc import Iterable
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from superposition import intervals
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
)
from superposition.values import fmt, of

NAMES = {
    "l1": "L1, October 2023",
    "l1-april": "L1, April 2024",
    "gated": "gated",
    "jumprelu": "JumpReLU",
    "topk": "TopK",
    "batch-topk": "BatchTopK",
    "matryoshka": "Matryoshka",
}
"""The rows of the frontier, with the names of their architectures for readers."""
_COLOURS = [CONTROL, THEORY, NEURON, FEATURE, INTENSITY[1], LATENT, PUBLISHED]
_SHAPES = ["circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "stroke"]
_L0 = "active latents per token, L0 (log scale)"
_EDGES = np.arange(-6, 0.01, 0.25)
"""Of the histograms of log10 density."""


def frontier(points: pd.DataFrame) -> alt.LayerChart:
    """Explained variance against active latents, a line for each architecture."""
    means = _means(points, ["explained_variance"])
    return _lines(means, "share of the variance explained").properties(
        title="How faithful each architecture is, and how sparse",
        description=f"{len(set(means['name']))} lines of explained variance over L0. "
        f"{_describe(means)}.",
        height=360,
    )


def recovered(points: pd.DataFrame) -> alt.FacetChart:
    """Loss recovered against active latents, by what it is compared with."""
    means = _means(points, ["loss_recovered_zero", "loss_recovered_mean"])
    words = {"loss_recovered_zero": "against zeros", "loss_recovered_mean": "against the mean"}
    means = means.assign(measure=[words[name] for name in means["measure"]])
    lines = _lines(means, "share of the loss recovered").properties(width=280, height=300)
    shown = means.loc[means["measure"] == "against zeros"]
    return lines.facet(alt.Facet("measure:N", title=None, sort=[*words.values()])).properties(
        title="How much of the loss each architecture recovers",
        description=f"Two panels of loss recovered over L0. Against zeros: {_describe(shown)}.",
    )


def widths(points: pd.DataFrame) -> alt.LayerChart:
    """Loss recovered against active latents, a line for each width of the L1 autoencoder."""
    found = points.loc[points["l0"].notna() & (points["l0"] > 0)]
    found = found.assign(latents=[f"{d:,}" for d in found["d_sae"]])
    order = [f"{d:,}" for d in sorted(set(found["d_sae"]))]
    found = found.assign(coefficient=[f"{level:g}" for level in found["level"]])
    coefficients = [f"{level:g}" for level in sorted(set(found["level"]))]
    base = alt.Chart(found)
    x = alt.X("l0:Q", title=_L0, scale=alt.Scale(type="log", nice=False, padding=12))
    share, scale = alt.Axis(format="%"), alt.Scale(zero=False)
    y = alt.Y("loss_recovered_zero:Q", title="share of the loss recovered", axis=share, scale=scale)
    colour = alt.Color("latents:O", title="latents", sort=order)
    shape = alt.Shape("coefficient:O", title="L1 coefficient", sort=coefficients)
    parts = [
        f"{d:,} latents {fmt(float(numbers(one, 'loss_recovered_zero').max()), '%')}"
        for d, one in groups(found.sort_values("d_sae"), "d_sae")
    ]
    return layered(
        base.mark_line().encode(x=x, y=y, color=colour),
        base.mark_point(filled=True, opacity=1, size=70).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=["latents", "level", *_POINT]
        ),
    ).properties(
        title="What more latents recover at the same L1 coefficient",
        description=f"Lines of loss recovered over L0, a shape for each coefficient. The most "
        f"recovered: {', '.join(parts)}.",
        height=320,
    )


def width_densities(latents: pd.DataFrame) -> alt.Chart:
    """How many latents have which density, a line for each width; means over seeds."""
    parts, words = [], []
    for width, found in groups(_with_keys(latents).sort_values("d_sae"), "d_sae"):
        density, n_seeds = numbers(found, "density"), len(set(found["seed"]))
        alive = density > 0
        counts, _ = np.histogram(np.log10(density[alive]), bins=_EDGES)
        bins = {"low": _EDGES[:-1], "high": _EDGES[1:], "count": counts / n_seeds}
        parts.append(pd.DataFrame(bins).assign(latents=f"{width:,}"))
        middle = fmt(float(np.median(density[alive])), digits=2) if alive.any() else "none"
        words.append(f"{width:,} latents {middle}")
    bins = pd.concat(parts, ignore_index=True)
    order = list(dict.fromkeys(bins["latents"]))
    x = alt.X("low:Q", title="log10 of the share of tokens on which a latent is active")
    y = alt.Y("count:Q", title="latents, mean over seeds")
    tooltip = ["latents", alt.Tooltip("low", title="from", format=".2f")]
    tooltip += [alt.Tooltip("count", title="mean count", format=".1f")]
    colour = alt.Color("latents:O", title="latents", sort=order)
    return (
        alt.Chart(bins)
        .mark_line(interpolate="step-after")
        .encode(x=x, y=y, color=colour, tooltip=tooltip)
        .properties(
            title="How often latents are active, by the width of the dictionary",
            description=f"Histograms over log10 density. Median density: {', '.join(words)}.",
            height=300,
        )
    )


def components(latents: pd.DataFrame, curve: pd.DataFrame) -> alt.LayerChart:
    """The histogram of log densities of one autoencoder, with two normal components fitted.

    `curve` has the columns log and count: the sum of both, in latents per bin.
    """
    density = numbers(latents, "density")
    counts, _ = np.histogram(np.log10(density[density > 0]), bins=_EDGES)
    bins = pd.DataFrame({"low": _EDGES[:-1], "high": _EDGES[1:], "count": counts})
    x = alt.X("low:Q", bin="binned", title="log10 of the share of tokens on which it is active")
    y = alt.Y("count:Q", title="latents")
    tooltip = [alt.Tooltip("low", title="from", format=".2f"), alt.Tooltip("count")]
    bars = alt.Chart(bins).mark_bar(color=LATENT, cornerRadiusEnd=0)
    line = alt.Chart(curve).mark_line(color=THEORY)
    n_dead = int((density == 0).sum())
    return layered(
        bars.encode(x=x, x2="high", y=y, tooltip=tooltip),
        line.encode(x=alt.X("log:Q"), y=alt.Y("count:Q", title="latents")),
    ).properties(
        title="Two components in the densities of the L1 autoencoder's latents?",
        description=f"A histogram with a fitted curve; {of(n_dead, len(density))} latents are "
        "dead and left out.",
        height=280,
    )


def separation(latents: pd.DataFrame) -> alt.Chart:
    """Encoder bias and encoder-decoder cosine of each latent, coloured by how rare it is."""
    alive = latents.loc[latents["density"] > 0]
    alive = alive.assign(log_density=np.log10(numbers(alive, "density")))
    shown = alive.iloc[:: max(1, len(alive) // 1500)]
    x = alt.X("encoder_bias:Q", title="encoder bias (units of the activations)")
    y = alt.Y("encoder_decoder_cosine:Q", title="cosine of encoder vector and decoder row")
    scale = alt.Scale(range=INTENSITY[1:])
    colour = alt.Color("log_density:Q", title="log10 density", scale=scale)
    tooltip = ["latent", alt.Tooltip("log_density", format=".2f")]
    return (
        alt.Chart(shown)
        .mark_point(filled=True, opacity=0.6, size=16)
        .encode(x=x, y=y, color=colour, tooltip=tooltip)
        .properties(
            title="Can bias and cosine tell rare latents from frequent ones?",
            description=f"{fmt(len(shown))} of the {fmt(len(alive))} latents that are alive, by "
            "encoder bias, by the cosine of encoder and decoder, and by density.",
            height=320,
        )
    )


def dense(points: pd.DataFrame) -> alt.LayerChart:
    """Latents active on more than one token in a hundred, by the L1 coefficient."""
    found = points.loc[points["over_one_percent"].notna()]
    x = alt.X(
        "level:Q", title="L1 coefficient (log scale)", scale=alt.Scale(type="log", padding=20)
    )
    y = alt.Y("over_one_percent:Q", title="latents with a density above 1%")
    mean = alt.Y("mean(over_one_percent):Q", title="latents with a density above 1%")
    parts = [
        f"{level:g}: {fmt(float(numbers(one, 'over_one_percent').mean()))}"
        for level, one in groups(found.sort_values("level"), "level")
    ]
    base = alt.Chart(found)
    return layered(
        base.mark_line(color=LATENT).encode(x=x, y=mean),
        base.mark_point(color=LATENT, filled=True, size=60).encode(
            x=x, y=y, tooltip=["level", "seed", "over_one_percent"]
        ),
    ).properties(
        title="A larger L1 coefficient leaves fewer dense latents?",
        description=f"Latents above 1%, mean over seeds, by coefficient: {', '.join(parts)}.",
        height=260,
    )


def dead(points: pd.DataFrame) -> alt.Chart:
    """The share of dead latents of every autoencoder, by architecture."""
    found = _named(points)
    x = alt.X("dead_fraction:Q", title="share of latents that are dead", axis=alt.Axis(format="%"))
    order = [name for name in NAMES.values() if name in set(found["name"])]
    y = alt.Y("name:N", title=None, sort=order)
    size = alt.Size("l0:Q", title="L0", scale=alt.Scale(range=[30, 220]))
    means = [
        f"{name} {fmt(float(numbers(one, 'dead_fraction').mean()), '%')}"
        for name, one in groups(found, "name")
    ]
    return (
        alt.Chart(found)
        .mark_point(color=LATENT, filled=True, opacity=0.7)
        .encode(x=x, y=y, size=size, tooltip=["name", "level", "seed", *_POINT])
        .properties(
            title="Dead latents, by architecture",
            description=f"A point for every autoencoder. Mean share dead: {', '.join(means)}.",
            height=alt.Step(30),
        )
    )


_POINT = [
    alt.Tooltip("l0", title="L0", format=".1f"),
    alt.Tooltip("explained_variance", title="explained variance", format=".3f"),
    alt.Tooltip("loss_recovered_zero", title="loss recovered", format=".3f"),
    alt.Tooltip("dead_fraction", title="dead", format=".1%"),
]


def _named(points: pd.DataFrame) -> pd.DataFrame:
    """The points of the frontier at which something was measured, with readers' names."""
    kept = points.loc[points["row"].isin([*NAMES]) & points["l0"].notna() & (points["l0"] > 0)]
    return kept.assign(name=[NAMES[row] for row in kept["row"]])


def _means(points: pd.DataFrame, measures: Iterable[str]) -> pd.DataFrame:
    """Mean and interval over seeds of each measure, by architecture and level."""
    rows: list[dict[str, Any]] = []
    for name, own in groups(_named(points), "name"):
        for level, one in groups(own, "level"):
            for measure in measures:
                values = numbers(one, measure)
                low, high = intervals.student(values) if len(values) > 1 else (np.nan, np.nan)
                spread = {"mean": float(values.mean()), "low": low, "high": high}
                keys = {"name": name, "level": level, "measure": measure, "seeds": len(values)}
                rows.append(keys | {"l0": float(numbers(one, "l0").mean())} | spread)
    columns = ["name", "level", "measure", "seeds", "l0", "mean", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _lines(means: pd.DataFrame, title: str) -> alt.LayerChart:
    order = [name for name in NAMES.values() if name in set(means["name"])]
    at = [list(NAMES.values()).index(name) for name in order]
    colours = alt.Scale(domain=order, range=[_COLOURS[i] for i in at])
    colour = alt.Color("name:N", title="architecture", scale=colours)
    shapes = alt.Scale(domain=order, range=[_SHAPES[i] for i in at])
    shape = alt.Shape("name:N", title="architecture", scale=shapes)
    x = alt.X("l0:Q", title=_L0, scale=alt.Scale(type="log", nice=False, padding=12))
    y = alt.Y("mean:Q", title=title, axis=alt.Axis(format="%"), scale=alt.Scale(zero=False))
    low = alt.Y("low:Q", title=title)
    tooltip = ["name", "level", alt.Tooltip("l0", title="L0", format=".1f"), "seeds"]
    tooltip += [alt.Tooltip(end, format=".1%") for end in ("mean", "low", "high")]
    base = alt.Chart()
    return layered(
        base.mark_line().encode(x=x, y=y, color=colour),
        base.mark_rule(strokeWidth=1.5).encode(x=x, y=low, y2="high:Q", color=colour),
        base.mark_point(filled=True, opacity=1, size=80).encode(
            x=x, y=y, color=colour, shape=shape, tooltip=tooltip
        ),
        data=means,
    )


def _describe(means: pd.DataFrame) -> str:
    parts = []
    for name, one in groups(means, "name"):
        values = zip(one["l0"], one["mean"], strict=True)
        at = ", ".join(f"{fmt(float(mean), '%')} at {fmt(float(l0))}" for l0, mean in values)
        parts.append(f"{name}: {at}")
    return "; ".join(parts)


def _with_keys(latents: pd.DataFrame) -> pd.DataFrame:
    """Width and seed of each latent's autoencoder, from the name of its point."""
    keys = latents["point"].str.split("-")
    return latents.assign(d_sae=keys.str[0].astype(int), seed=keys.str[-1].astype(int))
