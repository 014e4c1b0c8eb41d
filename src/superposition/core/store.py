"""Where artefacts lie and how they are written: data/<scale>/<stage>/<row>/<name>.

The file's ending is its format. Everything is written whole or not at all, with the same bytes for
the same content, so that DVC can tell whether anything changed.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from superposition.core.compute import Clock, Paused

CHECKPOINT_SECONDS = 60.0
"""Time between two checkpoints: what a killed run loses at most."""


class ArtefactError(ValueError):
    """An artefact that is missing, truncated or not what its name says."""


class MissingArtefactError(ArtefactError):
    """An artefact that is not there, because its stage has not run."""

    def __init__(self, path: Path, title: str) -> None:
        """`title` is the stage, as DVC calls it."""
        self.title = title
        super().__init__(f"no {path}: run the stage that makes it, `dvc repro {title}`")


@dataclass(frozen=True)
class Store:
    """The artefacts of one scale."""

    scale: str
    """smoke, laptop or full."""
    root: Path = Path()
    """The repository's root."""

    def path(self, stage: str, *parts: str) -> Path:
        """data/<scale>/<stage>/<parts>."""
        return self.root.joinpath("data", self.scale, stage, *parts)

    def save_tensors(self, tensors: dict[str, Tensor], stage: str, *parts: str) -> None:
        """Save named tensors as .safetensors."""
        on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        with whole(self.path(stage, *parts)) as path:
            save_file(on_cpu, path)

    def load_tensors(self, stage: str, *parts: str) -> dict[str, Tensor]:
        """The named tensors saved under these names."""
        path = self._existing(stage, *parts)
        try:
            return load_file(path)
        except SafetensorError as error:
            raise ArtefactError(f"{path} is truncated or no safetensors file: {error}") from None

    def save_table(self, table: pd.DataFrame, stage: str, *parts: str) -> None:
        """Save a table as .parquet or .csv, its columns checked against schema.yaml."""
        path = self.path(stage, *parts)
        check_columns(table, f"{stage}/{parts[-1]}", path)
        with whole(path) as temporary:
            if path.suffix == ".csv":  # what `dvc plots` reads
                table.to_csv(temporary, index=False, float_format="%.17g")
            else:
                table.to_parquet(temporary, index=False, compression="zstd")

    def load_table(self, stage: str, *parts: str, columns: list[str] | None = None) -> pd.DataFrame:
        """The table saved under these names, or only some of its `columns`."""
        path = self._existing(stage, *parts)
        try:
            if path.suffix == ".csv":
                table = pd.read_csv(path, usecols=columns)
            else:
                table = pd.read_parquet(path, columns=columns)
        except (ValueError, OSError) as error:
            raise ArtefactError(f"{path} is truncated or no table: {error}") from None
        if columns is None:
            check_columns(table, f"{stage}/{parts[-1]}", path)
        return table

    def save_json(self, values: Any, stage: str, *parts: str) -> None:
        """Save numbers and words as .json, keys sorted."""
        with whole(self.path(stage, *parts)) as path:
            path.write_text(json.dumps(values, sort_keys=True, indent=2) + "\n", encoding="utf-8")

    def load_json(self, stage: str, *parts: str) -> Any:
        """The numbers and words saved under these names."""
        path = self._existing(stage, *parts)
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ArtefactError(f"{path} is truncated or no JSON file: {error}") from None

    def save_text(self, text: str, stage: str, *parts: str) -> None:
        """Save `text` as it is."""
        with whole(self.path(stage, *parts)) as path:
            path.write_text(text, encoding="utf-8")

    def load_text(self, stage: str, *parts: str) -> str:
        """The text saved under these names."""
        return self._existing(stage, *parts).read_text(encoding="utf-8")

    def checkpoint(
        self, stage: str, row: str, *, of: Any, clock: Clock | None = None
    ) -> "CheckpointFile":
        """A place for the state of a long run `of` these parameters and inputs."""
        path = self.root / ".checkpoints" / self.scale / stage / f"{row}.pt"
        return CheckpointFile(path, fingerprint=_fingerprint(of), clock=clock or Clock())

    def _existing(self, stage: str, *parts: str) -> Path:
        path = self.path(stage, *parts)
        if not path.exists():
            maker = stage.removesuffix(".json")  # claims.json has no folder of its own
            raise MissingArtefactError(path, "@".join([maker, *parts[:-1][:1]]))
        return path


@dataclass
class CheckpointFile:
    """The state of a long run in one file outside DVC's outputs, which DVC deletes before a run."""

    path: Path
    """Where the state lies."""
    fingerprint: str
    """Of the parameters and inputs: a state with another one is not continued."""
    clock: Clock = field(default_factory=Clock)
    """Says how long the run has taken, and when it must stop."""
    saved_at: float = field(default_factory=time.monotonic)
    """When the state was kept last; at first, when the run began."""

    def load(self) -> dict[str, Any] | None:
        """The state kept last, or None if there is none for the same parameters and inputs."""
        if not self.path.exists():
            return None
        kept = torch.load(self.path, weights_only=True, map_location="cpu")
        if kept["fingerprint"] != self.fingerprint:
            return None
        self.clock.before = kept["seconds"]
        return kept["state"]

    def is_due(self) -> bool:
        """Whether a minute has passed since the state was kept, or the run must stop."""
        return self.clock.is_over or time.monotonic() - self.saved_at >= CHECKPOINT_SECONDS

    def save(self, state: dict[str, Any]) -> None:
        """Keep `state` in place of the one before. Ends the run if its time is over."""
        kept = {"fingerprint": self.fingerprint, "seconds": self.clock.seconds, "state": state}
        with whole(self.path) as path:
            torch.save(kept, path)
        self.saved_at = time.monotonic()
        if self.clock.is_over:
            raise Paused

    def remove(self) -> None:
        """Forget the state, and what was left by runs killed while they wrote it: all is done."""
        self.path.unlink(missing_ok=True)
        for half_written in self.path.parent.glob(f".{self.path.name}.*.partial"):
            half_written.unlink(missing_ok=True)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A temporary file or folder that becomes `path` only if nothing went wrong."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield temporary
        if path.is_dir():  # a folder cannot be replaced at once: the old one goes when all is done
            before = path.with_name(f".{path.name}.{os.getpid()}.before")
            path.replace(before)
            temporary.replace(path)
            shutil.rmtree(before)
        else:
            temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def check_columns(table: pd.DataFrame, name: str, path: Path) -> None:
    """Refuse a table whose columns are not those of schema.yaml."""
    expected = list(schema().get(name, {}))
    if not expected:
        raise ArtefactError(
            f"{path}: no table {name!r} in schema.yaml; have: {', '.join(schema())}"
        )
    if list(table.columns) != expected:
        raise ArtefactError(f"{path} has columns {list(table.columns)}; {name} needs {expected}")


@cache
def schema() -> dict[str, dict[str, str]]:
    """The columns of every table, by `<stage>/<file>`, with what they mean."""
    return yaml.safe_load(files("superposition").joinpath("schema.yaml").read_text("utf-8"))


def _fingerprint(of: Any) -> str:
    return hashlib.sha256(repr(of).encode()).hexdigest()
