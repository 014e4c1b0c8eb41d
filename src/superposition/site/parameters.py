"""Parameters in the pages: a row of params.yaml as a table, with what each of them means.

The meaning is the line under the field in the configuration's source, so it is written once.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, get_args, get_type_hints

from IPython.display import Markdown

from superposition.site.cards import NOTHING, pipe_table, plain


def parameters(config: type, values: dict[str, Any]) -> Markdown:
    """The fields of the dataclass `config` with their `values` and meanings, as a table."""
    rows = [
        [f"`{name}`", plain(_value(value)), _prose(meaning)]
        for name, value, meaning in _fields(config, values)
    ]
    return Markdown(pipe_table(["parameter", "value", "meaning"], rows, widths=[5, 4, 12]))


@cache
def meanings(config: type) -> dict[str, str]:
    """The docstring line under each field of a dataclass and of its bases, by field."""
    found: dict[str, str] = {}
    for base in reversed(config.__mro__):
        if is_dataclass(base):
            found |= _documented(ast.parse(textwrap.dedent(inspect.getsource(base))).body[0])
    return found


def _fields(
    config: type, values: dict[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, str]]:
    """Name, value and meaning of each field; those of nested dataclasses with a dotted name."""
    types = get_type_hints(config)
    for each in fields(config):
        value = values.get(each.name, each.default)
        nested = _dataclass_in(types[each.name])
        if nested and isinstance(value, dict):
            yield from _fields(nested, value, prefix=f"{prefix}{each.name}.")
        elif isinstance(value, dict):
            meaning = meanings(config).get(each.name, "")
            yield from _entries(value, prefix=f"{prefix}{each.name}.", meaning=meaning)
        else:
            yield f"{prefix}{each.name}", value, meanings(config).get(each.name, "")


def _entries(
    values: dict[str, Any], *, prefix: str, meaning: str
) -> Iterator[tuple[str, Any, str]]:
    """The entries of a mapping that is no dataclass, with its meaning beside the first."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _entries(value, prefix=f"{prefix}{name}.", meaning=meaning)
        else:
            yield f"{prefix}{name}", value, meaning
        meaning = ""


def _dataclass_in(annotation: Any) -> type | None:
    """The dataclass that a field holds, perhaps beside None."""
    members = [kind for kind in get_args(annotation) or (annotation,) if kind is not NoneType]
    found = [kind for kind in members if is_dataclass(kind) and isinstance(kind, type)]
    return found[0] if found else None


def _documented(definition: ast.stmt) -> dict[str, str]:
    assert isinstance(definition, ast.ClassDef), f"{definition} defines no class"
    found = {}
    for field, line in zip(definition.body, definition.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(line, ast.Expr)
            and isinstance(line.value, ast.Constant)
        ):
            found[field.target.id] = " ".join(str(line.value.value).split())
    return found


def _prose(meaning: str) -> str:
    """`meaning` as literal Markdown, except that `code` stays code."""
    if not meaning:
        return NOTHING
    parts = meaning.split("`")
    return "".join(
        f"`{part}`" if index % 2 else _literal(part) for index, part in enumerate(parts) if part
    )


def _literal(part: str) -> str:
    """`part` with the spaces at its ends, which `plain` takes away."""
    before, after = " " * part.startswith(" "), " " * part.endswith(" ")
    return f"{before}{plain(part)}{after}" if part.strip() else part


def _value(value: Any) -> str:
    if value is None or value is MISSING:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(_value(item) for item in value)
    return str(value)
