"""What a page shows in the place of something whose data are missing: which stage to run.

A page that lacks one figure is better than no page. So cells are guarded: the first missing
artefact ends the cell, and a note takes the place of what it would have shown. The inspection of a
built site (tests/site/browser.py) counts every such note as a fault.
"""

import ast
import builtins
import re
from collections.abc import Callable

from IPython.core.getipython import get_ipython
from IPython.display import Markdown, display

from superposition.artefacts import NotTrained
from superposition.core.store import ArtefactError
from superposition.site.cards import plain
from superposition.site.figures import NothingToShow

_GUARDED = """
try:
    pass
except __missing__.ERRORS as error:
    __missing__.show(__missing__.note(error))
"""
ERRORS = (ArtefactError, NotTrained, NothingToShow)
"""What means that data are not there, and not that a page is wrong."""


def guard() -> None:
    """Let every later cell of this notebook show a note where data are missing.

    What guarded cells call is a builtin: Quarto ends each page with a cell that empties the
    notebook's own names.
    """
    shell = get_ipython()
    if shell is None or any(isinstance(each, _Guard) for each in shell.ast_transformers):
        return
    builtins.__dict__["__missing__"] = _Names
    shell.ast_transformers.append(_Guard())


def note(error: ValueError) -> Markdown:
    """The note: what is missing and what makes it, or that this scale leaves it out, or that what
    was found is nothing."""
    if isinstance(error, NothingToShow):
        return Markdown(f"::: {{.not-run-here}}\nNothing to show: {plain(str(error))}.\n:::\n")
    if isinstance(error, NotTrained):
        return Markdown(
            f"::: {{.not-run-here}}\nNot run at this scale: {plain(str(error))}.\n:::\n"
        )
    return Markdown(
        f"::: {{.missing}}\nThe data for this are missing: {_with_code(str(error))}.\n:::\n"
    )


def _with_code(text: str) -> str:
    """`text` as literal Markdown, but for commands between backticks, which are code."""
    words = [word for word in re.split("(`[^`]+`)", text) if word.strip()]
    shown = [word if word[0] == "`" else plain(word) for word in words]
    return " ".join(shown)


def show(thing: object) -> None:
    """Display what a cell ends with, if it ends with anything."""
    if thing is not None:
        display(thing)


class _Names:
    """What the guarded cells call."""

    ERRORS = ERRORS
    note: Callable[[ValueError], Markdown] = staticmethod(note)
    show: Callable[[object], None] = staticmethod(show)


class _Guard(ast.NodeTransformer):
    """Puts a cell into a `try`, and shows its last expression from within."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        """The guarded cell."""
        if not node.body:
            return node
        guarded = ast.parse(_GUARDED)
        attempt = guarded.body[0]
        assert isinstance(attempt, ast.Try)
        attempt.body = [*node.body[:-1], _shown(node.body[-1])]
        return ast.fix_missing_locations(guarded)


def _shown(last: ast.stmt) -> ast.stmt:
    if not isinstance(last, ast.Expr):
        return last
    call = ast.parse("__missing__.show(None)").body[0]
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    call.value.args = [last.value]
    return call
