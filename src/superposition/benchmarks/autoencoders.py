"""Autoencoder training against the peers: interleaved, repeated, in one run on one machine.

Every contender has a process of its own. They take turns, a few steps at a time, so that whatever
else the machine does falls on all of them alike; a ratio is taken within a round, between steps
that lay next to each other, and only then is the median over rounds.
"""

import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from superposition.benchmarks import definitions
from superposition.benchmarks.client import Answer, Process, Seat, WorkerError
from superposition.benchmarks.ours import CONTENDERS
from superposition.benchmarks.plan import Plan
from superposition.benchmarks.record import OURS, PRODUCT
from superposition.benchmarks.stream import Case

PEERS = ("SAELens", "dictionary_learning", "sparsify")
"""Names of the peers, as benchmarks/trainers.py knows them."""
ONLY_TOPK = "sparsify"
"""The peer that has no other architecture."""
LIMITS = ("product", "memory")
"""Contenders that do not depend on the architecture."""
CLOCKS = ("wall", "cpu")
"""Time on the clock, and time of all processor cores together."""

Progress = Callable[[list[Case], str], Iterable[Case]]
Keep = Callable[[Answer, list[Answer]], None]
"""Is given everything so far and the rows of the steps that are new."""


def seats(root: Path, peers_python: Path | None) -> list[Seat]:
    """Where every contender runs; without the peers' interpreter, ours alone."""
    here = [
        Seat(name=name, command=(sys.executable, "-m", "superposition.benchmarks.worker", name))
        for name in CONTENDERS
    ]
    if peers_python is None:
        return here
    worker = str(root.resolve() / "benchmarks" / "worker.py")
    return here + [Seat(name=name, command=(str(peers_python), worker, name)) for name in PEERS]


def measure(
    plan: Plan,
    where: list[Seat],
    *,
    root: Path,
    progress: Progress,
    keep: Keep = lambda found, new: None,
    product_rate: float | None = None,
) -> Answer:
    """The sections of the record that need the contenders; `keep` has them after every case.

    `product_rate` is what the machine's products reach at best, in operations a second.
    """
    found: Answer = {"steps": [], "quality": [], "metrics": [], "versions": {}, "left_out": []}
    with ExitStack() as stack:
        processes = {
            seat.name: stack.enter_context(
                Process(seat, root=root, n_threads=plan.n_threads, device=plan.device)
            )
            for seat in where
        }
        processes = _present(processes, found)
        for case in progress(plan.cases(), "steps"):
            taking_part = _taking_part(processes, case)
            rows = list(_timed(case, taking_part, plan, found["left_out"]))
            found["steps"] += _with_share(rows, case, product_rate)
            keep(found, rows)
        for case in progress(plan.quality(), "quality"):
            others = LIMITS if case.seed == plan.seed else (*LIMITS, *PEERS)
            trained = {name: one for name, one in processes.items() if name not in others}
            found["quality"] += list(_trained(case, _taking_part(trained, case), found["left_out"]))
            keep(found, [])
        _compare_metrics(processes, found)
        keep(found, [])
    return found


def _present(processes: Mapping[str, Process], found: Answer) -> dict[str, Process]:
    """Those processes whose peer can be imported, and ours; says which cannot."""
    present = dict(processes)
    for name in PEERS:
        if name in present:
            try:
                found["versions"] |= present[name].ask("versions")
            except WorkerError as error:
                found["left_out"].append(str(error))
                del present[name]
    return present


def _compare_metrics(processes: Mapping[str, Process], found: Answer) -> None:
    """Everyone's metrics, from one process that has all peers' packages."""
    if peers := [process for name, process in processes.items() if name in PEERS]:
        try:
            found["metrics"] = definitions.comparison(peers[0])
        except WorkerError as error:
            found["left_out"].append(f"metrics: {error}")


def _taking_part(processes: Mapping[str, Process], case: Case) -> dict[str, Process]:
    return {
        name: process
        for name, process in processes.items()
        if name != ONLY_TOPK or case.arch == "topk"
    }


def _timed(
    case: Case, processes: dict[str, Process], plan: Plan, left_out: list[str]
) -> Iterator[Answer]:
    """One record per contender: time of a step, ratio to ours, memory."""
    settings: dict[str, str] = {}
    for name, process in processes.items():
        try:
            settings[name] = process.ask("start", case=case)["setting"]
        except WorkerError as error:
            left_out.append(f"{case.arch} at {case.d_sae}: {error}")
    rounds: list[dict[str, Answer]] = []
    for turn in range(plan.rounds_of(case)):
        names = [*settings]
        order = names[turn % len(names) :] + names[: turn % len(names)] if names else []
        rounds.append({})
        for name in order:
            try:
                rounds[-1][name] = processes[name].ask("steps", n=plan.steps_per_turn)
            except WorkerError as error:
                left_out.append(f"{case.arch} at {case.d_sae}: {error}")
                del settings[name]
    for name, setting in settings.items():
        stopped = processes[name].ask("stop")
        if OURS in settings:
            yield _keys(case, name) | {"setting": setting} | _summary(rounds, name) | stopped


def _with_share(rows: list[Answer], case: Case, product_rate: float | None) -> list[Answer]:
    """`rows`; our own says which share of the machine's best rate the encoder's product reaches."""
    by = {row["contender"]: row for row in rows}
    if product_rate is not None and {OURS, PRODUCT} <= by.keys():
        operations = 2 * case.batch_size * case.d_in * case.d_sae
        by[OURS]["product_share"] = operations / by[PRODUCT]["wall_seconds"] / product_rate
    return rows


def _trained(
    case: Case, processes: dict[str, Process], left_out: list[str]
) -> Iterator[dict[str, Any]]:
    """One record per contender: what the same inputs made of the same first weights."""
    for name, process in processes.items():
        try:
            yield _keys(case, name) | {"seed": case.seed} | process.ask("train", case=case)
        except WorkerError as error:
            left_out.append(f"quality of {case.arch}: {error}")


def _keys(case: Case, name: str) -> dict[str, Any]:
    return {
        "arch": case.arch,
        "d_sae": case.d_sae,
        "batch_size": case.batch_size,
        "contender": name,
    }


def _summary(rounds: list[dict[str, Answer]], name: str) -> dict[str, Any]:
    """Medians over rounds with the quartiles beside them, of seconds and of ratios to ours."""
    found: dict[str, Any] = {}
    for clock in CLOCKS:
        mine = [statistics.median(each[name][clock]) for each in rounds]
        ours = [statistics.median(each[OURS][clock]) for each in rounds]
        ratios = [a / b for a, b in zip(mine, ours, strict=True)]
        found |= _spread(f"{clock}_seconds", mine) | _spread(f"{clock}_ratio", ratios)
    return found


def _spread(name: str, values: list[float]) -> dict[str, float]:
    several = values if len(values) > 1 else 2 * values
    low, middle, high = statistics.quantiles(several, n=4, method="inclusive")
    return {f"{name}_low": low, name: middle, f"{name}_high": high}
