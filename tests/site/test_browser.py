"""The sample site in a real browser, without network."""

import importlib.util
import json
import shutil
import struct
from pathlib import Path
from types import ModuleType

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert
from playwright.sync_api import Download, Locator, Page
from tests.site import browser
from tests.site.conftest import SAMPLE


@pytest.fixture(scope="module")
def chromium():
    with browser.running_chromium() as running:
        yield running


@pytest.fixture
def page(chromium, sample_site: Path):
    context = chromium.new_context(offline=True, color_scheme="light")
    page = context.new_page()
    page.goto((sample_site / "paper" / "index.html").as_uri())
    yield page
    context.close()


def drawn(page: Page) -> list[str | None]:
    figures = page.query_selector_all(".vega-figure")
    for figure in figures:
        figure.evaluate(browser._DRAWN)
    return [figure.get_attribute("data-drawn") for figure in figures]


def test_nothing_is_wrong_with_the_sample_site(sample_site):
    assert browser.inspect_site(sample_site) == []


def test_every_kind_of_problem_is_found(sample_site, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(sample_site, site)
    (site / "paper" / "styles" / "vega.js").unlink()
    second = site / "paper" / "second.html"
    broken = (
        "<!DOCTYPE html><main><p>?@fig-lost and @lost and {python} x <strong>key?</strong>"
        '<a href="lost.html">a</a><a href="index.html#lost">b</a><img src="https://example.org/x.png">'
        '<div style="width: 600px" id="two">wide</div><i id="two"></i>'
        "<script>lost()</script></main>"
    )
    second.write_text(broken)
    problems = "\n".join(browser.inspect_site(site))
    for trace in (
        "unresolved reference: ?@fig-lost",
        "literal citation or reference: @lost",
        "not evaluated: {python}",
        "missing source: key?",
        "link to lost.html, which does not exist",
        "link to index.html#lost, but index.html has no such anchor",
        "request to https://example.org/x.png",
        "id 'two' twice",
        "script: lost is not defined",
        "scrolls sideways on a phone",
        "was not drawn",
    ):
        assert trace in problems


def test_missing_data_are_a_fault_of_the_site(sample_site, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(sample_site, site)
    (site / "paper" / "second.html").write_text(
        '<!DOCTYPE html><html lang="en"><title>x</title><main><h1>x</h1><p class="missing">toy</p>'
        '<p style="color: #ccc">Pale words.</p></main></html>'
    )
    problems = "\n".join(browser.inspect_site(site))
    assert "second.html: data are missing: toy" in problems
    assert "second.html: light: color-contrast (serious" in problems


def test_a_page_is_weighed_with_what_it_loads(sample_site):
    path = sample_site / "paper" / "index.html"
    vega = (path.parent / "styles" / "vega.js").stat().st_size
    assert browser._too_heavy(path, ["styles/figures.js"], limit=vega + 1_000_000) == []
    assert browser._too_heavy(path, ["styles/figures.js"], limit=vega) != []


def test_the_keyboard_opens_the_source_of_a_number_and_closes_it(page):
    page.evaluate("document.querySelector('main .value').focus()")
    page.keyboard.press("Enter")
    assert "computed by" in page.inner_text(".value-note")
    page.keyboard.press("Escape")
    assert page.locator(".value-note").count() == 0


def test_focus_can_be_seen(page):
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_figures_wait_until_they_are_near(page):
    states = [
        figure.get_attribute("data-drawn") for figure in page.query_selector_all(".vega-figure")
    ]
    assert states[-1] is None
    assert drawn(page) == ["light"] * 3


def test_the_toggle_redraws_figures_for_the_dark_page_and_is_remembered(page):
    drawn(page)
    page.click("#theme-toggle")
    page.wait_for_selector('.vega-figure[data-drawn="dark"]')
    fills = page.eval_on_selector("body", "body => getComputedStyle(body).backgroundColor")
    assert fills == "rgb(21, 24, 27)"
    page.reload()
    assert set(drawn(page)) == {"dark"}


def test_a_reader_whose_system_is_dark_gets_the_dark_page(chromium, sample_site):
    context = chromium.new_context(color_scheme="dark", offline=True)
    page = context.new_page()
    page.goto((sample_site / "paper" / "index.html").as_uri())
    assert set(drawn(page)) == {"dark"}
    context.close()


def test_the_slider_changes_the_figure(page):
    drawn(page)
    points = "#fig-points svg g.mark-symbol path"
    assert page.locator(points).count() == 5
    page.locator("#fig-points input[type=range]").fill("2")
    page.wait_for_function(f"document.querySelectorAll('{points}').length === 2")


def test_on_a_phone_panels_stand_below_one_another_and_the_menu_opens(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    drawn(page)
    width = page.eval_on_selector("#fig-pair svg", "svg => svg.clientWidth")
    assert width <= 390
    assert not page.is_visible("#quarto-sidebar")
    page.click("#menu-toggle")
    assert page.is_visible("#quarto-sidebar")
    page.keyboard.press("Tab")


def test_printing_draws_every_figure(page):
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function("document.querySelectorAll('[data-drawn=light]').length === 3")


DOWNLOADS = {"SVG": b"<svg", "PNG": b"\x89PNG", "CSV": b"feature", "Vega-Lite": b"{"}
FRAMES = {
    "points": lambda chart: [chart.data],
    "lines": lambda chart: [layer.data for layer in chart.layer],
    "pair": lambda chart: [panel.data for panel in chart.hconcat],
}
"""Where each chart of the sample has its data; the largest table comes first."""


def charts() -> ModuleType:
    """The sample's charts, to compare with."""
    spec = importlib.util.spec_from_file_location("charts", SAMPLE / "charts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def open_card(page: Page, name: str) -> Locator:
    card = page.locator(f"#fig-{name} .figure-card")
    # Not with the mouse: a figure above that is being drawn would move the card from under it.
    card.locator("summary").first.evaluate("it => it.click()")
    return card


def files(page: Page, card: Locator, button: str, *, n: int = 1) -> list[Path]:
    """What a button of a card downloads."""
    found: list[Download] = []
    page.on("download", lambda download: found.append(download))
    with page.expect_download():
        card.get_by_role("button", name=button, exact=True).click()
    while len(found) < n:
        page.wait_for_event("download")
    return [Path(each.path()) for each in found]


def test_every_download_of_a_card_is_what_it_says(page):
    card = open_card(page, "points")
    for name, start in DOWNLOADS.items():
        with page.expect_download() as download:
            card.get_by_role("button", name=name, exact=True).click()
        content = Path(download.value.path()).read_bytes()
        assert content.lstrip().startswith(start), name
        assert download.value.suggested_filename.startswith("fig-points.")


@pytest.mark.parametrize("name", FRAMES)
def test_the_csv_files_of_a_figure_are_its_frames(page, name):
    frames = FRAMES[name](getattr(charts(), name)())
    found = files(page, open_card(page, name), "CSV", n=len(frames))
    for path, frame in zip(found, frames, strict=True):
        whole = frame.reset_index(drop=True)
        pd.testing.assert_frame_equal(pd.read_csv(path), whole, check_dtype=False, rtol=1e-6)


@pytest.mark.parametrize("name", FRAMES)
def test_the_vega_lite_file_of_a_figure_is_a_whole_chart_with_its_frames(page, name):
    (path,) = files(page, open_card(page, name), "Vega-Lite")
    spec = json.loads(path.read_text("utf-8"))
    assert alt.Chart.from_dict(spec).to_dict()  # refuses what Vega-Lite's schema does not know
    frames = FRAMES[name](getattr(charts(), name)())
    assert sorted(map(len, spec["datasets"].values())) == sorted(map(len, frames))
    assert vl_convert.vegalite_to_svg(spec).count("<path") >= 3


def rewrite(page: Page, change: str) -> None:
    """Change the specification `spec` of the figure of lines before it is drawn."""
    page.evaluate(
        f"""() => {{
        const script = document.querySelector('#fig-lines script');
        let spec = JSON.parse(script.textContent);
        {change};
        script.textContent = JSON.stringify(spec);
        }}"""
    )
    drawn(page)


def overflow(page: Page) -> int:
    return page.eval_on_selector("#fig-lines .vega-canvas", "it => it.scrollWidth - it.clientWidth")


def test_a_legend_with_long_names_fits_on_a_phone(page):
    page.set_viewport_size(browser.PHONE)
    names = "['a name that is rather long', 'another name of that length', 'a third one like them']"
    rewrite(page, f"spec.layer[0].encoding.color.scale = {{domain: {names}}}")
    assert overflow(page) <= 1


def plot(page: Page) -> tuple[float, float]:
    """Width and height of where the lines are."""
    found = "it => [it.getBBox().width, it.getBBox().height]"
    width, height = page.eval_on_selector("#fig-lines .mark-group .background", found)
    return width, height


@pytest.mark.parametrize(("width", "height"), [(520, 310), (330, 330)])
def test_a_chart_of_a_fixed_size_fits_on_a_phone_and_a_square_stays_square(page, width, height):
    page.set_viewport_size(browser.PHONE)
    rewrite(page, f"spec.width = {width}; spec.height = {height}")
    assert overflow(page) <= 1
    narrow, high = plot(page)
    assert narrow < width
    assert high == (narrow if height == width else height)


def test_small_drawings_stand_in_one_row_and_on_a_phone_in_rows_of_two(page):
    small = """const {datasets, layer, data, description} = spec;
    for (const each of layer) each.encoding = {};
    const small = {layer, width: 104, height: 104};
    spec = {datasets, data, description, hconcat: Array(5).fill(small)}"""
    rewrite(page, small)
    heights = [page.eval_on_selector("#fig-lines svg", "svg => svg.clientHeight")]
    assert overflow(page) <= 1
    page.set_viewport_size(browser.PHONE)
    page.reload()
    rewrite(page, small)
    heights.append(page.eval_on_selector("#fig-lines svg", "svg => svg.clientHeight"))
    assert overflow(page) <= 1
    assert heights[0] < 2 * 104
    assert 3 * 104 < heights[1] < 4 * 104


STACKED = "vconcat: Array(2).fill(one)"
IN_A_ROW = "facet: {field: 'panel', type: 'nominal'}, spec: one"


@pytest.mark.parametrize(("charts", "width"), [(STACKED, 560), (IN_A_ROW, 260)])
def test_stacked_charts_and_panels_in_a_row_fit_on_a_phone(page, charts, width):
    page.set_viewport_size(browser.PHONE)
    rewrite(
        page,
        f"""const encoding = {{x: {{field: 'x', type: 'quantitative'}}}};
        const one = {{mark: 'point', encoding, width: {width}, height: 120}};
        const data = {{values: [{{panel: 'a', x: 1}}, {{panel: 'b', x: 2}}]}};
        spec = {{description: spec.description, data, {charts}}}""",
    )
    assert overflow(page) <= 1
    height = page.eval_on_selector("#fig-lines svg", "svg => svg.clientHeight")
    assert 2 * 120 < height < 3 * 120 + 80


@pytest.mark.parametrize(("width", "shrunk"), [(330, True), (600, False)])
def test_what_is_a_little_too_wide_is_shrunk_and_the_rest_scrolls(page, width, shrunk):
    page.set_viewport_size(browser.PHONE)
    stack = """const {datasets, layer, data, description} = spec;
    spec = {datasets, data, description, concat: [{layer, width: WIDTH}]}"""
    rewrite(page, stack.replace("WIDTH", str(width)))
    assert (overflow(page) <= 1) == shrunk
    reached = page.eval_on_selector("#fig-lines .vega-canvas", "it => it.tabIndex")
    assert reached == (-1 if shrunk else 0)


def test_the_drawings_of_a_card_show_the_figure(page):
    card = open_card(page, "points")
    (svg,) = files(page, card, "SVG")
    assert svg.read_text("utf-8").count('aria-roledescription="point"') == 5
    (png,) = files(page, card, "PNG")
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    assert width > 600
    assert height > 600


def test_a_card_shows_its_data_as_a_table(page):
    card = open_card(page, "points")
    card.get_by_role("button", name="Show the data").click()
    frame = charts().points().data
    assert card.locator(".figure-data th").all_inner_texts() == list(frame.columns)
    cells = card.locator(".figure-data tbody td").all_text_contents()
    shown = pd.DataFrame([cells[at : at + 5] for at in range(0, len(cells), 5)])
    assert shown[4].tolist() == frame["text"].tolist()
    np.testing.assert_allclose(shown[1].astype(float), frame["x"], rtol=1e-6)


def test_a_card_cites_its_figure(page):
    card = open_card(page, "points")
    asked: list[str] = []
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(new Error('none')); }"
    )
    page.on("dialog", lambda dialog: (asked.append(dialog.default_value), dialog.dismiss()))
    card.get_by_role("button", name="Copy BibTeX").click()
    page.wait_for_timeout(200)
    assert asked[0].startswith("@misc{superposition-replicated-fig-points,")
    assert "index.html#fig-points" in asked[0]
