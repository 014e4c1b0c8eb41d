"""Everything that opens, filters or leads on does so for the keyboard alone."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Page
from tests.site import browser
from tests.site.conftest import ROOT

from superposition.site import cards, preview

PAPERS = ("A paper", "Another paper")
VERDICTS = tuple(cards.BADGES)
Go = Callable[[Path], Page]


@pytest.fixture(scope="module")
def go() -> Iterator[Go]:
    """A function that opens a page from disk, without network."""
    with browser.running_chromium() as running:
        context = running.new_context(offline=True, viewport=browser.DESKTOP)  # pyright: ignore[reportArgumentType]

        def opened(path: Path) -> Page:
            page = context.new_page()
            page.on("pageerror", lambda error: pytest.fail(f"script: {error}"))
            page.goto(path.as_uri())
            return page

        yield opened


@pytest.fixture
def page(go: Go, sample_site: Path) -> Page:
    return go(sample_site / "paper" / "index.html")


@pytest.fixture(scope="module")
def scorecard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight claims of two papers, every verdict twice."""
    site = tmp_path_factory.mktemp("scorecard")
    shutil.copytree(ROOT / "paper" / "styles", site / "styles")
    records = pd.DataFrame([record(index) for index in range(8)])
    entries = [f"## {paper}\n\n{cards.scorecard(records, paper=paper).data}" for paper in PAPERS]
    body = preview.pandoc("\n\n".join(entries), ["--section-divs"])
    head = '<!DOCTYPE html><meta charset="utf-8"><link rel="stylesheet" href="styles/site.css">'
    script = '<script src="styles/reading.js" defer></script>'
    path = site / "scorecard.html"
    path.write_text(f'{head}<body class="quarto-light"><main class="content">{body}</main>{script}')
    return path


def record(index: int) -> dict[str, Any]:
    return {
        "id": f"claim-{index}",
        "paper": PAPERS[index % 2],
        "source": "Introduction",
        "statement": f"Statement {index}.",
        "quoted": False,
        "published": "yes",
        "expectation": "yes",
        "quantity": "share",
        "measured": 0.5,
        "interval": None,
        "verdict": VERDICTS[index // 2],
        "detail": "",
        "figure": "toy-models.html#fig-geometry",
        "code": "superposition.claims.toy_models:intro_ninety",
    }


def tab_to(page: Page, selector: str, *, most: int = 60) -> None:
    """Press Tab until what is selected has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("name => document.activeElement.matches(name)", selector):
            return
    raise AssertionError(f"{most} tabs do not lead to {selector}")


def seen_claims(page: Page) -> list[str]:
    return page.eval_on_selector_all(
        ".claim[id]", "all => all.filter((each) => each.offsetHeight).map((each) => each.id)"
    )


def test_focus_shows_what_a_word_means_and_escape_takes_it_away(page: Page) -> None:
    meaning = page.locator(".explained .meaning").first
    assert not meaning.is_visible()
    tab_to(page, "a.term")
    assert meaning.is_visible()
    assert "probability that a feature is zero" in meaning.inner_text()
    page.keyboard.press("Escape")
    assert not meaning.is_visible()
    assert page.evaluate("document.activeElement.className") == "term"
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert meaning.is_visible()


def test_a_screen_reader_gets_the_meaning_with_the_word(page: Page) -> None:
    described = page.get_attribute("a.term", "aria-describedby")
    assert page.get_attribute(f"#{described}", "role") == "tooltip"


def test_the_pointer_may_rest_on_a_meaning(page: Page) -> None:
    page.locator("a.term").first.hover()
    meaning = page.locator(".explained .meaning").first
    box = meaning.bounding_box()
    assert box
    page.mouse.move(box["x"] + 5, box["y"] + 5, steps=20)
    assert meaning.is_visible()
    page.keyboard.press("Escape")
    assert not meaning.is_visible()


@pytest.mark.parametrize("key", ["Enter", " "])
def test_a_key_opens_the_origin_of_a_number_and_escape_closes_it(page: Page, key: str) -> None:
    tab_to(page, ".value")
    page.keyboard.press(key)
    assert page.locator(".value-note").is_visible()
    assert page.evaluate("document.activeElement.ariaExpanded") == "true"
    page.keyboard.press("Escape")
    assert page.locator(".value-note").count() == 0
    assert page.evaluate("document.activeElement.ariaExpanded") == "false"
    assert page.evaluate("document.activeElement.matches('.value')")


def test_the_same_key_again_closes_the_origin_of_a_number(page: Page) -> None:
    tab_to(page, ".value")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.locator(".value-note").count() == 0


def test_the_scorecard_is_filtered_by_the_keyboard_and_says_how_many_are_left(
    go: Go, scorecard: Path
) -> None:
    page = go(scorecard)
    said = page.get_by_role("status")
    assert said.inner_text() == "8 of 8 claims"
    tab_to(page, ".claim-filter select")
    page.keyboard.press("ArrowDown")
    assert said.inner_text() == "4 of 8 claims"
    tab_to(page, ".claim-filter select", most=1)
    page.keyboard.press("ArrowDown")
    assert said.inner_text() == "1 of 8 claims"
    assert seen_claims(page) == ["claim-0"]


def test_words_filter_the_scorecard_and_a_link_brings_a_claim_back(go: Go, scorecard: Path) -> None:
    page = go(scorecard)
    tab_to(page, ".claim-filter input")
    page.keyboard.type("statement 5")
    assert page.get_by_role("status").inner_text() == "1 of 8 claims"
    assert seen_claims(page) == ["claim-5"]
    page.keyboard.press("Enter")
    assert page.url.endswith("scorecard.html")
    page.evaluate("location.hash = 'claim-2'")
    page.wait_for_function("document.querySelector('#claim-2').offsetHeight > 0")
    assert page.get_by_role("status").inner_text() == "8 of 8 claims"


def test_every_part_of_the_filter_has_a_name(go: Go, scorecard: Path) -> None:
    page = go(scorecard)
    for role, name in (("combobox", "Paper"), ("combobox", "Verdict"), ("searchbox", "Search")):
        assert page.get_by_role(role, name=name).count() == 1  # pyright: ignore[reportArgumentType]
