"""Parameters: a row of `params.yaml` becomes the frozen dataclass asked for.

`params.yaml` holds the laptop scale; `scales/<scale>.yaml` holds only what differs at another one.
"""

import copy
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

PARAMS_FILE = "params.yaml"
SCALES_FOLDER = "scales"

T = TypeVar("T")
Tree = dict[str, Any]


class ParameterError(ValueError):
    """A parameter that is unknown, missing, mistyped or contradicts another one."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """The parameters of one scale: a tree of sections (the stages) and rows (the experiments)."""

    tree: Tree
    """Sections by name, as merged from the files."""
    origin: str
    """The files the tree came from, for error messages."""

    @classmethod
    def read(cls, scale: str | None = None, *, root: Path | None = None) -> "Params":
        """The parameters in `root` (default: the working directory), at `scale` if one is given."""
        root = root or Path.cwd()
        tree = _read_yaml(root / PARAMS_FILE)
        if scale is None or scale == tree.get("scale"):
            return cls(tree=tree, origin=PARAMS_FILE)
        overlay = root / SCALES_FOLDER / f"{scale}.yaml"
        if not overlay.exists():
            raise ParameterError(f"no scale {scale!r}; have: {', '.join(scales(root))}")
        merged = _merge(tree, _read_yaml(overlay), origin=f"{SCALES_FOLDER}/{scale}.yaml")
        origin = f"{PARAMS_FILE} with {SCALES_FOLDER}/{scale}.yaml"
        return cls(tree=merged | {"scale": scale}, origin=origin)

    @property
    def scale(self) -> str:
        """The name of this scale: `smoke`, `laptop` or `full`."""
        return self.tree["scale"]

    def rows(self, section: str) -> list[str]:
        """The names of the experiments of one stage, in the order of the file."""
        return list(self._section(section))

    def value(self, section: str, row: str | None = None) -> Any:
        """The raw value of a section or of one of its rows."""
        values = self._section(section)
        if row is None:
            return values
        if row not in values:
            have = ", ".join(values)
            raise ParameterError(f"no row {section}.{row} in {self.origin}; have: {have}")
        return values[row]

    def load(self, config: type[T], section: str, row: str | None = None) -> T:
        """`config` filled from `section` (or one `row` of it), with types and names checked."""
        key = section if row is None else f"{section}.{row}"
        return build(config, self.value(section, row), key=key, origin=self.origin)

    def _section(self, section: str) -> Tree:
        if section not in self.tree:
            have = ", ".join(self.tree)
            raise ParameterError(f"no section {section!r} in {self.origin}; have: {have}")
        return self.tree[section]


def build(config: type[T], values: Any, *, key: str, origin: str) -> T:
    """`config` filled from `values`; a mistake is named by `key` and by the file they came from."""
    try:
        # Through JSON: strict types then still take lists for tuples, maps for dataclasses.
        given = json.dumps(values, default=str)
        return TypeAdapter(config).validate_json(given, strict=True, extra="forbid")
    except ValidationError as error:
        raise ParameterError(_explain(error, config, key, origin)) from None


def scales(root: Path | None = None) -> list[str]:
    """The names of the scales that exist."""
    root = root or Path.cwd()
    overlays = sorted(path.stem for path in (root / SCALES_FOLDER).glob("*.yaml"))
    return [_read_yaml(root / PARAMS_FILE)["scale"], *overlays]


def _read_yaml(path: Path) -> Tree:
    if not path.exists():
        raise ParameterError(f"no {path.name} in {path.parent}: run from the repository's root")
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ParameterError(f"{path.name} is not YAML: {error}") from None
    if not isinstance(tree, dict):
        raise ParameterError(f"{path.name} holds {type(tree).__name__}, not sections")
    return tree


def _merge(base: Tree, overlay: Tree, *, origin: str, path: str = "") -> Tree:
    """`base` with `overlay`'s values; null drops a row; new rows may come, new sections not."""
    merged = copy.deepcopy(base)
    for key, value in overlay.items():
        if not path and key not in base:
            have = ", ".join(base)
            raise ParameterError(f"unknown section {key!r} in {origin}; have: {have}")
        if value is None and isinstance(base.get(key), dict):
            merged.pop(key)
        elif isinstance(value, dict) and isinstance(base.get(key), dict):
            merged[key] = _merge(base[key], value, origin=origin, path=f"{path}{key}.")
        else:
            merged[key] = value
    return merged


def _explain(error: ValidationError, config: type, key: str, origin: str) -> str:
    lines = [_explain_one(problem, config, key, origin) for problem in error.errors()]
    return "\n".join(lines)


def _explain_one(problem: Any, config: type, key: str, origin: str) -> str:
    where = ".".join([key, *(str(part) for part in problem["loc"])])
    given = problem["input"]
    match problem["type"]:
        case "unexpected_keyword_argument" | "extra_forbidden":
            return f"unknown parameter {where} = {given!r} ({origin}); allowed: {_names(config)}"
        case "missing" | "missing_argument" | "missing_keyword_only_argument":
            return (
                f"missing parameter {where} ({origin}); {config.__name__} needs: {_names(config)}"
            )
        case "value_error":
            return f"{problem['ctx']['error']} ({origin}: {where})"
    hint = _number_hint(given)
    return f"{where} = {given!r}: {problem['msg']}{hint} ({origin})"


def _names(config: type) -> str:
    return ", ".join(getattr(config, "__dataclass_fields__", {}))


def _number_hint(given: object) -> str:
    """YAML 1.1 reads 1e-3 as a string: say how to write it."""
    if isinstance(given, str):
        try:
            return f"; write {float(given)!r} or 1.0e-3, not 1e-3"
        except ValueError:
            return ""
    return ""
