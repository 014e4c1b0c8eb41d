"""The stages of dvc.yaml with the rows of the parameters filled in, as DVC does it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

VARIABLE = re.compile(r"\$\{([\w.-]+)\}")
"""What DVC puts the value of a parameter in place of."""


class StageOfRow(NamedTuple):
    """A stage on one of its rows."""

    stage: str
    """Its name."""
    row: str
    """The row; empty if it has none."""
    body: dict[str, Any]
    """Its command, parameters, dependencies and outputs."""

    @property
    def name(self) -> str:
        """As DVC calls it: `sae@batch-topk`."""
        return f"{self.stage}@{self.row}" if self.row else self.stage

    @property
    def writes(self) -> list[str]:
        """The paths of its outputs and metrics, which may have options."""
        written = [*self.body.get("outs", []), *self.body.get("metrics", [])]
        return [next(iter(each)) if isinstance(each, dict) else each for each in written]


def stages_of_rows(root: Path, tree: Mapping[str, Any]) -> Iterator[StageOfRow]:
    """Every stage of dvc.yaml in `root` on every row of `tree`, whose `scale` is filled in, too."""
    yield from filled_in(read(root), tree)


def read(root: Path) -> dict[str, Any]:
    """The stages as dvc.yaml in `root` has them, variables and all."""
    return yaml.safe_load((root / "dvc.yaml").read_text("utf-8"))["stages"]


def filled_in(stages: Mapping[str, Any], tree: Mapping[str, Any]) -> Iterator[StageOfRow]:
    """Each of `stages` on every row of `tree`."""
    for stage, body in stages.items():
        if "foreach" not in body:
            yield StageOfRow(stage, "", _filled(body, tree))
            continue
        section = VARIABLE.fullmatch(body["foreach"])
        assert section, f"{stage}: foreach runs over one section"
        for row, item in _look_up(section[1], tree).items():
            yield StageOfRow(stage, row, _filled(body["do"], {**tree, "key": row, "item": item}))


def _filled(value: Any, names: Mapping[str, Any]) -> Any:
    """`value` with its variables replaced."""
    if isinstance(value, dict):
        return {_filled(key, names): _filled(entry, names) for key, entry in value.items()}
    if isinstance(value, list):
        return [_filled(entry, names) for entry in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: str(_look_up(found[1], names)), value)
    return value


def _look_up(path: str, names: Mapping[str, Any]) -> Any:
    found: Any = names
    for part in path.split("."):
        found = found[part]
    return found
