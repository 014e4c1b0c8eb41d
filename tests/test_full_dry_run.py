"""Every stage of the full scale, as it would run on a GPU, but tiny: no GPU time for a typo."""

import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import full_scale

from superposition import rows
from superposition.core.params import Params
from superposition.core.stage import PAUSED
from superposition.dvc_stages import stages_of_rows

ROOT = Path(__file__).parents[1]
BORROWED = ("_quarto.yml", "paper", "pipeline", "src", "requirements.lock", "data/bench.json")
BORROWED += ("data/bench-bf16.json", "data/bench-gpu.json", "data/reference")
LATER = ("paper",)
"""Needs no GPU, takes minutes, and is run at the smoke scale by test_smoke.py."""
Run = Callable[..., None]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree like .scales/full, with tiny sizes. Its results are its own."""
    folder = tmp_path_factory.mktemp("full")
    (folder / "data").mkdir()
    for name in BORROWED:
        (folder / name).symlink_to(ROOT / name)
    (folder / "README.md").write_text((ROOT / "README.md").read_text("utf-8"), "utf-8")
    params = full_scale.shrunk(Params.read("full", root=ROOT))
    (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False), "utf-8")
    return folder


@pytest.fixture
def run(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`python -m pipeline.<stage> <words> --scale full`, in this process and without DVC."""
    monkeypatch.chdir(tree)

    def command(stage: str, *words: str) -> None:
        monkeypatch.setattr(sys, "argv", [stage, *words, "--scale", "full"])
        monkeypatch.delitem(sys.modules, f"pipeline.{stage}", raising=False)
        runpy.run_module(f"pipeline.{stage}", run_name="__main__")

    return command


def instances(tree: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Every stage and row in the order in which they may run, with what it must leave behind."""
    for each in stages_of_rows(ROOT, tree):
        if each.stage not in LATER:
            yield each.stage, each.row, each.writes


def test_every_row_of_every_stage_of_the_full_scale_runs_and_leaves_what_it_declares(
    tree: Path, run: Run
) -> None:
    params = Params.read("full", root=tree)
    rows.check(params)
    for stage, row, left in instances(params.tree):
        run(stage, *[row] * bool(row))
        missing = [name for name in left if not (tree / name).exists()]
        assert missing == [], f"{stage}@{row}"


def test_a_training_in_pieces_leaves_the_bytes_of_one_that_was_not_interrupted(
    tree: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tree / "data" / "full" / "sae" / "batch-topk"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.unlink()
    for _ in range(3):
        with pytest.raises(SystemExit) as stopped:
            run("sae", "batch-topk", "--minutes", "0")
        assert stopped.value.code == PAUSED
        assert "stage sae@batch-topk: paused after" in capsys.readouterr().err
        assert [*folder.iterdir()] == []
    run("sae", "batch-topk")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
