"""Stages that a partial reference run lacks, added from a run of the same scale made elsewhere.

A scale can be more than one machine does in the time it is lent for. What the reference run has
stays as it is, verdicts included; what a later run made beyond it is copied as its stages wrote it,
and what was open until then is judged from both. `reference.json` keeps each machine apart.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from superposition.claims.core import judge_all
from superposition.core.params import Params
from superposition.core.store import Store, whole
from superposition.reference import comparison, files, machine, making
from superposition.reference.beside import NOT_RUN
from superposition.reference.comparison import Comparison
from superposition.reference.files import NoReferenceError, Reference
from superposition.results import Results

Row = dict[str, Any]
NO_RESULTS = ("claims", "code", "paper", "readme")
"""Stages that a part does not consist of: claims are judged here, from both runs."""


@dataclass(frozen=True)
class Both(Store):
    """A run's artefacts, and where it has none those of the reference run."""

    beside: Store = field(kw_only=True)

    def path(self, stage: str, *parts: str) -> Path:
        """In the run, if it is there."""
        own = super().path(stage, *parts)
        return own if own.exists() else self.beside.path(stage, *parts)


def add(root: Path, scale: str) -> Reference:
    """Add to data/reference/<scale> what the run of `scale` under `root` has beyond it.

    That run must agree with the reference run wherever both were made, and have its parameters; it
    may start from the reference run's own weights.
    """
    reference, params = Reference(scale, root), Params.read(scale, root=root)
    facts = _facts_of_partial(reference)
    own = files.own_store(root, scale)
    costs = _new_costs(own, facts)
    _check_agreement(comparison.compare(root, scale), params, machine.stages(facts))
    names = [name for name in files.results(own, params) if comparison.title_of(name) in costs]
    models = [name for name in making.MODELS if comparison.title_of(name) in costs]
    with whole(reference.folder) as folder:
        shutil.copytree(reference.folder, folder)
        source = own.root / "data" / scale
        making.copy_models(source, models, folder)
        left_out = making.copy_results(source, names, folder)
        records = _judged(reference, own, params)
        part = machine.describe(root) | {"costs": costs, "left_out": left_out}
        tree = _merged(reference.store.load_json(files.PARAMS), params)
        facts[machine.ADDED] = [*facts.get(machine.ADDED, []), part]
        facts["partial"] = any(record["verdict"] == NOT_RUN for record in records)
        facts["seeds"] = making.seeds(tree)
        making.write_json(folder / "claims.json", records)
        making.write_json(folder / files.FACTS, facts)
        making.write_json(folder / files.PARAMS, tree)
        making.seal(folder, scale)
    return Reference(scale, root)


def _facts_of_partial(reference: Reference) -> dict[str, Any]:
    if not reference.exists:
        raise NoReferenceError(f"{reference.folder} has no reference run to add to: make one first")
    reference.require(*reference.sums)
    facts = reference.facts()
    if not facts["partial"]:
        raise NoReferenceError(f"the reference run in {reference.folder} is whole: nothing to add")
    return facts


def _new_costs(own: Store, facts: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The costs of the stages that were run here and are not in the reference run."""
    known = machine.stages(facts) | {*NO_RESULTS}
    new = {title: cost for title, cost in making.costs(own).items() if title not in known}
    if not new:
        raise NoReferenceError(
            f"{own.path('costs')} has no stage that the reference run lacks: nothing to add"
        )
    return new


def _check_agreement(found: Comparison, params: Params, known: set[str]) -> None:
    """Refuse a run with other parameters, or other values where both were made.

    Rows of which the reference run, with the stages `known`, has nothing may have changed.
    """
    changed = [
        name for name in found.changed if _was_run(name, known) and not _starts_from(name, params)
    ]
    if changed:
        raise NoReferenceError(
            f"other parameters than the reference run's: {', '.join(changed)}; restore them"
        )
    differing = found.values.loc[found.values["status"] == "differs", ["stage", "row"]]
    titles = {"@".join(filter(None, where)) for where in differing.to_numpy().tolist()}
    wrong = sorted(titles - {*found.not_run, "claims"})  # claims are judged anew, from both
    if wrong:
        raise NoReferenceError(
            f"{', '.join(wrong)} came out otherwise than in the reference run, and so would what "
            f"follows from that: see `python -m superposition.verify {found.scale}`"
        )


def _was_run(name: str, known: set[str]) -> bool:
    """Whether the reference run has something of the row `name`; of a section, that is not asked.

    Stages on the rows of another section, as those of `sae`, have the rows' names.
    """
    _, _, row = name.partition(".")
    return not row or row in {title.partition("@")[2] for title in known}


def _merged(then: Row, params: Params) -> Row:
    """The parameters of the reference run together with those of what is added."""
    merged = params.tree | then
    for section, before in then.items():
        now = params.tree.get(section)
        if isinstance(now, dict) and isinstance(before, dict):
            started = {row for row in before if _starts_from(f"{section}.{row}", params)}
            merged[section] = before | {row: now[row] for row in now if row not in started}
    return merged


def _starts_from(name: str, params: Params) -> bool:
    """Whether the row `name` takes over the reference run's own weights instead of training."""
    section, _, row = name.partition(".")
    if section != "transformer" or row not in params.tree[section]:
        return False
    own = f"../{files.FOLDER}/{params.scale}/transformer/{row}"
    return params.value(section, row)["made_from"] == own


def _judged(reference: Reference, own: Store, params: Params) -> list[dict[str, Any]]:
    """The verdicts of the reference run, and of what it left open those that both can decide."""
    both = Both(own.scale, own.root, beside=reference.store)
    decided = {each["id"]: each for each in reference.claims() if each["verdict"] != NOT_RUN}
    new = [each.as_json() for each in judge_all(Results(params, both), partial=True)]
    return [decided.get(record["id"], record) for record in new]
