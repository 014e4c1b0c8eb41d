"""Concepts of syntax: what the tree says about names, calls, expressions."""

import ast
import builtins
from collections.abc import Callable

from superposition.language.concepts.source import F_STRINGS, Source
from superposition.language.concepts.spans import Spans

BUILTINS = frozenset(name for name in dir(builtins) if not name.startswith("_")) - {"__name__"}
EXCEPTIONS = ("Error", "Exception", "Warning")
LONG_NAME = 20
"""Characters."""

Adder = Callable[..., None]


class Marker:
    """Adds the spans of nodes of one source."""

    def __init__(self, source: Source, spans: Spans) -> None:
        self.source, self.spans = source, spans

    def node(self, name: str, *nodes: ast.AST | None) -> None:
        """Each of `nodes` that there is has the concept `name`."""
        for node in nodes:
            if node is not None:
                self.spans.add(name, *self.source.span(node))

    def between(self, name: str, first: ast.AST, last: ast.AST) -> None:
        """What reaches from the start of `first` to the end of `last` has the concept."""
        self.spans.add(name, self.source.span(first)[0], self.source.span(last)[1])

    def block(self, name: str, statements: list[ast.stmt]) -> None:
        """The statements of a block, decorators of its first one included, have the concept."""
        if statements:
            start = min(self.source.span(each)[0] for each in _with_decorators(statements[0]))
            self.spans.add(name, start, self.source.span(statements[-1])[1])

    def start(self, name: str, node: ast.AST, length: int) -> None:
        """The first characters of a node have the concept."""
        first = self.source.span(node)[0]
        self.spans.add(name, first, first + length)

    def end(self, name: str, node: ast.AST, length: int) -> None:
        """The last characters of a node have the concept."""
        last = self.source.span(node)[1]
        self.spans.add(name, last - length, last)


def syntax_spans(source: Source, spans: Spans) -> None:
    """Add the spans of every expression but those inside f-strings."""
    mark = Marker(source, spans)
    for node in source.nodes:
        handler = HANDLERS.get(type(node))
        if handler:
            handler(node, mark)


def _with_decorators(statement: ast.stmt) -> list[ast.AST]:
    return [statement, *getattr(statement, "decorator_list", [])]


def _name(node: ast.Name, mark: Marker) -> None:
    word = node.id
    if isinstance(node.ctx, ast.Load):
        if word in ("self", "cls"):
            mark.node(word, node)
        if word in BUILTINS:
            mark.node("builtin", node)
        if word.endswith(EXCEPTIONS):
            mark.node("exception name", node)
    spelling(word, lambda name: mark.node(name, node))


def spelling(word: str, add: Callable[[str], None]) -> None:
    """Call `add` with each concept that the spelling of an identifier decides."""
    letters = word.strip("_")
    if word.startswith("__") and word.endswith("__") and letters:
        add("dunder name")
    elif word.startswith("_") and letters:
        add("private name")
    if len(letters) > 1 and letters.isupper():
        add("constant")
    elif letters[:1].isupper() and not letters.isupper():
        add("class-like name")
    if len(word) == 1 and word != "_":
        add("one-letter name")
    if len(word) >= LONG_NAME:
        add("long name")


def _attribute(node: ast.Attribute, mark: Marker) -> None:
    length = len(node.attr)
    read = isinstance(node.ctx, ast.Load)
    mark.end("attribute read" if read else "attribute written", node, length)
    spelling(node.attr, lambda name: mark.end(name, node, length))
    if isinstance(node.value, ast.Name):
        mark.node("object before a dot", node.value)
        if node.value.id in ("self", "cls"):
            mark.end("attribute of self", node, length)


def _call(node: ast.Call, mark: Marker) -> None:
    _called(node, mark)
    for index, argument in enumerate(node.args):
        mark.node("positional argument", argument)
        mark.node("later argument" if index else "first argument", argument)
        if isinstance(argument, ast.Starred):
            mark.node("starred argument", argument)
        if is_string(argument):
            mark.node("string as an argument", argument)
    for keyword in node.keywords:
        mark.node("keyword-argument value", keyword.value)
        if keyword.arg:
            mark.start("keyword-argument name", keyword, len(keyword.arg))
        else:
            mark.node("starred argument", keyword)
    if not node.args and not node.keywords:
        (_, start), (_, stop) = mark.source.span(node.func), mark.source.span(node)
        mark.spans.add("call without arguments", start, stop)
    for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
        mark.node("call within a call", *(each for each in (argument,) if is_call(each)))


def _called(node: ast.Call, mark: Marker) -> None:
    match node.func:
        case ast.Name(id=word):
            mark.node("function called", node.func)
            if word in BUILTINS:
                mark.node("builtin called", node.func)
            if word.lstrip("_")[:1].isupper():
                mark.node("class called", node.func)
        case ast.Attribute(attr=word, value=value):
            mark.end("method called", node.func, len(word))
            if is_call(value):
                mark.end("chained call", node.func, len(word))
            if word.lstrip("_")[:1].isupper():
                mark.end("class called", node.func, len(word))
            if isinstance(value, ast.Name) and value.id == "re" and node.args:
                mark.node("regular expression", *(a for a in node.args[:1] if is_string(a)))


def is_call(node: ast.AST) -> bool:
    """Whether `node` is a call."""
    return isinstance(node, ast.Call)


def is_string(node: ast.AST | None) -> bool:
    """Whether `node` is a literal string, an f-string included."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    return isinstance(node, F_STRINGS)


def _compare(node: ast.Compare, mark: Marker) -> None:
    mark.node("left of a comparison", node.left)
    mark.node("right of a comparison", *node.comparators)
    operands = (node.left, *node.comparators)
    mark.node("string compared", *(each for each in operands if is_string(each)))
    if any(isinstance(each, ast.Constant) and each.value is None for each in operands):
        mark.node("None compared", node)


def _bool_op(node: ast.BoolOp, mark: Marker) -> None:
    mark.node("operand of and, or", *node.values)


def _unary(node: ast.UnaryOp, mark: Marker) -> None:
    if isinstance(node.op, ast.Not):
        mark.node("operand of not", node.operand)


def _binary(node: ast.BinOp, mark: Marker) -> None:
    mark.node("left operand", node.left)
    mark.node("right operand", node.right)


def _subscript(node: ast.Subscript, mark: Marker) -> None:
    mark.node("subscripted", node.value)
    mark.node("subscript", node.slice)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    mark.node("slice", *(each for each in parts if isinstance(each, ast.Slice)))
    value = node.slice.operand if isinstance(node.slice, ast.UnaryOp) else node.slice
    if isinstance(value, ast.Constant) and type(value.value) is int:
        mark.node("integer subscript", node.slice)
    if is_string(value):
        mark.node("string subscript", node.slice)


def _display(node: ast.List | ast.Tuple | ast.Set, mark: Marker) -> None:
    kind = type(node).__name__.lower()
    if not isinstance(node, ast.Set) and not isinstance(node.ctx, ast.Load):
        return
    mark.node(f"{kind} display", node)
    if not node.elts:
        mark.node("empty display", node)
    mark.node("string in a list", *(each for each in node.elts if is_string(each)))


def _dict(node: ast.Dict, mark: Marker) -> None:
    mark.node("dict display", node)
    if not node.values:
        mark.node("empty display", node)
    mark.node("dict key", *node.keys)
    mark.node("dict value", *(v for k, v in zip(node.keys, node.values, strict=True) if k))
    mark.node("string as a dict key", *(each for each in node.keys if is_string(each)))
    mark.node("string as a dict value", *(each for each in node.values if is_string(each)))


def _comprehension(node: ast.ListComp | ast.SetComp | ast.GeneratorExp, mark: Marker) -> None:
    name = {ast.ListComp: "list comprehension", ast.GeneratorExp: "generator expression"}
    mark.node(name.get(type(node), "dict or set comprehension"), node)
    mark.node("element of a comprehension", node.elt)
    _generators(node.generators, mark)


def _dict_comprehension(node: ast.DictComp, mark: Marker) -> None:
    mark.node("dict or set comprehension", node)
    mark.node("element of a comprehension", node.key, node.value)
    mark.node("dict key", node.key)
    mark.node("dict value", node.value)
    _generators(node.generators, mark)


def _generators(generators: list[ast.comprehension], mark: Marker) -> None:
    for generator in generators:
        mark.node("variable of a comprehension", generator.target)
        mark.node("iterable of a comprehension", generator.iter)
        mark.node("filter of a comprehension", *generator.ifs)


def _conditional(node: ast.IfExp, mark: Marker) -> None:
    mark.node("conditional expression", node)
    mark.node("condition of an expression", node.test)


def _lambda(node: ast.Lambda, mark: Marker) -> None:
    mark.node("lambda body", node.body)
    every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    mark.node("lambda parameter", *every, node.args.vararg, node.args.kwarg)


HANDLERS: dict[type[ast.AST], Adder] = {
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Compare: _compare,
    ast.BoolOp: _bool_op,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Subscript: _subscript,
    ast.List: _display,
    ast.Tuple: _display,
    ast.Set: _display,
    ast.Dict: _dict,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _dict_comprehension,
    ast.IfExp: _conditional,
    ast.Lambda: _lambda,
    ast.Await: lambda node, mark: mark.node("awaited", node.value),
    ast.Yield: lambda node, mark: mark.node("yielded", node.value),
    ast.YieldFrom: lambda node, mark: mark.node("yielded", node.value),
    ast.NamedExpr: lambda node, mark: mark.node("walrus", node),
}
"""What each kind of node adds."""
