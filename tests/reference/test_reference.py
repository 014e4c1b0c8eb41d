"""Reference runs are copied whole and checked; a run is compared with them value by value."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from superposition import verify
from superposition.core.store import Store
from superposition.reference import (
    beside,
    comparison,
    files,
    machine,
    making,
    quantities,
    tolerances,
)
from superposition.reference.comparison import Comparison
from superposition.reference.files import NoReferenceError, Reference

CLAIM = {"id": "a01", "verdict": "replicated", "measured": 0.5, "interval": [0.4, 0.6]}
CLAIM |= {"quantity": "share of starts"}
RAN = ("toy@five-in-two", "transformer@main", "transformer@second-seed", "claims")
METRICS = {
    "n_models": 6,
    "n_live": 4000,
    "dead": 100,
    "held_out_loss": 3.0,
    "share": 0.5,
    "word": "pentagon",
}
METRICS |= {"still": 0.9, "still_low": 0.9, "still_high": 0.9}


def instances(shift: float = 0.0) -> pd.DataFrame:
    """Two densities of three seeds each."""
    columns = {
        "instance": np.arange(6),
        "seed": [0, 1, 2] * 2,
        "feature_probability": [1.0] * 3 + [0.1] * 3,
        "relative_importance": 1.0,
        "relative_density": 1.0,
        "l1_coefficient": 0.0,
        "loss": np.array([1.0, 1.1, 1.2] * 2) + shift,
        "diverged": False,
        "n_represented": 5,
        "geometry": ["pentagon", "pentagon", "digons"] * 2,
    }
    return pd.DataFrame(columns)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with a run of the laptop scale and its reference run."""
    rows = {"five-in-two": {"n_seeds": 3, "seed": 7}}
    two = {"main": {"seed": 0}, "second-seed": {"seed": 1}}
    tree = {"scale": "laptop", "device": "auto", "toy": rows, "transformer": two, "sae": {}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(tree))
    store = Store(scale="laptop", root=tmp_path)
    store.save_table(instances(), "toy", "five-in-two", "instances.parquet")
    store.save_json(METRICS, "toy", "five-in-two", "metrics.json")
    store.save_json({"loss": 3.0}, "transformer", "main", "metrics.json")
    store.save_json({"loss": 3.1}, "transformer", "second-seed", "metrics.json")
    store.save_tensors({"W": torch.ones(3)}, "transformer", "main", "transformer.safetensors")
    store.save_json({"loss": 9.0}, "transformer", "deleted", "metrics.json")
    store.save_json([CLAIM], "claims.json")
    cost = {"stage": "toy", "row": "five-in-two", "seconds": 2.0, "peak_bytes": 10}
    for title in RAN:
        store.save_json(cost, "costs", f"{title}.json")
    making.make(tmp_path, "laptop")
    return tmp_path


def compared(root: Path) -> Comparison:
    return comparison.compare(root, "laptop", quiet=True)


def status(root: Path, value: str) -> str:
    rows = compared(root).values
    return rows.loc[rows["value"] == value, "status"].item()


def change(root: Path, **changes: Any) -> None:
    store = Store(scale="laptop", root=root)
    store.save_json(METRICS | changes, "toy", "five-in-two", "metrics.json")


def test_a_run_is_identical_to_the_reference_made_of_it(root: Path) -> None:
    found = compared(root)
    assert set(found.values["status"]) == {"identical"}
    assert found.agrees
    assert found.counts().set_index("stage").loc["all", "identical"] == len(found.values)


def test_a_reference_has_the_rows_of_the_parameters_with_machine_seeds_and_costs(
    root: Path,
) -> None:
    reference = Reference("laptop", root)
    assert "toy/five-in-two/instances.parquet" in reference.sound
    assert not [name for name in reference.sums if "deleted" in name or "costs" in name]
    facts = reference.facts()
    assert facts["seeds"]["toy.five-in-two.seed"] == 7
    assert facts["costs"]["toy@five-in-two"]["seconds"] == 2.0
    assert {"processor", "torch", "commit", "accelerator"} <= set(facts)


def test_the_weights_of_a_reference_are_rounded_to_bfloat16(root: Path) -> None:
    store = Reference("laptop", root).store
    weights = store.load_tensors("transformer", "main", "transformer.safetensors")
    assert weights["W"].dtype == torch.bfloat16


def test_the_same_run_gives_the_same_bytes(root: Path) -> None:
    reference = Reference("laptop", root)
    before = (reference.folder / files.SUMS).read_text()
    making.make(root, "laptop")
    assert (reference.folder / files.SUMS).read_text() == before


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("n_models", 7, "differs"),  # fixed by the parameters
        ("n_live", 4050, "within tolerance"),  # counted: 3 sqrt(2 4000) = 268
        ("dead", 130, "within tolerance"),  # 3 sqrt(200) = 42
        ("dead", 150, "differs"),
        ("held_out_loss", 3.05, "within tolerance"),  # 2% of 3
        ("held_out_loss", 3.07, "differs"),
        ("held_out_loss", float("nan"), "differs"),
        ("share", 0.52, "within tolerance"),
        ("share", 0.54, "differs"),
        ("word", "digons", "differs"),
        ("word", None, "missing"),
        ("still", 0.91, "within tolerance"),  # 5%, since its interval came without any width
    ],
)
def test_a_value_is_judged_by_its_kind(root: Path, name: str, value: Any, wanted: str) -> None:
    change(root, **{name: value})
    assert status(root, name) == wanted


def test_a_table_is_judged_by_the_spread_over_its_seeds(root: Path) -> None:
    store = Store(scale="laptop", root=root)
    # The seeds' means are 1.0, 1.1, 1.2: 3 sqrt(2) 0.1 / sqrt(3) = 0.245.
    for shift, wanted in ((0.24, "within tolerance"), (0.25, "differs")):
        store.save_table(instances(shift), "toy", "five-in-two", "instances.parquet")
        assert status(root, "mean of loss") == wanted


def test_the_order_of_a_tables_rows_does_not_count(root: Path) -> None:
    table = instances().iloc[::-1].reset_index(drop=True)
    Store(scale="laptop", root=root).save_table(table, "toy", "five-in-two", "instances.parquet")
    assert status(root, "share of pentagon in geometry") == "identical"
    assert compared(root).agrees


def test_a_row_with_another_seed_says_how_far_a_value_moves(root: Path) -> None:
    store = Store(scale="laptop", root=root)
    for loss, wanted in ((3.29, "within tolerance"), (3.31, "differs")):  # 3 |3.0 - 3.1|
        store.save_json({"loss": loss}, "transformer", "main", "metrics.json")
        rows = compared(root).values.set_index("row")
        assert rows.loc["main", "status"] == wanted
        assert rows.loc["main", "basis"] == "two seeds"


@pytest.mark.parametrize(
    ("measured", "verdict", "wanted"),
    [
        (0.55, "replicated", ("identical", "within tolerance")),
        (0.55, "partly", ("within tolerance", "within tolerance")),  # a threshold lies between
        (0.9, "partly", ("differs", "differs")),
    ],
)
def test_a_verdict_may_turn_only_where_the_measured_value_hardly_moved(
    root: Path, measured: float, verdict: str, wanted: tuple[str, str]
) -> None:
    changed = [CLAIM | {"measured": measured, "verdict": verdict}]
    Store(scale="laptop", root=root).save_json(changed, "claims.json")
    assert (status(root, "a01: verdict"), status(root, "a01: measured")) == wanted


def test_an_interval_without_width_says_nothing() -> None:
    for interval, allowed in (([0.4, 0.6], 0.2 * 3 / 1.96 / 2**0.5), ([0.5, 0.5], 0.025)):
        tolerance = tolerances.of_claim(CLAIM | {"interval": interval, "quantity": "angle"})
        assert tolerance.allowed == pytest.approx(allowed)


def test_what_the_reference_run_left_open_is_not_compared(root: Path) -> None:
    left = CLAIM | {"verdict": beside.NOT_RUN, "measured": None, "interval": None}
    store = Store(scale="laptop", root=root)
    store.save_json([left], "claims.json")
    making.make(root, "laptop")
    store.save_json([CLAIM], "claims.json")
    found = compared(root)
    assert found.agrees
    assert "claims" not in set(found.values["stage"])


def test_a_missing_file_is_missing_and_one_more_is_only_told(root: Path) -> None:
    store = Store(scale="laptop", root=root)
    store.path("toy", "five-in-two", "metrics.json").unlink()
    store.save_json({}, "tokens", "metrics.json")
    found = compared(root)
    of_toys = found.values.query("stage == 'toy' and file == 'metrics.json'")
    assert set(of_toys["status"]) == {"missing"}
    assert found.extra == ["tokens/metrics.json"]
    assert not found.agrees


def test_an_altered_or_missing_reference_file_is_said_and_not_compared(root: Path) -> None:
    folder = Reference("laptop", root).folder
    (folder / "toy/five-in-two/metrics.json").write_text("{}")
    (folder / "transformer/main/metrics.json").unlink()
    rows = compared(root).values
    told = rows.loc[rows["status"] == "not compared", ["stage", "basis"]]
    assert told.to_numpy().tolist() == [
        ["toy", "altered file"],
        ["transformer", "missing file"],
    ]
    assert not compared(root).agrees


def test_every_altered_file_is_told_compared_or_not(root: Path) -> None:
    folder = Reference("laptop", root).folder
    (folder / "transformer/main/transformer.safetensors").write_bytes(b"")
    (folder / "params.json").unlink()
    rows = compared(root).values
    told = rows.loc[rows["status"] == "not compared", ["stage", "file", "basis"]]
    assert told.to_numpy().tolist() == [
        ["reference", "params.json", "missing file"],
        ["transformer", "transformer.safetensors", "altered file"],
    ]


@pytest.mark.parametrize("text", ["", "<<<<<<< ours\n", None])
def test_checksums_that_cannot_be_read_are_an_error_that_names_them(
    root: Path, text: str | None
) -> None:
    path = Reference("laptop", root).folder / files.SUMS
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(NoReferenceError, match="SHA256SUMS is no list of checksums"):
        compared(root)


def test_the_run_is_where_more_stages_ran(root: Path) -> None:
    copy = root / files.COPIES / "laptop"
    assert files.own_store(root, "laptop").root == root
    for number in range(9):
        Store(scale="laptop", root=copy).save_json({}, "costs", f"{number}.json")
    assert files.own_store(root, "laptop").root == copy


def test_changed_parameters_are_named(root: Path) -> None:
    tree = yaml.safe_load((root / "params.yaml").read_text())
    tree["toy"]["five-in-two"]["seed"] = 8
    (root / "params.yaml").write_text(yaml.safe_dump(tree))
    assert compared(root).changed == ["toy.five-in-two"]


def test_verify_says_what_differs_and_writes_every_value(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify.main("laptop", root=root)
    change(root, dead=900)
    assert not verify.main("laptop", root=root)
    printed = capsys.readouterr().out
    assert "differs: toy@five-in-two/metrics.json dead: 900 here, 100 in the reference" in printed
    written = json.loads((root / "data/laptop/verify.json").read_text())
    assert not written["agrees"]
    assert len(written["values"]) == len(compared(root).values)


def test_verify_tells_what_was_never_run_here(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Metrics lie in Git: whoever has run nothing yet has those of the reference run."""
    for title in RAN[1:3]:
        (root / f"data/laptop/costs/{title}.json").unlink()
    verify.main("laptop", root=root)
    others = ["transformer@main", "transformer@second-seed"]
    written = json.loads((root / "data/laptop/verify.json").read_text())
    assert written["stages_not_run_here"] == others
    assert "2 stages were never run here" in capsys.readouterr().out
    for title in others:
        Store(scale="laptop", root=root).save_json({}, "costs", f"{title}.json")
    assert comparison.compare(root, "laptop", quiet=True).not_run == []
    verify.main("laptop", root=root)
    assert "never run here" not in capsys.readouterr().out


def test_verify_without_a_reference_run_says_so(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(Reference("laptop", root).folder)
    assert not verify.main("laptop", root=root)
    assert "no reference run of the scale laptop" in capsys.readouterr().out


def test_a_reference_without_results_says_what_to_run(root: Path) -> None:
    (root / "data/laptop/claims.json").unlink()
    with pytest.raises(NoReferenceError, match="make reproduce SCALE=laptop"):
        making.make(root, "laptop")


def test_a_reference_is_made_only_of_what_ran_here(root: Path) -> None:
    """Metrics lie in Git, so that a clone in which nothing ran has them all."""
    (root / "data/laptop/costs/transformer@main.json").unlink()
    with pytest.raises(NoReferenceError, match="transformer@main did not run here"):
        making.make(root, "laptop")
    made = making.make(root, "laptop", partial=True, replace=True)
    assert {name for name in made.sums if name.startswith("transformer/")} >= {
        "transformer/second-seed/metrics.json"
    }
    assert "transformer/main/metrics.json" not in made.sums
    shutil.rmtree(root / "data/laptop/costs")
    with pytest.raises(NoReferenceError, match=r"no stage ran in .*make reproduce SCALE=laptop"):
        making.make(root, "laptop", partial=True)


def test_a_reference_loses_stages_only_if_that_is_said(root: Path, tmp_path: Path) -> None:
    given = tmp_path / "given"
    (root / "data/laptop/costs/transformer@main.json").unlink()
    with pytest.raises(
        NoReferenceError, match=r"1 stages .* lacks \(transformer@main\).*--replace"
    ):
        making.make(root, "laptop", partial=True)
    shutil.copytree(Reference("laptop", root).folder, given)
    making.make(root, "laptop", partial=True, replace=True)
    making.take_in(root, "laptop", given)  # it has more
    less = making.make(root, "laptop", partial=True, replace=True)
    shutil.rmtree(given)
    shutil.copytree(less.folder, given)
    (root / "data/laptop/costs/transformer@main.json").write_text('{"seconds": 1, "peak_bytes": 1}')
    making.make(root, "laptop")
    with pytest.raises(NoReferenceError, match="say --replace"):
        making.take_in(root, "laptop", given)
    assert "transformer@main" in Reference("laptop", root).facts()["costs"]
    (Reference("laptop", root).folder / files.SUMS).write_text("")
    making.take_in(root, "laptop", given, replace=True)


def test_the_commit_is_that_of_the_tree_with_a_mark_if_it_was_changed(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(machine.COMMIT, raising=False)
    copy = root / files.COPIES / "laptop"
    copy.mkdir(parents=True)
    assert machine.commit(root) == machine.UNKNOWN
    (root / ".gitignore").write_text(".scales\ndata\n")
    who = ["git", "-C", str(root), "-c", "user.name=t", "-c", "user.email=t@t"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "x"]):
        subprocess.run([*who, *words], check=True)
    assert len(machine.commit(copy)) == 40
    (root / "params.yaml").write_text("scale: smoke\n")
    assert machine.commit(copy) == machine.commit(root)
    assert machine.commit(copy).endswith(machine.CHANGED)
    monkeypatch.setenv("PATH", "")
    assert machine.commit(root) == machine.UNKNOWN


def test_a_partial_run_is_judged_as_far_as_it_goes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "data/laptop/claims.json").unlink()
    monkeypatch.setenv("SUPERPOSITION_COMMIT", "told")
    facts = making.make(root, "laptop", partial=True).facts()
    assert facts["partial"]
    assert not (root / "data/laptop/claims.json").exists()  # it would pass for what the stage makes
    assert facts["commit"] == "told"
    claims = Reference("laptop", root).claims()
    assert {"not run at this scale"} < {one["verdict"] for one in claims}  # theory needs no run
    beside_claims = beside.add_references(pd.DataFrame({"id": [one["id"] for one in claims]}), root)
    was_run = [one["verdict"] != "not run at this scale" for one in claims]
    assert [bool(found) for found in beside_claims[beside.COLUMN]] == was_run


def test_a_reference_beyond_its_budget_is_refused_and_the_old_one_kept(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "BUDGET", 1000)
    with pytest.raises(NoReferenceError, match="allowed: 1,000; largest"):
        making.make(root, "laptop")
    assert Reference("laptop", root).exists


def test_a_large_table_is_left_out_and_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "LARGEST", 100)
    facts = making.make(root, "laptop").facts()
    assert facts["left_out"] == ["toy/five-in-two/instances.parquet"]
    assert compared(root).extra == []


def test_tables_for_which_there_is_no_room_are_left_out_and_named(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The largest go first, so that a run at the end of a loan is not lost for some tables."""
    monkeypatch.setattr(making, "RESERVE", 0)
    place = "toy/five-in-two/instances.parquet"
    size = (root / "data/laptop" / place).stat().st_size
    store = Store(scale="laptop", root=root)
    store.save_table(instances().head(0), "toy", "six-in-two", "instances.parquet")
    small = (root / "data/laptop/toy/six-in-two/instances.parquet").stat().st_size
    assert small < size
    folder = root / "folder"
    folder.mkdir()
    (folder / "weights").write_bytes(b"0" * 1000)
    names = ["toy/five-in-two/metrics.json", place, "toy/six-in-two/instances.parquet"]
    known = 1000 + (root / "data/laptop" / names[0]).stat().st_size
    for budget, wanted in ((known + size + small, []), (known + size + small - 1, [place])):
        monkeypatch.setattr(making, "BUDGET", budget)
        assert making.copy_results(root / "data/laptop", names, folder) == wanted
        shutil.rmtree(folder / "toy")


def test_a_run_made_elsewhere_is_taken_in_whole_or_not_at_all(root: Path, tmp_path: Path) -> None:
    given, here = tmp_path / "copied", tmp_path / "here"
    shutil.copytree(Reference("laptop", root).folder, given)
    taken = making.take_in(here, "laptop", given)
    assert taken.damaged == {}
    with pytest.raises(NoReferenceError, match="of the scale laptop, not full"):
        making.take_in(here, "full", given)
    (given / "claims.json").write_text("[]")
    with pytest.raises(NoReferenceError, match=r"claims\.json; copy it again"):
        making.take_in(here, "laptop", given)
    assert Reference("laptop", here).damaged == {}
    with pytest.raises(NoReferenceError, match="make reference SCALE=laptop"):
        making.take_in(here, "laptop", tmp_path / "nowhere")


def test_rounding_is_identical_and_no_number_is_never_a_number() -> None:
    assert tolerances.same(0.1 + 0.2, 0.3)
    assert tolerances.same(float("nan"), float("nan"))
    assert not tolerances.same(1, True)
    assert not tolerances.within(float("nan"), 1.0, tolerances.Tolerance(9.0, ""))


def test_a_column_that_names_rows_or_is_planned_gives_no_shares() -> None:
    table = instances().assign(geometry=["a", "b"] * 3)
    names = [each.name for each in quantities.of_table(table, "toy/instances.parquet")]
    assert not [name for name in names if "geometry" in name]
