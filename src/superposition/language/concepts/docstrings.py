"""Concepts of docstrings: whose they are, sections, parameters, doctests, markup; their prose."""

import ast
import re
from itertools import pairwise
from typing import NamedTuple

from superposition.language.concepts.english import english_spans
from superposition.language.concepts.source import Source
from superposition.language.concepts.spans import Spans
from superposition.language.concepts.strings import LITERAL, escapes

OWNERS = {
    ast.Module: "docstring of a module",
    ast.ClassDef: "docstring of a class",
    ast.FunctionDef: "docstring of a function",
    ast.AsyncFunctionDef: "docstring of a function",
}
UNDERLINE = re.compile(r"\s*(?:-{3,}|={3,})\s*")
SECTIONS = {
    "parameters": "Parameters section",
    "other parameters": "Parameters section",
    "attributes": "Parameters section",
    "returns": "Returns section",
    "yields": "Returns section",
    "raises": "Raises section",
    "warns": "Raises section",
    "examples": "Examples section",
    "notes": "Notes section",
    "references": "Notes section",
    "see also": "See Also section",
}
"""Source: the numpydoc style guide, sections. Differs: rare sections are not told apart."""
NUMPYDOC = re.compile(r"\s*(\*{0,2}\w+(?:, \*{0,2}\w+)*) : (\S.*?)\s*")
PROMPT = re.compile(r"\s*(>>>|\.\.\.)(?: (.*?))?\s*")
GOOGLE = re.compile(
    r"\s*(?:Args|Arguments|Parameters|Returns?|Yields|Raises|Examples?|Notes?|Attributes|Warnings?|"
    r"Keyword Args|References|Todo|Usage|Inputs?|Outputs?|Shapes?):{1,2}\s*"
)
"""Source: the Google style guide for Python, 3.8.3; with headings that are as common."""
ARGUMENT = re.compile(r"\s+(\*{0,2}\w+)(?: ?\([^)\n]*\))?:(?:\s.*)?")
MARKUP = {
    "Sphinx field": re.compile(
        r"^[ \t]*(:(?:param|type|returns?|rtype|raises?|k?w?arg|keyword|i?c?var)\b[^:\n]*:)",
        re.M,
    ),
    "reST directive": re.compile(r"^[ \t]*(\.\. [\w-]+(?::[\w-]+)*::)", re.M),
    "reST role": re.compile(r"(:[\w:+-]+:)(?=`)"),
    "code in backquotes": re.compile(r"((?P<mark>`+)[^`\n]+(?P=mark))"),
    "list item": re.compile(r"^[ \t]*((?:[-*+•]|\d+[.)])[ \t]+\S+)", re.M),
    "blank line of a docstring": re.compile(r"(?<=\n)([ \t]*\n)"),
    "indentation in a docstring": re.compile(r"(?<=\n)([ \t]+)(?=\S)"),
}
"""Marks that a line or a part of one has; the first group has the concept."""


class Docstring(NamedTuple):
    """A docstring in its document."""

    owner: str
    """The concept: whose docstring it is."""
    start: int
    """The first character, of the quotes or their prefix."""
    stop: int
    """The character after the closing quotes."""


class Line(NamedTuple):
    """A line of a docstring."""

    text: str
    """Without its end."""
    start: int
    """Its first character, in the document."""

    @property
    def stop(self) -> int:
        """The character after its last."""
        return self.start + len(self.text)

    @property
    def first(self) -> int:
        """Its first character that is no white space."""
        return self.stop - len(self.text.lstrip())


def docstrings(source: Source) -> list[Docstring]:
    """The docstrings of a module, its classes and functions."""
    found = []
    for node in source.nodes:
        body = getattr(node, "body", None) if type(node) in OWNERS else None
        if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
            constant = body[0].value
            if isinstance(constant.value, str):
                found.append(Docstring(OWNERS[type(node)], *source.span(constant)))
    return found


def docstring_spans(source: Source, docstring: Docstring, spans: Spans) -> None:
    """Add the spans of one docstring."""
    owner, start, stop = docstring
    spans.add(owner, start, stop)
    found = LITERAL.fullmatch(source.slice(start, stop))
    if not found:  # several strings in a row
        return
    content, base = found[3], start + found.start(3)
    if "r" not in found[1].lower():
        escapes(content, base, spans)
    for name, pattern in MARKUP.items():
        for mark in pattern.finditer(content):
            spans.add(name, base + mark.start(1), base + mark.end(1))
    lines = _lines(content, base)
    _sections(lines, spans)
    _parameters(lines, spans)
    code = _doctests(lines, spans)
    first = next((line for line in lines if re.search(r"\w", line.text)), None)
    if first:
        spans.add("first line of a docstring", first.first, first.stop)
    for piece, at in _prose(content, base, lines, code):
        english_spans(piece, at, spans)


def _lines(content: str, base: int) -> list[Line]:
    lines = []
    for text in content.split("\n"):
        lines.append(Line(text, base))
        base += len(text) + 1
    return lines


def _sections(lines: list[Line], spans: Spans) -> None:
    """Headers with their lines of dashes, and what stands in the sections known by name."""
    heads = [
        index
        for index, line in enumerate(lines[:-1])
        if line.text.strip()
        and UNDERLINE.fullmatch(lines[index + 1].text)
        and not UNDERLINE.fullmatch(line.text)
    ]
    for index, end in pairwise([*heads, len(lines)]):
        spans.add("section header", lines[index].first, lines[index].stop)
        spans.add("section underline", lines[index + 1].first, lines[index + 1].stop)
        name = SECTIONS.get(lines[index].text.strip().lower())
        if name and end > index + 2:
            spans.add(name, lines[index + 2].start, lines[end - 1].stop)


def _parameters(lines: list[Line], spans: Spans) -> None:
    """Names of parameters in the styles of numpydoc and Google."""
    google: int | None = None  # indentation of the Google header above
    for line in lines:
        indentation = line.first - line.start
        found = NUMPYDOC.fullmatch(line.text)
        if found:
            spans.add("numpydoc parameter", *(line.start + at for at in found.span(1)))
            spans.add("numpydoc type", *(line.start + at for at in found.span(2)))
        if GOOGLE.fullmatch(line.text):
            google = indentation
            spans.add("Google header", line.first, line.stop)
            continue
        if google is not None and line.text.strip() and indentation <= google:
            google = None
        found = ARGUMENT.fullmatch(line.text)
        if google is not None and found:
            spans.add("Google argument", *(line.start + at for at in found.span(1)))


def _doctests(lines: list[Line], spans: Spans) -> set[int]:
    """Add doctests; the indices of their lines."""
    code: set[int] = set()
    for index, line in enumerate(lines):
        goes_on = index - 1 in code
        found = PROMPT.fullmatch(line.text)
        if found and (found[1] == ">>>" or goes_on):
            spans.add("doctest prompt", *(line.start + at for at in found.span(1)))
            if found[2]:
                spans.add("doctest code", *(line.start + at for at in found.span(2)))
            code.add(index)
        elif goes_on and line.text.strip():
            spans.add("doctest output", line.first, line.stop)
            code.add(index)
    return code


def _prose(content: str, base: int, lines: list[Line], code: set[int]) -> list[tuple[str, int]]:
    """Stretches of the content without doctests and underlines, with where each begins."""
    pieces: list[tuple[str, int]] = []
    begin: int | None = None
    for index, line in enumerate([*lines, Line("", base + len(content) + 1)]):
        skipped = index in code or index == len(lines) or bool(UNDERLINE.fullmatch(line.text))
        if skipped and begin is not None:
            pieces.append((content[begin - base : line.start - 1 - base], begin))
            begin = None
        elif not skipped and begin is None:
            begin = line.start
    return pieces
