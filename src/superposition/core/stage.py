"""What every stage of the pipeline shares: its arguments, its seeds, its errors and its cost."""

import argparse
import json
import math
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch

from superposition.core import compute
from superposition.core.compute import Clock, Paused
from superposition.core.params import Params
from superposition.core.store import CheckpointFile, Store, whole

T = TypeVar("T")
PAUSED = 75
"""Exit status of a stage that stopped in time: EX_TEMPFAIL, "try again"."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage at work on one row: its parameters and its artefacts."""

    name: str
    """The stage: also its section of `params.yaml` and its folder under `data/<scale>/`."""
    row: str
    """The experiment; empty for stages without rows."""
    params: Params
    store: Store
    clock: Clock = field(default_factory=Clock)

    def config(self, config: type[T]) -> T:
        """This stage's row of parameters as `config`."""
        return self.params.load(config, self.name, self.row or None)

    def checkpoint(self, *of: Any) -> CheckpointFile:
        """A place for the state of a long run `of` these parameters and inputs."""
        return self.store.checkpoint(self.name, self.row, of=of, clock=self.clock)

    @property
    def device(self) -> torch.device:
        """Where to compute, from the parameter `device`."""
        return compute.device(self.params.tree["device"])


def run(name: str, main: Callable[[Stage], None], *, rows: str | None) -> None:
    """Run `main` as a program: `python -m pipeline.<name> [ROW] [--scale SCALE] [--minutes M]`.

    `rows` is the section of `params.yaml` whose rows the stage runs over, if it has rows at all.
    """
    arguments = _arguments(name, rows)
    title = f"{name}@{arguments.row}" if rows else name
    clock = Clock(limit=60 * arguments.minutes)
    try:
        params = Params.read(arguments.scale)
        if rows:
            params.value(rows, arguments.row)
        store = Store(scale=params.scale)
        stage = Stage(name=name, row=arguments.row, params=params, store=store, clock=clock)
        torch.manual_seed(0)
        main(stage)
    except Paused:
        minutes = f"{clock.seconds / 60:.3g} minutes in all"
        print(f"stage {title}: paused after {minutes}; run it again to go on", file=sys.stderr)
        sys.exit(PAUSED)
    except ValueError as error:
        sys.exit(f"stage {title}: {error}")
    _record_cost(stage)


def _arguments(name: str, rows: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m pipeline.{name}")
    if rows:
        parser.add_argument("row", help=f"a row of the section {rows} of params.yaml")
    parser.add_argument("--scale", help="smoke, laptop or full (default: the scale of params.yaml)")
    parser.add_argument(
        "--minutes",
        type=float,
        default=math.inf,
        help="after these, a training of a transformer or of autoencoders keeps its state and "
        f"stops with exit status {PAUSED}; the same command goes on (default: no limit)",
    )
    parser.set_defaults(row="")
    return parser.parse_args()


def _record_cost(stage: Stage) -> None:
    """Leave wall time and peak memory beside the artefacts, where no stage depends on them."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    cost = {"stage": stage.name, "row": stage.row, "seconds": stage.clock.seconds}
    cost |= {"peak_bytes": peak * unit}
    name = f"{stage.name}@{stage.row}" if stage.row else stage.name
    with whole(stage.store.path("costs", f"{name}.json")) as path:
        Path(path).write_text(json.dumps(cost, indent=2, sort_keys=True) + "\n", encoding="utf-8")
