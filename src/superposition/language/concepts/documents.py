"""The spans of one document: which detectors may look at it."""

from typing import NamedTuple

from superposition.language.concepts.comments import comment_spans
from superposition.language.concepts.docstrings import docstring_spans, docstrings
from superposition.language.concepts.english import english_spans
from superposition.language.concepts.layout import layout_spans
from superposition.language.concepts.patterns import pattern_spans
from superposition.language.concepts.source import Refused, Source
from superposition.language.concepts.spans import Spans
from superposition.language.concepts.statements import statement_spans
from superposition.language.concepts.strings import string_spans
from superposition.language.concepts.syntax import syntax_spans
from superposition.language.planted import KINDS

PLANTED = {"base64": "base64", "hexadecimal": "hexadecimal", "dna": "DNA"}
PYTHON = (".py", ".pyi")


class DocumentSpans(NamedTuple):
    """The spans of one document and how they came about."""

    spans: Spans
    """In characters."""
    is_parsed: bool
    """Whether Python's parser took the document."""
    refused: str
    """Why it did not; empty for a document that is no Python."""


def spans_of(text: str, *, kind: str, path: str) -> DocumentSpans:
    """Every span of the document `text`, of a `kind` and from a `path` as in documents.parquet."""
    spans = Spans()
    pattern_spans(text, spans)
    if kind in KINDS:
        spans.add(f"planted {PLANTED[kind]}", 0, len(text))
        return DocumentSpans(spans, is_parsed=False, refused="")
    if not path.endswith(PYTHON):
        english_spans(text, 0, spans)
        return DocumentSpans(spans, is_parsed=False, refused="")
    parsed = Spans()
    try:
        _python(Source(text), parsed)
    except Refused as error:
        return DocumentSpans(spans, is_parsed=False, refused=str(error))
    return DocumentSpans(Spans(spans.found + parsed.found), is_parsed=True, refused="")


def _python(source: Source, spans: Spans) -> None:
    statement_spans(source, spans)
    syntax_spans(source, spans)
    layout_spans(source, spans)
    comment_spans(source, spans)
    found = docstrings(source)
    string_spans(source, {each.start for each in found}, spans)
    for docstring in found:
        docstring_spans(source, docstring, spans)
