"""The code that a program runs, as fingerprints: a stage depends on these instead of on files.

Who imports what is read from the sources, so nobody keeps a list. What cannot change a result
(comments, docstrings, the layout of lines) is not in a fingerprint, so a better comment makes no
result out of date.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

FOLDERS = {"pipeline": "pipeline", "superposition": "src/superposition"}
"""Where the project's packages lie in its root."""
FOUND_BY_NAME = {"superposition.claims.core": "superposition.claims"}
"""Modules that import every module of a package, which no import statement says."""

READERS = ("__doc__", "getdoc", "getsource")
"""Attributes by which code reads docstrings."""

Fingerprints = dict[str, str]
"""MD5 of the code of every module, by its name."""


class Code:
    """The modules of the project in `root`, each read once."""

    def __init__(self, root: Path) -> None:
        """Nothing is read yet."""
        self.root = root
        self.imports = cache(self._imports)
        self.reads_docstrings = cache(self._reads_docstrings)
        self.fingerprint = cache(self._fingerprint)

    def of(self, module: str) -> Fingerprints:
        """Fingerprints of `module` and of all that it imports, directly or not.

        Imports inside functions count, and so do the packages in which a module lies. Where any of
        the code reads docstrings, docstrings are part of it. Raises ValueError if there is no such
        module.
        """
        names = sorted(self.closure(module))
        docstrings = any(self.reads_docstrings(name) for name in names)
        return {name: self.fingerprint(name, docstrings=docstrings) for name in names}

    def closure(self, module: str) -> set[str]:
        """`module` and the project's modules that it imports, directly or not."""
        found, waiting = set[str](), [module, *self._with_packages(module)]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self.imports(name)
        return found

    def file(self, module: str) -> Path | None:
        """Where a module of this project is written down; None for others' modules."""
        package, *parts = module.split(".")
        if package not in FOLDERS:
            return None
        path = self.root.joinpath(FOLDERS[package], *parts)
        files = (path.with_suffix(".py"), path / "__init__.py")
        return next((file for file in files if file.is_file()), None)

    def modules(self, package: str) -> list[str]:
        """The names of the modules of `package`, without those of packages in it."""
        folder = self.root.joinpath(FOLDERS[package.split(".")[0]], *package.split(".")[1:])
        names = sorted(path.stem for path in folder.glob("*.py"))
        return [f"{package}.{name}" for name in names if name != "__init__"]

    def tree(self, module: str) -> ast.Module:
        """The code of a module of this project."""
        file = self.file(module)
        if file is None:
            raise ValueError(f"no module {module} in {self.root.resolve()}")
        return ast.parse(file.read_text("utf-8"), filename=str(file))

    def _imports(self, module: str) -> frozenset[str]:
        named = set(_imported(self.tree(module), self.file(module)))
        if package := FOUND_BY_NAME.get(module):
            named.update(self.modules(package))
        return frozenset(one for name in named for one in self._with_packages(name))

    def _reads_docstrings(self, module: str) -> bool:
        nodes = ast.walk(self.tree(module))
        return any(isinstance(node, ast.Attribute) and node.attr in READERS for node in nodes)

    def _with_packages(self, module: str) -> Iterator[str]:
        """`module` and the packages in which it lies, whose code runs before its own."""
        parts = module.split(".")
        names = (".".join(parts[:n]) for n in range(1, len(parts) + 1))
        return (name for name in names if self.file(name) is not None)

    def _fingerprint(self, module: str, *, docstrings: bool) -> str:
        tree = self.tree(module)
        text = ast.unparse(tree if docstrings else _WithoutDocstrings().visit(tree))
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class _WithoutDocstrings(ast.NodeTransformer):
    """Drops strings that stand alone: docstrings of all kinds, those of attributes among them."""

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        is_string = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_string else node


def _imported(tree: ast.Module, file: Path | None) -> Iterator[str]:
    """What may be modules among the names that import statements in `file` name."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield module
                yield from (f"{module}.{name.name}" for name in names)
            case ast.ImportFrom():
                raise ValueError(f"{file}:{node.lineno}: relative import; say the whole name")
            case _:
                pass
