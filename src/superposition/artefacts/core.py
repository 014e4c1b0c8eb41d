"""What every stage leaves behind, loaded when first asked for; columns as in schema.yaml."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from superposition.core.store import Store, schema


class NotTrained(ValueError):
    """Something was asked of an experiment that its parameters leave out."""


@dataclass(frozen=True)
class Named:
    """Things by attribute, such as `metrics.l0`; a misspelt name is told which exist."""

    kind: str
    """What the things are, for the error message: "metric", "value"."""
    things: Mapping[str, Any]
    """The things by name."""
    origin: str = ""
    """Where they come from, for the error message."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self.things:
            where = f" in {self.origin}" if self.origin else ""
            raise AttributeError(f"no {self.kind} {name!r}{where}; have: {', '.join(self.things)}")
        return self.things[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.things)

    def __dir__(self) -> list[str]:
        return [*self.things]


@dataclass(frozen=True)
class Artefacts:
    """What one stage left behind for one row."""

    store: Store
    stage: str
    row: str

    def table(self, name: str) -> pd.DataFrame:
        """The table `name`, in the format that schema.yaml says."""
        tables = (Path(table) for table in schema() if table.startswith(f"{self.stage}/"))
        file = next(table.name for table in tables if table.stem == name)
        return self.store.load_table(self.stage, *self._folder, file)

    def tensors(self, name: str) -> dict[str, np.ndarray]:
        """The arrays in `<name>.safetensors`."""
        tensors = self.store.load_tensors(self.stage, *self._folder, f"{name}.safetensors")
        return {key: tensor.float().numpy() for key, tensor in tensors.items()}

    @cached_property
    def metrics(self) -> Named:
        """The numbers in metrics.json."""
        path = (*self._folder, "metrics.json")
        values = self.store.load_json(self.stage, *path)
        return Named("metric", values, origin="/".join((self.stage, *path)))

    @property
    def _folder(self) -> tuple[str, ...]:
        return (self.row,) if self.row else ()
