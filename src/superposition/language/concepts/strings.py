"""Concepts of string literals: their kinds, their quotes, what stands in them."""

import re
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

from superposition.language.concepts.source import Lexeme, Refused, Source
from superposition.language.concepts.spans import Spans
from superposition.language.concepts.syntax import syntax_spans

LITERAL = re.compile(r"([A-Za-z]*)(\"{3}|'{3}|\"|')(.*)\2", re.S)
"""Prefix, quotes and content of a string."""
PLACEHOLDER = re.compile(
    r"\{(?:\w+(?:[.\[][\w.\]]*)?)?(?:![rsa])?(?::[^{}\s]*)?\}"
    r"|%(?:\(\w+\))?[-+#0]*[\d.*]*[srdifgexXc]"
)
"""Source: the format string syntax and the printf-style formatting of Python's library reference.
Differs: `% d` and the like are left out, because they are mostly percentages in a sentence."""
ESCAPE = re.compile(
    r"\\(?:\n|x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|N\{[^}]*\}|[0-7]{1,3}|.)"
)
UNICODE_ESCAPE = re.compile(r"\\(?:x|u|U|N)")
DIGITS = re.compile(r"\d+")


class Field(NamedTuple):
    """A piece of an f-string."""

    name: str
    """text, expression or format."""
    start: int
    stop: int


def string_spans(source: Source, docstrings: set[int], spans: Spans) -> None:
    """Add the spans of every string but those that begin at one of the characters `docstrings`."""
    for statement in source.statements:
        for before, lexeme in pairwise([None, *statement]):
            if lexeme is None or lexeme.kind != tokenize.STRING or lexeme.start in docstrings:
                continue
            literal(lexeme, spans)
            if before is not None and before.kind == tokenize.STRING:
                spans.add("adjacent strings", lexeme.start, lexeme.stop)


def literal(lexeme: Lexeme, spans: Spans) -> None:
    """Add the spans of one string."""
    found = LITERAL.fullmatch(lexeme.text)
    assert found, f"{lexeme.text!r} is no string"
    prefix, quotes, content = found[1].lower(), found[2], found[3]
    start, stop = (lexeme.start + at for at in found.span(3))
    spans.add("string", lexeme.start, lexeme.stop)
    spans.add("opening quote", lexeme.start, start)
    spans.add("closing quote", stop, lexeme.stop)
    kinds = {
        "f-string": "f" in prefix,
        "raw string": "r" in prefix,
        "bytes": "b" in prefix,
        "long string": len(quotes) == 3,
        "empty string": not content,
        "string of one word": re.fullmatch(r"\w+", content) is not None,
        "string with spaces": re.search(r"[A-Za-z] [A-Za-z]", content) is not None,
    }
    for name in (name for name, holds in kinds.items() if holds):
        spans.add(name, lexeme.start, lexeme.stop)
    if "f" in prefix:
        _fields(content, start, spans)
    else:
        for placeholder in PLACEHOLDER.finditer(content):
            spans.add("placeholder", start + placeholder.start(), start + placeholder.end())
    if "r" not in prefix:
        escapes(content, start, spans)
    for digits in DIGITS.finditer(content):
        spans.add("number in a text", start + digits.start(), start + digits.end())


def escapes(content: str, start: int, spans: Spans) -> None:
    """Add the spans of the escapes in a string whose content begins at `start`."""
    for escape in ESCAPE.finditer(content):
        at = (start + escape.start(), start + escape.end())
        spans.add("escape sequence", *at)
        if escape[0] == "\\n":
            spans.add("line-break escape", *at)
        if UNICODE_ESCAPE.match(escape[0]):
            spans.add("unicode escape", *at)


def _fields(content: str, base: int, spans: Spans) -> None:
    for name, start, stop in fields(content):
        spans.add(f"f-string {name}", base + start, base + stop)
        if name == "expression":
            expression = re.sub(r"(?<![=!<>])=\s*$", "", content[start:stop])
            # In brackets, as Python does: it may go over several lines. What a newer Python would
            # take and this one does not has no concepts of syntax.
            with suppress(Refused):
                syntax_spans(Source(f"({expression})", base=base + start - 1), spans)


def fields(content: str) -> Iterator[Field]:
    """The pieces of the content of an f-string.

    >>> [(name, "n {x!r:>4} {{".__getitem__(slice(a, b))) for name, a, b in fields("n {x!r:>4} {{")]
    [('text', 'n '), ('expression', 'x'), ('format', '>4'), ('text', ' {{')]
    """
    text, at = 0, 0
    while at < len(content):
        if content.startswith(("{{", "}}"), at):
            at += 2
        elif content[at] == "{":
            if at > text:
                yield Field("text", text, at)
            at = text = yield from _replacement(content, at + 1)
        else:
            at += 1
    if at > text:
        yield Field("text", text, at)


def _replacement(content: str, start: int) -> Iterator[Field]:
    """The expression that begins at `start` and its format; returns what follows the brace."""
    at = _end_of_expression(content, start)
    yield Field("expression", start, at)
    if content[at : at + 1] == "!":
        at = min((end for end in (content.find(mark, at) for mark in ":}") if end >= 0), default=at)
    if content[at : at + 1] == ":":
        start = at = at + 1
        while at < len(content) and content[at] != "}":
            if content[at] == "{":
                at = yield from _replacement(content, at + 1)
            else:
                at += 1
        if at > start:
            yield Field("format", start, at)
    return at + 1


def _end_of_expression(content: str, at: int) -> int:
    depth, quote = 0, ""
    while at < len(content):
        character = content[at]
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "([{":
            depth += 1
        elif depth and character in ")]}":
            depth -= 1
        elif not depth and (
            character in "}:" or (character == "!" and content[at + 1 : at + 2] != "=")
        ):
            return at
        at += 1
    return at
