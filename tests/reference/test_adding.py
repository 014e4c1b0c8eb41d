"""A partial reference run gets what it lacks from a later run that agrees with it, and no more."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from superposition import scaling_tables, verify
from superposition.claims.core import Record, Verdict, all_claims
from superposition.core.params import Params
from superposition.core.store import ArtefactError, Store
from superposition.prose import reference as about_reference
from superposition.reference import adding, comparison, files, machine, making
from superposition.reference.beside import NOT_RUN
from superposition.reference.files import NoReferenceError, Reference
from superposition.results import Results
from superposition.site import verification

SCALE = "laptop"
COST = {"seconds": 2.0, "peak_bytes": 10}


def finish(root: Path, stage: str, row: str, metrics: dict[str, Any]) -> Store:
    """Leave what a stage leaves."""
    store = Store(scale=SCALE, root=root)
    store.save_json(metrics, stage, row, "metrics.json")
    store.save_json({"stage": stage, "row": row} | COST, "costs", f"{stage}@{row}.json")
    return store


def write_params(root: Path, **main: Any) -> None:
    tree: dict[str, Any] = {"scale": SCALE, "device": "auto", "toy": {"one": {"seed": 0}}}
    tree |= {"transformer": {"main": {"made_from": "tokens", "seed": 0} | main}}
    tree |= {"sae": {"batch-topk": {"seed": 0}}}
    (root / "params.yaml").write_text(yaml.safe_dump(tree))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree with a partial reference run, and a later run of its transformer."""
    monkeypatch.setenv(machine.COMMIT, "first")
    write_params(tmp_path)
    store = finish(tmp_path, "transformer", "main", {"loss": 3.0})
    store.save_tensors({"W": torch.ones(3)}, "transformer", "main", "transformer.safetensors")
    making.make(tmp_path, SCALE, partial=True)
    monkeypatch.setenv(machine.COMMIT, "later")
    write_params(tmp_path, made_from=f"../reference/{SCALE}/transformer/main")
    finish(tmp_path, "transformer", "main", {"loss": 3.01})
    return tmp_path


@pytest.fixture
def longer(root: Path) -> Path:
    """The same, with an autoencoder in the later run."""
    store = finish(root, "sae", "batch-topk", {"l0": 32.0})
    store.save_tensors({"W_enc": torch.ones(3)}, "sae", "batch-topk", "weights.safetensors")
    store.save_json({}, "sae", "batch-topk", "cfg.json")
    return root


def contents(root: Path) -> dict[str, bytes]:
    folder = Reference(SCALE, root).folder
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_the_reference_lacks_is_added_and_what_it_has_is_kept(longer: Path) -> None:
    before = contents(longer)
    reference = adding.add(longer, SCALE)
    assert not reference.damaged
    after = contents(longer)
    new = {"metrics.json", "cfg.json", "weights.safetensors"}
    assert set(after) - set(before) == {f"sae/batch-topk/{name}" for name in new}
    changed = {name for name in before if after[name] != before[name]}
    assert changed <= {"claims.json", files.FACTS, files.SUMS}
    weights = reference.store.load_tensors("sae", "batch-topk", "weights.safetensors")
    assert weights["W_enc"].dtype == torch.bfloat16


def test_the_machine_and_the_costs_of_what_was_added_are_kept_apart(longer: Path) -> None:
    facts = adding.add(longer, SCALE).facts()
    first, later = machine.runs(facts)
    assert (first["commit"], later["commit"]) == ("first", "later")
    assert (list(first["costs"]), list(later["costs"])) == (
        ["transformer@main"],
        ["sae@batch-topk"],
    )
    finish(longer, "toy", "one", {"n_models": 1})
    assert [list(run["costs"]) for run in machine.runs(adding.add(longer, SCALE).facts())] == [
        ["transformer@main"],
        ["sae@batch-topk"],
        ["toy@one"],
    ]


def test_a_later_run_is_compared_with_all_parts(longer: Path) -> None:
    adding.add(longer, SCALE)
    found = comparison.compare(longer, SCALE, quiet=True)
    of_sae = found.values.loc[found.values["stage"] == "sae", "status"]
    assert set(of_sae) == {"identical"}
    assert "1 of its stages: " in verify.report(found)


def test_the_pages_keep_the_machines_apart(longer: Path) -> None:
    adding.add(longer, SCALE)
    r = Results(Params.read(SCALE, root=longer), Store(scale=SCALE, root=longer))
    said = about_reference.texts(r)[f"reference_{SCALE}"]
    assert said.index("commit first") < said.index("; added to it: ") < said.index("commit later")
    assert said.endswith(", 1 stage; only in part")
    times = scaling_tables.costs(r).set_index(["run", "stage"])["seconds"]
    assert times["laptop reference", "transformer"] == times["added to laptop", "sae"] == 2.0
    assert ("laptop reference", "sae") not in times
    found = comparison.compare(longer, SCALE, quiet=True)
    assert "added to it" in str(verification.machines(found).data)


def test_a_verdict_stays_and_what_was_open_is_judged_from_both(
    longer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_before = [
        one["id"] for one in Reference(SCALE, longer).claims() if one["verdict"] == NOT_RUN
    ]
    seen = []

    def judged(results: Any, *, partial: bool) -> list[Record]:
        seen.append((results.store.load_json("sae", "batch-topk", "metrics.json"), partial))
        seen.append(results.store.load_json("transformer", "main", "metrics.json"))
        (longer / f"data/{SCALE}/transformer/main/metrics.json").unlink()
        seen.append(results.store.load_json("transformer", "main", "metrics.json"))
        with pytest.raises(ArtefactError, match="run the stage that makes it"):
            results.store.load_json("toy", "one", "metrics.json")
        verdict = Verdict(measured=1, holds="partly", detail="")
        return [Record(claim=each, verdict=verdict) for each in all_claims()]

    monkeypatch.setattr(adding, "judge_all", judged)
    reference = adding.add(longer, SCALE)
    assert seen == [({"l0": 32.0}, True), {"loss": 3.01}, {"loss": 3.0}]
    after = {one["id"]: one for one in reference.claims()}
    assert {id for id, one in after.items() if one["detail"] == ""} == set(open_before)
    assert not reference.facts()["partial"]
    with pytest.raises(NoReferenceError, match="is whole: nothing to add"):
        adding.add(longer, SCALE)


def test_nothing_is_added_to_no_reference_or_from_no_run(root: Path, tmp_path: Path) -> None:
    with pytest.raises(NoReferenceError, match="no stage that the reference run lacks"):
        adding.add(root, SCALE)
    Store(scale=SCALE, root=root).save_json(COST, "costs", "code.json")
    with pytest.raises(NoReferenceError, match="no stage that the reference run lacks"):
        adding.add(root, SCALE)
    shutil.rmtree(Reference(SCALE, root).folder)
    with pytest.raises(NoReferenceError, match="no reference run to add to"):
        adding.add(root, SCALE)


def test_what_is_added_brings_its_parameters_and_its_own_verdicts_do_not_matter(
    longer: Path,
) -> None:
    tree = yaml.safe_load((longer / "params.yaml").read_text())
    tree["sae"]["batch-topk"]["seed"] = 5  # the reference run has nothing of this row
    (longer / "params.yaml").write_text(yaml.safe_dump(tree))
    decided = Reference(SCALE, longer).claims()
    verdicts = [one | {"verdict": "partly", "measured": 1} for one in decided]
    store = Store(scale=SCALE, root=longer)
    store.save_json(verdicts, "claims.json")
    store.save_json(COST, "costs", "claims.json")
    reference = adding.add(longer, SCALE)
    kept = reference.store.load_json(files.PARAMS)
    assert kept["sae"]["batch-topk"] == {"seed": 5}
    assert kept["transformer"]["main"]["made_from"] == "tokens"
    assert reference.facts()["seeds"]["sae.batch-topk.seed"] == 5
    assert [one for one in decided if one["verdict"] != NOT_RUN] == [
        one for one in reference.claims() if one["verdict"] != NOT_RUN
    ]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda root: finish(root, "transformer", "main", {"loss": 4.0}), "transformer@main came"),
        (lambda root: write_params(root, seed=1), r"other parameters.*: transformer\.main"),
        (lambda root: write_params(root, made_from="../reference/full/transformer/main"), "other"),
        (lambda root: (root / f"data/reference/{SCALE}/claims.json").write_text("[]"), "altered"),
    ],
)
def test_a_run_that_does_not_agree_is_refused_and_the_reference_kept(
    longer: Path, spoil: Any, says: str
) -> None:
    spoil(longer)
    before = contents(longer)
    with pytest.raises(NoReferenceError, match=says):
        adding.add(longer, SCALE)
    assert contents(longer) == before
