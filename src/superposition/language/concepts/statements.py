"""Concepts of statements: definitions, imports, assignments, blocks, variables of functions."""

import ast
import re

from superposition.language.concepts.source import F_STRINGS, Source, walk
from superposition.language.concepts.spans import Spans
from superposition.language.concepts.syntax import (
    Adder,
    Marker,
    is_call,
    is_string,
    spelling,
)

Function = ast.FunctionDef | ast.AsyncFunctionDef
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def statement_spans(source: Source, spans: Spans) -> None:
    """Add the spans of every statement."""
    mark = Marker(source, spans)
    for node in source.nodes:
        handler = STATEMENTS.get(type(node))
        if handler:
            handler(node, mark)
    for statement in source.tree.body:
        if not isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            mark.node("top level", statement)
        _assigned("name assigned in a module", statement, mark)


def _assigned(name: str, statement: ast.stmt, mark: Marker) -> None:
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    if isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    mark.node(name, *(target for target in targets if isinstance(target, ast.Name)))


def _function(node: Function, mark: Marker) -> None:
    _defined("function name", node, mark)
    mark.node("decorator", *node.decorator_list)
    start, body = mark.source.span(node)[0], mark.source.span(node.body[0])[0]
    head = mark.source.slice(start, body).rstrip()
    mark.spans.add("head of a function", start, start + len(head))
    mark.node("return annotation", node.returns)
    mark.node("annotation", node.returns)
    _parameters(node, mark)
    _variables(node, mark)
    if isinstance(node, ast.AsyncFunctionDef):
        mark.node("async function", node)
    if node.name.startswith("test"):
        mark.block("test function", node.body)
    if any("property" in ast.dump(decorator) for decorator in node.decorator_list):
        mark.block("property", node.body)
    for inner in _inside(node):
        if isinstance(inner, FUNCTIONS):
            mark.block("nested function", inner.body)
        elif isinstance(inner, ast.Import | ast.ImportFrom):
            mark.node("import in a function", inner)


def _defined(name: str, node: Function | ast.ClassDef, mark: Marker) -> None:
    """The name after `def` or `class`."""
    start, stop = mark.source.span(node)
    found = re.match(r"(?:async\s+)?(?:def|class)[\s\\]+", mark.source.slice(start, stop))
    if found:
        first = start + found.end()
        mark.spans.add(name, first, first + len(node.name))
        if name != "method name":
            spelling(node.name, lambda other: mark.spans.add(other, first, first + len(node.name)))


def _parameters(node: Function, mark: Marker) -> None:
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    starred = [each for each in (given.vararg, given.kwarg) if each]
    defaults = [*given.defaults, *(each for each in given.kw_defaults if each)]
    with_default = plain[len(plain) - len(given.defaults) :]
    with_default += [
        each for each, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value
    ]
    for each in (*plain, *given.kwonlyargs, *starred):
        mark.start("parameter name", each, len(each.arg))
        mark.node("parameter annotation", each.annotation)
        mark.node("annotation", each.annotation)
        spelling(each.arg, lambda name, each=each: mark.start(name, each, len(each.arg)))
    for each in starred:
        mark.start("starred parameter", each, len(each.arg))
    for each in with_default:
        mark.start("parameter with a default", each, len(each.arg))
    mark.node("default value", *defaults)
    if plain and plain[0].arg in ("self", "cls"):
        mark.node("self as a parameter", plain[0])


def _variables(node: Function, mark: Marker) -> None:
    """Parameters and local variables where the function itself reads and writes them."""
    given = node.args
    every = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
    parameters = {each.arg for each in every if each} - {"self", "cls"}
    names = [each for each in _inside(node) if isinstance(each, ast.Name)]
    stored = {each.id for each in names if isinstance(each.ctx, ast.Store)} - parameters
    for each in names:
        if not isinstance(each.ctx, ast.Load):
            mark.node("local variable written", each)
        elif each.id in parameters:
            mark.node("parameter read", each)
        elif each.id in stored:
            mark.node("local variable read", each)


def _inside(node: Function) -> list[ast.AST]:
    """The nodes of a function's body; of functions in it, only their own nodes."""
    found: list[ast.AST] = []
    pending: list[ast.AST] = [*node.body]
    while pending:
        each = pending.pop()
        found.append(each)
        if not isinstance(each, (*FUNCTIONS, ast.ClassDef, ast.Lambda, *F_STRINGS)):
            pending.extend(ast.iter_child_nodes(each))
    return found


def _class(node: ast.ClassDef, mark: Marker) -> None:
    _defined("class name", node, mark)
    mark.node("decorator", *node.decorator_list)
    mark.node("base class", *node.bases)
    start, body = mark.source.span(node)[0], mark.source.span(node.body[0])[0]
    head = mark.source.slice(start, body).rstrip()
    mark.spans.add("head of a class", start, start + len(head))
    for statement in node.body:
        _assigned("name assigned in a class", statement, mark)
        if not isinstance(statement, FUNCTIONS):
            mark.node("body of a class", statement)
            continue
        _defined("method name", statement, mark)
        if statement.name == "__init__":
            mark.block("__init__ body", statement.body)


def _import(node: ast.Import, mark: Marker) -> None:
    mark.node("import statement", node)
    for alias in node.names:
        mark.start("imported module", alias, len(alias.name))
        if alias.asname:
            mark.end("import alias", alias, len(alias.asname))


def _import_from(node: ast.ImportFrom, mark: Marker) -> None:
    mark.node("import statement", node)
    start, stop = mark.source.span(node)
    found = re.match(r"from[\s\\]*([.\s]*)([\w.]*)", mark.source.slice(start, stop))
    if found:
        mark.spans.add("relative import", *(start + at for at in found.span(1)))
        mark.spans.add("module after from", *(start + at for at in found.span(2)))
    for alias in node.names:
        mark.start("imported name", alias, len(alias.name))
        spelling(alias.name, lambda name, it=alias: mark.start(name, it, len(it.name)))
        if alias.asname:
            mark.end("import alias", alias, len(alias.asname))


def _assign(node: ast.Assign, mark: Marker) -> None:
    mark.node("assignment target", *node.targets)
    mark.node("assigned value", node.value)
    unpacked = (each for each in node.targets if isinstance(each, ast.Tuple | ast.List))
    mark.node("unpacking target", *unpacked)
    if any(isinstance(each, ast.Name) and each.id == "__all__" for each in node.targets):
        mark.node("__all__", node.value)


def _annotated(node: ast.AnnAssign, mark: Marker) -> None:
    mark.node("variable annotation", node.annotation)
    mark.node("annotation", node.annotation)
    if node.value:
        mark.node("assignment target", node.target)
        mark.node("assigned value", node.value)


def _augmented(node: ast.AugAssign, mark: Marker) -> None:
    mark.node("augmented target", node.target)
    mark.node("augmented value", node.value)


def _raise(node: ast.Raise, mark: Marker) -> None:
    mark.node("raised exception", node.exc)
    if isinstance(node.exc, ast.Call):
        messages = node.exc.args
        mark.node("exception message", *messages)
        strings = (each for each in walk(*messages) if is_string(each))
        mark.node("string as an exception message", *strings)


def _handler(node: ast.ExceptHandler, mark: Marker) -> None:
    mark.node("caught exception", node.type)
    if node.type and node.name:
        after = mark.source.span(node.type)[1]
        text = mark.source.slice(after, mark.source.span(node.body[0])[0])
        found = re.match(r"[\s)]*as\s+(\w+)", text)
        if found:
            mark.spans.add("name of the caught exception", *(after + at for at in found.span(1)))
    mark.block("body of except", node.body)


def _if(node: ast.If, mark: Marker) -> None:
    mark.node("if condition", node.test)
    mark.block("body of if", node.body)
    is_elif = len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)
    mark.block("body of else", [] if is_elif else node.orelse)
    match node.test:
        case ast.Compare(left=ast.Name(id="__name__")):
            mark.node("if __name__", node)


def _loop(node: ast.For | ast.AsyncFor, mark: Marker) -> None:
    mark.node("loop target", node.target)
    mark.node("loop iterable", node.iter)
    mark.block("body of a loop", node.body)


def _while(node: ast.While, mark: Marker) -> None:
    mark.node("while condition", node.test)
    mark.block("body of a loop", node.body)


def _with(node: ast.With | ast.AsyncWith, mark: Marker) -> None:
    for item in node.items:
        mark.node("context manager", item.context_expr)
        mark.node("with target", item.optional_vars)
    mark.block("body of with", node.body)


def _assert(node: ast.Assert, mark: Marker) -> None:
    mark.node("asserted", node.test)
    mark.node("assert message", node.msg)


def _expression(node: ast.Expr, mark: Marker) -> None:
    mark.node("expression statement", *([node.value] if is_call(node.value) else []))


STATEMENTS: dict[type[ast.AST], Adder] = {
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _function,
    ast.ClassDef: _class,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: lambda node, mark: mark.node("return value", node.value),
    ast.Raise: _raise,
    ast.ExceptHandler: _handler,
    ast.If: _if,
    ast.For: _loop,
    ast.AsyncFor: _loop,
    ast.While: _while,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Assert: _assert,
    ast.Delete: lambda node, mark: mark.node("deleted", *node.targets),
    ast.Try: lambda node, mark: mark.block("body of try", node.body),
    ast.Expr: _expression,
}
"""What each kind of statement adds."""
