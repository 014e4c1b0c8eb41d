"""A page's source: a `.qmd` file as a sequence of text and Python cells."""

import re
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import yaml

OPTIONS = (
    "label",
    "echo",
    "eval",
    "include",
    "output",
    "warning",
    "code-fold",
    "fig-cap",
    "fig-alt",
    "tbl-cap",
    "column",
)
"""The cell options that mean the same in both renderers."""

_FENCE = re.compile(r"^(`{3,})\{python\}\s*$")
_INLINE = re.compile(r"(^|[^`])`\{python\}[ \t]([^`]+)`", re.MULTILINE)
_OPTION = re.compile(r"^#\|\s?(.*)$")


class SourceError(ValueError):
    """A page whose source cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A stretch of a page: either text or Python."""

    source: str
    """Without fences and options."""
    line: int
    """Its first line in the file, from 1."""
    is_code: bool = False
    """Whether it is Python to run."""
    options: dict[str, Any] = field(default_factory=dict)
    """What its `#|` lines say."""

    @property
    def name(self) -> str:
        """What to call it in a message."""
        label = self.options.get("label")
        return f"cell {label!r} (line {self.line})" if label else f"line {self.line}"


def parse(text: str) -> list[Cell]:
    """The cells of a page, in order."""
    cells: list[Cell] = []
    lines = text.split("\n")
    start = position = 0
    while position < len(lines):
        fence = _FENCE.match(lines[position])
        if not fence:
            position += 1
            continue
        end = _closing(lines, position, fence.group(1))
        _add_text(cells, lines[start:position], start)
        cells.append(_code(lines[position + 1 : end], position + 1))
        start = position = end + 1
    _add_text(cells, lines[start:], start)
    return cells


def front_matter(text: str) -> dict[str, Any]:
    """The YAML at the head of a page."""
    match = re.match(r"---\n(.*?\n)---\s*(\n|$)", text, re.DOTALL)
    return (yaml.safe_load(match.group(1)) or {}) if match else {}


def expressions(text: str) -> list[str]:
    """The inline expressions of a stretch of text, in order."""
    return [match.group(2) for match in _INLINE.finditer(text)]


def substitute(text: str, values: dict[str, str]) -> str:
    """`text` with every inline expression replaced by its value."""
    return _INLINE.sub(lambda match: match.group(1) + values[match.group(2)], text)


def _closing(lines: list[str], opening: int, fence: str) -> int:
    for number in range(opening + 1, len(lines)):
        if lines[number].rstrip() == fence:
            return number
    raise SourceError(f"line {opening + 1}: a Python cell without its closing {fence}")


def _add_text(cells: list[Cell], lines: list[str], start: int) -> None:
    if any(line.strip() for line in lines):
        cells.append(Cell(source="\n".join(lines) + "\n", line=start + 1))


def _code(lines: list[str], start: int) -> Cell:
    heads = [match.group(1) for match in takewhile(bool, map(_OPTION.match, lines)) if match]
    options = yaml.safe_load("\n".join(heads)) or {}
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise SourceError(
            f"line {start}: cell option {unknown[0]!r} is not used here; have: {', '.join(OPTIONS)}"
        )
    body = "\n".join(lines[len(heads) :]).strip("\n")
    return Cell(source=body, line=start, is_code=True, options=options)
