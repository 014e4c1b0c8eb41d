"""Figures of the catalogue of concepts: how frequent they are, what the token gives away."""

import altair as alt
import pandas as pd

from superposition.charts.parts import CONTROL, FEATURE, layered
from superposition.language.concepts.description import TOKEN_F1

KINDS = {"context": FEATURE, "token": CONTROL}


def token_alone(catalogue: pd.DataFrame) -> alt.LayerChart:
    """Every judged concept by its frequency and by how well the token alone tells it."""
    judged = catalogue[catalogue["judged"]]
    colour = alt.Scale(domain=list(KINDS), range=list(KINDS.values()))
    points = (
        alt.Chart(judged[["name", "group", "share", "token_f1", "kind"]])
        .mark_point(filled=True, size=40, opacity=0.7)
        .encode(
            x=alt.X("share:Q", scale=alt.Scale(type="log"))
            .axis(format="~g")
            .title("share of all tokens that have the concept (log scale)"),
            y=alt.Y("token_f1:Q", scale=alt.Scale(domain=[0, 1])).title(
                "F1 of guessing from the token alone"
            ),
            color=alt.Color("kind:N", scale=colour).title("concept of the"),
            shape=alt.Shape("kind:N", legend=None),
            tooltip=[alt.Tooltip("name:N"), alt.Tooltip("group:N"), alt.Tooltip("share:Q")],
        )
    )
    line = alt.Chart(pd.DataFrame({"level": [TOKEN_F1]})).mark_rule(strokeDash=[4, 4])
    kinds = list(judged["kind"])
    n_token = kinds.count("token")
    return layered(line.encode(y=alt.Y("level:Q")), points).properties(
        title="How much of a concept the token itself gives away",
        description=f"Of {len(kinds)} concepts with enough tokens to be judged, {n_token} are told"
        f" by the token alone with an F1 of at least {TOKEN_F1:g}; the others need context.",
        width=520,
        height=320,
    )
