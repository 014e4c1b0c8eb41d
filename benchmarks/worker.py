"""The peers' side of the benchmark, in their interpreter.   .venv-peers/bin/python worker.py PEER

Started by superposition.benchmarks and by tests/peers; answers as superposition.benchmarks.serve.
"""

import importlib
import importlib.metadata
import math
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial

import trainers

from superposition.benchmarks.meters import meter_for
from superposition.benchmarks.serve import Answer, Contender, Worker, serve
from superposition.benchmarks.stream import Case, batches

PACKAGES = ("sae-lens", "dictionary-learning", "eai-sparsify", "torch", "transformers")
WARM_STEPS, TRIAL_STEPS = {"cpu": 1, "cuda": 3}, {"cpu": 2, "cuda": 10}
"""Steps before and while the fastest setting is found."""


def main(peer: str) -> None:
    """Answer for one peer until the input ends."""
    warnings.filterwarnings("ignore")
    extra = {
        "versions": partial(versions, peer),
        "metrics": lambda question: importlib.import_module("definitions").metrics(question),
        "forward": lambda question: importlib.import_module("forward").forward(question),
    }
    serve(Worker(lambda case: fastest(peer, case), extra=extra))


def versions(peer: str, question: Answer) -> Answer:
    """What is installed here, if the peer itself is: an error otherwise."""
    trainers.peer(peer)
    names = {each.metadata["Name"].lower() for each in importlib.metadata.distributions()}
    return {name: importlib.metadata.version(name) for name in PACKAGES if name in names}


def fastest(peer: str, case: Case) -> Contender:
    """The peer in that of its settings which takes the least time a step.

    Of the processor, all cores together; on a GPU by the clock.
    """
    make = trainers.peer(peer)
    settings = make.settings(case)
    if len(settings) == 1:
        return make(case, settings[0])
    times = {setting: _trial(partial(make, case, setting), case) for setting in settings}
    best = make(case, min(times, key=times.__getitem__))
    broken = [setting for setting, seconds in times.items() if seconds == math.inf]
    best.setting += "".join(f" ({setting}: does not run here)" for setting in broken)
    return best


def _trial(make: Callable[[], Contender], case: Case) -> float:
    """Time of a few steps; infinite if the setting does not work on this machine."""
    meter = meter_for(case.device)
    try:
        seconds = _seconds(make(), case)
    except Exception:  # whatever its libraries raise
        seconds = math.inf
    meter.give_back()
    return seconds


def _seconds(contender: Contender, case: Case) -> float:
    meter, kind = meter_for(case.device), case.device.split(":")[0]
    clock = time.perf_counter if kind == "cuda" else time.process_time
    x = next(batches(case)).to(case.device)
    for _ in range(WARM_STEPS[kind]):
        contender.step(x)
    meter.wait()
    began = clock()
    for _ in range(TRIAL_STEPS[kind]):
        contender.step(x)
    meter.wait()
    return clock() - began


if __name__ == "__main__":
    main(sys.argv[1])
