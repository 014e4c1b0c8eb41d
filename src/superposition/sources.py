"""Where a number of the prose comes from: a string that knows the experiments behind it.

A function that is `sourced` marks each text it returns with what it asked the results for; texts
that were marked further down keep their own, narrower sources.
"""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from superposition.results import Results, title_of

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>$@#|~^])")

P = ParamSpec("P")
T = TypeVar("T")


class Text(str):
    """A value as the pages show it: a span that knows its name and the experiments behind it.

    The repr they would use otherwise spells no-break spaces out.
    """

    name: str = ""
    """Its name in `values`."""
    origins: str = ""
    """The experiments that it was computed from: stage, or stage@row."""
    folder: str = ""
    """Where their artefacts lie."""
    module: str = ""
    """The module that computed it."""

    def _repr_markdown_(self) -> str:
        if not self.name:
            return str(self)
        facts = {"name": self.name, "from": self.origins, "in": self.folder, "by": self.module}
        marks = " ".join(f'data-{fact}="{value}"' for fact, value in facts.items() if value)
        return f"[{self}]{{.value {marks}}}"


class Missing(str):
    """Stands for a value that could not be computed: it says which stage to run."""

    def _repr_markdown_(self) -> str:
        words = _SPECIAL.sub(r"\\\1", " ".join(self.split()))
        return f"[{words}]{{.missing}}"


def sourced(
    function: Callable[Concatenate[Results, P], T],
) -> Callable[Concatenate[Results, P], T]:
    """`function`, with its texts marked with what it asks the results for, and with nothing else.

    It returns a text, or a mapping, list or tuple of texts.
    """

    @wraps(function)
    def marking(r: Results, *args: P.args, **kwargs: P.kwargs) -> T:
        before = r.take_asked()
        found = function(r, *args, **kwargs)
        asked = r.take_asked()
        r.remember([*before, *asked])
        return _marked(found, " ".join(map(title_of, asked)))

    return marking


def recorded(texts: Mapping[str, str], path: str) -> dict[str, str]:
    """`texts` marked with the file of the record that they are from: one that no stage writes."""
    return {name: _marked(text, path) for name, text in texts.items()}


def _marked(found: Any, origins: str) -> Any:
    """The texts that were not marked further down get these."""
    match found:
        case Text():
            return found
        case str():
            text = Text(found)
            text.origins = origins
            return text
        case dict():
            return {name: _marked(each, origins) for name, each in found.items()}
        case list() | tuple():
            return type(found)(_marked(each, origins) for each in found)
    return found
