"""Figures of autoencoders: what they recover of toy models, how they train, how good they are."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    LATENT,
    PUBLISHED,
    bars,
    dashed,
    groups,
    histogram,
    layered,
    numbers,
    plane,
    words,
)
from superposition.values import fmt, of

PUBLISHED_RECOVERED = 0.79
"""Loss recovered by A/1. Source: Towards Monosemanticity, How much does our interpretation
explain?"""
PUBLISHED_L0 = 20
"""The L0 that autoencoders were to stay below. Source: Towards Monosemanticity, hyperparameters."""
PUBLISHED_COSINE = 0.5
"""Median cosine of encoder and decoder. Source: Nanda, "Open Source Replication of Anthropic's
Dictionary Learning Paper"."""

MEASURES = {
    "loss": "loss",
    "mse": "squared error",
    "l0": "active latents (L0)",
    "dead": "dead latents",
}
"""The columns of a training history that are drawn, and their axis titles."""


def recovery(found: pd.DataFrame) -> alt.FacetChart:
    """Which toy features each autoencoder recovered, by resampling; hover for the cosine."""
    cells = found.assign(
        how=[words(row) for row in found["row"]],
        number=found["feature"] + 1,
        state=np.where(found["recovered"], "recovered", "missed"),
    )
    states = alt.Scale(domain=["recovered", "missed"], range=[LATENT, CONTROL])
    squares = (
        alt.Chart(cells)
        .mark_point(shape="square", size=220, filled=True)
        .encode(
            x=alt.X("instance:O", title="instance", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("number:O", title="feature of the toy model"),
            color=alt.Color("state:N", title=None, scale=states),
            opacity=alt.condition("datum.recovered", alt.value(1), alt.value(0.35)),
            tooltip=[
                "instance",
                alt.Tooltip("number", title="feature"),
                "latent",
                alt.Tooltip("cosine", format=".3f"),
                alt.Tooltip("density", title="share of inputs", format=".2~g"),
                "state",
            ],
        )
        .properties(width=200, height=130)
    )
    rows = list(dict.fromkeys(cells["how"]))
    return squares.facet(alt.Facet("how:N", title=None, sort=rows), columns=3).properties(
        title="Which features the autoencoders recovered, instance by instance",
        description=_describe_recovery(found),
    )


def directions(vectors: pd.DataFrame) -> alt.FacetChart:
    """The latents' decoder directions over the toy features' directions, one panel an instance."""
    x, y = plane(1.25)
    rays = alt.Chart().mark_rule(color=FEATURE, strokeWidth=5, opacity=0.35)
    tips = alt.Chart().mark_point(color=LATENT, opacity=1, filled=True, size=60)
    layers = layered(
        rays.transform_filter("datum.kind == 'feature'").encode(
            x=x, y=y, x2=alt.X2Datum(0), y2=alt.Y2Datum(0)
        ),
        tips.transform_filter("datum.kind == 'latent'").encode(x=x, y=y, tooltip=["kind", "index"]),
        data=vectors,
    ).properties(width=130, height=130)
    n_instances, kinds = len(set(vectors["instance"])), set(vectors["kind"])
    points = " and of the latents (orange points)" if "latent" in kinds else ""
    header = alt.Header(labelExpr="'instance ' + datum.value", title=None)
    return layers.facet(alt.Facet("instance:O", header=header), columns=4).properties(
        title=f"Directions of the features (blue rays){points}",
        description=f"{n_instances} planes with directions as unit vectors. A latent that lies on "
        "the end of a feature's ray has found that feature.",
    )


def training(history: pd.DataFrame) -> alt.FacetChart:
    """How loss, squared error, L0 and dead latents develop during training; hover for the step."""
    present = [name for name in MEASURES if name in history.columns]
    long = history.melt(["row", "step"], value_vars=present, var_name="measure").dropna()
    long = long.assign(
        measure=[MEASURES[name] for name in long["measure"]],
        row=[words(row) for row in long["row"]],
    )
    curves = (
        alt.Chart(long)
        .mark_line(color=LATENT)
        .encode(
            x=alt.X("step:Q", title="step", axis=alt.Axis(format="~s")),
            y=alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
            strokeDash=dashed("row", list(dict.fromkeys(long["row"])), title="autoencoder"),
            tooltip=["row", "step", alt.Tooltip("value", format=".4~g")],
        )
        .properties(width=280, height=150)
    )
    order = [MEASURES[name] for name in present]
    return (
        curves.facet(alt.Facet("measure:N", title=None, sort=order), columns=2)
        .resolve_scale(y="independent")
        .properties(
            title="How the autoencoders trained",
            description=f"Training curves over {fmt(max(history['step']))} steps: "
            f"{', '.join(order)}.",
        )
    )


def density_histogram(latents: pd.DataFrame) -> alt.FacetChart:
    """How often latents fire: a histogram of the logarithm of their density, dead ones left out."""
    density = numbers(latents, "density")
    alive = density > 0
    logs = np.log10(np.where(alive, density, np.nan))
    lowest = np.floor(logs[alive].min()) if alive.any() else -6.0
    bins = histogram(latents.assign(log=logs), "log", np.arange(lowest, 0.01, 0.25))
    return _histograms(
        bins,
        axis="log10 of the share of tokens on which it is active",
        title="How often the latents are active, on a logarithmic scale",
        description=_describe_densities(latents),
    )


def cosine_histogram(latents: pd.DataFrame) -> alt.FacetChart:
    """How far each latent's encoder vector points away from its decoder row."""
    bins = histogram(latents, "encoder_decoder_cosine", np.linspace(-1, 1, 41))
    medians = {
        words(row): float(np.median(numbers(found, "encoder_decoder_cosine")))
        for row, found in groups(latents, "row")
    }
    found = ", ".join(f"{row} {fmt(median)}" for row, median in medians.items())
    return _histograms(
        bins,
        axis="cosine of encoder vector and decoder row",
        title="How much encoder and decoder directions agree",
        description=f"Median cosine of encoder vector and decoder row: {found}; published for "
        f"another model: {fmt(PUBLISHED_COSINE)}.",
    )


def trade_off(evaluations: pd.DataFrame) -> alt.LayerChart:
    """Loss recovered against active latents, with 95% intervals, beside the published value."""
    points = pd.concat([_recovered(evaluations, kind) for kind in ("zero", "mean")])
    published = pd.DataFrame({"recovered": [PUBLISHED_RECOVERED], "text": ["published: 79%"]})
    l0 = alt.X("l0:Q", title="active latents per token (L0)", scale=alt.Scale(zero=True, nice=True))
    percent, scale = alt.Axis(format="%"), alt.Scale(zero=False)
    share = alt.Y("recovered:Q", title="loss recovered", axis=percent, scale=scale)
    row = alt.Shape("row:N", title="autoencoder", sort=None)
    ablation = alt.Color(
        "ablation:N",
        title="compared with",
        scale=alt.Scale(domain=["zero ablation", "mean ablation"], range=[LATENT, CONTROL]),
    )
    base = alt.Chart(points)
    low = alt.Y("low:Q", title="loss recovered")
    line = alt.Chart(published).encode(y=share)
    return layered(
        line.mark_rule(color=PUBLISHED, strokeDash=[4, 4]),
        line.mark_text(color=PUBLISHED, align="left", dy=-7, dx=4).encode(
            x=alt.value(0), text="text"
        ),
        base.mark_rule().encode(x=l0, y=low, y2="high:Q", color=ablation),
        base.mark_point(filled=True, opacity=1, size=90).encode(
            x=l0, y=share, color=ablation, shape=row, tooltip=_TRADE
        ),
    ).properties(
        title="How much of the loss the autoencoders recover, and with how many latents",
        description=_describe_trade_off(points),
        height=300,
    )


def losses(evaluations: pd.DataFrame) -> alt.LayerChart:
    """The language model's loss as it is, reconstructed, and without the MLP: what is recovered."""
    columns = {
        "loss_clean": "as it is",
        "loss_sae": "reconstructed",
        "loss_mean_ablation": "mean instead",
        "loss_zero_ablation": "zeros instead",
    }
    long = evaluations.melt("row", value_vars=list(columns), var_name="what", value_name="loss")
    long = long.assign(
        what=[columns[name] for name in long["what"]], row=[words(row) for row in long["row"]]
    )
    whats = list(columns.values())
    colours = alt.Scale(domain=whats, range=[FEATURE, LATENT, CONTROL, CONTROL])
    y = alt.Y("row:N", title="autoencoder", sort=None)
    x = alt.X("loss:Q", title="loss (nats per token)", scale=alt.Scale(zero=False))
    base = alt.Chart(long)
    return layered(
        base.mark_line(color=CONTROL, opacity=0.5).encode(x=x, y=y, detail="row"),
        base.mark_point(filled=True, opacity=1, size=110).encode(
            x=x,
            y=y,
            color=alt.Color("what:N", title="the MLP's activations", scale=colours),
            shape=alt.Shape("what:N", title="the MLP's activations", scale=alt.Scale(domain=whats)),
            tooltip=["row", "what", alt.Tooltip("loss", format=".4f")],
        ),
    ).properties(
        title="What replacing the MLP's activations costs, and the two ways to count it",
        description=_describe_losses(long),
        height=alt.Step(48),
    )


_TRADE = [
    "row",
    "ablation",
    alt.Tooltip("l0", format=".1f"),
    alt.Tooltip("recovered", format=".1%"),
    alt.Tooltip("low", format=".1%"),
    alt.Tooltip("high", format=".1%"),
]


def _recovered(evaluations: pd.DataFrame, kind: str) -> pd.DataFrame:
    name = f"loss_recovered_{kind}"
    return pd.DataFrame(
        {
            "row": [words(row) for row in evaluations["row"]],
            "ablation": f"{kind} ablation",
            "l0": evaluations["l0"],
            "recovered": evaluations[name],
            "low": evaluations[f"{name}_low"],
            "high": evaluations[f"{name}_high"],
        }
    )


def _histograms(bins: pd.DataFrame, *, axis: str, title: str, description: str) -> alt.FacetChart:
    """A histogram of ready-made bins for each autoencoder."""
    ticks = alt.Axis(tickCount=5, format="~g")
    drawn = (
        bars(bins)
        .encode(
            x=alt.X("low:Q", bin="binned", title=axis, axis=ticks),
            x2="high",
            y=alt.Y("count:Q", title="latents"),
            tooltip=[
                alt.Tooltip("low", title="from", format=".2f"),
                alt.Tooltip("high", title="to", format=".2f"),
                alt.Tooltip("count", title="latents"),
            ],
        )
        .properties(width=290, height=190)
    )
    rows = list(dict.fromkeys(bins["row"]))
    return drawn.facet(alt.Facet("row:N", title=None, sort=rows), columns=2).properties(
        title=title, description=description
    )


def _describe_recovery(found: pd.DataFrame) -> str:
    n_features, parts = len(set(found["feature"])), []
    for row, cells in groups(found, "row"):
        complete = [all(one["recovered"]) for _, one in groups(cells, "instance")]
        parts.append(f"{words(row)} {of(sum(complete), len(complete))}")
    return f"Instances in which all {n_features} features are recovered: {', '.join(parts)}."


def _describe_densities(latents: pd.DataFrame) -> str:
    parts = []
    for row, found in groups(latents, "row"):
        density = numbers(found, "density")
        n_dead, alive = int((density == 0).sum()), density[density > 0]
        middle = fmt(float(np.median(alive)), digits=2) if len(alive) else "none"
        parts.append(f"{words(row)}: {of(n_dead, len(density))} dead, median density {middle}")
    return f"Two histograms of the latents' densities. {'; '.join(parts)}."


def _describe_trade_off(points: pd.DataFrame) -> str:
    zero = points.loc[points["ablation"] == "zero ablation"]
    parts = [
        f"{row} {fmt(float(recovered), '%')} with L0 {fmt(float(l0))}"
        for row, recovered, l0 in zip(zero["row"], zero["recovered"], zero["l0"], strict=True)
    ]
    return (
        f"Loss recovered against zero ablation: {', '.join(parts)}; published for A/1: "
        f"{fmt(PUBLISHED_RECOVERED, '%', digits=2)}, where L0 was to stay below {PUBLISHED_L0}."
    )


def _describe_losses(long: pd.DataFrame) -> str:
    parts = []
    for row, found in groups(long, "row"):
        values = zip(found["what"], found["loss"], strict=True)
        parts.append(f"{row}: {', '.join(f'{what} {fmt(float(loss))}' for what, loss in values)}")
    return f"Loss in nats per token. {'; '.join(parts)}."
