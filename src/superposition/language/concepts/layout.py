"""Concepts of lexemes: keywords, operators, numbers, brackets, lines, indentation."""

import re
import tokenize
from itertools import pairwise
from keyword import iskeyword

from superposition.language.concepts.source import Lexeme, Source, keywords
from superposition.language.concepts.spans import Spans

OPENING, CLOSING = "([{", ")]}"
INSIDE = {"(": "inside round brackets", "[": "inside square brackets", "{": "inside braces"}
OPERATORS = {
    "==": "== or !=",
    "!=": "== or !=",
    **dict.fromkeys(("<", ">", "<=", ">="), "order comparison"),
    "->": "->",
    "/": "/ or //",
    "//": "/ or //",
    "%": "% operator",
    **dict.fromkeys(("&", "|", "^", "~", "<<", ">>"), "bitwise operator"),
    "...": "ellipsis",
    **dict.fromkeys(
        ("+=", "-=", "*=", "/=", "//=", "%=", "@=", "&=", "|=", "^=", ">>=", "<<=", "**="),
        "augmented assignment",
    ),
}
"""Operators with one meaning."""
TWO_MEANINGS = {
    "+": ("+", ""),
    "-": ("-", "negative sign"),
    "*": ("*", "unpacking star"),
    "**": ("**", "unpacking star"),
}
"""The concept between two operands, and before the only one."""
COMPOUND = "if elif else for while try except finally with def class async match case"
"""Keywords that open a block."""
LATE = 12
"""Lexemes of a statement before those that come late in it."""
LONG_LINE = 72
"""Columns. Source: PEP 8, the limit for flowing text."""


def layout_spans(source: Source, spans: Spans) -> None:
    """Add every span that the lexemes alone decide."""
    _lines(source, spans)
    for before, statement in pairwise([[], *source.statements]):
        _positions(source, statement, spans)
        if before and statement[0].level < before[-1].level:
            spans.add("statement after a dedent", statement[0].start, statement[0].stop)
        _keywords(statement, spans)
        _brackets(statement, spans)
        for lexeme in statement:
            if lexeme.kind == tokenize.NUMBER:
                _number(lexeme, spans)
            elif lexeme.kind == tokenize.NAME:
                for digits in re.finditer(r"\d+", lexeme.text):
                    at = (lexeme.start + digits.start(), lexeme.start + digits.end())
                    spans.add("number in a name", *at)


def _lines(source: Source, spans: Spans) -> None:
    """Ends of lines, blank lines, columns."""
    fresh, start, depth = True, source.base, 0
    for lexeme in source.lexemes:
        if lexeme.kind == tokenize.OP:
            depth += (lexeme.text in OPENING) - (lexeme.text in CLOSING)
        if lexeme.kind == tokenize.NEWLINE:
            spans.add("end of a statement", lexeme.start, lexeme.stop)
        elif lexeme.kind == tokenize.NL and fresh:
            spans.add("blank line", start, lexeme.stop)
        elif lexeme.kind == tokenize.NL and depth:
            spans.add("line break in brackets", lexeme.start, lexeme.stop)
        ends_line = lexeme.kind in (tokenize.NEWLINE, tokenize.NL)
        fresh, start = ends_line, lexeme.stop
    for start, stop in pairwise(source.starts):
        spans.add("long line", start + LONG_LINE, stop)


def _positions(source: Source, statement: list[Lexeme], spans: Spans) -> None:
    """Where in its statement a lexeme stands, and how deep the statement is."""
    names = ("first", "second", "third")
    for name, lexeme in zip(names, statement, strict=False):
        is_string = lexeme.kind == tokenize.STRING
        stop = lexeme.start + 1 if is_string else lexeme.stop
        spans.add(f"{name} token of a statement", lexeme.start, stop)
    for lexeme in statement[LATE:]:
        spans.add("late in a statement", lexeme.start, lexeme.stop)
    first, last = statement[0], statement[-1]
    start = last.stop - 1 if last.kind == tokenize.STRING else last.start
    spans.add("last token of a statement", start, last.stop)
    depth = str(first.level) if first.level < 4 else "4+"
    spans.add(f"indentation level {depth}", first.start, last.stop)
    line = source.text.rfind("\n", 0, first.start - source.base) + 1 + source.base
    if source.slice(line, first.start).isspace():
        spans.add("indentation", line, first.start)
    broken = source.text.find("\n", first.start - source.base, last.stop - source.base)
    if broken >= 0 and len(statement) > 1:
        spans.add("continued statement", broken + 1 + source.base, last.stop)


def _keywords(statement: list[Lexeme], spans: Spans) -> None:
    opening = "".join(each.text for each in statement[:2] if each.text in ("async", "for"))
    pending = 0  # loops and comprehensions whose `in` is still to come
    for index, word in keywords(statement):
        start, stop = statement[index].start, statement[index].stop
        spans.add(f"keyword {word}", start, stop)
        before = statement[index - 1].text if index else ""
        is_first = index == 0
        if word == "for":
            pending += 1
            loop = is_first or (opening == "asyncfor" and index == 1)
            spans.add("for of a loop" if loop else "for of a comprehension", start, stop)
        elif word in ("if", "else"):
            role = "a statement" if is_first else "an expression"
            spans.add(f"{word} of {role}", start, stop)
        elif word == "in":
            spans.add("in of a loop" if pending else "in of a test", start, stop)
            pending = max(pending - 1, 0)
            if before == "not":
                spans.add("not in", statement[index - 1].start, stop)
        elif word == "not" and before == "is":
            spans.add("is not", statement[index - 1].start, stop)
        elif word in ("as", "from", "import"):
            _import_words(statement, index, spans)


def _import_words(statement: list[Lexeme], index: int, spans: Spans) -> None:
    first, word = statement[0].text, statement[index]
    name = ""
    if word.text == "as":
        kind = {"import": "an import", "from": "an import", "except": "except"}.get(first, "with")
        name = f"as of {kind}" if first in ("import", "from", "except", "with", "async") else ""
    elif word.text == "from" and index == 0:
        name = "from of an import"
    elif word.text == "import" and first == "from":
        name = "import after from"
    if name:
        spans.add(name, word.start, word.stop)


def _brackets(statement: list[Lexeme], spans: Spans) -> None:
    """Brackets, and the operators whose meaning hangs on them."""
    open_at: list[int] = []
    lambdas = 0
    heads_block = statement[0].text in COMPOUND.split()
    for index, lexeme in enumerate(statement):
        innermost = statement[open_at[-1]] if open_at else None
        if lexeme.kind != tokenize.OP:
            lambdas += lexeme.text == "lambda"
            continue
        if lexeme.text in OPENING:
            open_at.append(index)
            spans.add("opening bracket", lexeme.start, lexeme.stop)
        elif lexeme.text in CLOSING and innermost:
            depth = len(open_at)
            start, stop = innermost.start, lexeme.stop
            spans.add(f"bracket depth {depth}" if depth < 3 else "bracket depth 3+", start, stop)
            open_at.pop()
            spans.add("closing bracket", lexeme.start, lexeme.stop)
            if statement[index - 1].text == ",":
                comma = statement[index - 1]
                spans.add("trailing comma", comma.start, comma.stop)
        elif lexeme.text == ":":
            name = "lambda colon" if lambdas else _colon(innermost, statement, heads_block)
            if name == "block colon":
                heads_block = False
            lambdas = max(lambdas - 1, 0)
            spans.add(name, lexeme.start, lexeme.stop)
        else:
            name = _operator(statement, index, open_at)
            if name:
                spans.add(name, lexeme.start, lexeme.stop)
    _innermost(statement, spans)


def _innermost(statement: list[Lexeme], spans: Spans) -> None:
    """Stretches by the kind of the brackets right around them, the brackets included."""
    kinds: list[str] = []
    start = 0
    for lexeme in statement:
        if lexeme.kind != tokenize.OP or lexeme.text not in OPENING + CLOSING:
            continue
        opens = lexeme.text in OPENING
        if kinds:
            spans.add(INSIDE[kinds[-1]], start, lexeme.start if opens else lexeme.stop)
        if opens:
            kinds.append(lexeme.text)
        elif kinds:
            kinds.pop()
        start = lexeme.start if opens else lexeme.stop


def _colon(innermost: Lexeme | None, statement: list[Lexeme], heads_block: bool) -> str:
    match innermost.text if innermost else "":
        case "[":
            return "slice colon"
        case "{":
            return "dict colon"
        case "":
            return "block colon" if heads_block else "annotation colon"
    return "annotation colon"


def _operator(statement: list[Lexeme], index: int, open_at: list[int]) -> str:
    """The concept of an operator that is no bracket and no colon; empty if it has none."""
    text = statement[index].text
    innermost = statement[open_at[-1]].text if open_at else ""
    in_head = len(open_at) == 1 and open_at[0] == _head(statement)
    if text in TWO_MEANINGS:
        return TWO_MEANINGS[text][_has_no_left_side(statement, index)]
    if text == "@":
        return "decorator @" if index == 0 else ""
    if text == "=":
        if not innermost:
            return "assignment ="
        return "default =" if in_head else "keyword ="
    if text == ",":
        commas = {"[": "comma in square brackets", "{": "comma in braces"}
        called = innermost == "(" and not in_head and _is_call(statement, open_at[-1])
        return commas.get(innermost, "comma in a call" if called else "")
    if text == "..." and statement[0].text == "from":
        return ""  # a relative import
    return OPERATORS.get(text, "")


def _head(statement: list[Lexeme]) -> int:
    """The index of the bracket that opens the parameters of a function; -1 if none does."""
    if not any(lexeme.text == "def" for lexeme in statement[:2]):
        return -1
    return next((index for index, each in enumerate(statement) if each.text == "("), -1)


def _is_call(statement: list[Lexeme], opening: int) -> bool:
    """Whether the bracket follows what can be called."""
    if opening == 0:
        return False
    before = statement[opening - 1]
    return before.text in CLOSING or (
        before.kind == tokenize.NAME and not any(i == opening - 1 for i, _ in keywords(statement))
    )


def _has_no_left_side(statement: list[Lexeme], index: int) -> bool:
    if index == 0:
        return True
    before = statement[index - 1]
    if before.kind == tokenize.OP:
        return before.text not in CLOSING and before.text != "..."
    return iskeyword(before.text) and before.text not in ("None", "True", "False", "import")


def _number(lexeme: Lexeme, spans: Spans) -> None:
    text = lexeme.text.lower().replace("_", "")
    names = []
    if text.startswith("0x"):
        names = ["hexadecimal number"]
    elif re.fullmatch(r"\d+", text):
        names = ["integer", *(["big integer"] if len(text) >= 5 else [])]
        names += [{"0": "zero", "1": "one"}[text]] if text in "01" else []
    elif not text.startswith(("0b", "0o")):
        names = ["float", *(["exponent"] if "e" in text else [])]
    for name in names:
        spans.add(name, lexeme.start, lexeme.stop)
