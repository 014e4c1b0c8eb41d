"""Figures in the pages: an Altair chart as raw HTML that one local script draws when it is seen.

The specification and its data lie in the page; Vega lies beside the pages once; nothing is fetched
from elsewhere. Colours have fixed meanings, defined here alone, in a light and a dark version.
"""

import hashlib
import json
from collections.abc import Mapping
from html import escape
from itertools import pairwise
from typing import Any, NamedTuple

import altair as alt
from IPython.display import Markdown

Spec = dict[str, Any]

SIGNIFICANT_DIGITS = 7
"""Of numbers in a figure's data: what float32 holds."""


class NothingToShow(ValueError):
    """A figure without data, because the text or the models have none; the message says of what."""


class Colour(NamedTuple):
    """One meaning's colour on either background, at least 3:1 against it."""

    light: str
    """On the light page."""
    dark: str
    """On the dark page."""


PALETTE = {
    "feature": Colour("#0a589c", "#3a8fd9"),
    "latent": Colour("#cc5803", "#ee7a2e"),
    "neuron": Colour("#0ca77c", "#46d39b"),
    "control": Colour("#6f767c", "#8d949b"),
    "theory": Colour("#23272b", "#e4e7ea"),
    "published": Colour("#732a60", "#f79be8"),
}
"""What each colour means, everywhere: distinguishable with any colour vision (after Okabe, Ito)."""

SERIES = [PALETTE[name] for name in ("feature", "latent", "neuron", "published", "control")]
RAMP = (
    Colour("#f1f5f8", "#1d2328"),
    Colour("#86b4dc", "#25568a"),
    Colour("#0a589c", "#3a8fd9"),
    Colour("#0b2a4a", "#d6e8fa"),
)
"""From little to much."""

DIVERGING = (
    Colour("#9c4100", "#ff9a56"),
    Colour("#e9a172", "#96552a"),
    Colour("#f6f6f4", "#20252a"),
    Colour("#7dade0", "#2a6296"),
    Colour("#0a4a86", "#76b8f5"),
)
"""From negative over nothing to positive."""

INK = Colour("#3c444b", "#c3c9ce")
FAINT = Colour("#e3e6e9", "#30363c")
PAPER = Colour("#ffffff", "#15181b")
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'


def show(chart: alt.TopLevelMixin, *, alt_text: str | None = None) -> Markdown:
    """`chart` as a figure of the page, its alternative text by default its description or title."""
    with alt.data_transformers.enable("default", max_rows=None):
        spec = chart.to_dict()
    spec.pop("config", None)
    spec.pop("$schema", None)
    _check_panels(spec, spec.get("datasets", {}))
    label = alt_text or spec.get("description") or _title(spec)
    if not label:
        raise ValueError(
            "a chart without title and description: whoever cannot see it has nothing; "
            "give it .properties(description=...) or show(chart, alt_text=...)"
        )
    spec = _rounded(spec) | {"description": label}
    if not any(key in spec for key in ("width", "facet", "hconcat", "vconcat", "concat")):
        spec["width"] = "container"
    return Markdown(f"```{{=html}}\n{html(spec, label=label)}\n```\n")


def _check_panels(
    part: Any, datasets: Mapping[str, list[Any]], fields: frozenset[str] = frozenset()
) -> None:
    """Refuse a layer of panels by `fields` that brings the data of all panels itself.

    Vega-Lite divides only the data of the whole: every panel would show all of the layer's.
    """
    if isinstance(part, list):
        for each in part:
            _check_panels(each, datasets, fields)
    if not isinstance(part, dict):
        return
    own = datasets.get(part.get("data", {}).get("name")) or [{}]
    if repeated := fields & {*own[0]}:
        raise ValueError(
            f"panels by {', '.join(sorted(repeated))}, but a layer has the data of all panels: "
            "give the same frame to every layer, or one to all of them"
        )
    for key, value in part.items():
        if key == "spec" and "facet" in part:
            _check_panels(value, datasets, fields | _fields(part["facet"]))
        elif key not in ("data", "datasets"):
            _check_panels(value, datasets, fields)


def _fields(facet: Mapping[str, Any]) -> frozenset[str]:
    """The columns by which a facet makes panels."""
    channels = [facet, facet.get("row", {}), facet.get("column", {})]
    return frozenset(channel["field"] for channel in channels if "field" in channel)


def html(spec: Spec, *, label: str) -> str:
    """The element that figures.js fills: the specification as JSON, inert whatever it holds.

    Tables lie in it column by column, in the order of the frame, half as long as row by row;
    figures.js makes rows of them.
    """
    if "datasets" in spec:
        spec = spec | {"datasets": {k: _by_column(rows) for k, rows in spec["datasets"].items()}}
    text = json.dumps(spec, separators=(",", ":"), sort_keys=True, ensure_ascii=True)
    for character in "<>&`":
        text = text.replace(character, f"\\u{ord(character):04x}")
    name = hashlib.sha256(text.encode()).hexdigest()[:12]
    height = spec.get("height", 300)
    reserve = f"{height + 60}px" if isinstance(height, int | float) else "20rem"
    return (
        f'<div class="vega-figure" id="vega-{name}" role="figure" aria-label="{escape(label)}">'
        f'<div class="vega-canvas" style="min-height: {reserve}"></div>'
        f'<script type="application/json">{text}</script>'
        "<noscript>This figure is drawn by a script; its data lies in the page.</noscript>"
        "</div>"
    )


@alt.theme.register("superposition", enable=False)
def theme() -> alt.theme.ThemeConfig:
    """The Altair theme, on the light page: for charts drawn outside the site."""
    return {"config": config(dark=False)}  # pyright: ignore[reportReturnType]


def config(*, dark: bool) -> Spec:
    """The look of every chart on one background, as a Vega-Lite configuration."""

    def on(colour: Colour) -> str:
        return colour.dark if dark else colour.light

    words = {"labelColor": on(INK), "titleColor": on(INK), "labelFontSize": 12, "titleFontSize": 12}
    return {
        "font": FONT,
        "background": "transparent",
        "padding": {"left": 0, "right": 4, "top": 4, "bottom": 4},
        "view": {"stroke": None, "continuousHeight": 280, "continuousWidth": 620},
        "axis": words | _axis(on),
        "axisX": {"grid": False},
        "axisBand": {"grid": False},
        "axisXDiscrete": {"labelAngle": 0},
        # Or the labels at the ends of neighbouring axes touch.
        "facet": {"spacing": 32},
        "axisQuantitative": {"tickCount": 6},
        # As wide as most numbers are, or panels with axes of their own are not in line.
        "axisYQuantitative": {"minExtent": 40},
        "legend": words | _LEGEND | _symbols(on(INK)),
        "header": words | {"labelFontWeight": 600},
        "title": {"color": on(PALETTE["theory"]), "subtitleColor": on(INK)} | _title_style(),
        "range": {
            "category": [on(colour) for colour in SERIES],
            "ramp": _smooth([on(colour) for colour in RAMP]),
            "heatmap": _smooth([on(colour) for colour in RAMP]),
            "ordinal": _smooth([on(colour) for colour in RAMP[1:]]),
            "diverging": _smooth([on(colour) for colour in DIVERGING]),
        },
        "mark": {"color": on(PALETTE["feature"])},
        # Round caps would fill the gaps of dashes.
        "line": {"strokeWidth": 2, "strokeJoin": "round"},
        "point": {"size": 40, "filled": True},
        "rule": {"color": on(INK)},
        "text": {"color": on(INK), "fontSize": 12},
        "bar": {"cornerRadiusEnd": 1},
    }


def swaps() -> dict[str, str]:
    """Each colour that a chart may name, and what it becomes on the dark page."""
    fixed = [*PALETTE.values(), *RAMP, *DIVERGING, INK, FAINT, PAPER]
    return {colour.light: colour.dark for colour in fixed}


def _axis(on: Any) -> Spec:
    return {
        "gridColor": on(FAINT),
        "domainColor": on(FAINT),
        "tickColor": on(FAINT),
        "titleFontWeight": 500,
        "titlePadding": 10,
        "labelPadding": 5,
        "tickSize": 4,
        "labelFlush": False,
        "labelOverlap": "greedy",
        "labelSeparation": 8,
    }


_LEGEND = {"titleFontWeight": 600, "orient": "top", "labelLimit": 0, "titleLimit": 0}
"""Above the drawing, every word of it."""


def _symbols(colour: str) -> Spec:
    """Legend symbols of shapes that have no colour of their own; black by default on any page."""
    return {"symbolBaseFillColor": colour, "symbolBaseStrokeColor": colour}


def _title_style() -> Spec:
    return {
        "fontSize": 15,
        "fontWeight": 600,
        "subtitleFontSize": 13,
        "anchor": "start",
        "frame": "bounds",
        "offset": 14,
    }


def _smooth(colours: list[str], *, between: int = 4) -> list[str]:
    """The colours with others mixed in between: Vega's own way between two takes detours."""
    channels = [[int(colour[at : at + 2], 16) for at in (1, 3, 5)] for colour in colours]
    mixed = [
        [round(a + (b - a) * step / between) for a, b in zip(first, second, strict=True)]
        for first, second in pairwise(channels)
        for step in range(between)
    ]
    return ["#" + bytes(colour).hex() for colour in [*mixed, channels[-1]]]


def _by_column(rows: list[Spec]) -> list[tuple[str, list[Any]]] | list[Spec]:
    """The name and the values of each column, if all rows have the same ones."""
    names = list(rows[0]) if rows else []
    if not names or any(row.keys() != rows[0].keys() for row in rows):
        return rows
    return [(name, [row[name] for row in rows]) for name in names]


def _title(spec: Spec) -> str:
    title = spec.get("title", "")
    text = title.get("text", "") if isinstance(title, dict) else title
    return " ".join(text) if isinstance(text, list) else text


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
