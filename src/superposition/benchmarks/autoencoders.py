"""Autoencoder training against the peers: interleaved, repeated, in one run on one machine.

Every contender has a process of its own. They take turns, a few steps at a time, so that whatever
else the machine does falls on all of them alike; a ratio is taken within a round, between steps
that lay next to each other, and only then is the median over rounds.
"""

import statistics
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from superposition.benchmarks import definitions
from superposition.benchmarks.client import Answer, Process, Seat, WorkerError
from superposition.benchmarks.ours import CONTENDERS
from superposition.benchmarks.record import OURS
from superposition.benchmarks.stream import Case

PEERS = ("SAELens", "dictionary_learning", "sparsify")
"""Names of the peers, as benchmarks/trainers.py knows them."""
ONLY_TOPK = "sparsify"
"""The peer that has no other architecture."""
LIMITS = ("product", "memory")
"""Contenders that do not depend on the architecture."""
ARCHITECTURES = ("topk", "batch_topk", "l1", "gated", "jumprelu")
"""The architectures that peers have, too."""
WIDE_ARCHITECTURES = ("topk", "batch_topk", "l1")
"""Those of them that are timed at the widest dictionaries, where a step takes seconds."""
CLOCKS = ("wall", "cpu")
"""Time on the clock, and time of all processor cores together."""

Progress = Callable[[list[Case], str], Iterable[Case]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is measured."""

    widths: tuple[int, ...] = (1024, 4096, 16384, 65536)
    """d_sae."""
    wide: int = 65536
    """d_sae from which on there are `WIDE_ARCHITECTURES` alone, and `wide_rounds`."""
    d_in: int = 512
    """Dimensions of an input; 512 in Towards Monosemanticity."""
    batch_size: int = 4096
    """Inputs in a step."""
    most: int = 2**26
    """Pre-activations in a step, at most: dictionaries so wide that it matters see fewer inputs."""
    batch_sizes: tuple[int, ...] = (256, 1024)
    """Further numbers of inputs in a step, for TopK at `batch_width`."""
    batch_width: int = 4096
    """d_sae of these."""
    k: int = 32
    """Active latents per input."""
    rounds: int = 5
    """Turns of every contender at every case."""
    wide_rounds: int = 3
    """The same from `wide` on."""
    steps_per_turn: int = 1
    """Steps in a turn; their median counts."""
    quality_steps: int = 200
    """Steps of the runs whose quality is compared."""
    quality_batch_size: int = 512
    """Inputs in a step of these."""
    quality_width: int = 1024
    """d_sae of these."""
    quality_seeds: int = 3
    """Of these runs, for ours and the plain step; peers have one."""
    n_threads: int = 2
    """Threads of every contender."""
    seed: int = 0
    """Of inputs and first weights."""

    def cases(self) -> list[Case]:
        """Every architecture at every width, and TopK at further batch sizes."""
        by_width = [
            self._case(arch, width, min(self.batch_size, self.most // width))
            for width in self.widths
            for arch in (ARCHITECTURES if width < self.wide else WIDE_ARCHITECTURES)
        ]
        return by_width + [self._case("topk", self.batch_width, size) for size in self.batch_sizes]

    def rounds_of(self, case: Case) -> int:
        """How many turns every contender has at `case`."""
        return self.rounds if case.d_sae < self.wide else self.wide_rounds

    def quality(self) -> list[Case]:
        """The architectures with a given L0, trained for a while, by several seeds."""
        return [
            Case(
                arch=arch,
                d_in=self.d_in,
                d_sae=self.quality_width,
                batch_size=self.quality_batch_size,
                k=self.k,
                n_steps=self.quality_steps,
                lr=1e-3,
                seed=self.seed + i,
            )
            for arch in ("topk", "batch_topk")
            for i in range(self.quality_seeds)
        ]

    def _case(self, arch: str, width: int, batch_size: int) -> Case:
        return Case(
            arch=arch,
            d_in=self.d_in,
            d_sae=width,
            batch_size=batch_size,
            k=self.k,
            n_steps=1_000_000,
            lr=1e-6,
            seed=self.seed,
        )


QUICK = Plan(
    widths=(64,),
    d_in=16,
    batch_size=64,
    batch_sizes=(32,),
    batch_width=64,
    k=4,
    rounds=2,
    steps_per_turn=1,
    quality_steps=3,
    quality_batch_size=64,
    quality_width=32,
    quality_seeds=2,
    n_threads=1,
)
"""A plan for tests: seconds."""


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


def measure(plan: Plan, where: list[Seat], *, root: Path, progress: Progress) -> Answer:
    """The sections of data/bench.json that need the contenders."""
    left_out: list[str] = []
    with ExitStack() as stack:
        processes = {
            seat.name: stack.enter_context(Process(seat, root=root, n_threads=plan.n_threads))
            for seat in where
        }
        steps, quality = [], []
        for case in progress(plan.cases(), "steps"):
            taking_part = _taking_part(processes, case)
            steps += list(_timed(case, taking_part, plan, left_out))
        for case in progress(plan.quality(), "quality"):
            others = LIMITS if case.seed == plan.seed else (*LIMITS, *PEERS)
            trained = {name: one for name, one in processes.items() if name not in others}
            quality += list(_trained(case, _taking_part(trained, case), left_out))
        peers = [process for name, process in processes.items() if name in PEERS]
        versions = peers[0].ask("versions") if peers else {}
        compared = definitions.comparison(peers[0]) if peers else []
    return {
        "steps": steps,
        "quality": quality,
        "metrics": compared,
        "versions": versions,
        "left_out": left_out,
    }


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
        order = names[turn % len(names) :] + names[: turn % len(names)]
        rounds.append({name: processes[name].ask("steps", n=plan.steps_per_turn) for name in order})
    for name, setting in settings.items():
        stopped = processes[name].ask("stop")
        yield _keys(case, name) | {"setting": setting} | _summary(rounds, name) | stopped


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
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return {f"{name}_low": low, name: middle, f"{name}_high": high}
