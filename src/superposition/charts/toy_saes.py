"""Figures of autoencoders on known features: what was found, at which L0, by which recipe."""

from collections.abc import Mapping

import altair as alt
import numpy as np
import pandas as pd

from superposition import intervals
from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    LATENT,
    NEURON,
    THEORY,
    dashed,
    groups,
    layered,
    numbers,
    plane,
    words,
)
from superposition.values import fmt

SEED = 0
"""Of the bootstraps."""
FOUND = {
    "matched_cosine": "cosine of features and their latents",
    "recall": "features recovered",
    "precision": "latents that are a feature",
    "activation_recall": "feature present: latent active",
    "activation_precision": "latent active: feature present",
}
"""What a figure of recovery shows, and its titles."""
KINDS = {
    "recovered": "a feature",
    "duplicate": "a feature again",
    "mixed": "a sum of two",
    "other": "something else",
    "dead": "never active",
}
"""What latents are, and how it is called."""
PROGRESS = {"recovered": "features found", "loss": "loss on unseen inputs"}
"""The columns of a trace that are drawn, and their titles."""


def recovery(instances: pd.DataFrame) -> alt.FacetChart:
    """How much of the truth each variant found: means over instances with 95% intervals."""
    table = pd.concat([_summarised(instances, name, title) for name, title in FOUND.items()])
    variants = list(dict.fromkeys(table["variant"]))
    y = alt.Y("variant:N", title=None, sort=variants)
    x = alt.X("mean:Q", title="mean over instances, with 95% interval")
    base = alt.Chart(table)
    both = layered(
        base.mark_rule(color=LATENT).encode(x=alt.X("low:Q", title=""), x2="high:Q", y=y),
        base.mark_point(color=LATENT, filled=True, opacity=1, size=70).encode(
            x=x, y=y, tooltip=_tooltip("variant")
        ),
        data=table,
    ).properties(width=190, height=alt.Step(20))
    facet = alt.Facet("measure:N", title=None, sort=list(FOUND.values()))
    return both.facet(facet, columns=3).properties(
        title="What the autoencoders found of the features, by architecture",
        description=f"Mean matched cosine: {_means(table, FOUND['matched_cosine'])}.",
    )


def kinds(instances: pd.DataFrame) -> alt.Chart:
    """What the latents of each variant are: features, features again, sums, others, dead."""
    means = instances.groupby("variant", sort=False, as_index=False)[list(KINDS)].agg("mean")
    long = pd.DataFrame(means).melt("variant", var_name="kind", value_name="latents")
    long = long.assign(
        order=[[*KINDS].index(kind) for kind in long["kind"]],
        kind=[KINDS[kind] for kind in long["kind"]],
        variant=[words(name) for name in long["variant"]],
    )
    colours = [LATENT, FEATURE, NEURON, THEORY, CONTROL]
    scale = alt.Scale(domain=[*KINDS.values()], range=colours)
    found = long.loc[long["kind"] == KINDS["recovered"]]
    texts = zip(found["variant"], found["latents"], strict=True)
    return (
        alt.Chart(long)
        .mark_bar()
        .encode(
            x=alt.X("latents:Q", title="latents, mean over instances"),
            y=alt.Y("variant:N", title=None, sort=None),
            color=alt.Color("kind:N", title="the latent is", scale=scale),
            order=alt.Order("order:Q"),
            tooltip=["variant", "kind", alt.Tooltip("latents", format=".1f")],
        )
        .properties(
            title="What became of the latents, by architecture",
            description="Latents that are a feature, mean over instances: "
            f"{', '.join(f'{name} {fmt(float(value))}' for name, value in texts)}.",
            height=alt.Step(24),
        )
    )


def wrong_l0(instances: pd.DataFrame) -> alt.LayerChart:
    """Matched cosine against the L0 of autoencoders; a line marks the true L0.

    `instances` has the column `data` with the words for each kind of inputs.
    """
    parts = []
    for what, one in groups(instances, "data"):
        cosine, l0 = (_summarised(one, name, what) for name in ("matched_cosine", "l0"))
        parts.append(cosine.assign(l0=l0["mean"].to_numpy()))
    table = pd.concat(parts, ignore_index=True)
    truth = float(numbers(instances, "true_l0").mean())
    line = alt.Chart(pd.DataFrame({"l0": [truth], "text": ["true L0"]}))
    x = alt.X("l0:Q", title="active latents per input (L0, log scale)", scale=_LOG)
    y = alt.Y("mean:Q", title="mean matched cosine", scale=alt.Scale(zero=False))
    kind = dashed("measure", list(dict.fromkeys(table["measure"])), legend=None)
    base = alt.Chart(table)
    return layered(
        line.mark_rule(color=FEATURE, strokeWidth=2).encode(x=x),
        line.mark_text(color=FEATURE, align="left", dx=4).encode(x=x, y=alt.value(8), text="text"),
        base.mark_line(color=LATENT).encode(x=x, y=y, strokeDash=kind),
        base.mark_rule(color=LATENT).encode(x=x, y=alt.Y("low:Q", title=""), y2="high:Q"),
        base.mark_point(color=LATENT, filled=True, opacity=1, size=70).encode(
            x=x,
            y=y,
            shape=alt.Shape("measure:N", title="inputs", sort=None),
            tooltip=[*_tooltip("variant"), alt.Tooltip("l0", format=".2f")],
        ),
    ).properties(
        title="How well features are found if the autoencoder's L0 is not the true one",
        description=f"The true L0 is {fmt(truth)}. {_best_l0(table)}.",
        height=300,
    )


def learning(trace: pd.DataFrame) -> alt.FacetChart:
    """Features found and loss during training, by variant: means over instances."""
    by = trace.groupby(["variant", "step"], sort=False, as_index=False)
    means = pd.DataFrame(by[list(PROGRESS)].agg("mean"))
    long = means.melt(["variant", "step"], var_name="measure", value_name="mean")
    long = long.assign(
        measure=[PROGRESS[name] for name in long["measure"]],
        variant=[words(name) for name in long["variant"]],
    )
    variants = list(dict.fromkeys(long["variant"]))
    curves = (
        alt.Chart(long)
        .mark_line(color=LATENT)
        .encode(
            x=alt.X("step:Q", title="step", axis=alt.Axis(format="~s")),
            y=alt.Y("mean:Q", title="mean over instances", scale=alt.Scale(zero=False)),
            strokeDash=dashed("variant", variants),
            tooltip=["variant", "step", alt.Tooltip("mean", format=".4~g")],
        )
        .properties(width=300, height=220)
    )
    last = long.loc[(long["step"] == long["step"].max()) & (long["measure"] == "features found")]
    texts = [
        f"{name} {fmt(float(mean))}"
        for name, mean in zip(last["variant"], last["mean"], strict=True)
    ]
    facet = alt.Facet("measure:N", title=None, sort=list(PROGRESS.values()))
    return (
        curves.facet(facet, columns=2)
        .resolve_scale(y="independent")
        .properties(
            title="How features are found during training, means over instances",
            description=f"Features found at the last step: {', '.join(texts)}.",
        )
    )


def differences(table: pd.DataFrame) -> alt.FacetChart:
    """Paired differences between variants with 95% intervals, for each measure.

    Columns: change, measure, mean, low, high; a difference is the changed minus the published one.
    """
    changes, measures = (list(dict.fromkeys(table[name])) for name in ("change", "measure"))
    y = alt.Y("change:N", title=None, sort=changes, axis=alt.Axis(labelLimit=260))
    base = alt.Chart(table.assign(zero=0.0))
    drawn = layered(
        base.mark_rule(color=CONTROL, strokeDash=[4, 4]).encode(x=alt.X("zero:Q", title="")),
        base.mark_rule(color=LATENT).encode(x=alt.X("low:Q", title=""), x2="high:Q", y=y),
        base.mark_point(color=LATENT, filled=True, opacity=1, size=70).encode(
            x=alt.X("mean:Q", title="difference, with 95% interval"),
            y=y,
            tooltip=_tooltip("change"),
        ),
    ).properties(width=210, height=alt.Step(22))
    parts = [
        f"{change}: {measure} {fmt(float(mean))}"
        for change, measure, mean in zip(
            table["change"], table["measure"], table["mean"], strict=True
        )
    ]
    return (
        drawn.facet(alt.Facet("measure:N", title=None, sort=measures), columns=2)
        .resolve_scale(x="independent")
        .properties(
            title="What changes if one thing is changed, paired by instance",
            description=f"Mean differences. {'; '.join(parts)}.",
        )
    )


def tilt(latents: pd.DataFrame) -> alt.LayerChart:
    """Each latent and the one with the nearest decoder row: cosine of encoders over decoders."""
    alive = latents.loc[latents["kind"] != "dead"]
    below = float((alive["neighbour_encoder_cosine"] < alive["neighbour_cosine"]).mean())
    ends = [float(alive["neighbour_cosine"].min()), float(alive["neighbour_cosine"].max())]
    same = alt.Chart(pd.DataFrame({"neighbour_cosine": ends, "same": ends}))
    x = alt.X("neighbour_cosine:Q", title="cosine of decoder rows", scale=alt.Scale(zero=False))
    return layered(
        same.mark_line(color=CONTROL, strokeDash=[4, 4]).encode(x=x, y=alt.Y("same:Q", title="")),
        alt.Chart(alive)
        .mark_point(color=LATENT, size=25, opacity=0.5)
        .encode(
            x=x,
            y=alt.Y("neighbour_encoder_cosine:Q", title="cosine of encoder vectors"),
            tooltip=["instance", "latent", "kind", alt.Tooltip("density", format=".3f")],
        ),
    ).properties(
        title="How far encoder vectors of neighbouring latents point apart",
        description="Points below the dashed line are pairs whose encoder vectors are further "
        f"apart than their decoder rows: {fmt(below, '%')} of {fmt(len(alive))} latents.",
        height=300,
    )


def encoders(vectors: pd.DataFrame) -> alt.FacetChart:
    """Encoder and decoder directions over the true ones in the plane, one panel an instance.

    Columns: instance, kind (feature, decoder or encoder), x, y; unit vectors.
    """
    x, y = plane(1.25)
    rays = alt.Chart().mark_rule(color=FEATURE, strokeWidth=5, opacity=0.35)
    decoders = alt.Chart().mark_point(color=LATENT, opacity=1, filled=True, size=60)
    others = alt.Chart().mark_rule(color=LATENT, strokeDash=[3, 3])
    origin = {"x2": alt.X2Datum(0), "y2": alt.Y2Datum(0)}
    layers = layered(
        rays.transform_filter("datum.kind == 'feature'").encode(x=x, y=y, **origin),
        others.transform_filter("datum.kind == 'encoder'").encode(x=x, y=y, **origin),
        decoders.transform_filter("datum.kind == 'decoder'").encode(x=x, y=y),
        data=vectors,
    ).properties(width=130, height=130)
    header = alt.Header(labelExpr="'instance ' + datum.value", title=None)
    n_instances = len(set(vectors["instance"]))
    return layers.facet(alt.Facet("instance:O", header=header), columns=4).properties(
        title="Directions of features (blue), decoder (orange points), encoder (dashed)",
        description=f"{n_instances} planes with unit vectors. Encoder vectors of close features "
        "point further apart than the features if the dashed lines leave the rays outwards.",
    )


def _summarised(instances: pd.DataFrame, column: str, measure: str) -> pd.DataFrame:
    """Mean and 95% interval of a column for each variant: variant, measure, mean, low, high."""
    rows = []
    for variant, one in groups(instances, "variant"):
        cases = numbers(one, column)
        low, high = intervals.mean(cases, seed=SEED)
        rows.append((words(str(variant)), measure, float(cases.mean()), low, high))
    return pd.DataFrame(rows, columns=["variant", "measure", "mean", "low", "high"])


_LOG = alt.Scale(type="log", nice=True)


def _tooltip(name: str) -> list[str | alt.Tooltip]:
    shown = [alt.Tooltip(column, format=".4~g") for column in ("mean", "low", "high")]
    return [name, "measure", *shown]


def _means(table: pd.DataFrame, measure: str) -> str:
    one = table.loc[table["measure"] == measure]
    pairs = zip(one["variant"], one["mean"], strict=True)
    return ", ".join(f"{name} {fmt(float(mean))}" for name, mean in pairs)


def _best_l0(table: pd.DataFrame) -> str:
    best: Mapping[str, float] = {
        str(what): float(numbers(one, "l0")[np.argmax(numbers(one, "mean"))])
        for what, one in groups(table, "measure")
    }
    return "; ".join(f"{what}: the best cosine at an L0 of {fmt(l0)}" for what, l0 in best.items())
