"""Python source, parsed: its lexemes and its tree, with positions in characters of the document."""

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from functools import cached_property
from keyword import iskeyword
from tokenize import TokenInfo
from typing import NamedTuple

SOFT = ("match", "case")
"""Keywords that are names elsewhere: keywords at the start of a statement that opens a block."""
CONTEXTS = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
"""Nodes without a place."""
F_STRINGS = (ast.JoinedStr, getattr(ast, "TemplateStr", ast.JoinedStr))
"""f-strings, and from Python 3.14 on t-strings."""
IGNORED = (tokenize.ENDMARKER, tokenize.ENCODING, tokenize.INDENT, tokenize.DEDENT)


class Refused(ValueError):
    """A document that Python's own parser refuses."""


class Lexeme(NamedTuple):
    """One lexeme of Python; an f-string is one, whatever the version of Python."""

    kind: int
    """One of the constants of `tokenize`."""
    text: str
    start: int
    """Its first character, in the document."""
    stop: int
    """The character after its last."""
    level: int
    """Blocks around it."""


class Source:
    """A piece of Python source that begins at the character `base` of its document."""

    def __init__(self, text: str, *, base: int = 0) -> None:
        self.base = base
        # Python takes a lone carriage return for an end of line, and no byte-order mark in a str.
        self.text = re.sub(r"\r(?!\n)", "\n", text)
        if self.text.startswith("\ufeff"):
            self.text, self.base = self.text[1:], base + 1

    @cached_property
    def lines(self) -> list[str]:
        """The lines with their ends."""
        return io.StringIO(self.text, newline="\n").readlines()

    @cached_property
    def starts(self) -> list[int]:
        """The character of the document at which each line begins; at the end, the end."""
        starts = [self.base]
        for line in self.lines:
            starts.append(starts[-1] + len(line))
        return starts

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        with warnings.catch_warnings():  # of escapes that Python will no longer take one day
            warnings.simplefilter("ignore")
            try:
                return ast.parse(self.text)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                reason = getattr(error, "msg", None) or str(error)
                raise Refused(str(reason)) from None

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """The nodes of the tree, f-strings included, but not what is inside them.

        Positions inside f-strings are not right before Python 3.12: they are parsed anew.
        """
        return list(walk(self.tree))

    @cached_property
    def lexemes(self) -> list[Lexeme]:
        """The lexemes without indents and dedents, in order."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                return list(self._lexemes())
            except (tokenize.TokenError, SyntaxError) as error:
                raise Refused(str(error.args[0])) from None

    @cached_property
    def statements(self) -> list[list[Lexeme]]:
        """The lexemes of each logical line, without comments, line breaks and its end."""
        found: list[list[Lexeme]] = [[]]
        for lexeme in self.lexemes:
            if lexeme.kind == tokenize.NEWLINE:
                found.append([])
            elif lexeme.kind not in (tokenize.NL, tokenize.COMMENT):
                found[-1].append(lexeme)
        return [statement for statement in found if statement]

    def span(self, node: ast.AST) -> tuple[int, int]:
        """The first character of `node` in the document, and the one after its last."""
        start = self.at(getattr(node, "lineno"), getattr(node, "col_offset"))  # noqa: B009
        stop = self.at(getattr(node, "end_lineno"), getattr(node, "end_col_offset"))  # noqa: B009
        return start, stop

    def slice(self, start: int, stop: int) -> str:
        """The text between two characters of the document."""
        return self.text[start - self.base : stop - self.base]

    def at(self, line: int, column: int) -> int:
        """The character of the document at a line and a column in bytes, as `ast` counts."""
        content = self.lines[line - 1] if line <= len(self.lines) else ""
        if not content.isascii():
            column = len(content.encode()[:column].decode(errors="ignore"))
        return self.starts[line - 1] + column

    def _lexemes(self) -> Iterator[Lexeme]:
        level, opened, depth = 0, None, 0
        for token in tokenize.generate_tokens(iter([*self.lines, ""]).__next__):
            level += (token.type == tokenize.INDENT) - (token.type == tokenize.DEDENT)
            name = tokenize.tok_name[token.type]
            if name in ("FSTRING_START", "TSTRING_START"):  # from Python 3.12 on
                opened, depth = (opened, depth + 1) if depth else (token, 1)
            elif name in ("FSTRING_END", "TSTRING_END"):
                depth -= 1
                if depth == 0 and opened:
                    yield self._lexeme(opened, token, level)
            elif not depth and token.type not in IGNORED and (token.string or name == "NL"):
                yield self._lexeme(token, token, level)

    def _lexeme(self, first: TokenInfo, last: TokenInfo, level: int) -> Lexeme:
        start = self.starts[first.start[0] - 1] + first.start[1]
        stop = min(self.starts[last.end[0] - 1] + last.end[1], self.starts[-1])
        kind = first.type if first is last else tokenize.STRING
        return Lexeme(kind, self.slice(start, stop), start, stop, level)


def walk(*nodes: ast.AST) -> Iterator[ast.AST]:
    """`nodes` and all nodes in them, but not what is inside f-strings."""
    pending = list(nodes)
    while pending:
        node = pending.pop()
        yield node
        if type(node) in F_STRINGS:
            continue
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                pending.extend(each for each in value if isinstance(each, ast.AST))
            elif isinstance(value, ast.AST) and not isinstance(value, CONTEXTS):
                pending.append(value)


def keywords(statement: list[Lexeme]) -> list[tuple[int, str]]:
    """The index and the text of each keyword in a logical line, soft ones included."""
    found = [(index, each.text) for index, each in enumerate(statement) if iskeyword(each.text)]
    first, last = statement[0], statement[-1]
    plain = len(statement) > 2 and statement[1].text not in ("=", ".", ",", ":", ")", "]")
    if first.text in SOFT and last.text == ":" and plain:
        found.insert(0, (0, first.text))
    return found
