"""Figures of the claims: how many of each paper came out how."""

import altair as alt
import pandas as pd

from superposition.charts.parts import CONTROL, LATENT, NEURON, SIGNED
from superposition.claims.core import VERDICTS
from superposition.values import fmt


def scorecard(claims: pd.DataFrame) -> alt.Chart:
    """How many claims of each paper came out how; a click on a verdict brings it out."""
    grouped = claims.groupby(["paper", "verdict"], sort=False)["id"]
    counts = grouped.agg([("claims", "size"), ("ids", ", ".join)]).reset_index()
    counts = counts.assign(order=[VERDICTS.index(verdict) for verdict in counts["verdict"]])
    chosen = alt.selection_point(fields=["verdict"], bind="legend")
    return (
        alt.Chart(counts)
        .mark_bar()
        .encode(
            x=alt.X("claims:Q", title="claims", axis=alt.Axis(tickMinStep=1, format="d")),
            y=alt.Y("paper:N", title=None, sort=None, axis=alt.Axis(labelLimit=420)),
            color=alt.Color(
                "verdict:N",
                title=None,
                legend=alt.Legend(columns=2),
                scale=alt.Scale(domain=list(VERDICTS), range=[NEURON, SIGNED[1], LATENT, CONTROL]),
            ),
            order="order:O",
            opacity=alt.condition(chosen, alt.value(1), alt.value(0.25)),
            tooltip=["paper", "verdict", "claims", "ids"],
        )
        .add_params(chosen)
        .properties(
            title="How the claims came out, paper by paper",
            description=_describe(claims),
            height=alt.Step(40),
        )
    )


def _describe(claims: pd.DataFrame) -> str:
    verdicts = claims["verdict"].tolist()
    counts = ", ".join(f"{fmt(verdicts.count(name))} {name}" for name in VERDICTS)
    return f"Of {fmt(len(claims))} claims: {counts}."
