"""Concepts that a regular expression finds anywhere in a text, whatever the text is."""

import re

from superposition.language.concepts.spans import Spans

ENDINGS = "py|pyi|txt|json|yaml|yml|toml|cfg|ini|md|rst|csv|html|xml|h|c|cpp|so|sh|log|gz|zip"
MONTHS = (
    "January|February|March|April|May|June|July|August|September|October|November|December|"
    "Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
)
BEFORE, AFTER = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"
PATTERNS: dict[str, str] = {
    "snake_case": BEFORE + r"_{0,2}[a-z][a-z0-9]*(?:_[a-z0-9]+)+_{0,2}" + AFTER,
    "camelCase": BEFORE + r"[a-z][a-z0-9]*[A-Z][A-Za-z0-9]*" + AFTER,
    "PascalCase": BEFORE + r"(?:[A-Z][a-z0-9]+){2,}" + AFTER,
    "SCREAMING_SNAKE": BEFORE + r"_?[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+" + AFTER,
    "hexadecimal run": BEFORE
    + r"(?:0x)?(?=[0-9]*[a-fA-F])(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}"
    + AFTER,
    "base64 run": r"(?<![A-Za-z0-9+/_-])"
    r"(?=[^\s\d]{0,60}\d)(?=[^\sA-Z]{0,60}[A-Z])(?=[^\sa-z]{0,60}[a-z])"
    r"(?!(?:[A-Z0-9_-]|[a-z]{2,}+)+(?![A-Za-z0-9+/_-]))"  # no name of words of two letters or more
    r"(?:[A-Za-z0-9+/]{24,}|[A-Za-z0-9_-]{40,})={0,2}(?![A-Za-z0-9+/_-])",
    "DNA run": r"(?<![A-Za-z])(?:[ACGT]{12,}|[acgt]{12,})(?![A-Za-z])",
    "URL": r"https?://[^\s\"'<>`)\]}]+",
    "e-mail address": r"(?<![\w/.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "file path": r"(?<![\w/:.-])(?:~|\.{1,2})?/?[\w.-]+(?:/[\w.-]+){2,}/?"
    rf"|(?<![\w/.-])[\w/-]+\.(?:{ENDINGS})(?![\w(])",
    "date": r"(?<!\d)(?:19|20)\d\d[-/](?:0[1-9]|1[0-2])[-/](?:[0-2]\d|3[01])(?!\d)"
    rf"|\b(?:\d{{1,2}} )?(?:{MONTHS})\.? (?:\d{{1,2}},? )?(?:19|20)\d\d\b",
    "version": r"(?<![\w.])(?:v\d+(?:\.\d+){1,3}|\d+(?:\.\d+){2,3})(?![\w.]*\d)",
    "tag": r"</?[A-Za-z][\w-]*(?: +[\w-]+=(?:\"[^\"\n]*\"|'[^'\n]*'))* */?>",
    "SQL": r"\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|DROP TABLE)\b[^\n\"]*",
    "non-ASCII": r"[^\x00-\x7f]+",
    "dotted name": r"(?<![\w.])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){2,}(?!\w)",
    "repeated punctuation": r"([^\w\s])\1{3,}",
    "command-line option": r"(?<=[\s\"'`\[(])--[a-z][a-z0-9]*(?:-[a-z0-9]+)*",
    "module path of torch or numpy": r"(?<![\w.])(?:np|numpy|torch|pd|pandas|scipy)(?:\.\w+)+",
    "year": r"(?<![\w.])(?:19|20)\d\d(?![\w]|\.\d)",
    "later digit": r"(?<=\d)\d+",
    "copyright line": r"(?im)^.*\bcopyright\b.*(?:\d{4}|\(c\)|©).*$",
}
"""Concepts and the text that has them. `BEFORE` and `AFTER`: no part of a longer name."""
COMPILED = {name: re.compile(pattern) for name, pattern in PATTERNS.items()}
WORD = re.compile(r"[^\W\d_]+")
"""A run of letters, as the tokenizer cuts it."""


def pattern_spans(text: str, spans: Spans) -> None:
    """Add the spans of every pattern."""
    for name, pattern in COMPILED.items():
        for found in pattern.finditer(text):
            spans.add(name, *found.span())
