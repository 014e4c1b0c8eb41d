"""Figures of the language model and of what single latents mean in it."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    CONTROL,
    FEATURE,
    LATENT,
    NEURON,
    bars,
    choice,
    groups,
    layered,
    numbers,
    some,
    words,
)
from superposition.features.display import visible
from superposition.values import fmt

N_BINS = 20
"""Bins of a latent's activations."""
BASELINES = {"five_gram": "5-gram"}
"""Names of baselines that read better with digits."""
CUT = 1.05
"""The loss axis ends this far above the largest baseline: the first steps are of no interest."""
_ALL_LABELS = alt.Axis(labelOverlap=False)


def packages(manifest: pd.DataFrame) -> alt.Chart:
    """Where the text comes from: the packages that give most of it, by size."""
    largest = manifest.sort_values("bytes", ascending=False).head(20)
    share = sum(largest["bytes"]) / sum(manifest["bytes"])
    return (
        alt.Chart(largest)
        .mark_bar(color=CONTROL)
        .encode(
            x=alt.X("bytes:Q", title="text taken (bytes)", axis=alt.Axis(format="~s")),
            y=alt.Y("package:N", title=None, sort="-x", axis=_ALL_LABELS),
            tooltip=["package", "version", "licence", "files", alt.Tooltip("bytes", format=",")],
        )
        .properties(
            title="Where the text comes from",
            description=f"The {len(largest)} largest of {len(manifest)} sources give "
            f"{fmt(share, '%')} of the text; the largest is {largest['package'].iloc[0]}.",
            height=alt.Step(16),
        )
    )


def training_curve(history: pd.DataFrame, baselines: pd.DataFrame) -> alt.LayerChart:
    """The transformer's loss during training, beside n-gram models of the same text."""
    names = {"train_loss": "training", "held_out_loss": "held out"}
    long = history.melt("tokens", value_vars=list(names), var_name="text", value_name="loss")
    long = long.dropna().assign(text=lambda frame: [names[name] for name in frame["text"]])
    top = CUT * max(baselines["loss"])
    x = alt.X("tokens:Q", title="tokens seen", axis=alt.Axis(format="~s"))
    y = alt.Y("loss:Q", title="loss (nats per token)", scale=alt.Scale(zero=False, domainMax=top))
    colour = alt.Color(
        "text:N",
        title=None,
        scale=alt.Scale(domain=list(names.values()), range=[CONTROL, FEATURE]),
    )
    rules = alt.Chart(
        baselines.assign(label=[words(name, BASELINES) for name in baselines["model"]])
    )
    curves = alt.Chart(long).encode(x=x, y=y, color=colour)
    shown = ["text", alt.Tooltip("tokens", format=","), alt.Tooltip("loss", format=".3f")]
    return layered(
        rules.mark_rule(strokeDash=[4, 4]).encode(y=y),
        rules.mark_text(align="right", dy=-7, dx=-4).encode(
            x=alt.value("width"), y=y, text="label"
        ),
        curves.mark_line(clip=True),
        curves.mark_point(clip=True, size=25, opacity=0).encode(tooltip=shown),
    ).properties(
        title="How the transformer learned, and what n-gram models reach on the same tokens",
        description=_describe_curve(history, baselines),
        height=320,
    )


def logit_effects(logits: pd.DataFrame) -> alt.Chart:
    """The tokens that a latent makes more and less likely; a menu chooses the latent."""
    latent = choice(logits, "latent", "latent")
    frame = logits.assign(label=_labels(logits))
    return (
        alt.Chart(frame)
        .transform_filter("datum.latent == chosen_latent")
        .add_params(latent)
        .mark_bar()
        .encode(
            x=alt.X("effect:Q", title="change of the logit per unit of activation"),
            y=alt.Y(
                "label:N",
                title="token",
                sort=alt.EncodingSortField("effect", order="descending"),
                axis=_ALL_LABELS,
            ),
            color=alt.Color(
                "sign:N",
                title=None,
                scale=alt.Scale(domain=["up", "down"], range=[LATENT, CONTROL]),
            ),
            tooltip=["label", "token", alt.Tooltip("effect", format=".3f")],
        )
        .properties(
            title="The tokens that a latent makes more and less likely",
            description=_describe_logits(logits),
            height=alt.Step(16),
        )
    )


def neuron_basis(neurons: pd.DataFrame) -> alt.Chart:
    """The neurons with the largest shares in a latent's direction; a menu chooses the latent."""
    latent = choice(neurons, "latent", "latent")
    largest = numbers(neurons.loc[neurons["rank"] == 0], "share")
    return (
        alt.Chart(neurons)
        .transform_filter("datum.latent == chosen_latent")
        .add_params(latent)
        .mark_bar(color=NEURON)
        .encode(
            x=alt.X("share:Q", title="share of the direction's L1 norm", axis=alt.Axis(format="%")),
            y=alt.Y("neuron:N", title="neuron", sort="-x", axis=_ALL_LABELS),
            tooltip=[
                "neuron",
                alt.Tooltip("weight", title="coefficient", format=".3f"),
                alt.Tooltip("share", format=".2%"),
            ],
        )
        .properties(
            title="The neurons that a latent's direction is made of",
            description="The neuron with the largest share has between "
            f"{fmt(float(largest.min()), '%')} and {fmt(float(largest.max()), '%')} of the L1 norm "
            f"in the {len(largest)} latents shown.",
            height=alt.Step(16),
        )
    )


def activations(examples: pd.DataFrame) -> alt.Chart:
    """How strongly a latent fires within its sampled contexts; a menu chooses the latent."""
    bins = pd.concat(
        [_bins(latent, found) for latent, found in groups(some(examples, "latent"), "latent")],
        ignore_index=True,
    )
    latent = choice(bins, "latent", "latent")
    return (
        bars(bins)
        .transform_filter("datum.latent == chosen_latent")
        .add_params(latent)
        .encode(
            x=alt.X("low:Q", bin="binned", title="activation"),
            x2="high",
            y=alt.Y("count:Q", title="tokens in the sampled contexts"),
            tooltip=[
                alt.Tooltip("low", title="from", format=".2f"),
                alt.Tooltip("high", title="to", format=".2f"),
                alt.Tooltip("count", title="tokens"),
            ],
        )
        .properties(
            title="How strongly a latent fires, in contexts sampled over its whole range",
            description="Histogram of the activations above zero in the sampled contexts of "
            f"{len(set(bins['latent']))} latents, one at a time.",
            height=220,
        )
    )


def planted_contexts(latents: pd.DataFrame) -> alt.LayerChart:
    """How well single latents pick out planted contexts: recall against precision."""
    found = latents.loc[latents["planted_kind"] != ""]
    base = alt.Chart(found).encode(
        x=alt.X(
            "planted_recall:Q",
            title="share of the context's tokens on which the latent is active",
            axis=alt.Axis(format="%"),
            scale=alt.Scale(domain=[0, 1]),
        ),
        y=alt.Y(
            "planted_precision:Q",
            title="share of its active tokens inside the context",
            axis=alt.Axis(format="%"),
            scale=alt.Scale(domain=[0, 1]),
        ),
    )
    shown = ["latent", "planted_kind", "planted_precision", "planted_recall"]
    best = ", ".join(
        f"{kind} {fmt(max(rows['planted_precision']), '%')}"
        for kind, rows in groups(found, "planted_kind")
    )
    return layered(
        base.mark_point(color=LATENT, opacity=1, filled=True, size=80).encode(tooltip=shown),
        base.mark_text(align="left", dx=7).encode(text="planted_kind"),
    ).properties(
        title="How well single latents pick out the planted contexts",
        description=f"Best precision for each planted context: {best or 'no latent prefers one'}.",
        height=320,
    )


def _labels(logits: pd.DataFrame) -> list[str]:
    """Tokens with everything visible, spaces too; those that look alike have their id."""
    texts = [visible(text).replace(" ", "␣") for text in logits["text"]]
    rows = list(zip(logits["latent"], texts, strict=True))
    ids = {row: set() for row in rows}
    for row, token in zip(rows, logits["token"], strict=True):
        ids[row].add(token)
    tokens = zip(rows, logits["token"], strict=True)
    return [f"{row[1]} ({token})" if len(ids[row]) > 1 else row[1] for row, token in tokens]


def _bins(latent: object, examples: pd.DataFrame) -> pd.DataFrame:
    values = np.concatenate([np.asarray(each, dtype=float) for each in examples["activations"]])
    counts, edges = np.histogram(values[values > 0], bins=N_BINS, range=(0, _top(values)))
    columns = {"latent": latent, "low": edges[:-1], "high": edges[1:], "count": counts}
    return pd.DataFrame(columns)


def _top(values: np.ndarray) -> float:
    return float(values.max()) if values.max() > 0 else 1.0


def _describe_curve(history: pd.DataFrame, baselines: pd.DataFrame) -> str:
    held_out = numbers(history, "held_out_loss")
    measured = held_out[np.isfinite(held_out)]
    reached = fmt(float(measured[-1])) if len(measured) else "not measured"
    pairs = zip(baselines["model"], baselines["loss"], strict=True)
    others = ", ".join(f"{words(model, BASELINES)} {fmt(float(loss))}" for model, loss in pairs)
    return f"Held-out loss {reached} nats per token at the end. On the same tokens: {others}."


def _describe_logits(logits: pd.DataFrame) -> str:
    _, first = groups(logits, "latent")[0]
    up = first.loc[first["sign"] == "up"].sort_values("rank")["text"].head(3).tolist()
    return (
        f"Bars for {len(set(logits['latent']))} latents, one at a time. The first, latent "
        f"{first['latent'].iloc[0]}, promotes most: {', '.join(map(repr, up))}."
    )
