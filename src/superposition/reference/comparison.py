"""A reader's run beside the reference run of the same scale, value by value."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from superposition.core import compute
from superposition.core.params import Params
from superposition.core.store import ArtefactError, Store
from superposition.reference import files, machine, quantities, tolerances
from superposition.reference.files import Reference

STATUSES = ("identical", "within tolerance", "differs", "missing", "not compared")
"""What a value can be, best first."""
GOOD = STATUSES[:2]
"""What does not make `make verify` fail."""
COLUMNS = ("stage", "row", "file", "value", "own", "reference", "allowed", "basis", "status")


@dataclass(frozen=True)
class Comparison:
    """How a run compares with the reference run."""

    scale: str
    values: pd.DataFrame
    """One row per value, columns as in COLUMNS; `not compared` for a file that is damaged."""
    facts: dict[str, Any]
    """Of the reference run; empty if there is none."""
    machine: dict[str, Any]
    """Where this comparison was made: the machine of the reader's run, if it is theirs."""
    changed: list[str]
    """Rows whose parameters are others than those of the reference run."""
    extra: list[str]
    """Files of the own run that the reference run does not have."""
    not_run: list[str]
    """Stages that left no cost file here: what there is of them came with the repository."""

    @property
    def exists(self) -> bool:
        """Whether there is a reference run of this scale."""
        return bool(len(self.values))

    @property
    def agrees(self) -> bool:
        """Whether everything is identical or within tolerance."""
        return self.exists and bool(self.values["status"].isin(GOOD).all())

    def counts(self) -> pd.DataFrame:
        """How many values of every stage have which status, and of all."""
        table = pd.crosstab(self.values["stage"], self.values["status"])
        table = table.reindex(columns=list(STATUSES), fill_value=0)
        table.loc["all"] = table.sum()
        return table.rename_axis(index="stage", columns=None).reset_index()

    def doubtful(self) -> pd.DataFrame:
        """The values that are neither identical nor within tolerance, worst first."""
        rest = self.values.loc[~self.values["status"].isin(GOOD)]
        return rest.sort_values(
            "status", key=lambda names: names.map(STATUSES.index), kind="stable"
        )

    def as_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        rows = self.values.astype(object).where(self.values.notna(), None)
        return {
            "scale": self.scale,
            "agrees": self.agrees,
            "values": rows.to_dict("records"),
            "reference": self.facts,
            "own": self.machine,
            "changed_parameters": self.changed,
            "files_beyond_the_reference": self.extra,
            "stages_not_run_here": self.not_run,
        }


def compare(root: Path, scale: str, *, quiet: bool = False) -> Comparison:
    """The run of `scale` under `root` beside data/reference/<scale>."""
    reference, params = Reference(scale, root), Params.read(scale, root=root)
    own = files.own_store(root, scale)
    names = [name for name in sorted(reference.sums) if _is_compared(name)]
    told = sorted({*names, *reference.damaged})
    shown = told if quiet else compute.progress(told, "verify")
    rows = [row for name in shown for row in _of_file(name, reference, own)]
    return Comparison(
        scale=scale,
        values=pd.DataFrame(rows, columns=list(COLUMNS)),
        facts=reference.facts(),
        machine=machine.describe(root),
        changed=_changed(reference, params),
        extra=sorted(set(files.results(own, params)) - _known(reference)) if names else [],
        not_run=sorted({title for name in names if not _was_run(title := title_of(name), own)}),
    )


def _is_compared(name: str) -> bool:
    file = name.split("/")[-1]
    return file in files.JSON or file.endswith((".parquet", ".csv"))


def _place(name: str) -> tuple[str, str, str]:
    """The stage that writes the file `name`, its row if it has rows, and the file's own name."""
    alone = "claims" if name == "claims.json" else files.FOLDER
    stage, *row, file = name.split("/") if "/" in name else (alone, name)
    return stage, "/".join(row), file


def title_of(name: str) -> str:
    """The stage that writes the file `name`, as DVC calls it.

    >>> title_of("sae/batch-topk/metrics.json"), title_of("tokens/metrics.json")
    ('sae@batch-topk', 'tokens')
    """
    return "@".join(filter(None, _place(name)[:2]))


def _was_run(title: str, own: Store) -> bool:
    return own.path("costs", f"{title}.json").exists()


def _known(reference: Reference) -> set[str]:
    """Files that the reference run had, those too large to be published among them."""
    left_out = [run.get("left_out", []) for run in machine.runs(reference.facts())]
    return set(reference.sums).union(*left_out)


def _of_file(name: str, reference: Reference, own: Store) -> Iterator[tuple[Any, ...]]:
    """The rows of one file, in the order of COLUMNS."""
    where = _place(name)
    if name in reference.damaged:
        yield (*where, "", None, None, None, f"{reference.damaged[name]} file", "not compared")
        return
    wanted = _wanted(name, reference)
    try:
        content = quantities.load(own, name)
    except ArtefactError:
        content = None
    found = {} if content is None else quantities.own_values(wanted, content)
    statuses = {each.name: _status(each, found) for each in wanted}
    for quantity in wanted:
        allowed, basis = quantity.tolerance
        status = _of_verdict(quantity.name, statuses)
        own_value = found.get(quantity.name)
        yield (*where, quantity.name, own_value, quantity.value, allowed, basis, status)


def _wanted(name: str, reference: Reference) -> list[quantities.Quantity]:
    content = quantities.load(reference.store, name)
    if isinstance(content, pd.DataFrame):
        stage, *_, file = name.split("/")
        return list(quantities.of_table(content, f"{stage}/{file}"))
    if isinstance(content, list):
        return list(quantities.of_claims(content))
    return list(quantities.of_metrics(content, _twin(name, reference)))


def _twin(name: str, reference: Reference) -> dict[str, Any] | None:
    """The metrics of the row that repeats this one with another seed."""
    stage, *row, file = name.split("/")
    if not row:
        return None
    beside = [
        other.split("/")[1]
        for other in reference.sound
        if other.startswith(f"{stage}/") and other.endswith(f"/{file}") and other.count("/") == 2
    ]
    twin = quantities.twin_of(row[0], beside)
    return quantities.load(reference.store, f"{stage}/{twin}/{file}") if twin else None


def _status(quantity: quantities.Quantity, found: dict[str, Any]) -> str:
    own = found.get(quantity.name)
    if own is None and (quantity.value is not None or quantity.name not in found):
        return "missing"
    if tolerances.same(own, quantity.value):
        return "identical"
    near = tolerances.within(own, quantity.value, quantity.tolerance)
    return "within tolerance" if near else "differs"


def _of_verdict(name: str, statuses: dict[str, str]) -> str:
    """The status of `name`; a verdict may turn where the measured value lies beside a threshold."""
    id, _, what = name.rpartition(": ")
    measured = statuses.get(f"{id}: measured")
    turned = what == "verdict" and statuses[name] == "differs"
    return measured if turned and measured == "within tolerance" else statuses[name]


def _changed(reference: Reference, params: Params) -> list[str]:
    """Sections, or rows of sections, whose parameters are others; the device does not count."""
    if reference.damage(files.PARAMS):
        return []
    then = reference.store.load_json(files.PARAMS)
    found = []
    for section, before in then.items():
        now = params.tree.get(section)
        if now == before or section == "device":
            continue
        if isinstance(before, dict) and isinstance(now, dict):
            differing = [key for key in before if now.get(key) != before[key]]
            found += [f"{section}.{key}" for key in differing]
        else:
            found.append(section)
    return found
