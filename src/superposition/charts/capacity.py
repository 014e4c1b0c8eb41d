"""Figures of how much fits into a toy model: features represented, and what they share."""

import altair as alt
import numpy as np
import pandas as pd

from superposition.charts.parts import (
    FEATURE,
    LATENT,
    THEORY,
    groups,
    layered,
    numbers,
    sparser_to_the_right,
)
from superposition.toy.geometry import REPRESENTED

SHARED = 0.1
"""Superposition score above which a feature shares its direction."""
COUNT = "features represented (norm above 0.5)"
DENSITY = alt.Tooltip("feature_probability", title="feature probability", format=".2~g")


def hundred(instances: pd.DataFrame, d_hidden: int) -> alt.LayerChart:
    """Features represented against density, above the line of as many as there are dimensions."""
    x = sparser_to_the_right()
    y = alt.Y("n_represented:Q", title=COUNT)
    shown = ["seed", DENSITY, "n_represented", alt.Tooltip("loss", format=".3g")]
    base = alt.Chart(instances)
    line = base.mark_line(color=FEATURE).encode(x=x, y=alt.Y("max(n_represented):Q", title=COUNT))
    points = base.mark_point(color=FEATURE, filled=True, size=50).encode(x=x, y=y, tooltip=shown)
    bound = alt.Chart(pd.DataFrame({"n_represented": [d_hidden]}))
    rule = bound.mark_rule(color=THEORY, strokeDash=[4, 3]).encode(y=y)
    ordered = instances.sort_values("feature_probability")
    first, last = ordered.iloc[-1], ordered.iloc[0]
    return layered(rule, line, points).properties(
        title="How many of the features a model represents, from dense to sparse",
        description=f"Line chart with a dashed line at {d_hidden} features. Features represented: "
        f"{first['n_represented']} at p = {first['feature_probability']:.2g}, "
        f"{last['n_represented']} at p = {last['feature_probability']:.2g}.",
        height=280,
    )


def sizes(small: pd.DataFrame, large: pd.DataFrame) -> alt.HConcatChart:
    """What share of their features two models of different size represent, and share, by density.

    Each frame has the features of the best models of one experiment.
    """
    found = pd.concat([_portions(small), _portions(large)], ignore_index=True)
    names = list(dict.fromkeys(found["model"]))
    panels = [
        alt.Chart(found)
        .mark_line(point=True)
        .encode(
            x=sparser_to_the_right(),
            y=alt.Y(f"{name}:Q", title=title, axis=alt.Axis(format="%")),
            color=alt.Color(
                "model:N", title="model", scale=alt.Scale(domain=names, range=[FEATURE, LATENT])
            ),
            tooltip=["model", DENSITY, alt.Tooltip(name, title=title, format=".0%")],
        )
        .properties(width=255, height=240)
        for name, title in (
            ("kept", "features represented"),
            ("shared", "… with a score above 0.1"),
        )
    ]
    ends = (
        f"{model}: {part['kept'].iloc[0]:.0%} at the densest and {part['kept'].iloc[-1]:.0%} at "
        "the sparsest"
        for model, part in groups(found, "model")
    )
    return alt.hconcat(*panels).properties(
        title="How full a small and a large model of the same proportions are, by density",
        description=f"Two line charts. Features represented, {'; '.join(ends)}.",
    )


def scores(features: pd.DataFrame) -> alt.FacetChart:
    """Histograms of the superposition scores of represented features, a panel for each density."""
    bins = _score_bins(features)
    bars = (
        alt.Chart()
        .mark_bar(color=FEATURE, cornerRadiusEnd=0)
        .encode(
            x=alt.X(
                "low:Q",
                bin="binned",
                title="superposition score",
                scale=alt.Scale(nice=False),
            ),
            x2="high",
            y=alt.Y("count:Q", title="features", axis=alt.Axis(tickCount=3)),
            tooltip=[
                DENSITY,
                alt.Tooltip("low", title="score from", format=".2f"),
                alt.Tooltip("high", title="to", format=".2f"),
                alt.Tooltip("count", title="features"),
            ],
        )
    )
    one = alt.Chart().mark_rule(color=THEORY, strokeDash=[4, 3]).encode(x=alt.datum(1))
    header = alt.Header(title=None, labelExpr="'p = ' + format(datum.value, '.2~g')")
    panels = alt.Facet("feature_probability:O", sort="descending", header=header)
    panel = layered(bars, one, data=bins).properties(width=300, height=70)
    found = (
        f"{part['count'].sum()} at p = {p:.2g}, of which "
        f"{part.loc[part['low'] > 0.9, 'count'].sum()} with a score of about 1 or more"
        for p, part in groups(bins, "feature_probability")
    )
    return panel.facet(panels, columns=2).properties(
        title="How much represented features share their directions, from dense to sparse",
        description=f"Histograms of represented features by score: {'; '.join(found)}.",
    )


def _portions(features: pd.DataFrame) -> pd.DataFrame:
    """Shares of features, densest first: feature_probability, model, kept, shared."""
    kept = numbers(features, "norm") > REPRESENTED
    both = kept & (numbers(features, "superposition") > SHARED)
    found = features.loc[:, ["feature_probability"]].assign(kept=kept, shared=both)
    means = found.groupby("feature_probability", as_index=False).mean()
    n = len(set(features["feature"]))
    return means.sort_values("feature_probability", ascending=False).assign(model=f"{n} features")


def _score_bins(features: pd.DataFrame) -> pd.DataFrame:
    """Represented features by score, in bins a tenth wide around 0, 0.1, … and 2.

    Columns: feature_probability, low, high, count.
    """
    edges = np.linspace(-0.05, 2.05, 22).round(2)
    kept = features.loc[numbers(features, "norm") > REPRESENTED]
    parts = []
    for p in sorted(set(features["feature_probability"]), reverse=True):
        found = numbers(kept.loc[kept["feature_probability"] == p], "superposition")
        counts, _ = np.histogram(np.clip(found, 0, 2), bins=edges)
        columns = {"low": edges[:-1], "high": edges[1:], "count": counts}
        parts.append(pd.DataFrame({"feature_probability": p, **columns}))
    return pd.concat(parts, ignore_index=True)
