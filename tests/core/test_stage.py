"""What every stage does around its work: arguments, errors, cost."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from superposition.core.stage import PAUSED, Stage, run


@dataclass(frozen=True, kw_only=True)
class Config:
    n: int

    def __post_init__(self) -> None:
        if self.n < 1:
            raise ValueError(f"n={self.n} is below 1")


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "params.yaml").write_text(
        "scale: laptop\ndevice: cpu\ntoy: {good: {n: 1}, bad: {n: 0}}\n"
    )
    (tmp_path / "scales").mkdir()
    (tmp_path / "scales" / "smoke.yaml").write_text("toy: {good: {n: 7}}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[Stage]:
    seen: list[Stage] = []

    def main(stage: Stage) -> None:
        stage.config(Config)
        seen.append(stage)

    monkeypatch.setattr(sys, "argv", ["toy", *words])
    run("toy", main, rows="toy")
    return seen


def test_a_stage_gets_its_row_and_its_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    (here,) = call(monkeypatch, "good")
    (there,) = call(monkeypatch, "good", "--scale", "smoke")
    assert (here.config(Config).n, there.config(Config).n) == (1, 7)
    assert (here.store.scale, there.store.scale) == ("laptop", "smoke")
    assert str(here.device) == "cpu"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bad"], r"stage toy@bad: n=0 is below 1 \(params\.yaml: toy\.bad\)"),
        (["other"], r"stage toy@other: no row toy\.other in params\.yaml; have: good, bad"),
        (["good", "--scale", "big"], r"no scale 'big'; have: laptop, smoke"),
    ],
)
def test_a_mistake_ends_the_stage_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    with pytest.raises(SystemExit, match=message):
        call(monkeypatch, *words)


def count_to_three(stage: Stage) -> None:
    """A long run: each step ends a piece when there is no time."""
    checkpoint = stage.checkpoint("of nothing")
    step = (checkpoint.load() or {"step": 0})["step"]
    while step < 3:
        step += 1
        if checkpoint.is_due():
            checkpoint.save({"step": step})
    stage.store.save_json({"step": step}, "toy", stage.row, "metrics.json")


def test_a_stage_stops_in_time_and_goes_on_when_it_is_run_again(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = tree / "data" / "laptop" / "costs" / "toy@good.json"
    for _ in range(3):
        monkeypatch.setattr(sys, "argv", ["toy", "good", "--minutes", "0"])
        with pytest.raises(SystemExit) as stopped:
            run("toy", count_to_three, rows="toy")
        assert stopped.value.code == PAUSED
        assert re.search(
            r"toy@good: paused after .* run it again to go on", capsys.readouterr().err
        )
        assert not costs.exists()
    monkeypatch.setattr(sys, "argv", ["toy", "good", "--minutes", "10"])
    run("toy", count_to_three, rows="toy")
    assert json.loads((tree / "data/laptop/toy/good/metrics.json").read_text()) == {"step": 3}
    assert json.loads(costs.read_text())["seconds"] > 0


def test_a_stage_leaves_what_it_cost(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call(monkeypatch, "good")
    cost = json.loads((tree / "data" / "laptop" / "costs" / "toy@good.json").read_text())
    assert (cost["stage"], cost["row"]) == ("toy", "good")
    assert cost["seconds"] >= 0
    assert cost["peak_bytes"] > 1e6
