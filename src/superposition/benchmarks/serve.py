"""A process in which one contender makes steps when told to, and says how long they took.

One JSON object a line, in and out:

    {"do": "start", "case": {...}}      {"setting": "float32"}
    {"do": "steps", "n": 3}             {"wall": [0.21, ...], "cpu": [0.41, ...]}
    {"do": "stop"}                      {"peak_bytes": 812345678, "l0": 32.0}
    {"do": "train", "case": {...}}      {"explained_variance": 0.81, "l0": 32.0, "mse": 0.02}

Only torch and the standard library: the peers' interpreter runs this module, too.
"""

import itertools
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from superposition.benchmarks.meters import Meter, meter_for
from superposition.benchmarks.stream import Case, batches

READY_STEPS = 2
"""Steps before the clock starts: memory is claimed, Adam's moments exist."""
N_TIMED_BATCHES = 4
"""Different batches that take turns while the clock runs."""
N_HELD_OUT = 4
"""Batches on which a trained autoencoder is judged, none of them seen in training."""
FAR = 1_000_000
"""The number of the first batch held out."""

Answer = dict[str, Any]


class Reconstruction(NamedTuple):
    """What an autoencoder makes of inputs."""

    x_hat: Float[Tensor, "batch d_in"]
    acts: Float[Tensor, "batch d_sae"]


@runtime_checkable
class Contender(Protocol):
    """Someone's autoencoder in training."""

    setting: str
    """In which number format and how, in words."""

    def step(self, x: Float[Tensor, "batch d_in"]) -> None:
        """Make one optimiser step, with all that belongs to it."""
        ...

    def reconstruct(self, x: Float[Tensor, "batch d_in"]) -> Reconstruction:
        """The reconstruction by the current weights, as in training."""
        ...


Build = Callable[[Case], Contender]


@dataclass
class Worker:
    """Answers, one after the other."""

    build: Build
    """Makes the contender for a case."""
    extra: dict[str, Callable[[Answer], Answer]] = field(default_factory=dict)
    """Further things it can do, by name."""
    contender: Contender | None = None
    xs: list[Tensor] = field(default_factory=list)
    made: int = 0
    """Steps so far."""
    warm: bool = False
    """Whether it has made a step before."""
    at_rest: int = 0
    """Bytes held before the contender was built."""
    meter: Meter = field(default_factory=lambda: meter_for("cpu"))
    """Of the device of the case."""

    def answer(self, question: Answer) -> Answer:
        """What comes out of `question`; what went wrong is an answer, too."""
        actions = {"start": self._start, "steps": self._steps, "stop": self._stop}
        actions |= {"train": self._train} | self.extra
        try:
            return actions[question["do"]](question)
        except Exception as error:  # the process lives on for the next case
            found = {"error": f"{type(error).__name__}: {error}"}
        self._clear()
        return found

    def _start(self, question: Answer) -> Answer:
        case = Case(**question["case"])
        self.meter = meter_for(case.device)
        self._warm_up(case)
        self.xs = [x.to(case.device) for x in itertools.islice(batches(case), N_TIMED_BATCHES)]
        self.at_rest = self.meter.held()
        self.contender, self.made = self.build(case), 0
        for _ in range(READY_STEPS):
            self._step()
        self.meter.forget_peak()
        for _ in range(self.meter.more_steps):
            self._step()
        return {"setting": self.contender.setting}

    def _warm_up(self, case: Case) -> None:
        """Let libraries load what they load at a first step, which is nobody's memory."""
        if not self.warm and case.device == "cpu":
            small = replace(case, d_sae=4 * case.k, batch_size=64)
            self.build(small).step(next(batches(small)))
            self.warm = True

    def _steps(self, question: Answer) -> Answer:
        n: int = question["n"]
        wall, cpu = [], []
        for size in [1] * n if self.meter.waits_each_step else [n]:
            self.meter.wait()
            began, began_cpu = time.perf_counter(), time.process_time()
            for _ in range(size):
                self._step()
            self.meter.wait()
            wall.append((time.perf_counter() - began) / size)
            cpu.append((time.process_time() - began_cpu) / size)
        return {"wall": wall, "cpu": cpu}

    def _stop(self, question: Answer) -> Answer:
        assert self.contender is not None, "start comes before stop"
        peak = self.meter.peak()
        acts = self.contender.reconstruct(self.xs[0]).acts
        l0 = float((acts > 0).sum(-1).double().mean())
        del acts
        self._clear()
        return {"peak_bytes": peak - self.at_rest, "l0": l0}

    def _train(self, question: Answer) -> Answer:
        case = Case(**question["case"])
        self.meter = meter_for(case.device)
        contender = self.build(case)
        for x in itertools.islice(batches(case), case.n_steps):
            contender.step(x.to(case.device))
        x = torch.cat(list(itertools.islice(batches(case, FAR), N_HELD_OUT))).to(case.device)
        made = [contender.reconstruct(rows) for rows in x.split(case.batch_size)]
        error = (torch.cat([one.x_hat for one in made]) - x).double().square().sum()
        active = sum(float((one.acts > 0).sum()) for one in made)
        variance = (x - x.mean(0)).double().square().sum()
        return {"explained_variance": float(1 - error / variance), "l0": active / len(x)}

    def _clear(self) -> None:
        """Hold nothing of a case that is over."""
        self.contender, self.xs = None, []
        self.meter.give_back()

    def _step(self) -> None:
        assert self.contender is not None, "start comes before steps"
        self.contender.step(self.xs[self.made % len(self.xs)])
        self.made += 1


def serve(worker: Worker) -> None:
    """Answer the lines of standard input on standard output; what others print goes to stderr."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    for line in sys.stdin:
        answers.write(json.dumps(worker.answer(json.loads(line))) + "\n")
        answers.flush()
