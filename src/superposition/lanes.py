"""Stages beside each other, without DVC: for a machine with many cores that is lent for minutes.

What a stage reads and writes stands in dvc.yaml. It may begin when all it reads is there, and is
done when all it writes is: so the same command goes on where the time was over.
"""

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from superposition.core.params import Params
from superposition.core.stage import PAUSED
from superposition.dvc_stages import stages_of_rows

TRAININGS = ("transformer", "sae", "sweep")
"""Stages that want a GPU for themselves."""
SHARE = 0.9
"""Of the time left, after which a training stops by itself."""
PAUSE = 0.2
"""Seconds from one look at the processes to the next."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A stage of dvc.yaml on one of its rows."""

    stage: str
    """Its name."""
    row: str
    """The row; empty if it has none."""
    reads: tuple[str, ...]
    """The artefacts it reads, as paths."""
    writes: tuple[str, ...]
    """The artefacts it writes."""
    after: frozenset[str] = frozenset()
    """The tasks that write what it reads, by name."""

    @property
    def name(self) -> str:
        """As DVC calls it: `sae@batch-topk`."""
        return f"{self.stage}@{self.row}" if self.row else self.stage

    def is_done(self, root: Path) -> bool:
        """Whether all that it writes is there."""
        return all((root / path).exists() for path in self.writes)


@runtime_checkable
class Process(Protocol):
    """A task at work."""

    def poll(self) -> int | None:
        """Its exit status, or None while it runs."""
        ...

    def kill(self) -> None:
        """End it."""
        ...

    def wait(self) -> int:
        """Until it has ended."""
        ...


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much may happen at once, and for how long."""

    seconds: float
    """After these, what still runs is ended."""
    processes: int
    """Tasks at a time."""
    trainings: int
    """Of these, `TRAININGS`."""

    def __post_init__(self) -> None:
        """Refuse to do nothing."""
        for name in ("seconds", "processes", "trainings"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)} is not above 0")


@dataclass
class Outcome:
    """What came of all tasks, by name."""

    done: list[str] = field(default_factory=list)
    """Finished, now or before."""
    failed: list[str] = field(default_factory=list)
    """Ended with another status than 0."""
    cut_off: list[str] = field(default_factory=list)
    """At work when the time was over, or paused by themselves before."""
    left: list[str] = field(default_factory=list)
    """Never begun: for want of time, or of what a failed task should have written."""

    def note(self, name: str, status: int) -> str:
        """Take down with which exit status a task ended; in a word, what that means."""
        if status == PAUSED:
            self.cut_off.append(name)
            return "paused"
        (self.failed if status else self.done).append(name)
        return "FAILED" if status else "done"


class Starter:
    """Begins stages as processes of their own, each with its share of the cores."""

    def __init__(
        self, scale: str, *, n_processes: int, on_processor: Collection[str], logs: Path
    ) -> None:
        """What they say goes to files in `logs`; the stages `on_processor` see no GPU."""
        self.scale, self.on_processor, self.logs = scale, on_processor, logs
        threads = max(1, (os.cpu_count() or 1) // n_processes)
        self.environment = os.environ | {"OMP_NUM_THREADS": str(threads)}

    def __call__(self, task: Task, seconds: float) -> Process:
        """The process; a training keeps its state before the seconds are over."""
        command = [sys.executable, "-m", f"pipeline.{task.stage}", *[task.row] * bool(task.row)]
        command += ["--scale", self.scale]
        if task.stage in TRAININGS and seconds < math.inf:
            command += ["--minutes", f"{SHARE * seconds / 60:.3f}"]
        hidden = {"CUDA_VISIBLE_DEVICES": ""} if task.stage in self.on_processor else {}
        with (self.logs / task.name).open("w") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=self.environment | hidden
            )


def tasks(
    params: Params, root: Path, *, only: Iterable[str] = (), named: Iterable[str] = ()
) -> list[Task]:
    """The tasks of dvc.yaml in `root` at the scale of `params`; of the stages `only`, if given.

    Those that write no artefact are not among them: nobody could tell whether they are done. Stages
    that are `named` for another purpose must exist too.
    """
    found = [
        Task(
            stage=each.stage,
            row=each.row,
            reads=_data(each.body["deps"]),
            writes=_data(each.writes),
        )
        for each in stages_of_rows(root, {**params.tree, "scale": params.scale})
    ]
    check_stages([*only, *named], found)
    chosen = [task for task in found if task.writes and (not only or task.stage in only)]
    return [_linked(task, chosen) for task in chosen]


def check_stages(names: Iterable[str], among: Iterable[Task]) -> None:
    """Refuse names of stages that there are not."""
    have = [*dict.fromkeys(task.stage for task in among)]
    if unknown := set(names) - {*have}:
        raise ValueError(f"no stage {', '.join(sorted(unknown))}; have: {', '.join(have)}")


def run(
    todo: list[Task],
    limits: Limits,
    start: Callable[[Task, float], Process],
    *,
    root: Path,
    say: Callable[[str], None],
) -> Outcome:
    """Run `todo` beside each other; `start` begins a task and is told how many seconds are left.

    Of the tasks that are ready, those begin first that come first in dvc.yaml.
    """
    began, running, outcome = time.monotonic(), dict[str, Process](), Outcome()
    waiting = {task.name: task for task in todo}
    for task in todo:
        if task.is_done(root):
            outcome.done.append(waiting.pop(task.name).name)
    try:
        while (waiting or running) and time.monotonic() - began < limits.seconds:
            for name, status in _ended(running):
                word = outcome.note(name, status)
                say(f"{time.monotonic() - began:5.0f} s  {word}  {name}")
            for task in _ready(waiting, outcome.done, running, limits):
                del waiting[task.name]
                running[task.name] = start(task, limits.seconds - (time.monotonic() - began))
            if not running:
                break  # what is left waits for what failed
            time.sleep(PAUSE)
    finally:  # whatever ends this, no stage may go on writing where another run may begin it again
        for name, process in running.items():
            process.kill()
            process.wait()
            outcome.cut_off.append(name)
    outcome.left = [*waiting]
    return outcome


def _ended(running: dict[str, Process]) -> list[tuple[str, int]]:
    """Take the tasks that have ended out of `running`: their names and exit statuses."""
    found = [(name, process.poll()) for name, process in running.items()]
    ended = [(name, status) for name, status in found if status is not None]
    for name, _ in ended:
        del running[name]
    return ended


def _ready(
    waiting: Mapping[str, Task], done: list[str], running: Mapping[str, Process], limits: Limits
) -> list[Task]:
    """The tasks that may begin now."""
    free = limits.processes - len(running)
    trainings = limits.trainings - sum(name.split("@")[0] in TRAININGS for name in running)
    found: list[Task] = []
    for task in waiting.values():
        is_training = task.stage in TRAININGS
        if len(found) < free and task.after <= {*done} and (trainings > 0 or not is_training):
            found.append(task)
            trainings -= is_training
    return found


def _linked(task: Task, among: list[Task]) -> Task:
    """`task` with the tasks it comes after."""
    after = {
        other.name
        for other in among
        if other is not task
        and any(_overlap(one, two) for one in task.reads for two in other.writes)
    }
    return replace(task, after=frozenset(after))


def _overlap(one: str, two: str) -> bool:
    """Whether two paths are the same, or one lies in the other."""
    short, long = sorted((one.split("/"), two.split("/")), key=len)
    return long[: len(short)] == short


def _data(paths: Iterable[str]) -> tuple[str, ...]:
    """The artefacts among them."""
    return tuple(path for path in paths if path.startswith("data/"))
