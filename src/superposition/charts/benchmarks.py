"""Figures of the page on speed: how long a training step takes, and whose."""

import altair as alt
import pandas as pd

from superposition.benchmarks.record import MEMORY, OURS, PLAIN, PRODUCT
from superposition.charts.parts import CONTROL, LATENT, PUBLISHED, THEORY, layered
from superposition.values import fmt

NAMES = {OURS: "ours", PLAIN: "plain dense step", PRODUCT: "encoder product", MEMORY: "copying"}
"""Contenders that are no peers, for readers."""
ARCHITECTURES = {
    "topk": "TopK",
    "batch_topk": "BatchTopK",
    "l1": "L1",
    "gated": "gated",
    "jumprelu": "JumpReLU",
}
"""In the order of the figures."""
CLOCKS = {"wall": "time", "cpu": "processor time"}
KINDS = ("ours", "plain dense step", "a peer", "limit")
"""What colours tell apart."""
_COLOURS = [LATENT, CONTROL, PUBLISHED, THEORY]


def steps(frame: pd.DataFrame, clock: str) -> alt.FacetChart:
    """Time of a training step by contender, a panel for each architecture.

    `frame` has rows of one width, as in data/bench.json.
    """
    shown = _named(frame.loc[frame["contender"] != MEMORY], clock)
    order = [*dict.fromkeys(shown.sort_values("milliseconds")["name"])]
    names = alt.Y("name:N", title=None, sort=order, axis=alt.Axis(labelOverlap=False))
    base = alt.Chart(shown).encode(y=names, color=_colour())
    title, scale = f"{CLOCKS[clock]} of a step (ms, log scale)", alt.Scale(type="log")
    points = base.mark_point(filled=True, size=70).encode(
        x=alt.X("milliseconds:Q", title=title, scale=scale),
        tooltip=["name:N", "arch:N", "milliseconds:Q", "times_ours:Q"],
    )
    spread = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low:Q", title=title, scale=scale), x2=alt.X2("high:Q", title=title)
    )
    panels = layered(spread, points).properties(width=520, height=alt.Step(18))
    facet = alt.Facet("arch:N", title=None, sort=[*ARCHITECTURES.values()])
    return panels.facet(facet, columns=1).properties(
        title=f"A training step at {fmt(int(shown['d_sae'].iloc[0]))} latents",
        description=f"{shown['arch'].nunique()} panels of the {CLOCKS[clock]} a step takes. "
        + _describe(shown),
    )


def widths(frame: pd.DataFrame, clock: str) -> alt.FacetChart:
    """How many times as long as our step everyone else's takes, over the number of latents."""
    shown = _named(frame.loc[~frame["contender"].isin([OURS, PRODUCT, MEMORY])], clock)
    lines = (
        alt.Chart(shown)
        .mark_line(point=True)
        .encode(
            x=alt.X(
                "d_sae:Q", title="latents (log scale)", scale=alt.Scale(type="log", nice=False)
            ),
            y=alt.Y("times_ours:Q", title="step, in units of ours"),
            color=_colour(),
            strokeDash=alt.StrokeDash("name:N", title=None),
            tooltip=["name:N", "arch:N", "d_sae:Q", "times_ours:Q"],
        )
        .properties(width=170, height=170)
    )
    facet = alt.Facet("arch:N", title=None, sort=[*ARCHITECTURES.values()])
    return lines.facet(facet, columns=3).properties(
        title="Other steps in units of ours, by width",
        description=f"{shown['arch'].nunique()} panels; a line for each contender over "
        f"{shown['d_sae'].nunique()} widths. {_describe(shown)}",
    )


def _named(frame: pd.DataFrame, clock: str) -> pd.DataFrame:
    """The columns of the figures, with names for readers."""
    columns = {
        "arch": [ARCHITECTURES[arch] for arch in frame["arch"]],
        "name": [NAMES.get(contender, contender) for contender in frame["contender"]],
        "kind": [_kind(contender) for contender in frame["contender"]],
        "d_sae": frame["d_sae"].to_numpy(),
        "milliseconds": 1e3 * frame[f"{clock}_seconds"].to_numpy(dtype=float),
        "low": 1e3 * frame[f"{clock}_seconds_low"].to_numpy(dtype=float),
        "high": 1e3 * frame[f"{clock}_seconds_high"].to_numpy(dtype=float),
        "times_ours": frame[f"{clock}_ratio"].to_numpy(dtype=float),
    }
    return pd.DataFrame(columns)


def _kind(contender: str) -> str:
    known = {OURS: KINDS[0], PLAIN: KINDS[1], PRODUCT: KINDS[3]}
    return known.get(contender, KINDS[2])


def _colour() -> alt.Color:
    scale = alt.Scale(domain=[*KINDS], range=_COLOURS)
    return alt.Color("kind:N", title=None, scale=scale, legend=alt.Legend(orient="top"))


def _describe(shown: pd.DataFrame) -> str:
    """The largest and the smallest ratio to ours, in words."""
    peers = shown.loc[shown["kind"] == KINDS[2]]
    if peers.empty:
        return "No peer was measured."
    low, high = peers["times_ours"].min(), peers["times_ours"].max()
    return f"Peers take {fmt(float(low))} to {fmt(float(high))} times as long as ours."
