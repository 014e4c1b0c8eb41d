"""Stages run beside each other in an order that what they read allows, and within the time."""

import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from superposition import lanes
from superposition.core.params import Params
from superposition.core.stage import PAUSED
from superposition.lanes import Limits, Process, Task

ROOT = Path(__file__).parents[1]


def limits(seconds: float = 60.0, processes: int = 4, trainings: int = 1) -> Limits:
    return Limits(seconds=seconds, processes=processes, trainings=trainings)


class Fake:
    """A process that has written what it writes after so many looks at it."""

    def __init__(self, status: int = 0, looks: int = 1) -> None:
        self.status, self.looks, self.killed = status, looks, False

    def poll(self) -> int | None:
        self.looks -= 1
        return self.status if self.looks < 0 else None

    def kill(self) -> None:
        self.killed = True

    def wait(self) -> int:
        return -9


def chain() -> list[Task]:
    """text, then two trainings on it, then what reads both."""
    text = Task(stage="text", row="", reads=(), writes=("data/full/text",))
    trained = [
        Task(
            stage="sae", row=row, reads=("data/full/text/a.parquet",), writes=(f"data/full/{row}",)
        )
        for row in ("l1", "topk")
    ]
    both = Task(stage="claims", row="", reads=("data/full",), writes=("data/full/claims.json",))
    everything = [text, *trained, both]
    return [lanes._linked(task, everything) for task in everything]


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PAUSE", 0.0)


def test_a_task_begins_when_all_it_reads_is_there_and_trainings_take_turns(tmp_path: Path) -> None:
    events: list[str] = []

    def start(task: Task, seconds: float) -> Process:
        events.append(f"begin {task.name}")
        return Fake(looks=3)

    found = lanes.run(chain(), limits(), start, root=tmp_path, say=events.append)
    words = [" ".join(event.split()[-2:]) for event in events]
    assert words == [
        *("begin text", "done text", "begin sae@l1", "done sae@l1"),
        *("begin sae@topk", "done sae@topk", "begin claims", "done claims"),
    ]
    assert found.done == ["text", "sae@l1", "sae@topk", "claims"]


def test_two_trainings_may_run_beside_each_other(tmp_path: Path) -> None:
    at_once: list[str] = []
    lanes.run(
        chain(),
        limits(trainings=2),
        lambda task, _: at_once.append(task.name) or Fake(looks=3),
        root=tmp_path,
        say=lambda text: at_once.append(text),
    )
    begun = [each for each in at_once if not each.endswith("text") or each == "text"]
    assert begun[1:3] == ["sae@l1", "sae@topk"]


def test_what_was_written_before_is_not_made_again(tmp_path: Path) -> None:
    (tmp_path / "data/full/text").mkdir(parents=True)
    begun: list[str] = []
    found = lanes.run(
        chain(),
        limits(),
        lambda task, _: begun.append(task.name) or Fake(),
        root=tmp_path,
        say=lambda _: None,
    )
    assert "text" not in begun
    assert found.done[0] == "text"


def test_what_needs_a_failed_task_is_left_and_the_rest_goes_on(tmp_path: Path) -> None:
    found = lanes.run(
        chain(),
        limits(),
        lambda task, _: Fake(status=task.row == "l1"),
        root=tmp_path,
        say=lambda _: None,
    )
    assert found.failed == ["sae@l1"]
    assert found.done == ["text", "sae@topk"]
    assert found.left == ["claims"]


def test_a_training_that_paused_in_time_has_not_failed(tmp_path: Path) -> None:
    found = lanes.run(
        chain()[:2],
        limits(),
        lambda task, _: Fake(status=PAUSED * (task.stage == "sae")),
        root=tmp_path,
        say=lambda _: None,
    )
    assert (found.done, found.failed, found.cut_off) == (["text"], [], ["sae@l1"])


def test_what_is_interrupted_leaves_no_stage_at_work(tmp_path: Path) -> None:
    process = Fake(looks=10**9)

    def interrupted(text: str) -> None:
        if text.endswith("l1"):
            raise KeyboardInterrupt

    def start(task: Task, seconds: float) -> Process:
        return process if task.row == "topk" else Fake()

    with pytest.raises(KeyboardInterrupt):
        lanes.run(chain()[:3], limits(trainings=2), start, root=tmp_path, say=interrupted)
    assert process.killed


def test_what_runs_when_the_time_is_over_is_ended(tmp_path: Path) -> None:
    process, left = Fake(looks=10**9), []

    def start(task: Task, seconds: float) -> Process:
        left.append(seconds)
        return process

    found = lanes.run(chain(), limits(seconds=0.05), start, root=tmp_path, say=lambda _: None)
    assert process.killed
    assert found.cut_off == ["text"]
    assert found.left == ["sae@l1", "sae@topk", "claims"]
    assert 0 < left[0] <= 0.05


def test_real_processes_are_ended(tmp_path: Path) -> None:
    slow = [sys.executable, "-c", "import time; time.sleep(60)"]
    began = time.monotonic()
    found = lanes.run(
        chain()[:1],
        limits(seconds=0.3),
        lambda *_: subprocess.Popen(slow),
        root=tmp_path,
        say=lambda _: None,
    )
    assert found.cut_off == ["text"]
    assert time.monotonic() - began < 30


def test_the_stages_of_this_project_follow_each_other() -> None:
    found = {task.name: task for task in lanes.tasks(Params.read("full", root=ROOT), ROOT)}
    assert found["sae@batch-topk"].after == {"code", "activations@main"}
    assert found["activations@main"].after == {"code", "tokens", "transformer@main"}
    assert found["transformer@shuffled"].after >= {"tokens", "transformer@main"}
    assert "sae@l1" in found["evaluation@l1"].after
    assert found["code"].after == set()
    assert found["ngrams"].after == {"code", "tokens"}
    assert not {"paper", "readme"} & set(found)  # they write no artefact


def test_a_choice_of_stages_waits_for_nothing_else() -> None:
    found = lanes.tasks(Params.read("full", root=ROOT), ROOT, only=["ngrams", "tokens"])
    assert {task.name: task.after for task in found} == {"tokens": set(), "ngrams": {"tokens"}}
    with pytest.raises(ValueError, match="no stage nowhere; have: code, text, "):
        lanes.tasks(Params.read("full", root=ROOT), ROOT, only=["nowhere"])
    with pytest.raises(ValueError, match="no stage toys; have: text, sae, claims"):
        lanes.check_stages(["toys"], chain())


@pytest.mark.parametrize("given", [(0.0, 1, 1), (1.0, 0, 1), (1.0, 1, 0)])
def test_limits_that_allow_nothing_are_refused(given: tuple[float, int, int]) -> None:
    with pytest.raises(ValueError, match=r"=0(\.0)? is not above 0"):
        limits(*given)


@pytest.mark.parametrize(
    ("task", "seconds", "words"),
    [
        (chain()[1], math.inf, ["pipeline.sae", "l1", "--scale", "full"]),
        (chain()[1], 100.0, ["pipeline.sae", "l1", "--scale", "full", "--minutes", "1.500"]),
        (chain()[0], 100.0, ["pipeline.text", "--scale", "full"]),
    ],
)
def test_a_training_is_told_how_long_it_may_take(
    task: Task,
    seconds: float,
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[tuple[list[str], str | None]] = []

    def popen(command: list[str], **options: Any) -> Fake:
        begun.append((command[2:], options["env"].get("CUDA_VISIBLE_DEVICES")))
        return Fake()

    monkeypatch.setattr(lanes.subprocess, "Popen", popen)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    starter = lanes.Starter("full", n_processes=2, on_processor=["text"], logs=tmp_path)
    starter(task, seconds)
    assert begun == [(words, "" if task.stage == "text" else None)]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_training_of_the_full_scale_is_not_begun_without_a_gpu(tmp_path: Path) -> None:
    words = ["-m", "pipeline.lanes", "full", "--only", "transformer"]
    found = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 1
    assert "lanes: the scale full is made for a GPU" in found.stderr
