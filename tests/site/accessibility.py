"""What axe-core, the usual judge of accessibility, finds wrong with a page, light and dark."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

GRAVE = ("serious", "critical")
"""Impacts that no page may have."""
SHOWN = 3
"""Elements that are named for each rule broken."""
_RULES = {
    "light": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    "dark": ["color-contrast"],
}
"""The rules to look for in each theme: only colours change between them."""
_EXCEPT = {"light": [], "dark": [".vega-canvas"]}
"""What is left out: figures are drawn anew for the dark page while it is looked at."""
_RUN = """options => axe.run({include: ["html"], exclude: options.except}, options.rules)
    .then((found) => found.violations)"""
_SET_THEME = """async (theme) => {
    const body = document.body.classList;
    if (body.contains(`quarto-${theme}`)) return;
    if (window.quartoToggleColorScheme) window.quartoToggleColorScheme();
    else ['quarto-dark', 'quarto-light'].forEach((name) => body.toggle(name));
    const sheets = [...document.querySelectorAll('link[rel=stylesheet]')];
    const wait = (time) => new Promise((done) => setTimeout(done, time));
    for (let tries = 0; tries < 40 && !sheets.every((each) => each.sheet); tries++) await wait(25);
    await wait(250);
}"""
"""Quarto's dark page is a style sheet of its own; colours fade from one page to the other."""


def barriers(page: Page) -> list[str]:
    """Every grave violation in either theme, one line each."""
    page.evaluate(AXE_SCRIPT)
    return [problem for theme in _RULES for problem in _of_theme(page, theme)]


def _of_theme(page: Page, theme: str) -> list[str]:
    page.evaluate(_SET_THEME, theme)
    rules = {"runOnly": _RULES[theme], "resultTypes": ["violations"], "preload": False}
    found = page.evaluate(_RUN, {"rules": rules, "except": _EXCEPT[theme]})
    return [f"{theme}: {_words(each)}" for each in found if each["impact"] in GRAVE]


def _words(violation: dict[str, Any]) -> str:
    nodes = violation["nodes"]
    shown = "; ".join(_node(node) for node in nodes[:SHOWN])
    return f"{violation['id']} ({violation['impact']}, {len(nodes)} elements): {shown}"


def _node(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    reason = checks[0]["message"] if checks else ""
    return f"{' '.join(map(str, node['target']))}: {reason}"
