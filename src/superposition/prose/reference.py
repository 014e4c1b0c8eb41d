"""What the pages say about the reference runs: which there are, and on what they were made."""

from typing import Any

from superposition.core.store import Store
from superposition.reference import machine
from superposition.reference.beside import SCALES
from superposition.reference.files import Reference
from superposition.results import Results
from superposition.site.stages import duration
from superposition.values import fmt

Texts = dict[str, str]
NAMES = tuple(f"reference_{scale}" for scale in SCALES)
"""Names of the values, at every scale."""

MISSING = {"laptop": "none yet", "full": "none yet, since it needs a GPU"}
"""What stands for a run that is not there."""


def texts(r: Results) -> Texts:
    """Every value about the reference runs."""
    return {f"reference_{scale}": _run(scale, r.store) for scale in SCALES}


def _run(scale: str, store: Store) -> str:
    runs = machine.runs(Reference(scale, store.root).facts())
    if not runs:
        return MISSING[scale]
    part = "; only in part" if runs[0].get("partial") else ""
    added = [f"; added to it: {_described(run)}, {_stages(run)}" for run in runs[1:]]
    return "".join([_described(runs[0]), *added, part])


def _described(facts: dict[str, Any]) -> str:
    """Machine, torch and commit in one phrase."""
    where = f"{facts['processor']}, {fmt(facts['cores'])} cores"
    if facts["accelerator"] != "none":
        where = f"{facts['accelerator']}, {where}"
    seconds = sum(cost["seconds"] for cost in facts["costs"].values())
    took = duration(seconds) if seconds else "unknown time"
    commit, with_changes, _ = facts["commit"].partition(machine.CHANGED)
    return f"{where}; torch {facts['torch']}, commit {commit[:10]}{with_changes}, {took}"


def _stages(facts: dict[str, Any]) -> str:
    n = len(facts["costs"])
    return f"{fmt(n)} stage{'s' * (n != 1)}"
