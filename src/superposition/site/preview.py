"""The site without Quarto: cells run by IPython, Markdown to HTML by pandoc and one Lua filter.

Same sources, page names, anchors and style sheet as with Quarto; only the frame around the text is
plainer. It knows the few constructs that the paper uses, and refuses cell options beyond them.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any

import altair as alt
import pypandoc

from superposition.site import kernel, navigation, source
from superposition.site.navigation import Project

STYLES = "paper/styles"
SHELL = ("preview.css", "preview.js")
AT_ONCE = 4
"""Pages that are executed side by side, at most: each has a Python of its own in memory."""

Progress = Callable[[Sequence[str]], Iterator[str]]


class PageError(ValueError):
    """A page that could not be made: names the file, the cell and the error."""


class PandocError(ValueError):
    """Markdown that pandoc refuses."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page whose cells have run."""

    path: str
    """Its source, relative to the project."""
    text: str
    """Its Markdown, with everything computed in place."""
    title: str
    """Its title, as HTML."""

    @property
    def address(self) -> str:
        """Where it lies in the site."""
        return navigation.address(self.path)


def build(project: Project, folder: Path, *, progress: Progress) -> str:
    """Make the site in `folder`; returns the versions that made it."""
    with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
        executed = pool.map(partial(_executed, project), project.pages)
        pages = dict(zip(progress(project.pages), executed, strict=True))
        written = pool.map(partial(_html, project, pages=pages), pages.values())
        texts = dict(zip(pages, written, strict=True))
    folder.mkdir(parents=True)
    for path, text in texts.items():
        target = folder / pages[path].address
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    _copy_resources(project, folder)
    if not (folder / "index.html").exists():
        _write_redirect(folder, to=navigation.address(project.pages[0]))
    return versions()


def versions() -> str:
    """What the preview stands on, in words."""
    pandoc = pypandoc.get_pandoc_version()
    return f"pandoc {pandoc}, Altair {alt.__version__}, Python {platform.python_version()}"


def _executed(project: Project, path: str) -> Page:
    try:
        text = (project.root / path).read_text(encoding="utf-8")
        text = kernel.execute(source.parse(text), root=project.root)
    except (source.SourceError, kernel.CellError) as error:
        raise PageError(f"{path}: {error}") from None
    title = str(source.front_matter(text).get("title", Path(path).stem))
    return Page(path=path, text=text, title=_inline(title))


def _html(project: Project, page: Page, *, pages: dict[str, Page]) -> str:
    styles = project.root / STYLES
    bibliography = project.tree.get("bibliography")
    options = [
        f"--template={styles / 'page.html'}",
        f"--lua-filter={styles / 'preview.lua'}",
        *(["--citeproc", f"--bibliography={project.root / bibliography}"] if bibliography else []),
        f"--include-after-body={styles / 'after.html'}",
        "--metadata=link-citations:true",
        "--section-divs",
        "--toc",
        "--toc-depth=3",
        "--wrap=none",
        *(f"--variable={key}={value}" for key, value in _frame(project, page, pages).items()),
    ]
    try:
        return pandoc(page.text, options)
    except PandocError as error:
        raise PageError(f"{page.path}: {error}") from None


def pandoc(markdown: str, options: list[str]) -> str:
    """Markdown as HTML; pandoc's warnings go where ours go."""
    command = [pypandoc.get_pandoc_path(), "--from=markdown", "--to=html5", "--mathml", *options]
    finished = subprocess.run(command, input=markdown, text=True, capture_output=True, check=False)
    if finished.stderr:
        print(finished.stderr.strip(), file=sys.stderr)
    if finished.returncode:
        raise PandocError(f"pandoc ended with code {finished.returncode}: {finished.stderr}")
    return finished.stdout


def _frame(project: Project, page: Page, pages: dict[str, Page]) -> dict[str, Any]:
    """What surrounds the text: the template's variables."""
    before, after = project.neighbours(page.path)
    title = re.sub(r"<[^>]*>", "", page.title)
    website = project.website
    return {
        "pagetitle": f"{title} – {escape(project.title)}",
        "site-title": escape(project.title),
        "site-description": escape(website.get("description", "")),
        "home": _link(navigation.address(project.pages[0]), page),
        "styles": _link(STYLES, page),
        "lang": project.tree.get("lang", "en"),
        "cite-title": escape(title),
        "cite-author": escape(project.author),
        "cite-date": escape(str(project.tree.get("date", ""))),
        "licence": escape(str(project.tree.get("license", ""))),
        "chapters": _chapters(project, page, pages),
        "previous": _neighbour(before, "prev", page, pages),
        "next": _neighbour(after, "next", page, pages),
        "renderer": f"the built-in preview ({versions()})",
    }


def _chapters(project: Project, page: Page, pages: dict[str, Page]) -> str:
    items, before = [], ""
    for path, part in project.parts.items():
        if part and part != before:
            items.append(f'<li class="part">{escape(part)}</li>')
        before = part
        current = ' aria-current="page"' if path == page.path else ""
        link = _link(pages[path].address, page)
        items.append(f'<li><a href="{link}"{current}>{pages[path].title}</a></li>')
    return "".join(items)


def _neighbour(path: str | None, rel: str, page: Page, pages: dict[str, Page]) -> str:
    if path is None:
        return ""
    words = "Previous" if rel == "prev" else "Next"
    link = _link(pages[path].address, page)
    return (
        f'<a class="pagination-link" rel="{rel}" href="{link}">'
        f"<small>{words}</small><span>{pages[path].title}</span></a>"
    )


def _link(target: str, page: Page) -> str:
    return navigation.relative(target, start=page.address)


def _inline(markdown: str) -> str:
    """A line of Markdown as HTML without its paragraph."""
    return pandoc(markdown, []).strip().removeprefix("<p>").removesuffix("</p>")


def _copy_resources(project: Project, folder: Path) -> None:
    patterns = project.tree.get("project", {}).get("resources", [])
    styles = [f"{STYLES}/{name}" for name in SHELL]
    css = project.tree.get("format", {}).get("html", {}).get("css", [])
    for pattern in [*patterns, *styles, *([css] if isinstance(css, str) else css)]:
        for path in sorted(project.root.glob(pattern.removeprefix("/"))):  # Quarto's project root
            target = folder / path.relative_to(project.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


def _write_redirect(folder: Path, *, to: str) -> None:
    """The site's address leads to its first page."""
    text = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Redirect</title>'
        f'<meta http-equiv="refresh" content="0; URL={to}"></head>'
        f'<body><a href="{to}">{to}</a></body></html>\n'
    )
    (folder / "index.html").write_text(text, encoding="utf-8")
