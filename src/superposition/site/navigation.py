"""Which pages the site has, in which order, as `_quarto.yml` says: the one source for it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PROJECT_FILE = "_quarto.yml"


class ProjectError(ValueError):
    """A `_quarto.yml` that does not fit the files."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """The site as `_quarto.yml` describes it."""

    root: Path
    """The folder that holds `_quarto.yml`."""
    tree: dict[str, Any]
    """What it says."""
    pages: tuple[str, ...]
    """The sources to render, relative to the root: the chapters first, in reading order."""
    parts: dict[str, str]
    """Those in the sidebar, in reading order, with the title of their part; empty if in none."""

    @property
    def chapters(self) -> tuple[str, ...]:
        """The sources in the sidebar, in reading order."""
        return tuple(self.parts)

    @property
    def website(self) -> dict[str, Any]:
        """The section on the site as a whole."""
        return self.tree.get("website", {})

    @property
    def title(self) -> str:
        """The site's title."""
        return self.website.get("title", "")

    @property
    def author(self) -> str:
        """Who wrote it, as a citation names them."""
        authors = self.tree.get("author", [])
        return ", ".join(each["name"]["literal"] for each in authors)

    def neighbours(self, page: str) -> tuple[str | None, str | None]:
        """The chapters before and after `page`."""
        if page not in self.chapters:
            return None, None
        here = self.chapters.index(page)
        before = self.chapters[here - 1] if here else None
        after = self.chapters[here + 1] if here + 1 < len(self.chapters) else None
        return before, after


def read(root: Path) -> Project:
    """The project in `root`, its pages found and checked."""
    path = root / PROJECT_FILE
    if not path.exists():
        raise ProjectError(f"no {PROJECT_FILE} in {root}: run from the repository's root")
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    parts = _parts(tree.get("website", {}).get("sidebar", {}).get("contents", []))
    missing = [page for page in parts if not (root / page).exists()]
    if missing:
        raise ProjectError(f"{PROJECT_FILE} names {missing[0]}, which does not exist")
    patterns = tree.get("project", {}).get("render", ["*.qmd"])
    found = [path for pattern in patterns for path in sorted(root.glob(pattern))]
    others = [path.relative_to(root).as_posix() for path in found]
    pages = (*parts, *(page for page in others if page not in parts))
    if not pages:
        raise ProjectError(f"no page matches {', '.join(patterns)} in {root}")
    return Project(root=root, tree=tree, pages=pages, parts=parts)


def address(page: str) -> str:
    """Where a source's page lies in the site."""
    return str(Path(page).with_suffix(".html").as_posix())


def relative(target: str, *, start: str) -> str:
    """The link from the page `start` to `target`, both relative to the site's folder."""
    return "../" * start.count("/") + target


def _parts(contents: list[Any], *, part: str = "") -> dict[str, str]:
    """Sources in their order, each with the title of the section that holds it."""
    sources: dict[str, str] = {}
    for item in contents:
        if isinstance(item, str):
            sources[item] = part
        elif "contents" in item:
            sources |= _parts(item["contents"], part=item.get("section", part))
        else:
            sources[item.get("href") or item["file"]] = part
    return sources
