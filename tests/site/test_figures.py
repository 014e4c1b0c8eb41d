"""Figures and tables as the pages hold them."""

import itertools
import json
import re
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd
import pytest
from IPython.display import Markdown

from superposition.site import figures, show, table, vega

STYLES = Path(__file__).parents[2] / "paper" / "styles"

# Machado, Oliveira and Fernandes (2009), severity 1: how others see linear RGB.
VISION = {
    "all cones": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602]],
}
VISION["protan"] = np.array([*VISION["protan"], [-0.003882, -0.048116, 1.051998]])
VISION["deutan"] = np.array([*VISION["deutan"], [-0.011820, 0.042940, 0.968881]])
VISION["tritan"] = np.array([*VISION["tritan"], [0.004733, 0.691367, 0.303900]])
TO_LMS = [[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]]
TO_OKLAB = [
    [0.21045, 0.79362, -0.00407],
    [1.97800, -2.42859, 0.45059],
    [0.02590, 0.78277, -0.80868],
]


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    low, high = sorted(float(linear(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


def seen(colour: str, vision: str) -> np.ndarray:
    return TO_OKLAB @ np.cbrt(TO_LMS @ np.clip(VISION[vision] @ linear(colour), 0, 1))


def text_of(shown: Markdown) -> str:
    return str(shown.data)


def spec_of(markdown: str) -> dict:
    text = re.search(r'<script type="application/json">(.*?)</script>', markdown, re.S)
    assert text
    return json.loads(text.group(1))


def table_of(markdown: str) -> dict[str, list]:
    (table,) = spec_of(markdown)["datasets"].values()
    return dict(table)


@pytest.fixture
def chart() -> alt.Chart:
    frame = pd.DataFrame({"x": [1 / 3, 2.0], "text": ["</script>`<b>{{< x >}}", "\u202e"]})
    return alt.Chart(frame, title="What it shows").mark_point().encode(x="x:Q", tooltip="text")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("vision", VISION)
def test_meanings_are_told_apart_by_every_kind_of_vision(theme, vision):
    colours = [getattr(colour, theme) for colour in figures.PALETTE.values()]
    for one, other in itertools.combinations(colours, 2):
        assert np.linalg.norm(seen(one, vision) - seen(other, vision)) > 0.085, (one, other)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_meanings_stand_out_against_the_page(theme):
    for colour in figures.PALETTE.values():
        assert contrast(getattr(colour, theme), getattr(figures.PAPER, theme)) >= 3


def test_the_style_sheet_has_the_same_colours():
    found = re.findall(r"--(\w+): light-dark\((#\w+), (#\w+)\)", (STYLES / "site.css").read_text())
    sheet = {name: figures.Colour(light, dark) for name, light, dark in found}
    for name, colour in figures.PALETTE.items() | {"paper": figures.PAPER}.items():
        assert sheet[name] == colour


def test_no_two_meanings_share_what_they_become_on_the_dark_page():
    colours = [*figures.PALETTE.values(), *figures.RAMP, *figures.DIVERGING]
    for light, group in itertools.groupby(sorted(colours), key=lambda colour: colour.light):
        assert len({colour.dark for colour in group}) == 1, light


def test_hostile_text_in_the_data_is_inert_and_comes_back_whole(chart):
    markdown = text_of(show(chart))
    assert "</script>`" not in markdown
    assert "{{<" not in markdown
    assert table_of(markdown)["text"][0] == "</script>`<b>{{< x >}}"


def test_the_title_is_what_a_screen_reader_says_unless_told_otherwise(chart):
    assert 'aria-label="What it shows"' in text_of(show(chart))
    assert 'aria-label="Another &quot;word&quot;"' in text_of(
        show(chart, alt_text='Another "word"')
    )


def test_a_chart_that_says_nothing_is_refused():
    with pytest.raises(ValueError, match="without title and description"):
        show(alt.Chart(pd.DataFrame({"x": [1]})).mark_point().encode(x="x:Q"))


def test_a_misspelt_column_fails_the_cell(chart):
    with pytest.raises(ValueError, match="lost"):
        show(chart.encode(y="lost"))


def test_a_single_view_fills_the_column_and_panels_keep_their_widths(chart):
    assert spec_of(text_of(show(chart)))["width"] == "container"
    assert "width" not in spec_of(text_of(show(alt.hconcat(chart, chart, title="Two"))))


PANELS = pd.DataFrame({"x": [1, 2], "panel": ["a", "b"]})
LIMIT = alt.Chart(pd.DataFrame({"limit": [1.5]})).mark_rule().encode(x="limit:Q")


def dots(data: pd.DataFrame | None) -> alt.Chart:
    return (alt.Chart() if data is None else alt.Chart(data)).mark_point().encode(x="x:Q")


@pytest.mark.parametrize(
    "layers",
    [
        alt.layer(dots(PANELS), dots(PANELS).mark_rule()),
        alt.layer(dots(None), LIMIT, data=PANELS),
    ],
)
def test_panels_share_their_data_but_for_what_is_the_same_in_all(layers: alt.LayerChart) -> None:
    figures.show(layers.facet("panel:N").properties(title="two"))


def test_panels_that_would_all_show_everything_are_refused() -> None:
    layers = alt.layer(dots(PANELS), data=PANELS.assign(zero=0))
    for panels in (layers.facet("panel:N"), layers.facet(row="panel:N")):
        with pytest.raises(ValueError, match="panels by panel, but a layer has the data of all"):
            figures.show(panels.properties(title="two"))


def test_data_keep_seven_digits(chart):
    assert table_of(text_of(show(chart)))["x"][0] == 0.3333333


def test_columns_keep_the_order_of_the_frame():
    frame = pd.DataFrame({"z": [1], "a": [2], "m": [3]})
    markdown = text_of(show(alt.Chart(frame, title="Three").mark_point().encode(x="a:Q")))
    assert list(table_of(markdown)) == ["z", "a", "m"]


def test_rows_that_differ_in_their_columns_are_kept_as_rows():
    uneven = [{"x": 1}, {"x": 2, "y": 3}]
    markdown = figures.html({"datasets": {"a": uneven, "none": []}}, label="Two tables")
    assert spec_of(markdown)["datasets"] == {"a": uneven, "none": []}


def test_more_rows_than_altair_likes_are_shown():
    frame = pd.DataFrame({"x": range(6000)})
    chart = alt.Chart(frame, title="Many").mark_point().encode(x="x:Q")
    assert len(table_of(text_of(show(chart)))["x"]) == 6000


def test_vega_comes_as_one_file_that_names_no_other_host():
    hosts = set(re.findall(r"https?://([\w.-]+)", vega.bundle()))
    assert hosts <= {"www.w3.org", "vega.github.io", "github.com"}
    assert "window.figureLook" in vega.bundle()


def test_tables_align_numbers_right_and_keep_markdown():
    frame = pd.DataFrame(
        {
            "a|b": ["[x](y.qmd)", None],
            "n": [12_000, 3],
            "loss": [3.14159, np.nan],
            "holds": [True, False],
        }
    )
    assert text_of(table(frame)).splitlines() == [
        "| a\\|b | n | loss | holds |",
        "| :--- | ---: | ---: | :--- |",
        "| [x](y.qmd) | 12,000 | 3.14 | yes |",
        "| – | 3 | – | no |",
    ]


@pytest.mark.parametrize(
    ("value", "text"), [(0.95, "0.95"), (12345.6, "12,346"), (1.0e-6, "1e-06"), (-0.5, "-0.5")]
)
def test_numbers_in_tables_are_short(value, text):
    assert text_of(table(pd.DataFrame({"x": [value]}))).endswith(f"| {text} |")
