"""A look at a built site in a real browser: `inspect_site` lists all that is wrong with it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from tests.site.accessibility import barriers

from superposition.site import atlas

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
HOST = "http://site.test/"
PAGE_BYTES = 3_000_000
"""What a page may weigh with all that it loads to be read, the drawing of its figures included."""

_UNRESOLVED = (
    (re.compile(r"\?@[\w-]+"), "unresolved reference"),
    (re.compile(r"(?<![\w@.])@[a-z][\w:-]*"), "literal citation or reference"),
    (re.compile(r"\{python\}"), "inline code that was not evaluated"),
    (re.compile(r"\?(?:var|meta):\w+"), "unresolved shortcode"),
)
_PROSE = """() => {
    const copy = document.body.cloneNode(true);
    const exact = 'pre, code, script, style, noscript, svg, [translate=no]';
    copy.querySelectorAll(exact).forEach((element) => element.remove());
    return document.title + ' ' + copy.textContent;
}"""
_DRAWN = """async (figure) => {
    figure.scrollIntoView({block: 'center'});
    for (let tries = 0; tries < 200 && !figure.dataset.drawn; tries++) {
        await new Promise((done) => setTimeout(done, 25));
    }
    return figure.querySelectorAll('svg path, svg rect, svg text, canvas').length;
}"""


def find_chromium() -> str:
    """The browser's path; installs Debian's in CI where that is possible, else skips the test."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    in_ci = bool(os.environ.get("CI"))
    if not found and in_ci and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-q"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-q", "chromium"], check=True)
        found = shutil.which("chromium")
    if not found:
        reason = f"no browser on the PATH (looked for {', '.join(NAMES)})"
        pytest.fail(reason) if in_ci else pytest.skip(reason)
    return found


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield browser
        browser.close()


def inspect_site(folder: Path) -> list[str]:
    """Everything wrong with the built site in `folder`, one line each: page and problem."""
    folder = folder.resolve()
    pages = {path: _Outline.of(path) for path in sorted(folder.rglob("*.html"))}
    if not pages:
        return [f"{folder}: no page"]
    problems = [problem for path in pages for problem in _broken_links(path, pages)]
    problems += [problem for path in pages for problem in _too_heavy(path, pages[path].links)]
    with running_chromium() as browser:
        for path in (path for path, outline in pages.items() if not outline.is_redirect):
            problems += [f"{path.name}: {problem}" for problem in _seen(browser, folder, path)]
    return problems


def _seen(browser: Browser, folder: Path, path: Path) -> list[str]:
    """What goes wrong while the page is loaded, read to its end, and narrowed to a phone."""
    problems: list[str] = []
    context = browser.new_context(viewport=DESKTOP, offline=True)  # pyright: ignore[reportArgumentType]
    page = context.new_page()
    page.on("console", lambda message: problems.extend(_errors(message)))
    page.on("pageerror", lambda error: problems.append(f"script: {error}"))
    page.on("request", lambda request: problems.extend(_outside(request.url)))
    page.goto(_address(page, folder, path))
    problems += [*_undrawn(page), *_without_card(page), *_unresolved(page), *_missing(page)]
    problems += _too_wide(page, DESKTOP, "on a desktop")
    problems += barriers(page)
    page.set_viewport_size(PHONE)  # pyright: ignore[reportArgumentType]
    page.wait_for_timeout(150)
    problems += _too_wide(page, PHONE, "on a phone")
    context.close()
    return problems


def _address(page: Page, folder: Path, path: Path) -> str:
    """Where to read the page: from disk, or as if from a server where Quarto's modules need one."""
    if not (folder / "site_libs").is_dir():
        return path.as_uri()
    page.route(f"{HOST}**", lambda route: route.fulfill(path=_file(folder, route.request.url)))
    return HOST + path.relative_to(folder).as_posix()


def _file(folder: Path, url: str) -> Path:
    return folder / unquote(urlsplit(url).path).lstrip("/")


def _missing(page: Page) -> list[str]:
    notes = page.locator(".missing").all_text_contents()
    return [f"data are missing: {' '.join(note.split())}" for note in notes]


def _unresolved(page: Page) -> list[str]:
    prose = page.evaluate(_PROSE)
    found = [f"{what}: {m.group()}" for rule, what in _UNRESOLVED for m in rule.finditer(prose)]
    bold = page.locator("main strong").all_inner_texts()
    return found + [f"missing source: {word}" for word in bold if re.fullmatch(r"[\w:-]+\?", word)]


def _undrawn(page: Page) -> list[str]:
    figures = page.query_selector_all(".vega-figure")
    marks = {figure.get_attribute("id"): figure.evaluate(_DRAWN) for figure in figures}
    return [f"figure {name} was not drawn" for name, count in marks.items() if count < 3]


def _too_wide(page: Page, screen: dict[str, int], where: str) -> list[str]:
    width = page.evaluate("document.documentElement.scrollWidth")
    return [f"scrolls sideways {where}: {width} px wide"] if width > screen["width"] else []


def _without_card(page: Page) -> list[str]:
    bare = page.query_selector_all(".vega-figure:not(:has(+ .figure-card))")
    return [f"figure {figure.get_attribute('id')} has no card" for figure in bare]


def _errors(message: ConsoleMessage) -> list[str]:
    return [f"console: {message.text}"] if message.type == "error" else []


def _outside(url: str) -> list[str]:
    return [] if url.startswith(("file:", "data:", "blob:", HOST)) else [f"request to {url}"]


def _too_heavy(path: Path, links: list[str], *, limit: int = PAGE_BYTES) -> list[str]:
    loaded = {path.parent / link for link in links if link.endswith((".js", ".css"))}
    loaded |= {script.with_name("vega.js") for script in loaded if script.name == "figures.js"}
    size = sum(file.stat().st_size for file in (path, *loaded) if file.exists())
    return [f"{path.name}: weighs {size:,} bytes, more than {limit:,}"] if size > limit else []


def _broken_links(path: Path, pages: dict[Path, "_Outline"]) -> list[str]:
    problems = [f"{path.name}: id {name!r} twice" for name in sorted(pages[path].repeated)]
    for link in pages[path].links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        target = target / "index.html" if target.is_dir() else target
        anchor = unquote(parts.fragment)
        if not target.exists():
            problems.append(f"{path.name}: link to {link}, which does not exist")
        elif anchor and target in pages and not _has(target, anchor, pages[target]):
            problems.append(f"{path.name}: link to {link}, but {target.name} has no such anchor")
    return problems


def _has(page: Path, anchor: str, outline: "_Outline") -> bool:
    """Whether the page has the anchor, or is the atlas and has the unit."""
    named = re.fullmatch(r"(.+)-(\d+)", anchor)
    if anchor in outline.ids or page.name != atlas.PAGE or not named:
        return anchor in outline.ids
    shard = f"{named[1]}-{int(named[2]) // atlas.UNITS_PER_SHARD}.js"
    return (page.with_name(atlas.FOLDER) / shard).exists()


class _Outline(HTMLParser):
    """A page's anchors and links."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.repeated: set[str] = set()
        self.links: list[str] = []
        self.is_redirect = False

    @classmethod
    def of(cls, path: Path) -> "_Outline":
        """The outline of the page in a file."""
        outline = cls()
        outline.feed(path.read_text(encoding="utf-8"))
        return outline

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an anchor or a link."""
        self.is_redirect |= ("http-equiv", "refresh") in attrs
        for name, value in attrs:
            if name == "id" and value and tag != "link":
                (self.repeated if value in self.ids else self.ids).add(value)
            elif name in ("href", "src") and value and value != "#":
                self.links.append(value)
