"""Figures of models trained on finite data sets: what they memorise, and when they generalise."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.curves import POINTS, describe, lines, loss, means, one
from superposition.charts.parts import (
    FEATURE,
    INTENSITY,
    NEURON,
    THEORY,
    layered,
    numbers,
    plane,
    slider,
)

_COLOURS = {"data points": NEURON, "features": FEATURE}


def vectors(shown: pd.DataFrame) -> alt.HConcatChart:
    """The hidden vectors of the data points and the features' directions, side by side, by T."""
    sizes = sorted(set(shown.n_points))
    position = slider(len(sizes), "few to many data points")
    ranked = shown.assign(position=[sizes.index(T) for T in shown.n_points]).round(4)
    views = [_vectors(ranked, kind) for kind in _COLOURS]
    return (
        alt.hconcat(*views)
        .add_params(position)
        .properties(
            title="Data points and features in the hidden plane: move the slider to add data",
            description=f"Two planes for {len(sizes)} sizes of data sets from {sizes[0]} to "
            f"{sizes[-1]} points: hidden vectors of the data points, and directions of the "
            "features, each relative to the longest one.",
        )
    )


def norms(models: pd.DataFrame) -> alt.LayerChart:
    """Norms of W and b by the size of the data set: circles are data sets, lines their means."""
    long = _melted(models, {"W_norm": "weights W", "b_norm": "biases b"}, "parameter")
    y = alt.Y("value:Q", title="norm (log scale)", scale=alt.Scale(type="log"))
    return layered(*lines(long, by="parameter", y=y)).properties(
        title="How large weights and biases become, by the number of data points",
        description=describe(long, "parameter", "norm"),
        height=280,
    )


def losses(models: pd.DataFrame) -> alt.LayerChart:
    """Training and test loss by the size of the data set, and the loss of always answering 0."""
    long = _melted(models, {"train_loss": "training", "test_loss": "test"}, "loss")
    y = loss("squared error", lowest=1e-3)
    return layered(one(y), *lines(long, by="loss", y=y)).properties(
        title="Training and test loss, by the number of data points",
        description=describe(long, "loss", "loss"),
        height=320,
    )


def dimensionalities(models: pd.DataFrame) -> alt.LayerChart:
    """The share of a dimension of a data point and of the best feature, by number of points."""
    names = {
        "point_dimensionality": "a data point, mean",
        "feature_dimensionality": "a feature, largest",
    }
    long = _melted(models, names, "whose")
    sizes = pd.DataFrame({"n_points": sorted(set(models.n_points))})
    y = alt.Y("value:Q", title="dimensionality (log scale)", scale=alt.Scale(type="log"))
    ideal = (
        alt.Chart(sizes.assign(value=2 / sizes.n_points))
        .mark_line(color=THEORY, strokeDash=[4, 3])
        .encode(x=POINTS, y=y)
    )
    return layered(ideal, *lines(long, by="whose", y=y, colours=(NEURON, FEATURE))).properties(
        title="From data points to features: the share of a dimension that one has to itself",
        description=describe(long, "whose", "dimensionality"),
        height=300,
    )


def starts(usual: pd.DataFrame, constant: pd.DataFrame, batches: pd.DataFrame) -> alt.FacetChart:
    """Training losses of all random starts, by the way of training and the number of points."""
    longest = usual.n_steps.max()
    kinds = {
        "as in the paper": usual.loc[usual.n_steps == longest],
        "a tenth of the updates": usual.loc[usual.n_steps < longest],
        "constant rate": constant,
        "batches of two": batches,
    }
    together = pd.concat([models.assign(training=kind) for kind, models in kinds.items()])
    columns = ["training", "n_points", "start", "train_loss"]
    ticks = (
        alt.Chart(together.loc[:, columns])
        .mark_tick(color=FEATURE, thickness=2, opacity=0.8)
        .encode(
            x=alt.X("train_loss:Q", title="training loss (squared error)"),
            y=alt.Y("training:N", title=None, sort=[*kinds]),
            tooltip=["training", "n_points", "start", alt.Tooltip("train_loss", format=".3g")],
        )
        .properties(width=190, height=110)
    )
    medians = {
        kind: float(np.nanmedian(numbers(each, "train_loss"))) for kind, each in kinds.items()
    }
    words = ", ".join(f"{kind} {value:.2g}" for kind, value in medians.items())
    header = alt.Header(title=None, labelExpr="'T = ' + datum.value")
    return ticks.facet(alt.Facet("n_points:O", header=header), columns=3).properties(
        title="Where random starts on the same few points end, by the way of training",
        description=f"Strips of training losses. Medians over all sizes: {words}.",
    )


def size_map(models: pd.DataFrame) -> alt.Chart:
    """Mean test loss for every number of data points and of hidden dimensions."""
    mean = means(models, ["n_points", "d_hidden"], "test_loss")
    highest = mean.iloc[int(numbers(mean, "test_loss").argmax())]
    return (
        alt.Chart(mean)
        .mark_rect()
        .encode(
            x=alt.X("n_points:O", title="data points T", axis=alt.Axis(labelAngle=0)),
            y=alt.Y("d_hidden:O", title="hidden dimensions m", sort="descending"),
            color=alt.Color(
                "test_loss:Q",
                title="test loss",
                scale=alt.Scale(type="log", range=[INTENSITY[0], INTENSITY[-1]]),
            ),
            tooltip=["n_points", "d_hidden", alt.Tooltip("test_loss", format=".3g")],
        )
        .properties(
            height=240,
            title="Test loss by the number of data points and of hidden dimensions",
            description=f"Heat map of {len(mean)} mean test losses. The highest is "
            f"{highest['test_loss']:.3g} at T = {highest['n_points']:.0f} and m = "
            f"{highest['d_hidden']:.0f}.",
        )
    )


def weight_decay(models: pd.DataFrame) -> alt.LayerChart:
    """Test loss by the number of data points, for each weight decay."""
    named = models.assign(series=[f"{decay:g}" for decay in models.weight_decay])
    return _test_losses(named, "weight decay").properties(
        title="What weight decay does to the bump of the test loss"
    )


def training_length(models: pd.DataFrame) -> alt.LayerChart:
    """Test loss by the number of data points, for each length of training."""
    named = models.assign(series=[f"{steps:,}" for steps in models.n_steps])
    return _test_losses(named, "updates").properties(
        title="What longer training does to the bump of the test loss"
    )


def onset(sparsities: pd.DataFrame, decays: pd.DataFrame) -> alt.HConcatChart:
    """Test loss by how often each feature was seen, for sparsities and for weight decays."""
    views = []
    for models, column, label in (
        (sparsities, "feature_probability", "density p"),
        (decays, "weight_decay", "weight decay"),
    ):
        named = models.assign(
            series=[f"{value:g}" for value in models[column]],
            seen=models.n_points * models.feature_probability,
        )
        x = alt.X(
            "seen:Q",
            title="T(1 − S), times that a feature was seen (log scale)",
            scale=alt.Scale(type="log", nice=False, padding=8),
        )
        views.append(_test_losses(named, label, x=x).properties(width=260, height=260))
    return (
        alt.hconcat(*views)
        .resolve_scale(color="independent")
        .properties(
            title="When generalising begins: where the test loss falls below 1",
            description="Two charts of test loss against T(1 − S): for several densities, and for "
            "several weight decays.",
        )
    )


def _vectors(ranked: pd.DataFrame, kind: str) -> alt.LayerChart:
    x, y = plane(1.15)
    base = alt.Chart(ranked.loc[ranked.kind == kind]).transform_filter("datum.position == position")
    shown = [
        alt.Tooltip("index", title=kind),
        alt.Tooltip("norm", title="length", format=".2f"),
        alt.Tooltip("dimensionality", format=".3f"),
        alt.Tooltip("n_points", title="data points T"),
    ]
    shafts = base.mark_rule(color=_COLOURS[kind], opacity=0.5)
    heads = base.mark_point(color=_COLOURS[kind], filled=True, opacity=0.9, size=28)
    label = (
        base.transform_aggregate(n_points="max(n_points)")
        .transform_calculate(text="'T = ' + datum.n_points")
        .mark_text(align="left", dx=4)
        .encode(x=alt.value(0), y=alt.value(10), text="text:N")
    )
    return layered(
        shafts.encode(x=x, y=y, x2=alt.X2Datum(0), y2=alt.Y2Datum(0)),
        heads.encode(x=x, y=y, tooltip=shown),
        label,
    ).properties(width=270, height=270, title=kind)


def _melted(models: pd.DataFrame, names: dict[str, str], series: str) -> pd.DataFrame:
    """The columns `names` below one another: n_points, data_set, `series`, value."""
    parts = [
        models.loc[:, ["n_points", "data_set"]].assign(**{series: name, "value": models[column]})
        for column, name in names.items()
    ]
    return pd.concat(parts, ignore_index=True).dropna()


def _test_losses(named: pd.DataFrame, label: str, *, x: alt.X = POINTS) -> alt.LayerChart:
    """Test loss for every `series`, called `label`."""
    field = str(x.shorthand).removesuffix(":Q")
    columns = list(dict.fromkeys(["n_points", field, "data_set"]))
    long = named.loc[:, columns].assign(**{label: named.series, "value": named.test_loss})
    y = loss("test loss (squared error)")
    return layered(one(y), *lines(long.dropna(), by=label, y=y, x=x)).properties(
        height=300, description=describe(long.dropna(), label, "highest test loss")
    )
