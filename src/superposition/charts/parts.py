"""What several figures share: the colours of the palette, dashes, a choice of one row, bins."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from superposition.site.figures import DIVERGING, PALETTE, PAPER, RAMP, NothingToShow

FEATURE, LATENT, NEURON, CONTROL, THEORY, PUBLISHED = (
    PALETTE[name].light
    for name in ("feature", "latent", "neuron", "control", "theory", "published")
)
"""The light colours; the page swaps them on a dark background."""
HALO = {"stroke": PAPER.light, "strokeWidth": 4, "strokeJoin": "round"}
"""For a text below the same text: lines that cross it end before its letters."""
INTENSITY = [colour.light for colour in RAMP]
"""From little to much."""
SIGNED = [colour.light for colour in DIVERGING]
"""From negative over nothing to positive."""

_DASHES = [[1, 0], [7, 3], [2, 3], [9, 3, 2, 3], [4, 6]]
"""The gaps of Vega-Lite's own dashes are too small to be seen."""
LINE_LEGEND = alt.Legend(symbolType="stroke", symbolSize=700)
"""Lines long enough to show a dash and its gap. A colour that says the same needs this, too, and
the same domain: then Vega-Lite makes one legend of both."""

DENSITY_AXIS = alt.Axis(
    format="~g", title="feature probability p (log scale, sparser to the right)"
)


def numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    """A column as floats."""
    return frame[column].to_numpy(dtype=float)


def groups(frame: pd.DataFrame, column: str) -> list[tuple[Any, pd.DataFrame]]:
    """The rows with each value of a column, in the order in which the values come."""
    return list(frame.groupby(column, sort=False))


def some(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """`frame`, if it has a row: without one there is no `what`, and nothing to draw."""
    if frame.empty:
        raise NothingToShow(f"no {what}")
    return frame


def layered(*charts: alt.Chart, data: pd.DataFrame | None = None) -> alt.LayerChart:
    """Charts drawn over one another."""
    layers = alt.layer(*charts) if data is None else alt.layer(*charts, data=data)
    assert isinstance(layers, alt.LayerChart), "layers without facets are a LayerChart"
    return layers


def dashed(
    name: str,
    order: Sequence[str],
    *,
    title: str | None = None,
    legend: alt.Legend | None = LINE_LEGEND,
) -> alt.StrokeDash:
    """Lines told apart by their dashes, the first of `order` without."""
    scale = alt.Scale(domain=list(order), range=_DASHES[: len(order)])
    return alt.StrokeDash(f"{name}:N", title=title, scale=scale, legend=legend)


def sparser_to_the_right(name: str = "feature_probability") -> alt.X:
    """A density on a logarithmic axis that ends at the sparsest, as in the papers."""
    return alt.X(f"{name}:Q", axis=DENSITY_AXIS, scale=alt.Scale(type="log", reverse=True))


def bars(bins: pd.DataFrame) -> alt.Chart:
    """The bars of a histogram, still without axes.

    Their corners must be square: with round ones Vega-Lite 6.1 draws bars from bins without width.
    """
    return alt.Chart(bins).mark_bar(color=LATENT, cornerRadiusEnd=0)


def plane(limit: float) -> tuple[alt.X, alt.Y]:
    """Unmarked axes of the plane from -limit to limit, in which directions are drawn."""
    scale = alt.Scale(domain=[-limit, limit], nice=False)
    x = alt.X("x:Q", title=None, axis=None, scale=scale)
    return x, alt.Y("y:Q", title=None, axis=None, scale=scale)


def words(row: str, names: Mapping[str, str] | None = None) -> str:
    """The name of an experiment for readers: from `names`, else with spaces for hyphens."""
    if names and row in names:
        return names[row]
    return row.replace("-", " ").replace("_", " ")


def choice(frame: pd.DataFrame, column: str, label: str) -> alt.Parameter:
    """A menu of the values of a column; the first one is chosen to begin with."""
    options = [value for value, _ in groups(some(frame, label.lower()), column)]
    menu = alt.binding_select(options=options, name=f"{label} ")
    return alt.param(name=f"chosen_{column}", bind=menu, value=options[0])


def slider(n: int, label: str) -> alt.Parameter:
    """A slider over the positions 0 to n - 1; it begins at the last."""
    return alt.param(
        name="position",
        bind=alt.binding_range(min=0, max=max(n - 1, 1), step=1, name=f"{label} "),
        value=n - 1,
    )


def ranked_densities(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with the column `position` of each density, 0 for the densest."""
    densities = sorted(set(frame["feature_probability"]), reverse=True)
    position = {p: index for index, p in enumerate(densities)}
    return frame.assign(position=[position[p] for p in frame["feature_probability"]])


def histogram(frame: pd.DataFrame, column: str, edges: np.ndarray) -> pd.DataFrame:
    """Counts of a column in bins, for each `row`: row, low, high, count."""
    parts = []
    for row, found in groups(frame, "row"):
        counts, _ = np.histogram(numbers(found, column), bins=edges)
        columns = {"row": words(row), "low": edges[:-1], "high": edges[1:], "count": counts}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)
