"""Concepts of comments, and of the header of a file."""

import ast
import re
import tokenize
import warnings

from superposition.language.concepts.english import english_spans
from superposition.language.concepts.source import Lexeme, Source
from superposition.language.concepts.spans import Spans

MARKER = re.compile(r"#+[:!]?\s*")
KINDS = {
    "to-do": re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b"),
    "type comment": re.compile(r"#\s*type:"),
    "linter comment": re.compile(
        r"#\s*(?:noqa|pragma|pylint|pyright|mypy|fmt|isort|ruff|flake8|nosec|type:\s*ignore)\b"
    ),
    "banner": re.compile(r"#\s*[^\w\s]{3}\W*$|.*([^\w\s])\1{4}"),
}
"""Kinds of comments by their beginning."""
LICENCE = re.compile(r"licen[sc]ed?\b|copyright", re.I)
ENCODING = re.compile(r"#.*coding[:=]")
STATEMENT = re.compile(
    r"[\w.\[\], ]+\s*[-+*/|&]?=[^=]|[\w.]+\(|(?:import|from|return|raise|assert)\b"
)
CODE = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Import, ast.ImportFrom)
CODE += (ast.Return, ast.Raise, ast.Assert)


def comment_spans(source: Source, spans: Spans) -> None:
    """Add the spans of every comment."""
    line_end, follows_comment = source.base, False
    for lexeme in source.lexemes:
        if lexeme.kind == tokenize.COMMENT:
            before = source.slice(line_end, lexeme.start)
            follows_comment = not before.strip()
            _comment(lexeme, spans, on_its_own=follows_comment)
            if follows_comment:
                spans.add("indentation", line_end, lexeme.start)
        elif lexeme.kind in (tokenize.NEWLINE, tokenize.NL):
            if follows_comment:
                spans.add("end of a comment", lexeme.start, lexeme.stop)
            line_end, follows_comment = lexeme.stop, False
    _first_lines(source, spans)
    _licence(source, spans)


def _comment(lexeme: Lexeme, spans: Spans, *, on_its_own: bool) -> None:
    text, (start, stop) = lexeme.text, (lexeme.start, lexeme.stop)
    marker = MARKER.match(text)
    assert marker, f"{text!r} is no comment"
    spans.add("comment", start, stop)
    spans.add("comment marker", start, start + len(marker[0].rstrip()))
    spans.add("comment on its own line" if on_its_own else "comment after code", start, stop)
    for name, pattern in KINDS.items():
        found = pattern.search(text) if name == "to-do" else pattern.match(text)
        if found:
            spans.add(name, start, stop)
    if is_code(text[marker.end() :]):
        spans.add("commented-out code", start, stop)
    else:
        english_spans(text[marker.end() :], start + marker.end(), spans)


def is_code(text: str) -> bool:
    """Whether the text of a comment is a statement of Python that no sentence would be.

    >>> is_code("x = f(1)"), is_code("see f(1) for more"), is_code("return"), is_code("note: x")
    (True, False, False, False)
    """
    if not STATEMENT.match(text):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            body = ast.parse(text).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return len(text.split()) + text.count("(") > 1 and all(
        isinstance(each, CODE) or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Call))
        for each in body
    )


def _first_lines(source: Source, spans: Spans) -> None:
    for index, (line, start) in enumerate(zip(source.lines[:2], source.starts, strict=False)):
        stop = start + len(line.rstrip("\r\n"))
        if index == 0 and line.startswith("#!"):
            spans.add("shebang", start, stop)
        if ENCODING.match(line):
            spans.add("encoding line", start, stop)


def _licence(source: Source, spans: Spans) -> None:
    """The comments before all code, and the docstring among them."""
    header: list[Lexeme] = []
    for lexeme in source.lexemes:
        if lexeme.kind not in (tokenize.COMMENT, tokenize.STRING, tokenize.NL, tokenize.NEWLINE):
            break
        header.append(lexeme)
    words = [each for each in header if each.kind in (tokenize.COMMENT, tokenize.STRING)]
    if LICENCE.search(" ".join(each.text for each in words)):
        for each in words:
            spans.add("licence header", each.start, each.stop)
