"""Figures of the page on speed: how long a training step takes, and whose."""

import altair as alt
import pandas as pd

from superposition.benchmarks.record import MEMORY, OURS, PLAIN, PRODUCT
from superposition.charts.parts import CONTROL, LATENT, PUBLISHED, THEORY, groups, layered
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
    return _panels(shown, alt.Y("times_ours:Q", title="step, in units of ours")).properties(
        title="Other steps in units of ours, by width",
        description=f"{_contents(shown)} {_describe(shown)}",
    )


def throughput(frame: pd.DataFrame, clock: str, machine: str = "") -> alt.FacetChart:
    """Inputs per second of everyone's step, over the number of latents; on `machine`."""
    shown = _named(frame.loc[frame["contender"] != MEMORY], clock)
    return _panels(shown, _speed(clock)).properties(
        title="Inputs per second, by width" + (f", on {machine}" if machine else ""),
        description=f"{_contents(shown)} {_describe(shown)}",
    )


def batch_sizes(frame: pd.DataFrame, clock: str) -> alt.LayerChart:
    """Inputs per second of everyone's step, over the inputs in a step.

    `frame` has rows of one architecture and width.
    """
    shown = _named(frame.loc[~frame["contender"].isin([PRODUCT, MEMORY])], clock)
    x = _powers(shown, "batch_size", "inputs in a step (log scale)")
    width, arch = fmt(int(shown["d_sae"].iloc[0])), shown["arch"].iloc[0]
    return (
        _lines(shown, x, _speed(clock))
        .properties(width=420, height=220)
        .properties(
            title=f"Inputs per second by batch size, {arch} at {width} latents",
            description=f"A line for each contender over {shown['batch_size'].nunique()} batch "
            f"sizes. {_describe(shown)}",
        )
    )


def memory(frame: pd.DataFrame, clock: str) -> alt.FacetChart:
    """Peak memory of everyone's step, over the number of latents."""
    shown = _named(frame.loc[~frame["contender"].isin([PRODUCT, MEMORY])], clock)
    y = alt.Y("mebibytes:Q", title="peak memory (MiB, log scale)", scale=alt.Scale(type="log"))
    return _panels(shown, y).properties(
        title="Peak memory of a step, by width", description=_contents(shown)
    )


def _panels(shown: pd.DataFrame, y: alt.Y) -> alt.FacetChart:
    """A line for each contender over the number of latents, a panel for each architecture."""
    lines = _lines(shown, _powers(shown, "d_sae", "latents (log scale)"), y)
    facet = alt.Facet("arch:N", title=None, sort=[*ARCHITECTURES.values()])
    return lines.properties(width=150, height=150).facet(facet, columns=3, spacing=40)


def _lines(shown: pd.DataFrame, x: alt.X, y: alt.Y) -> alt.LayerChart:
    """A line for each contender, with points whose shape says which; one legend for both."""
    columns = ["name:N", "arch:N", "d_sae:Q", "batch_size:Q", "times_ours:Q"]
    tooltip = [*columns, "inputs_per_second:Q", "mebibytes:Q"]
    kinds = {name: found["kind"].iloc[0] for name, found in groups(shown, "name")}
    colours = [_COLOURS[KINDS.index(kind)] for kind in kinds.values()]
    scale = alt.Scale(domain=[*kinds], range=colours)
    colour = alt.Color("name:N", title=None, scale=scale)
    base = alt.Chart(shown).encode(x=x, y=y, color=colour, tooltip=tooltip)
    lines = base.mark_line().encode(detail="name:N")
    shape = alt.Shape("name:N", title=None, scale=alt.Scale(domain=[*kinds]))
    points = base.mark_point(filled=True, size=60).encode(shape=shape)
    return layered(lines, points)


def _powers(shown: pd.DataFrame, column: str, title: str) -> alt.X:
    """A logarithmic axis with a tick at each value measured."""
    axis = alt.Axis(values=sorted(set(shown[column].tolist())))
    scale = alt.Scale(type="log", nice=False)
    return alt.X(f"{column}:Q", title=title, scale=scale, axis=axis)


def _speed(clock: str) -> alt.Y:
    """The axis of inputs per second."""
    of = f" of {CLOCKS[clock]}" if clock == "cpu" else ""
    title = f"inputs per second{of} (log scale)"
    return alt.Y("inputs_per_second:Q", title=title, scale=alt.Scale(type="log"))


def _named(frame: pd.DataFrame, clock: str) -> pd.DataFrame:
    """The columns of the figures, with names for readers."""
    seconds = frame[f"{clock}_seconds"].to_numpy(dtype=float)
    columns = {
        "arch": [ARCHITECTURES[arch] for arch in frame["arch"]],
        "name": [NAMES.get(contender, contender) for contender in frame["contender"]],
        "kind": [_kind(contender) for contender in frame["contender"]],
        "d_sae": frame["d_sae"].to_numpy(),
        "batch_size": frame["batch_size"].to_numpy(),
        "milliseconds": 1e3 * seconds,
        "low": 1e3 * frame[f"{clock}_seconds_low"].to_numpy(dtype=float),
        "high": 1e3 * frame[f"{clock}_seconds_high"].to_numpy(dtype=float),
        "times_ours": frame[f"{clock}_ratio"].to_numpy(dtype=float),
        "inputs_per_second": frame["batch_size"].to_numpy() / seconds,
        "mebibytes": frame["peak_bytes"].to_numpy() / 2**20,
    }
    return pd.DataFrame(columns)


def _kind(contender: str) -> str:
    known = {OURS: KINDS[0], PLAIN: KINDS[1], PRODUCT: KINDS[3]}
    return known.get(contender, KINDS[2])


def _colour() -> alt.Color:
    scale = alt.Scale(domain=[*KINDS], range=_COLOURS)
    return alt.Color("kind:N", title=None, scale=scale, legend=alt.Legend(orient="top"))


def _contents(shown: pd.DataFrame) -> str:
    """How many panels and widths there are, in words."""
    return (
        f"{shown['arch'].nunique()} panels; a line for each contender over "
        f"{shown['d_sae'].nunique()} widths."
    )


def _describe(shown: pd.DataFrame) -> str:
    """The largest and the smallest ratio to ours, in words."""
    peers = shown.loc[shown["kind"] == KINDS[2]]
    if peers.empty:
        return "No peer was measured."
    low, high = peers["times_ours"].min(), peers["times_ours"].max()
    return f"Peers take {fmt(float(low))} to {fmt(float(high))} times as long as ours."
